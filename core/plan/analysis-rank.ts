/**
 * At which rank a matrix is analyzed. The same for as many requests as possible, so that one analysis answers them all: another goal,
 * allocation, smallest or largest rank, factor dtype. It follows from the request alone, never from what was analyzed before, because what
 * a compression with a goal writes is cut from this very sketch.
 */

import { paramEntries } from '../param-entries.ts'
import { type FittedParams, fitParams, type Params } from '../params.ts'
import type { MatrixView, TensorInfo } from '../tensor.ts'
import { largestUsefulRank } from './factor-dtype.ts'

/** Factors with the fewest bytes: no request can use a rank beyond theirs. */
const smallestFactors = { dtype: 'INT8', layout: 'ab', sparseDensity: 0 } as const

/** For a goal: the largest rank one may choose, and every smaller one with it. */
export function goalSketch(info: TensorInfo, view: MatrixView, params: Params): FittedParams {
  return sketchOf(info, view, params, Math.max(params.maxRank, paramEntries.maxRank.default))
}

/** For a plan at a rank that is given: serves the goals too, unless they end below it. */
export function planSketch(info: TensorInfo, view: MatrixView, params: Params): FittedParams {
  return sketchOf(info, view, params, Math.max(params.rank, params.maxRank, paramEntries.maxRank.default))
}

/** Where only the dtype of the factors depends on the analysis, it may be as cheap as a sketch of the rank that is written. */
export function dtypeSketch(info: TensorInfo, view: MatrixView, params: Params): FittedParams {
  return sketchOf(info, view, params, params.rank)
}

/** Ranks that the analysis of a whole model under these parameters serves, in matrices that have as many. */
export function planReach({ rank, maxRank }: Params): number {
  return reachOf(Math.max(rank, maxRank, paramEntries.maxRank.default))
}

/** The next power of two: nearly as many requests as there are get the same sketch. */
function reachOf(least: number): number {
  let rank = 1
  while (rank < least) rank *= 2
  return rank
}

/** As far as `least` asks for, or to the largest rank that could still make the tensor smaller. */
function sketchOf(info: TensorInfo, view: MatrixView, params: Params, least: number): FittedParams {
  return fitParams(
    { ...params, rank: Math.max(1, Math.min(reachOf(least), largestUsefulRank(info, view, smallestFactors))) },
    view.rows,
    view.cols,
  )
}
