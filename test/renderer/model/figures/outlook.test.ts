import { expect, test } from 'vitest'
import type { PlannedTensor, TensorReport } from '../../../../core/contract.ts'
import { defaultParams } from '../../../../core/params.ts'
import { allStyles, styles } from '../../../../core/styles.ts'
import { estimateFile } from '../../../../renderer/model/figures/estimate.ts'
import { outlookOf } from '../../../../renderer/model/figures/outlook.ts'
import { verdictsOf, wholeBytesOf } from '../../../../renderer/model/figures/verdicts.ts'
import type { PlanAnswer } from '../../../../renderer/model/planning/plan.ts'
import { tensorReport } from '../harness.ts'

const tensor = tensorReport('w', { shape: [300, 200], matrix: [300, 200], byteLength: 240_000 })
const choice = { included: new Set<string>(), excluded: new Set<string>() }
const curve = Array.from({ length: 65 }, (_, rank) => 1 / (1 + rank))
const outlook = (changes: Partial<typeof defaultParams>, known: readonly number[] | null = curve) => {
  const params = { ...defaultParams, ...changes }
  const verdicts = verdictsOf([tensor], choice, params)
  return outlookOf(tensor, { params, verdicts, plan: null, curve: known ?? undefined })
}

test('without a plan one rank for all is known at once, and its error from the curve', () => {
  expect(outlook({ rank: 9 })).toMatchObject({ kept: false, rank: 9, error: 0.1 })
  expect(outlook({ rank: 9 }, null)).toMatchObject({ kept: false, rank: 9, error: null })
})

test('how far an error is known comes with it, from the plan or from the analysis of the tensor itself', () => {
  const of = { params: defaultParams, verdicts: verdictsOf([tensor], choice, defaultParams), curve }
  expect(outlookOf(tensor, { ...of, plan: null, resolution: 4e-6 })).toMatchObject({ resolution: 4e-6 })
  const planned = { name: 'w', rank: 9, relativeError: 1e-7, resolution: 3e-6, bytesAfter: 18_000 } as PlannedTensor
  const plan = { tensors: new Map([['w', planned]]) } as unknown as PlanAnswer
  expect(outlookOf(tensor, { ...of, plan, resolution: 4e-6 })).toMatchObject({ error: 1e-7, resolution: 3e-6 })
})

test('without a plan an error goal is read off the curve, as a run will', () => {
  // 0.1 is the error of rank 9 before rounding: a run aims below it.
  expect(outlook({ goalError: 0.1 })).toMatchObject({ kept: false, rank: 10, error: 1 / 11 })
  expect(outlook({ goalError: 0.1 }, null)).toMatchObject({ kept: false, rank: null, error: null })
  expect(outlook({ goalError: 0.001, maxRank: 32 })).toMatchObject({ kept: true, rank: null, error: null })
  // Where the curve ends before the ranks do, nothing is known yet.
  expect(outlook({ goalError: 0.001 })).toMatchObject({ kept: false, rank: null, error: null })
  expect(outlook({ goalError: 0.1, goalScope: 'model' })).toMatchObject({ kept: false, rank: null })
  expect(outlook({ goalError: 0.1, factorDType: 'INT8' })).toMatchObject({ kept: false, rank: null })
})

test('without a plan nobody knows what a size goal gives a tensor, whatever rank was chosen before', () => {
  expect(outlook({ rank: 9, goalSize: 0.4 })).toMatchObject({ kept: false, rank: null, error: null })
})

test('while ranks are not settled the error at half the bytes is known from the curve alone', () => {
  // Factors of rank r take 4 r (300 + 200) bytes: half of 240,000 are 60 ranks.
  expect(outlook({ goalSize: 0.4 }).errorAtHalf).toBe(1 / 61)
  expect(outlook({ goalSize: 0.4 }, null).errorAtHalf).toBeNull()
  // A sparse part takes its share at every rank, once: 5 % of 60,000 entries at 12 bytes leave 84,000, which are 42 ranks.
  expect(outlook({ goalSize: 0.4, sparseDensity: 0.05 }).errorAtHalf).toBe(1 / 43)
  expect(outlook({ rank: 9 }).errorAtHalf).toBeNull()
})

test('an archive of NumPy arrays holds BF16 as F32, as the run will write it', () => {
  const half = tensorReport('w', { dtype: 'BF16', shape: [300, 200], matrix: [300, 200], byteLength: 120_000 })
  const params = { ...defaultParams, rank: 9 }
  const bytesAfter = (excluded: readonly string[]) => {
    const verdicts = verdictsOf([half], { ...choice, excluded: new Set(excluded) }, params, 'npz')
    return outlookOf(half, { params, verdicts, plan: null, curve: undefined, style: styles.npz }).bytesAfter
  }
  expect([bytesAfter([]), bytesAfter(['w'])]).toEqual([9 * 500 * 4, 240_000])
})

test('what stays whole in INT8 has the bytes that a run gives it, and what is excluded its own', () => {
  const inGraph: TensorReport['inGraph'] = {
    ...{ unfit: null, isInNode: false, isConvolution: false, int8Axis: 0, opset: 13 },
    input: 'cols',
    flops: 'product',
  }
  const taken = tensorReport('w', { shape: [300, 200], matrix: [300, 200], byteLength: 240_000, inGraph })
  const params = { ...defaultParams, rank: 9, denseDType: 'INT8' } as const
  const bytesAfter = (rank: number, excluded: readonly string[] = [], output: 'onnx' | 'factors' = 'onnx') => {
    const rules = { ...choice, excluded: new Set(excluded) }
    const at = { ...params, rank }
    const verdicts = verdictsOf([taken], rules, at, output)
    const written = { include: [], exclude: [...excluded] }
    const whole = wholeBytesOf([taken], () => written, at, output)
    const style = allStyles[output]
    return [
      outlookOf(taken, { params: at, verdicts, plan: null, curve: undefined, style, whole }).bytesAfter,
      estimateFile([taken], verdicts, at, undefined, style, whole).bytesAfter,
    ]
  }
  // Codes and a scale for each of 300 outputs; factors of rank 64 would take 4 x 64 x 500 bytes, and gain nothing any more.
  expect(bytesAfter(64)).toEqual([61_200, 61_200])
  expect(bytesAfter(9)).toEqual([18_000, 18_000])
  expect(bytesAfter(9, ['w'])).toEqual([240_000, 240_000])
  expect(bytesAfter(64, [], 'factors')).toEqual([128_000, 128_000])
})
