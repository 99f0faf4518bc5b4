/** What a report of two ways says of randomized against exact. */

import type { ComparisonReport, VersusReport } from '../contract.ts'
import { excessOverFloor } from '../curves/error-curve.ts'
import { mean } from '../curves/mean.ts'
import { singularValueErrors } from '../curves/singular-value-error.ts'

/** The floor, and what going fast costs and gains; null where the two ways are not randomized and exact at one rank. */
export function comparisonOf(report: VersusReport): ComparisonReport | null {
  const { tensor, a, b, floor, resolution, subspaceAngle, canonicalAngles } = report
  const [exact, randomized] = a.report.method === 'exact' ? [a, b] : [b, a]
  if (exact.report.method !== 'exact' || randomized.report.method === 'exact') return null
  if (floor === null || exact.report.rank !== randomized.report.rank) return null
  const [exactMs, randomizedMs] = [mean(exact.computeMs), mean(randomized.computeMs)]
  return {
    tensor,
    exact: { ...exact.report, computeMs: [exactMs] },
    randomized: { ...randomized.report, computeMs: [randomizedMs] },
    floor,
    excess: excessOverFloor(randomized.report.relativeError, floor, resolution),
    resolution,
    singularValueError: singularValueErrors(
      exact.report.singularValues,
      randomized.report.singularValues,
      Math.max(exact.report.valueResolution, randomized.report.valueResolution),
    ),
    subspaceAngle,
    canonicalAngles,
    speedup: exactMs / randomizedMs,
  }
}
