/**
 * Randomized SVD: Halko, Martinsson, Tropp, SIAM Review 53 (2011), Algorithm 5.1.
 * range finder (subspace iteration or block Krylov) -> B = QtA -> small SVD -> lift.
 */
import type { GaussianKey, Kernels } from '../kernels/kernels.ts'
import type { FittedParams } from '../params.ts'
import { watchConvergence } from './convergence.ts'
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
  const { algorithm, rank, columns, nIter, blocks } = params
  const convergence = watchConvergence(kernels, operand, params, observer)
  const range =
    algorithm === 'krylov'
      ? await findKrylovRange(kernels, operand, { columns, nIter: blocks - 1, key, rank }, convergence, observer, watch)
      : await findRange(kernels, operand, { columns, nIter, key }, convergence, observer, watch)
  const triplets = smallSvd(kernels, range, rank, key)
  watch.lap('smallSvd')
  return triplets
}
