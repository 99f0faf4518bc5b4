/** Everything the centre and the read-outs show of one tensor, worked out from reports: no job, no matrix. */
import type { JobView } from '../../../core/client/job-view.ts'
import type { AnalysisReport, ComparisonReport, PlannedTensor, TensorReport } from '../../../core/contract.ts'
import { floorCurve } from '../../../core/curves/error-curve.ts'
import { behavesLikeNoise } from '../../../core/curves/noise-line.ts'
import { type Params, sketchKeyOf } from '../../../core/params.ts'
import { storable } from '../../../core/plan/describe.ts'
import { breakEvenRank, largestUsefulRank } from '../../../core/plan/factor-dtype.ts'
import { leastRank, ownCurveDecides } from '../../../core/plan/goals.ts'
import type { Storable } from '../../../core/plan/verdict.ts'
import type { OutputId } from '../../../core/styles.ts'
import type { MatrixView } from '../../../core/tensor.ts'
import { goalOf } from '../../choices/goal.ts'
import { comparisonKey } from '../../choices/params.ts'
import type { Analysis, Comparison } from './analyses.ts'

export interface TensorView {
  readonly tensor: TensorReport
  readonly size: MatrixView
  /** How its factors would be stored. */
  readonly matrix: Storable
  /** min(rows, cols). */
  readonly smallest: number
  /** The last report, made with these parameters or (stale) with others. */
  readonly report: AnalysisReport | null
  readonly stale: boolean
  /** Relative error at rank 0, 1, ... of the last report. */
  readonly curve: readonly number[]
  /** As it stood after the last power iteration of the job that looks at it. */
  readonly estimate: JobView['estimate']
  /** All singular values, once an exact SVD of this tensor is known. */
  readonly exactValues: readonly number[] | null
  /** Eckart-Young error at rank 0..min(m, n), where the exact values are known. */
  readonly floor: readonly number[] | null
  readonly comparison: ComparisonReport | null
  /** The comparison was made with other parameters; its exact side holds all the same. */
  readonly comparisonStale: boolean
  readonly breakEven: number
  /** true or false where the error at the rank that keeps half the values is known. */
  readonly noiselike: boolean | null
}

export interface ViewInput {
  readonly tensor: TensorReport | undefined
  readonly params: Params
  readonly output?: OutputId | undefined
  readonly analysis: Analysis | undefined
  readonly comparison: Comparison | undefined
  /** Of the job that looks at this tensor. */
  readonly estimate: JobView['estimate']
}

/** null for what is no matrix. Cost: O(min(m, n)) where the exact values are known. */
export function tensorView(input: ViewInput): TensorView | null {
  const { tensor, params, output, analysis, comparison, estimate } = input
  const matrix = tensor ? storable(tensor, params, output) : null
  if (!tensor || !matrix) return null
  const size = matrix.view
  const { rows, cols } = size
  const report = analysis?.report ?? null
  const exactValues =
    comparison?.report.exact.singularValues ?? (report?.method === 'exact' ? report.singularValues : null)
  const floor = exactValues ? floorCurve(exactValues) : null
  const curve = !report ? [] : report.method === 'exact' ? (floor ?? []) : report.errorCurve
  return {
    tensor,
    size,
    matrix,
    smallest: Math.min(rows, cols),
    report,
    stale: analysis !== undefined && analysis.key !== sketchKeyOf(params),
    curve,
    estimate,
    exactValues,
    floor,
    comparison: comparison?.report ?? null,
    comparisonStale: comparison !== undefined && comparison.key !== comparisonKey(params),
    breakEven: matrix.isDifference ? Math.min(rows, cols) : breakEvenRank(matrix.info, size, matrix.stored),
    // The noise line is of weights.
    noiselike: report?.outputs ? null : behavesLikeNoise(rows, cols, (rank) => (floor ?? curve)[rank]),
  }
}

/** The error at a rank; null where the last report does not reach. At the report's own rank it is the number the engine gave. */
export function errorAt(view: TensorView, rank: number): number | null {
  if (view.report && rank === view.report.rank) return view.report.relativeError
  return view.curve[rank] ?? null
}

/**
 * The rank of this tensor under the parameters: the one chosen for all, the one a plan has found for it, or the least that meets an error
 * goal. A goal that the curve does not reach is shown at its end (`reached` false); where a plan keeps the tensor its own reason says why.
 * Without a plan, what a goal over all tensors gives each is not known: the rank for all is looked at meanwhile (`provisional`).
 */
export function chosenRank(
  view: TensorView,
  params: Params,
  planned: Pick<PlannedTensor, 'rank'> | null,
  /** Of its own, whatever the goal. */
  pin?: number,
): { readonly rank: number; readonly reached: boolean; readonly provisional?: boolean } {
  if (pin !== undefined) return { rank: Math.min(pin, view.smallest), reached: true }
  const allRanks = Math.min(params.rank, view.smallest)
  if (goalOf(params) === 'rank') return { rank: allRanks, reached: true }
  if (planned && planned.rank !== null) return { rank: planned.rank, reached: true }
  // Kept: what its reason speaks of is the last rank before factors are as large as itself.
  if (planned && view.curve.length > 1) {
    const { info, view: size, stored, keptBytes } = view.matrix
    const last = Math.min(largestUsefulRank(info, size, stored, keptBytes), params.maxRank, view.curve.length - 1)
    return { rank: Math.max(1, last), reached: true }
  }
  if (view.curve.length === 0 || !ownCurveDecides(view.matrix, params))
    return { rank: allRanks, reached: true, provisional: planned === null }
  const least = leastRank(view.matrix, view.curve, params)
  return { rank: least ?? view.curve.length - 1, reached: typeof least === 'number' || planned !== null }
}
