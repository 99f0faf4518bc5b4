import { expect, test } from 'vitest'
import type { AnalysisReport, VersusReport } from '../../../core/contract.ts'
import { comparisonOf } from '../../../core/plan/comparison.ts'

const side = (rank: number): VersusReport['a'] => ({
  ...{ report: { rank } as AnalysisReport, computeMs: [1], errors: [0.5], workingBytes: 1, excess: null },
})
const report: VersusReport = {
  ...{ tensor: 'w', a: side(1), b: side(2), floor: null, resolution: 1e-6, largestGap: { index: 1, relative: 0.1 } },
  subspaceAngle: 0.2,
  canonicalAngles: { rank: 2, gap: 0.5, angles: [0.2, 0] },
}

test('randomized against exact at one rank is a comparison, whichever side is which', () => {
  const values = (method: 'exact' | 'randomized', singularValues: number[], relativeError: number, ms: number) => ({
    ...side(2),
    report: { method, rank: 2, singularValues, relativeError, valueResolution: 1e-6 } as AnalysisReport,
    computeMs: [ms - 1, ms + 1],
  })
  const exact = values('exact', [4, 2, 1], 0.2, 30)
  const sketch = values('randomized', [4, 1.5], 0.25, 10)
  const expected = { floor: 0.2, excess: 0.25, speedup: 3, singularValueError: { mean: 0.125, max: 0.25 } }
  expect(comparisonOf({ ...report, a: exact, b: sketch, floor: 0.2 })).toMatchObject(expected)
  expect(comparisonOf({ ...report, a: sketch, b: exact, floor: 0.2 })).toMatchObject(expected)
  expect(comparisonOf({ ...report, a: sketch, b: sketch })).toBeNull()
  expect(comparisonOf({ ...report, a: exact, b: exact, floor: 0.2 })).toBeNull()
})
