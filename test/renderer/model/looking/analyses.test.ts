import { beforeEach, expect, test } from 'vitest'
import type { AnalysisReport, ComparisonReport } from '../../../../core/contract.ts'
import { defaultParams, sketchKeyOf } from '../../../../core/params.ts'
import { comparisonKey, presetOf, speedPresets } from '../../../../renderer/choices/params.ts'
import { analysesReducers, covers, useAnalyses } from '../../../../renderer/model/looking/analyses.ts'
import { someWords } from '../../../core/messages/words.ts'
import { analysisReport } from '../harness.ts'

const report = analysisReport({
  matrix: [4, 3],
  rank: 2,
  oversample: 1,
  singularValues: [2, 1],
  frobeniusNorm: Math.sqrt(5.25),
  relativeError: Math.sqrt(0.25 / 5.25),
  errorCurve: [1, Math.sqrt(1.25 / 5.25), Math.sqrt(0.25 / 5.25)],
})
const params = { ...defaultParams, rank: 2 }
const state = () => useAnalyses.getState()

beforeEach(() => {
  analysesReducers.reset()
})

test('an analysis answers for the parameters that it was computed with', () => {
  analysesReducers.analyzed(report, params)
  expect(state().analyses.w).toEqual({ key: sketchKeyOf(params), report })
})

test('a failed job leaves its sentence with the tensor, until another looks at it', () => {
  const error = { code: 'bad-file', said: [someWords('It ends early.')] } as const
  analysesReducers.failed('w', error)
  expect(state().failures).toEqual({ w: error })
  analysesReducers.asked('w')
  expect(state().failures).toEqual({})
})

test('a comparison is an analysis as well, but never replaces one that reaches further', () => {
  const exact: AnalysisReport = { ...report, method: 'exact' }
  const comparison: ComparisonReport = {
    tensor: 'w',
    exact,
    randomized: report,
    floor: 0.2,
    excess: 0,
    singularValueError: { mean: 0, max: 0, perIndex: [0, 0] },
    resolution: 1e-6,
    subspaceAngle: 0,
    canonicalAngles: { rank: 2, gap: 0.5, angles: [0, 0] },
    speedup: 2,
  }
  analysesReducers.compared(comparison, params)
  expect(state().analyses.w?.report).toBe(report)
  const wider = { ...report, rank: 3 }
  analysesReducers.analyzed(wider, params)
  analysesReducers.compared(comparison, params)
  expect(state().analyses.w?.report).toBe(wider)
  expect(state().comparisons.w).toEqual({ key: comparisonKey(params), report: comparison })
  // Both methods run, whichever is chosen; more iterations are another sketch.
  expect(comparisonKey({ ...params, method: 'exact' })).toBe(comparisonKey(params))
  expect(comparisonKey({ ...params, nIter: 5 })).not.toBe(comparisonKey(params))
})

test('a sketch covers every rank up to its own, an exact SVD covers all, and none covers other parameters', () => {
  const analysis = { key: sketchKeyOf(params), report }
  expect(covers(analysis, params, 1)).toBe(true)
  expect(covers(analysis, params, 3)).toBe(false)
  expect(covers({ ...analysis, report: { ...report, method: 'exact' } }, params, 3)).toBe(true)
  expect(covers(analysis, { ...params, rank: 1 }, 1)).toBe(true)
  for (const change of [{ nIter: 3 }, { oversample: 5 }, { method: 'exact' }, { seed: 1 }] as const)
    expect(covers(analysis, { ...params, ...change }, 1), JSON.stringify(change)).toBe(false)
  expect(covers(analysis, { ...params, factorDType: 'F16' }, 1)).toBe(true)
})

test('a preset is found again from its parameters', () => {
  for (const [name, preset] of Object.entries(speedPresets)) expect(presetOf({ ...params, ...preset })).toBe(name)
  expect(presetOf({ ...params, method: 'randomized', nIter: 7 })).toBeNull()
})
