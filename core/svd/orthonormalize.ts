/**
 * An orthonormal basis of the columns of Y, in place: Cholesky QR on the Gram matrix in f64 (Yamamoto, Nakatsukasa, Yanagisawa, Fukaya,
 * ETNA 44, 2015), which is one symmetric product and one small triangular product where Householder would walk column by column.
 *
 * One pass leaves |QtQ - I| near 2^-24 cond(Y): enough between power iterations, where only the span matters. A second pass brings
 * it to the rounding of f32 itself. Where Cholesky breaks down (columns that are zero, repeated, or dependent to f64 precision of the Gram
 * matrix) the basis is mended: the numerically independent directions are kept (SVQB; Stathopoulos and Wu, SIAM J. Sci. Comput. 23, 2002)
 * and fresh random directions take the place of the others, so Q always has all its columns and every one of unit length.
 *
 * Legend: Y, Q m x k (k <= m), G k x k in f64.
 */
import type { GaussianKey, Kernels, Matrix } from '../kernels/kernels.ts'
import { freshKey } from './random.ts'

export interface Basis {
  /** Of the fresh directions. */
  readonly key: GaussianKey
  /** 1 between iterations, 2 for what leaves the room. */
  readonly passes: 1 | 2
  /** YtY if the caller has it already; destroyed. */
  readonly gram?: Float64Array
}

/**
 * Y <- Q, orthonormal with the span of Y (and fresh directions where that has fewer than k dimensions).
 * Answers how independent the columns were: the least share of its length that a column keeps beside those before it (about
 * 1 / cond(Y)), 0 where fresh directions had to stand in.
 * Cost: passes * (2 m k^2 + m k^2) flop. @throws AppError `out-of-memory`, `cancelled`
 */
export function orthonormalize(kernels: Kernels, Y: Matrix, { key, passes, gram }: Basis): number {
  const mark = kernels.mark()
  const k = Y.cols
  const G = gram ?? kernels.allocateFloat64(k * k)
  const M = kernels.allocateFloat64(k * k)
  let independence = 1
  let restart = 0
  for (let pass = 0; pass < passes; ) {
    if (pass > 0 || restart > 0 || !gram) kernels.gram(Y, G)
    const squares = Float64Array.from({ length: k }, (_, i) => G[i * k + i]!)
    if (kernels.inverseCholesky(G, k, M)) {
      for (let i = 0; i < k; i++) independence = Math.min(independence, 1 / (M[i * k + i]! * Math.sqrt(squares[i]!)))
      kernels.multiplySmall(Y, M, Y) // Q = Y R^-1
      pass++
    } else {
      // Three restarts replace dependent columns, then dependent replacements, then rounding: more means NaN or k > m.
      if (restart === 3) throw new Error(`orthonormalize: no basis of ${k} columns in ${Y.rows} dimensions`)
      mend(kernels, Y, G, M, freshKey(key, restart++))
      pass = 0
    }
  }
  kernels.release(mark)
  return restart === 0 ? independence : 0
}

/** Y <- [independent directions of Y, fresh ones orthogonal to them]; not yet orthonormal to full precision. */
function mend(kernels: Kernels, Y: Matrix, G: Float64Array, M: Float64Array, key: GaussianKey): void {
  const k = Y.cols
  const mark = kernels.mark()
  kernels.gram(Y, G)
  const inverseLength = Float64Array.from({ length: k }, (_, i) => {
    const square = G[i * k + i]!
    return square > 0 ? 1 / Math.sqrt(square) : 0
  })
  for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) G[i * k + j]! *= inverseLength[i]! * inverseLength[j]!
  const values = kernels.allocateFloat64(k)
  kernels.symmetricEigen(G, k, values, M)
  // Directions shorter than the f32 rounding of unit columns carry no information about the span.
  const threshold = Math.max(values[0]!, 0) * (k * 2 ** -24) ** 2
  let kept = 0
  while (kept < k && values[kept]! > threshold) kept++
  for (let i = 0; i < k; i++)
    for (let j = 0; j < k; j++)
      M[i * k + j] = j < kept ? (M[i * k + j]! * inverseLength[i]!) / Math.sqrt(values[j]!) : 0
  kernels.multiplySmall(Y, M, Y)
  fillFresh(kernels, Y, kept, key)
  kernels.release(mark)
}

/** Columns from `kept` on become normals of `key`, made orthogonal to the columns before them by the passes that follow. */
export function fillFresh(kernels: Kernels, Y: Matrix, kept: number, key: GaussianKey): void {
  const mark = kernels.mark()
  const fresh: Matrix = {
    rows: Y.rows,
    cols: Y.cols - kept,
    data: kernels.allocateFloat32(Y.rows * (Y.cols - kept)),
  }
  kernels.gaussian(key, fresh)
  const norm = 1 / Math.sqrt(Y.rows)
  for (let i = 0; i < Y.rows; i++)
    for (let j = 0; j < fresh.cols; j++) Y.data[i * Y.cols + kept + j] = fresh.data[i * fresh.cols + j]! * norm
  kernels.release(mark)
}

/** V <- orthonormal columns, of which the first `kept` are so already; the others, which a rank-deficient matrix does not determine, are fresh directions. */
export function completeColumns(kernels: Kernels, V: Matrix, kept: number, key: GaussianKey): void {
  if (kept >= V.cols) return
  fillFresh(kernels, V, kept, key)
  orthonormalize(kernels, V, { key, passes: 2 })
}

/** Below this share of the largest, a singular value's vector is lost in the f32 rounding (2^-24) of the product that made it. */
const vectorLimit = 2 ** -22

/**
 * V <- orthonormal columns from the columns s_i v_i of a product rounded to f32, s descending. A column carries an error of about
 * 2^-24 s_1 / s_i; Gram-Schmidt in this order (which Cholesky QR is) makes each good against the better ones before it, where a symmetric
 * correction would spoil those. Columns without information are replaced by fresh directions.
 */
export function orthonormalizeLengths(kernels: Kernels, V: Matrix, s: Float64Array, key: GaussianKey): void {
  const { rows, cols: k, data } = V
  let kept = 0
  while (kept < k && s[kept]! > vectorLimit * s[0]!) kept++
  for (let i = 0; i < rows; i++) for (let j = 0; j < kept; j++) data[i * k + j]! /= s[j]!
  if (kept < k) fillFresh(kernels, V, kept, key)
  // One pass leaves 2^-24 cond(V): all there is to gain where the columns were almost orthonormal before it.
  const independence = orthonormalize(kernels, V, { key, passes: 1 })
  if (kept < k || independence < 0.5) orthonormalize(kernels, V, { key, passes: 1 })
}
