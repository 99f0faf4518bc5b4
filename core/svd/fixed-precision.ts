/**
 * The range finder that goes as far as an error asks and no further: blocks of columns are added to the basis until what is left of A is within it.
 * Yu, Gu, Li, SIAM J. Matrix Anal. 39, 2018, Algorithm 2 (randQB_EI), with power iterations on the deflated matrix: ||A||^2 - ||QtA||^2 is the squared error for
 * free, so each block tells whether another is needed. How we differ: full reorthogonalization against the basis with f64 coefficients, as in krylov.ts.
 *
 * Legend: A m x n, Omega n x b, Q_i m x b, Z_i = AtQ_i n x b, G = ZtZ in f64.
 */
import type { GaussianKey, Kernels, Matrix } from '../kernels/kernels.ts'
import { extendGram, orthonormalizeAgainst } from './krylov.ts'
import type { Observer, Stopwatch } from './observer.ts'
import type { Operand } from './operand.ts'
import { orthonormalize } from './orthonormalize.ts'
import { freshKey } from './random.ts'
import { allocateMatrix, type Range } from './small-svd.ts'

export interface PrecisionPlan {
  /** Width of a block. */
  readonly columns: number
  /** Most columns of all blocks: the last one may be narrower. At most min(m, n). */
  readonly most: number
  /** Power iterations of each block. */
  readonly nIter: number
  /** Relative error to be reached; 0 goes on to the last block. */
  readonly error: number
  readonly key: GaussianKey
}

/** @throws AppError `out-of-memory`, `cancelled`, `engine-died` */
export async function findRangeTo(
  kernels: Kernels,
  operand: Operand,
  { columns, most, nIter, error, key }: PrecisionPlan,
  observer: Observer,
  watch: Stopwatch,
): Promise<Range> {
  const Q: Matrix[] = []
  const Z: Matrix[] = []
  const whole = await operand.squaredNorm()
  watch.lap('measure')
  let G = new Float64Array(0)
  for (let block = 0, order = 0; order < most; block++) {
    observer.checkCancelled()
    const width = Math.min(columns, most - order)
    const Y = allocateMatrix(kernels, operand.rows, width)
    const X = allocateMatrix(kernels, operand.cols, width)
    kernels.gaussian(block === 0 ? key : freshKey(key, -1 - block), X)
    await operand.multiply(X, Y) // Y = A Omega
    watch.lap('sketch')
    for (let iteration = 0; ; iteration++) {
      // (I - Q Qt) Y: what the basis has does not draw the powers to itself.
      orthonormalizeAgainst(kernels, Y, Q, freshKey(key, block))
      watch.lap('orthonormalize')
      await operand.multiplyTransposed(Y, X) // Z = AtQ
      watch.lap('iterate')
      if (iteration === nIter) break
      observer.checkCancelled()
      orthonormalize(kernels, X, { key, passes: 1 })
      watch.lap('orthonormalize')
      await operand.multiply(X, Y)
      watch.lap('iterate')
    }
    Q.push(Y)
    Z.push(X)
    G = extendGram(kernels, G, Z)
    order += width
    let captured = 0
    for (let i = 0; i < order; i++) captured += G[i * order + i]!
    watch.lap('estimate')
    if (error > 0 && whole - captured <= error ** 2 * whole) break
  }
  const whole64 = kernels.allocateFloat64(G.length)
  whole64.set(G)
  return { Q, Z, G: whole64 }
}
