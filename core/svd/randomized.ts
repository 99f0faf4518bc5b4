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
import { smallSvd, type Triplets } from './small-svd.ts'

export async function randomizedSvd(
  kernels: Kernels,
  operand: Operand,
  params: FittedParams,
  key: GaussianKey,
  observer: Observer,
  watch: Stopwatch,
): Promise<Triplets> {
  const { algorithm, rank, oversample, columns, nIter, blocks } = params
  const convergence = watchConvergence(kernels, operand, params, observer)
  const range =
    algorithm === 'adaptive'
      ? await findRangeTo(
          kernels,
          operand,
          { columns, most: rank + oversample, nIter, error: sketchedError(params), key },
          observer,
          watch,
        )
      : algorithm === 'krylov'
        ? await findKrylovRange(
            kernels,
            operand,
            { columns, nIter: blocks - 1, key, rank },
            convergence,
            observer,
            watch,
          )
        : await findRange(kernels, operand, { columns, nIter, key }, convergence, observer, watch)
  const found = range.Q.reduce((sum, { cols }) => sum + cols, 0)
  const triplets = smallSvd(kernels, range, Math.min(rank, found), key)
  watch.lap('smallSvd')
  return triplets
}

/** A tenth of the goal is left to the rounding of factors. */
function sketchedError(params: FittedParams): number {
  return 0.9 * (allowedError(params) ?? 0)
}
