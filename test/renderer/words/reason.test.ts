/** The page has its own words for whatever a plan says: the sentences are taken from the plan itself. */
import { expect, test } from 'vitest'
import type { WeightFile } from '../../../core/formats/format.ts'
import { memoryFolder } from '../../../core/io.ts'
import { compressFile } from '../../../core/jobs/compress.ts'
import { withFiniteValues } from '../../../core/jobs/planned-run.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { planFile } from '../../../core/plan/plan.ts'
import type { DType } from '../../../core/tensor.ts'
import { recognizeReason } from '../../../renderer/words/reason.ts'
import { compressJob, openTensors, testContext, weights } from '../../core/jobs/harness.ts'

const tensors: [name: string, shape: number[], dtype: DType, key: string][] = [
  ['empty', [0, 8], 'F32', 'noEntries'],
  ['scalar', [], 'F32', 'scalar'],
  ['norm.weight', [512], 'F32', 'oneDimensional'],
  ['deep', [2, 2, 2, 2, 2, 2], 'F32', 'dimensions'],
  ['ids', [512, 512], 'I64', 'dtype'],
  ['model.embed_tokens.weight', [512, 512], 'F32', 'embedding'],
  ['lm_head.weight', [512, 512], 'F32', 'head'],
  ['mlp.gate.weight', [512, 512], 'F32', 'router'],
  ['thin.weight', [8, 512], 'F32', 'narrow'],
  ['small.weight', [96, 96], 'F32', 'grows'],
  ['large.weight', [512, 512], 'F32', 'factorized'],
]
const file = {
  tensors: tensors.map(([name, shape, dtype]) => ({
    name,
    shape,
    dtype,
    byteLength: shape.reduce((product, length) => product * length, dtype === 'I64' ? 8 : 4),
  })),
} as unknown as WeightFile

test('every reason of a plan is recognized', () => {
  const plans = planFile(file, defaultParams, { include: [], exclude: [] })
  expect(plans.map(({ reason }) => recognizeReason(reason)?.key ?? reason)).toEqual(tensors.map(([, , , key]) => key))
})

test('numbers of the sentence are kept', () => {
  const plans = planFile(file, defaultParams, { include: [], exclude: [] })
  const values = Object.fromEntries(plans.map(({ info, reason }) => [info.name, recognizeReason(reason)?.values]))
  expect(values['thin.weight']).toEqual({ shape: '8 x 512', least: '64' })
  expect(values['small.weight']).toEqual({ rank: '64', useful: '47' })
})

test('what a goal keeps is recognized', async () => {
  const keyUnder = async (params: Partial<Params>) => {
    const opened = await openTensors(weights('w', [96, 80]))
    const report = await compressFile(
      { model: opened, target: { folder: memoryFolder('out'), name: 'o.safetensors' } },
      compressJob({ minRank: 1, ...params }),
      testContext(),
    )
    const reason = inEnglish(report.tensors[0]!.reason)
    return recognizeReason(reason) ?? reason
  }
  expect(await keyUnder({ goalSize: 1e9 })).toMatchObject({ key: 'sizeGoal' })
  expect(await keyUnder({ goalError: 1e-6 })).toMatchObject({ key: 'breakEven', values: { rank: '43' } })
  expect(await keyUnder({ goalError: 1e-6, maxRank: 20 })).toMatchObject({ key: 'rankLimit', values: { rank: '20' } })
})

test.each([
  [{ nanCount: 0, infCount: 12 }, 'inf', { inf: '12' }],
  [{ nanCount: 1, infCount: 0 }, 'nan', { nan: '1' }],
  [{ nanCount: 3, infCount: 1 }, 'nanAndInf', { nan: '3', inf: '1' }],
])('values that are no numbers: %j', async (counts, key, values) => {
  const plan = planFile(file, defaultParams, { include: [], exclude: [] }).find(({ action }) => action === 'factorize')!
  const { reason } = await withFiniteValues(plan, async () => ({ ...counts, crc: 0 }))
  expect(recognizeReason(reason)).toMatchObject({ key, values })
})

test('a sentence without words of the page is shown as it came', () => {
  expect(recognizeReason('It is tired.')).toBeNull()
})
