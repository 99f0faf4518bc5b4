/**
 * The range finder: an orthonormal Q whose span holds nearly all of A's leading left singular vectors, and Z = AtQ with it.
 * Halko, Martinsson, Tropp, SIAM Review 53 (2011), Algorithm 4.4 (randomized subspace iteration), orthonormalizing at every half step.
 * How we differ: the last half step's Z is kept, since Zt = B = QtA is what comes next, and its Gram matrix gives the singular values
 * of every iteration on the way, for the price of an l x l eigenproblem.
 *
 * Legend: A m x n, Omega n x l, Y and Q m x l, Z n x l, G = ZtZ l x l in f64; 2 q + 2 products with A.
 */
import type { GaussianKey, Kernels, Matrix } from '../kernels/kernels.ts'
import type { Observer, Stopwatch } from './observer.ts'
import type { Operand } from './operand.ts'
import { orthonormalize } from './orthonormalize.ts'
import { allocateMatrix, singularValuesOfGram } from './small-svd.ts'

export interface Range {
  readonly Q: Matrix
  readonly Z: Matrix
  readonly G: Float64Array
}

export interface RangeFinder {
  /** l. */
  readonly columns: number
  /** q. */
  readonly nIter: number
  /** Of the values reported to the observer. */
  readonly rank: number
  readonly key: GaussianKey
}

/** Everything returned lives in the kernels' memory until the caller's mark. @throws AppError `out-of-memory`, `cancelled` */
export async function findRange(
  kernels: Kernels,
  operand: Operand,
  { columns, nIter, rank, key }: RangeFinder,
  observer: Observer,
  watch: Stopwatch,
): Promise<Range> {
  const Y = allocateMatrix(kernels, operand.rows, columns)
  const Z = allocateMatrix(kernels, operand.cols, columns)
  const G = kernels.allocateFloat64(columns * columns)
  kernels.gaussian(key, Z)
  await operand.multiply(Z, Y) // Y = A Omega
  watch.lap('sketch')
  for (let iteration = 0; ; iteration++) {
    observer.checkCancelled()
    const last = iteration === nIter
    orthonormalize(kernels, Y, { key, passes: last ? 2 : 1 }) // Q
    watch.lap('orthonormalize')
    await operand.multiplyTransposed(Y, Z) // Z = AtQ
    watch.lap('iterate')
    kernels.gram(Z, G)
    watch.lap('smallSvd')
    const estimates = singularValuesOfGram(kernels, G, columns).subarray(0, rank)
    for (let i = 0; i < rank; i++) estimates[i]! /= operand.scale
    observer.iteration(iteration, nIter, estimates)
    watch.lap('estimate')
    if (last) return { Q: Y, Z, G }
    orthonormalize(kernels, Z, { key, passes: 1, gram: G })
    watch.lap('orthonormalize')
    await operand.multiply(Z, Y) // Y = A orth(AtQ)
    watch.lap('iterate')
  }
}
