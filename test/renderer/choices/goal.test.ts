import { expect, test } from 'vitest'
import type { TensorReport } from '../../../core/contract.ts'
import { defaultParams, factorDTypes, factorLayouts } from '../../../core/params.ts'
import { factorBytes, factorDType } from '../../../core/plan/factor-dtype.ts'
import { type ComputableDType, dtypeBits } from '../../../core/tensor.ts'
import { allowedError, goalOf, leastRank, noGoal, rankToAnalyze } from '../../../renderer/choices/goal.ts'
import { compressedBytes } from '../../../renderer/choices/matrix.ts'
import { paramsReducers, useParams } from '../../../renderer/choices/params.ts'
import { estimateFile, expectedBytes } from '../../../renderer/model/estimate.ts'
import { someWords } from '../../core/messages/words.ts'

const size = { count: 1, rows: 300, cols: 200 }
const tensorOf = (dtype: ComputableDType, count = 1): TensorReport => ({
  name: 'w',
  dtype,
  shape: count === 1 ? [300, 200] : [count, 300, 200],
  byteLength: (count * 300 * 200 * dtypeBits[dtype]) / 8,
  matrix: count === 1 ? [300, 200] : [count, 300, 200],
  kind: count === 1 ? 'linear' : 'experts',
  plan: 'factorize',
  reason: someWords(''),
})

test('the least rank meets the goal and the one before does not', () => {
  const curve = [1, 0.6, 0.4, 0.4, 0.1, 0.05]
  for (const allowed of [0.9, 0.6, 0.5, 0.4, 0.2, 0.05]) {
    const rank = leastRank(curve, allowed, 1)!
    expect(curve[rank]!).toBeLessThanOrEqual(allowed)
    if (rank > 1) expect(curve[rank - 1]!).toBeGreaterThan(allowed)
  }
  expect(leastRank(curve, 0.01, 1)).toBeNull()
  // Nobody gets fewer than the smallest rank, however little would do.
  expect(leastRank([1, 0.3, 0.2, 0.1, 0.05], 0.4, 3)).toBe(3)
})

test('one goal at a time: setting none brings the rank back', () => {
  expect(goalOf(defaultParams)).toBe('rank')
  expect(goalOf({ ...defaultParams, goalError: 0.1 })).toBe('error')
  expect(goalOf({ ...defaultParams, goalEnergy: 0.99 })).toBe('error')
  expect(goalOf({ ...defaultParams, goalSize: 0.4 })).toBe('size')
  expect(goalOf({ ...{ ...defaultParams, goalSize: 0.4 }, ...noGoal })).toBe('rank')
})

test('each kind of goal is remembered while another is chosen, and leaves the rank alone', () => {
  useParams.setState({ params: { ...defaultParams, rank: 28 }, lastGoals: {} })
  paramsReducers.set({ ...noGoal, goalSize: 0.02 })
  paramsReducers.set({ ...noGoal, goalEnergy: 0.9 })
  paramsReducers.set(noGoal)
  const { params, lastGoals } = useParams.getState()
  expect(params.rank).toBe(28)
  expect(lastGoals).toEqual({ size: { ...noGoal, goalSize: 0.02 }, error: { ...noGoal, goalEnergy: 0.9 } })
})

test('an energy of 0.99 allows an error of 0.1', () => {
  expect(allowedError({ ...noGoal, goalEnergy: 0.99 })).toBeCloseTo(0.1, 12)
  expect(allowedError(noGoal)).toBeNull()
})

test('an error goal looks at every rank it could give', () => {
  expect(rankToAnalyze({ ...defaultParams, rank: 64 }, size, null)).toBe(64)
  expect(rankToAnalyze({ ...defaultParams, rank: 64, goalError: 0.1 }, size, null)).toBe(200)
  expect(rankToAnalyze({ ...defaultParams, maxRank: 128, goalError: 0.1 }, size, null)).toBe(128)
  expect(rankToAnalyze({ ...defaultParams, rank: 64, goalSize: 0.5 }, size, null)).toBe(64)
  // A plan may give it any rank that the analysis of the model reached.
  expect(rankToAnalyze({ ...defaultParams, goalSize: 0.5 }, size, 117)).toBe(117)
  expect(rankToAnalyze({ ...defaultParams, rank: 64 }, size, 117)).toBe(64)
})

test('the page takes factors for the dtype the engine writes', () => {
  for (const dtype of ['F64', 'F32', 'BF16', 'F8_E4M3'] as const) {
    for (const asked of factorDTypes) {
      for (const layout of factorLayouts) {
        if (asked === 'INT8' && layout === 'usv') continue
        for (const rank of [1, 64, 99, 100, 150]) {
          for (const [count, sparseDensity] of [
            [1, 0],
            [4, 0.013],
          ] as const) {
            const params = { ...defaultParams, factorDType: asked, factorLayout: layout, rank, sparseDensity }
            const view = { kind: 'linear' as const, count, rows: 300, cols: 200 }
            const stored = { dtype: factorDType(dtype, asked), layout, sparseDensity }
            expect(compressedBytes(tensorOf(dtype, count), params), `${dtype} ${asked} ${layout} ${rank}`).toBe(
              factorBytes(view as Parameters<typeof factorBytes>[0], rank, stored),
            )
          }
        }
      }
    }
  }
})

test('a size goal promises its size, an error goal none before the run', () => {
  const nobody = { included: new Set<string>(), excluded: new Set<string>() }
  const estimate = estimateFile([tensorOf('F32')], nobody, defaultParams)
  expect(expectedBytes(estimate, { ...defaultParams, goalSize: 0.25 }, null, false)).toEqual({
    kind: 'at-most',
    bytes: 60_000,
  })
  expect(expectedBytes(estimate, { ...defaultParams, goalSize: 1e4 }, null, false)).toEqual({
    kind: 'at-most',
    bytes: 1e4,
  })
  expect(expectedBytes(estimate, { ...defaultParams, goalError: 0.1 }, null, false).kind).toBe('unknown')
  expect(expectedBytes(estimate, defaultParams, null, false)).toEqual({ kind: 'estimate', bytes: estimate.bytesAfter })
  // What no run can do has no size, whatever was asked for.
  expect(expectedBytes(estimate, { ...defaultParams, goalSize: 1e4 }, null, true).kind).toBe('none')
})
