/**
 * Randomized SVD: Halko, Martinsson, Tropp, SIAM Review 53 (2011), Algorithm 5.1.
 * range finder (subspace iteration, block Krylov, or blocks until an error is reached) -> B = QtA -> small SVD -> lift.
 */
import type { GaussianKey, Kernels } from '../kernels/kernels.ts'
import { allowedError, type FittedParams } from '../params.ts'
import { watchConvergence } from './convergence.ts'
import { findRangeTo } from './fixed-precision.ts'
import { findKrylovRange } from './krylov.ts'
import type { Observer, Stopwatch } from './observer.ts'
import type { Operand } from './operand.ts'
import { findRange } from './range-finder.ts'
import { type Range, smallSvd, type Triplets } from './small-svd.ts'

/**
 * The leading `params.rank` triplets of A (m x n), fewer where an adaptive sketch ends sooner: U m x k, V n x k, s descending in the operand's units.
 * U and V lie in the kernels' memory until the caller's mark.
 * @param key of the random sketch, and of columns that stand in for degenerate ones: the same key gives the same bits
 * @throws AppError `out-of-memory`, `cancelled`, `engine-died`
 */
export async function randomizedSvd(
  kernels: Kernels,
  operand: Operand,
  params: FittedParams,
  key: GaussianKey,
  observer: Observer,
  watch: Stopwatch,
): Promise<Triplets> {
  const range = await rangeOf(kernels, operand, params, key, observer, watch)
  const found = range.Q.reduce((sum, { cols }) => sum + cols, 0)
  const triplets = smallSvd(kernels, range, Math.min(params.rank, found), key)
  watch.lap('smallSvd')
  return triplets
}

function rangeOf(
  kernels: Kernels,
  operand: Operand,
  params: FittedParams,
  key: GaussianKey,
  observer: Observer,
  watch: Stopwatch,
): Promise<Range> {
  const { rank, oversample, columns, nIter, blocks } = params
  const watched = (iterations: number) => watchConvergence(kernels, operand, params, iterations, observer)
  switch (params.algorithm) {
    case 'subspace':
      return findRange(kernels, operand, { columns, nIter, key }, watched(nIter), observer, watch)
    case 'krylov':
      return findKrylovRange(kernels, operand, { columns, blocks, key, rank }, watched(blocks - 1), observer, watch)
    case 'adaptive': {
      const precision = { columns, most: rank + oversample, nIter, error: sketchedError(params), key }
      return findRangeTo(kernels, operand, precision, observer, watch)
    }
  }
}

/** A tenth of the goal is left to the rounding of factors. */
function sketchedError(params: FittedParams): number {
  return 0.9 * (allowedError(params) ?? 0)
}
