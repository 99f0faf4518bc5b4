/**
 * The range finder: an orthonormal Q whose span holds nearly all of A's leading left singular vectors, and Z = AtQ with it.
 * Halko, Martinsson, Tropp, SIAM Review 53 (2011), Algorithm 4.4 (randomized subspace iteration).
 * How we differ: the last half step's Z is kept, since Zt = B = QtA is what comes next, and its Gram matrix gives the singular values
 * of every iteration on the way, for the price of an l x l eigenproblem. Z is orthonormalized only on steep spectra: a full step A At
 * squares the condition number, which f32 tolerates up to about 2^15 with 9 bits to spare, and the next Cholesky factor tells for free.
 *
 * Legend: A m x n, Omega n x l, Y and Q m x l, Z n x l, G = ZtZ l x l in f64; 2 q + 2 products with A.
 */
import type { GaussianKey, Kernels, Matrix } from '../kernels/kernels.ts'
import type { ConvergenceWatch } from './convergence.ts'
import type { Observer, Stopwatch } from './observer.ts'
import type { Operand } from './operand.ts'
import { orthonormalize } from './orthonormalize.ts'
import { allocateMatrix, type Range } from './small-svd.ts'

interface SketchPlan {
  /** Columns of the Gaussian Omega. */
  readonly columns: number
  /** q. */
  readonly nIter: number
  readonly key: GaussianKey
}

/** @throws AppError `out-of-memory`, `cancelled`, `engine-died` */
export async function findRange(
  kernels: Kernels,
  operand: Operand,
  { columns, nIter, key }: SketchPlan,
  convergence: ConvergenceWatch,
  observer: Observer,
  watch: Stopwatch,
): Promise<Range> {
  const Y = allocateMatrix(kernels, operand.rows, columns)
  const Z = allocateMatrix(kernels, operand.cols, columns)
  kernels.gaussian(key, Z)
  await operand.multiply(Z, Y) // Y = A Omega
  watch.lap('sketch')
  let steep = false
  for (let iteration = 0; ; iteration++) {
    observer.checkCancelled()
    const last = iteration === nIter
    const basis = { key, passes: last || convergence.mayStop ? 2 : 1 } as const
    let independence = orthonormalize(kernels, Y, basis) // Q
    watch.lap('orthonormalize')
    if (iteration > 0 && !steep && independence < leastIndependence) {
      // A full step lost the weakest directions in rounding: take it again in halves, as all that follow.
      steep = true
      orthonormalize(kernels, Z, { key, passes: 1 })
      watch.lap('orthonormalize')
      await operand.multiply(Z, Y)
      watch.lap('iterate')
      independence = orthonormalize(kernels, Y, basis)
      watch.lap('orthonormalize')
    }
    if (iteration === 0) steep = independence ** 2 < leastIndependence
    await operand.multiplyTransposed(Y, Z) // Z = AtQ
    watch.lap('iterate')
    const enough = await convergence.see(iteration, () => gramOf(kernels, Z))
    watch.lap('estimate')
    if (last || enough) break
    if (steep) orthonormalize(kernels, Z, { key, passes: 1 })
    watch.lap('orthonormalize')
    await operand.multiply(Z, Y) // Y = A AtQ
    watch.lap('iterate')
  }
  const G = gramOf(kernels, Z)
  watch.lap('smallSvd')
  return { Q: [Y], Z: [Z], G }
}

function gramOf(kernels: Kernels, Z: Matrix): Float64Array {
  const G = kernels.allocateFloat64(Z.cols * Z.cols)
  kernels.gram(Z, G)
  return G
}

/** Directions of Y that keep less than this of their length beside the others are too near the rounding of f32 (2^-24). */
const leastIndependence = 2 ** -15
