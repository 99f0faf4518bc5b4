/** Everything the centre and the read-outs show of one tensor, worked out from reports: no job, no matrix. */
import type { JobView } from '../../core/client/job-view.ts'
import type { AnalysisReport, ComparisonReport, PlannedTensor, TensorReport } from '../../core/contract.ts'
import { floorCurve } from '../../core/curves/error-curve.ts'
import { noiseError, noiseMargin } from '../../core/curves/noise-line.ts'
import { breakEvenRankInBytes, rankForShare } from '../../core/curves/size.ts'
import type { Params } from '../../core/params.ts'
import { allowedError, goalOf, leastRank } from '../choices/goal.ts'
import { bytesPerValue, factorBytesPerValue, type MatrixSize, matrixSize } from '../choices/matrix.ts'
import { comparisonKey, computingKey } from '../choices/params.ts'
import type { Analysis, Comparison } from './analyses.ts'

export interface TensorView {
  readonly tensor: TensorReport
  readonly size: MatrixSize
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
  readonly analysis: Analysis | undefined
  readonly comparison: Comparison | undefined
  /** Of the job that looks at this tensor. */
  readonly estimate: JobView['estimate']
}

/** null for what is no matrix. Cost: O(min(m, n)) where the exact values are known. */
export function tensorView({ tensor, params, analysis, comparison, estimate }: ViewInput): TensorView | null {
  const size = matrixSize(tensor)
  if (!tensor || !size) return null
  const { rows, cols } = size
  const report = analysis?.report ?? null
  const exactValues =
    comparison?.report.exact.singularValues ?? (report?.method === 'exact' ? report.singularValues : null)
  const floor = exactValues ? floorCurve(exactValues) : null
  const curve = !report ? [] : report.method === 'exact' ? (floor ?? []) : report.errorCurve
  return {
    tensor,
    size,
    smallest: Math.min(rows, cols),
    report,
    stale: analysis !== undefined && analysis.key !== computingKey(params),
    curve,
    estimate,
    exactValues,
    floor,
    comparison: comparison?.report ?? null,
    comparisonStale: comparison !== undefined && comparison.key !== comparisonKey(params),
    breakEven: breakEvenRankInBytes(rows, cols, bytesPerValue(tensor), factorBytesPerValue(tensor, params)),
    noiselike: behavesLikeNoise(size, floor ?? curve),
  }
}

/** Within 2 points of the noise line at the rank that keeps half of the values; null where that rank is not known. */
function behavesLikeNoise({ rows, cols }: MatrixSize, errors: readonly number[]): boolean | null {
  const rank = Math.round(rankForShare(rows, cols, 0.5))
  const error = errors[rank]
  return error === undefined || rank === 0 ? null : Math.abs(error - noiseError(rows, cols, rank)) <= noiseMargin
}

/** The error at a rank; null where the last report does not reach. At the report's own rank it is the number the engine gave. */
export function errorAt(view: TensorView, rank: number): number | null {
  if (view.report && rank === view.report.rank) return view.report.relativeError
  return view.curve[rank] ?? null
}

/**
 * The rank of this tensor under the parameters: the one chosen for all, the one a plan has found for it, or the least that meets an error
 * goal. A goal that the curve does not reach is shown at its end (`reached` false); where a plan keeps the tensor its own reason says why.
 * Without a plan, what a size goal gives each tensor is known after the run.
 */
export function chosenRank(
  view: TensorView,
  params: Params,
  planned: Pick<PlannedTensor, 'rank'> | null,
): { readonly rank: number; readonly reached: boolean } {
  const allRanks = Math.min(params.rank, view.smallest)
  if (goalOf(params) === 'rank') return { rank: allRanks, reached: true }
  if (planned && planned.rank !== null) return { rank: planned.rank, reached: true }
  const allowed = allowedError(params)
  if (allowed === null || view.curve.length === 0) return { rank: allRanks, reached: true }
  const least = leastRank(view.curve, allowed, params.minRank)
  return { rank: least ?? view.curve.length - 1, reached: least !== null || planned !== null }
}

/** Which part of the rank axis is shown. */
export const rankRanges = ['near', 'breakEven', 'full'] as const
export type RankRange = (typeof rankRanges)[number]

/** Last rank on the axis: twice what is known, a little beyond break-even, or all; never short of the rank that is chosen. */
export function lastRank(view: TensorView, range: RankRange, rank: number): number {
  const wanted = {
    near: 2 * (view.curve.length || rank),
    breakEven: Math.ceil(view.breakEven * 1.1),
    full: view.smallest,
  }
  return Math.max(2, Math.min(view.smallest, Math.max(wanted[range], rank)))
}
