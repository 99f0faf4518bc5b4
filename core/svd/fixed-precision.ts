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
import { allocateMatrix, type Range, sideBySide } from './small-svd.ts'

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

/**
 * Relative squared error above which ||A||^2 - ||QtA||^2 is good to a tenth: the rounding of f32 products takes up to 64 units of ||A||^2 from it
 * (curves/resolution.ts).
 */
const differenceLimit = 640 * 2 ** -24

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
    const reached = error > 0 && (await isWithin(kernels, operand, { Q, Z, G }, whole, error))
    watch.lap('estimate')
    if (reached) break
  }
  const whole64 = kernels.allocateFloat64(G.length)
  whole64.set(G)
  return { Q, Z, G: whole64 }
}

/** Whether A - Q QtA is within `error` of ||A||: by the difference of the squares, and where that has no digits, measured. 2 m n k flop then. */
async function isWithin(
  kernels: Kernels,
  operand: Operand,
  { Q, Z, G }: Range,
  whole: number,
  error: number,
): Promise<boolean> {
  const order = Math.round(Math.sqrt(G.length))
  let captured = 0
  for (let i = 0; i < order; i++) captured += G[i * order + i]!
  const allowed = error ** 2 * whole
  if (whole - captured > allowed) return false
  if (error ** 2 >= differenceLimit) return true
  const mark = kernels.mark()
  const Zt = allocateMatrix(kernels, order, operand.cols)
  kernels.transpose(sideBySide(kernels, Z), Zt)
  const left = await operand.residual(sideBySide(kernels, Q), Zt)
  kernels.release(mark)
  return left <= allowed
}
