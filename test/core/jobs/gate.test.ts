import { describe, expect, it } from 'vitest'
import type {
  AnalysisReport,
  ComparisonReport,
  CompressionReport,
  PlanReport,
  VersusReport,
} from '../../../core/contract.ts'
import { checkReport } from '../../../core/jobs/gate.ts'

const analysis = (method: 'exact' | 'randomized', changes: Partial<AnalysisReport> = {}) =>
  ({
    tensor: 'w',
    method,
    rank: 2,
    errorCurve: [1, 0.6, 0.3],
    relativeError: 0.3,
    singularValues: [4, 3],
    frobeniusNorm: 5.2,
    resolution: 4e-6,
    valueResolution: 4e-6,
    ...changes,
  }) as AnalysisReport
const comparison = (changes: Partial<ComparisonReport> = {}, sketch: Partial<AnalysisReport> = {}) =>
  ({
    tensor: 'w',
    exact: analysis('exact'),
    randomized: analysis('randomized', sketch),
    floor: 0.3,
    excess: 0,
    resolution: 4e-6,
    singularValueError: { mean: 0, max: 0, perIndex: [0, 0] },
    ...changes,
  }) as ComparisonReport
const versus = (errors: number[]) =>
  ({
    tensor: 'w',
    a: { report: analysis('exact'), errors: [0.3], excess: 0 },
    b: { report: analysis('randomized'), errors, excess: 0 },
    floor: 0.3,
    resolution: 4e-6,
  }) as unknown as VersusReport
const refused = expect.objectContaining({ code: 'internal-check' })

describe('the gate', () => {
  it('lets sound numbers out, rounding included', () => {
    for (const sound of [
      { kind: 'analyze', report: analysis('randomized') },
      { kind: 'compare', report: comparison() },
      { kind: 'compare', report: comparison({}, { relativeError: 0.3 - 1e-6 }) },
      { kind: 'versus', report: versus([0.3, 0.31]) },
    ] as const)
      expect(() => checkReport(sound), sound.kind).not.toThrow()
  })

  it.each([
    ['an error of 250 %', { relativeError: 2.5 }],
    ['an error that is no number', { relativeError: Number.NaN }],
    ['a curve that grows', { errorCurve: [1, 0.3, 0.4] }],
    ['values that are not descending', { singularValues: [3, 4] }],
    ['a norm beyond the range', { frobeniusNorm: Number.POSITIVE_INFINITY }],
  ])('holds an analysis with %s', (_, wrong) => {
    expect(() => checkReport({ kind: 'analyze', report: analysis('randomized', wrong) })).toThrow(refused)
  })

  it('holds comparisons below the floor, with values above the exact ones, with a negative excess', () => {
    for (const report of [
      comparison({}, { relativeError: 0.29 }),
      comparison({}, { singularValues: [4.1, 3] }),
      comparison({ excess: -6.9e-6 }),
    ])
      expect(() => checkReport({ kind: 'compare', report })).toThrow(refused)
    expect(() => checkReport({ kind: 'versus', report: versus([0.3, 0.2]) })).toThrow(refused)
  })

  it('holds plans and compressions with a tensor beyond 100 %, and says which', () => {
    const tensors = [{ name: 'layers.3.w', relativeError: 2.507 }]
    const plan = { tensors, relativeError: 0.1, absoluteError: null } as unknown as PlanReport
    const compression = { ...plan, output: 'out' } as unknown as CompressionReport
    expect(() => checkReport({ kind: 'plan', report: plan })).toThrow(/layers\.3\.w.*2\.507/)
    expect(() => checkReport({ kind: 'compress', report: compression })).toThrow(/layers\.3\.w.*2\.507/)
  })
})
