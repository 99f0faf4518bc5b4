import { expect, test } from 'vitest'
import type { TensorReport } from '../../../../core/contract.ts'
import { errorCurve, floorCurve } from '../../../../core/curves/error-curve.ts'
import { defaultParams, sketchKeyOf } from '../../../../core/params.ts'
import { storable } from '../../../../core/plan/describe.ts'
import { bytesAtRank } from '../../../../core/plan/verdict.ts'
import { type OutputId, styles } from '../../../../core/styles.ts'
import type { Choice } from '../../../../renderer/choices/rules.ts'
import { estimateFile } from '../../../../renderer/model/figures/estimate.ts'
import { verdictsOf } from '../../../../renderer/model/figures/verdicts.ts'
import { chosenRank, errorAt, tensorView } from '../../../../renderer/model/looking/view.ts'
import { someWords } from '../../../core/messages/words.ts'
import { analysisReport, tensorReport } from '../harness.ts'

const tensor = tensorReport('w', { dtype: 'BF16', shape: [100, 80], matrix: [100, 80], byteLength: 16_000 })
const values = Array.from({ length: 80 }, (_, i) => 1 / (i + 1))
const norm = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0))
const report = (method: 'randomized' | 'exact', rank: number) => {
  const curve = errorCurve(norm, values).slice(0, rank + 1)
  return analysisReport({
    ...{ matrix: [100, 80], dtype: 'BF16', method, rank, breakEvenRank: 44, noiseError: 0.5 },
    ...{ frobeniusNorm: norm, relativeError: curve[rank]!, errorCurve: curve },
    singularValues: method === 'exact' ? values : values.slice(0, rank),
  })
}
const params = { ...defaultParams, rank: 20 }
const view = (method: 'randomized' | 'exact', now = params) =>
  tensorView({
    tensor,
    params: now,
    analysis: { key: sketchKeyOf(params), report: report(method, 20) },
    comparison: undefined,
    estimate: null,
  })!

test('a sketch answers for every rank up to its own', () => {
  const sketch = view('randomized')
  expect(errorAt(sketch, 0)).toBe(1)
  expect(errorAt(sketch, 20)).toBe(report('randomized', 20).relativeError)
  expect(errorAt(sketch, 21)).toBeNull()
  expect(sketch.floor).toBeNull()
})

test('an exact report answers for all ranks and is its own floor', () => {
  const exact = view('exact')
  expect(exact.curve).toEqual(floorCurve(values))
  expect(errorAt(exact, 80)).toBe(0)
  expect(exact.noiselike).toBe(false)
})

test('a report of other parameters is shown as stale', () => {
  expect(view('randomized', { ...params, nIter: 5 }).stale).toBe(true)
  expect(view('randomized', { ...params, rank: 3, factorDType: 'F16' }).stale).toBe(false)
})

test('break-even follows the dtype of the factors', () => {
  expect(view('exact').breakEven).toBe(Math.floor((100 * 80) / 180))
  expect(view('exact', { ...params, factorDType: 'F32' }).breakEven).toBe(Math.floor((100 * 80) / 360))
})

test('without a plan the page says no least rank where a rounding that it cannot foresee decides', () => {
  const asked = { ...params, goalError: 1e-3 }
  for (const known of [null, { rank: null }])
    expect(chosenRank(view('randomized', asked), asked, known)).toEqual({
      rank: 20,
      reached: true,
      ...(known === null && { provisional: true }),
    })
})

const estimate = (tensors: readonly TensorReport[], choice: Choice, now: typeof params) =>
  estimateFile(tensors, verdictsOf(tensors, choice, now), now)

test('a stack of experts weighs as many factors as it has matrices', () => {
  const stack = {
    ...tensor,
    name: 'experts.w',
    shape: [4, 100, 80],
    matrix: [4, 100, 80],
    kind: 'experts' as const,
    byteLength: 64_000,
  }
  expect(bytesAtRank(storable(stack, params)!, params.rank)).toBe(4 * 180 * 20 * 2)
})

test('a file keeps what is kept, what was left out and what would grow', () => {
  const tensors = [
    tensor,
    { ...tensor, name: 'bias', shape: [100], matrix: null, plan: 'keep' as const, byteLength: 200 },
  ]
  const nobody = { included: new Set<string>(), excluded: new Set<string>() }
  expect(estimate(tensors, nobody, params)).toMatchObject({ bytesAfter: 7_400, compressed: 1 })
  expect(estimate(tensors, nobody, { ...params, rank: 50 })).toMatchObject({ bytesAfter: 16_200, wouldGrow: 1 })
  expect(estimate(tensors, { ...nobody, excluded: new Set(['w']) }, params)).toMatchObject({
    bytesAfter: 16_200,
    kept: 2,
  })
})

test('what an output has no place for is kept before any plan, as a run keeps it', () => {
  const nobody = { included: new Set<string>(), excluded: new Set<string>() }
  const use = {
    isInNode: false,
    isConvolution: false,
    input: 'rows',
    flops: 'product',
    int8Axis: null,
    opset: 17,
  } as const
  const inGraph = { ...tensor, name: 'g', inGraph: { ...use, unfit: null } }
  const unfit = { ...tensor, name: 'u', inGraph: { ...use, unfit: someWords('a QLinearMatMul') } }
  const experts = { ...tensor, name: 'experts.w', shape: [4, 100, 80], matrix: [4, 100, 80], byteLength: 64_000 }
  const decided = (output: OutputId, now: Partial<typeof params> = {}) => [
    ...verdictsOf([inGraph, unfit, experts], nobody, { ...params, ...now }, output).keys(),
  ]
  expect(decided('factors')).toEqual(['g', 'u', 'experts.w'])
  expect(decided('onnx')).toEqual(['g'])
  expect(decided('aguf')).toEqual(['g', 'u'])
  expect(decided('onnx', { sparseDensity: 0.01 })).toEqual([])
})

test('an archive of NumPy arrays holds BF16 as F32', () => {
  const nobody = { included: new Set<string>(), excluded: new Set<string>() }
  const bias = { ...tensor, name: 'bias', shape: [100], matrix: null, plan: 'keep' as const, byteLength: 200 }
  const verdicts = verdictsOf([tensor, bias], nobody, params, 'npz')
  expect(estimateFile([tensor, bias], verdicts, params, undefined, styles.npz).bytesAfter).toBe(180 * 20 * 4 + 400)
})

test('a quantized tensor counts as it is copied, and a shared storage as often as it is written', () => {
  const nobody = { included: new Set<string>(), excluded: new Set<string>() }
  const quantized = { ...tensor, dtype: 'Q8_0', decodedDType: 'F32' as const, byteLength: 8_500, decodedBytes: 32_000 }
  expect(bytesAtRank(storable(quantized, params)!, params.rank)).toBe(180 * 20 * 4)
  expect(estimate([quantized], nobody, params)).toMatchObject({ bytesAfter: 32_000, wouldGrow: 1 })
  const tied = { ...tensor, name: 'again', sharesStorageWith: 'w' }
  expect(estimate([tensor, tied], nobody, params)).toMatchObject({ bytesAfter: 14_400 })
})
