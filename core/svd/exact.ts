/**
 * The judge: the exact SVD through the Gram matrix of the smaller side in f64 and its eigenvectors. Absolute error of the values about
 * 1e-12 s_1; the squares leave no digits below about 2e-7 s_1 (curves/resolution.ts); exact-jacobi.ts does.
 *
 * Legend: A m x n, d = min(m, n); m >= n: At A = V diag(s^2) Vt, U = A V / s; m < n: A At = U diag(s^2) Ut, V = At U / s.
 */
import type { GaussianKey, Kernels } from '../kernels/kernels.ts'
import type { Observer, Stopwatch } from './observer.ts'
import type { Operand } from './operand.ts'
import { orthonormalizeLengths } from './orthonormalize.ts'
import { allocateMatrix, singularFromSquares, type Triplets } from './small-svd.ts'

export interface ExactSvd extends Triplets {
  /** All min(m, n). */
  readonly spectrum: Float64Array
  /** U (m x k) and Vt (k x n) before they were rounded to f32: of F64 sources, by the route that has such digits. Not in the kernels' memory. */
  readonly wide?: { readonly U: Float64Array; readonly Vt: Float64Array }
}

/**
 * The leading `rank` triplets of A (m x n), and all its singular values: U m x rank, V n x rank, s descending in the operand's units. U and V lie in the
 * kernels' memory until the caller's mark, beside 8 d^2 + 8 d rank bytes while it runs.
 * @param key of the columns that stand in for those of singular value 0
 * @throws AppError `out-of-memory`, `cancelled`, `engine-died`
 */
export async function exactSvd(
  kernels: Kernels,
  operand: Operand,
  rank: number,
  key: GaussianKey,
  observer: Observer,
  watch: Stopwatch,
): Promise<ExactSvd> {
  const { rows, cols } = operand
  const side = rows >= cols ? 'cols' : 'rows'
  const order = Math.min(rows, cols)
  const Near = allocateMatrix(kernels, order, rank)
  const Far = allocateMatrix(kernels, Math.max(rows, cols), rank)
  const mark = kernels.mark()
  const G = kernels.allocateFloat64(order * order)
  await operand.gram(side, G)
  watch.lap('gram')
  observer.checkCancelled()
  const values = kernels.allocateFloat64(order)
  const W = kernels.allocateFloat64(order * rank)
  kernels.symmetricEigen(G, order, values, W, rank)
  const spectrum = singularFromSquares(values.slice())
  watch.lap('eigen')
  observer.checkCancelled()
  Near.data.set(W)
  kernels.release(mark)
  await (side === 'cols' ? operand.multiply(Near, Far) : operand.multiplyTransposed(Near, Far))
  orthonormalizeLengths(kernels, Far, spectrum, key)
  watch.lap('lift')
  return { U: side === 'cols' ? Far : Near, V: side === 'cols' ? Near : Far, s: spectrum.slice(0, rank), spectrum }
}

/** All min(m, n) singular values, descending, without vectors, in the units of the operand. @throws as `exactSvd` */
export async function exactValues(
  kernels: Kernels,
  operand: Operand,
  observer: Observer,
  watch: Stopwatch,
): Promise<Float64Array> {
  const order = Math.min(operand.rows, operand.cols)
  const mark = kernels.mark()
  try {
    const G = kernels.allocateFloat64(order * order)
    await operand.gram(operand.rows >= operand.cols ? 'cols' : 'rows', G)
    watch.lap('gram')
    observer.checkCancelled()
    const values = kernels.allocateFloat64(order)
    kernels.symmetricEigen(G, order, values, null)
    watch.lap('eigen')
    return singularFromSquares(values.slice())
  } finally {
    kernels.release(mark)
  }
}
