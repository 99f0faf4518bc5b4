/**
 * Randomized SVD: Halko, Martinsson, Tropp, SIAM Review 53 (2011), Algorithm 5.1 on the range of Algorithm 4.4.
 * range finder -> B = QtA -> small SVD -> lift.
 */
import type { GaussianKey, Kernels } from '../kernels/kernels.ts'
import type { FittedParams } from '../params.ts'
import type { Observer, Stopwatch } from './observer.ts'
import type { Operand } from './operand.ts'
import { findRange } from './range-finder.ts'
import { smallSvd, type Triplets } from './small-svd.ts'

export async function randomizedSvd(
  kernels: Kernels,
  operand: Operand,
  { rank, oversample, nIter }: FittedParams,
  key: GaussianKey,
  observer: Observer,
  watch: Stopwatch,
): Promise<Triplets> {
  const columns = rank + oversample
  const { Q, Z, G } = await findRange(kernels, operand, { columns, nIter, rank, key }, observer, watch)
  const triplets = smallSvd(kernels, { Q, Z, G, key }, rank)
  watch.lap('smallSvd')
  return triplets
}
