import { expect, test } from 'vitest'
import type { WeightFile } from '../../../../core/formats/format.ts'
import { withFactorNotice } from '../../../../core/formats/opening/factor-notice.ts'
import { inEnglish } from '../../../../core/messages/english.ts'
import { describeFile } from '../../../../core/plan/describe.ts'
import { openTensors, weights } from '../../jobs/harness.ts'

const factors = (name: string, rank: number) => [
  weights(`${name}.lowrank_A`, [rank, 96]),
  weights(`${name}.lowrank_B`, [128, rank]),
]
const said = (file: WeightFile) => file.notices.map((notice) => inEnglish(notice))

test('an output of ours is recognized: its matrices, their ranks, its error', async () => {
  const file = await openTensors(...factors('a.weight', 4), ...factors('b.weight', 62), weights('norm', [96, 96]))
  const metadata = new Map([['ghostsvd.error', '4.301000e-01']])
  expect(said(withFactorNotice({ ...file, metadata, notices: [] }))).toEqual([
    'Compressed by GhostSVD: 2 matrices, ranks 4 to 62, model error 43.01 %. Its factors are shown as they are: a factor of a factor would only add an error.',
  ])
  expect(said(file)[0]).toContain('2 matrices, ranks 4 to 62. Its factors')
  // An error that is none is not told.
  const odd = new Map([['ghostsvd.error', '1e9']])
  expect(said(withFactorNotice({ ...file, metadata: odd, notices: [] }))[0]).toContain('ranks 4 to 62. Its')
})

test('its factors are not offered as matrices, what was kept beside them is', async () => {
  const file = await openTensors(...factors('a.weight', 64), weights('b.weight', [96, 96]))
  const described = describeFile(file)
  expect(described.map(({ name, matrix }) => [name, matrix !== null])).toEqual([
    ['a.weight.lowrank_A', false],
    ['a.weight.lowrank_B', false],
    ['b.weight', true],
  ])
})
