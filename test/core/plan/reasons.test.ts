/** Why a plan does what it does with each tensor: keys and values. */
import { expect, test } from 'vitest'
import type { WeightFile } from '../../../core/formats/format.ts'
import { compressFile } from '../../../core/jobs/compress.ts'
import { withFiniteValues } from '../../../core/jobs/steps/planned-run.ts'
import { inEnglish, say } from '../../../core/messages/english.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { planFile } from '../../../core/plan/plan.ts'
import type { DType } from '../../../core/tensor.ts'
import { compressJob, openTensors, testContext, weights } from '../jobs/harness.ts'
import { memoryFolder } from '../memory-folder.ts'

const tensors: [name: string, shape: number[], dtype: DType, key: string][] = [
  ['empty', [0, 8], 'F32', 'plan.no-entries'],
  ['scalar', [], 'F32', 'plan.scalar'],
  ['norm.weight', [512], 'F32', 'plan.one-dimensional'],
  ['deep', [2, 2, 2, 2, 2, 2], 'F32', 'plan.dimensions'],
  ['ids', [512, 512], 'I64', 'plan.dtype'],
  ['model.embed_tokens.weight', [512, 512], 'F32', 'plan.embedding'],
  ['lm_head.weight', [512, 512], 'F32', 'plan.head'],
  ['mlp.gate.weight', [512, 512], 'F32', 'plan.router'],
  ['thin.weight', [8, 512], 'F32', 'plan.narrow'],
  ['small.weight', [96, 96], 'F32', 'all'],
  ['large.weight', [512, 512], 'F32', 'plan.rank'],
]
const file = {
  tensors: tensors.map(([name, shape, dtype]) => ({
    name,
    shape,
    dtype,
    byteLength: shape.reduce((product, length) => product * length, dtype === 'I64' ? 8 : 4),
  })),
} as unknown as WeightFile

test('every tensor has its reason', () => {
  const plans = planFile(file, defaultParams, { include: [], exclude: [] })
  expect(plans.map(({ reason }) => reason.key)).toEqual(tensors.map(([, , , key]) => key))
})

test('numbers stay numbers', () => {
  const plans = planFile(file, defaultParams, { include: [], exclude: [] })
  const values = Object.fromEntries(plans.map(({ info, reason }) => [info.name, reason.values]))
  expect(values['thin.weight']).toEqual({ shape: [8, 512], least: 64 })
  expect(values['small.weight']).toEqual({
    said: [
      say('plan.grows', { rank: 64, dtype: 'F32', before: 4 * 96 * 96, after: 4 * 64 * (96 + 96) }),
      say('plan.largest-useful-rank', { rank: 47 }),
    ],
  })
})

test('what a goal keeps has its reason', async () => {
  const keyUnder = async (params: Partial<Params>) => {
    const opened = await openTensors(weights('w', [96, 80]))
    const target = { folder: memoryFolder('out'), name: 'o.safetensors' }
    const job = compressJob({ minRank: 1, ...params })
    const report = await compressFile({ model: opened, target }, job, testContext())
    return report.tensors[0]!.reason
  }
  expect(await keyUnder({ goalSize: 1e9 })).toMatchObject({ key: 'plan.size-goal' })
  expect(await keyUnder({ goalError: 1e-6 })).toMatchObject({ key: 'plan.break-even', values: { rank: 43 } })
  // Others may be cut at errors above the goal: break-even is no reason then.
  expect(await keyUnder({ goalError: 1e-6, goalScope: 'model' })).toMatchObject({ key: 'plan.model-goal' })
  expect(await keyUnder({ goalError: 1e-6, maxRank: 20 })).toMatchObject({
    key: 'plan.rank-limit',
    values: { rank: 20 },
  })
})

test.each([
  [{ nanCount: 0, infCount: 12 }, 'large.weight has 12 Inf values. It was kept unchanged.'],
  [{ nanCount: 1, infCount: 0 }, 'large.weight has 1 NaN value. It was kept unchanged.'],
  [{ nanCount: 3, infCount: 1 }, 'large.weight has 3 NaN values and 1 Inf value. It was kept unchanged.'],
])('values that are no numbers: %j', async (counts, sentence) => {
  const plan = planFile(file, defaultParams, { include: [], exclude: [] }).find(({ action }) => action === 'factorize')!
  const { reason } = await withFiniteValues(plan, async () => ({ ...counts, crc: 0 }))
  expect(reason).toMatchObject({ key: 'plan.kept-unchanged', values: { why: [{ key: 'plan.non-finite' }] } })
  expect(inEnglish(reason)).toBe(sentence)
})
