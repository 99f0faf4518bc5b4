/**
 * What can be said of a factorization for certain, without the exact SVD: two more products with the matrix, and a few with eight columns.
 *
 *   intervals   [0 A; At 0] is symmetric with eigenvalues +-sigma, so a residual of norm rho belongs to an eigenvalue no further than rho away: a singular value
 *               of A lies within sqrt((||Av - su||^2 + ||Atu - sv||^2) / 2) of s (Parlett, The Symmetric Eigenvalue Problem, 4.5)
 *   floor       R = AV - US (and AtU - VS, which is rounding) is what the sketch missed of its own directions. A differs by R from a matrix with the singular values of S and of the rest E, so by
 *               Hoffman and Wielandt the tails differ by ||R||_F at most: floor >= sqrt(e^2 - ||R||^2 - what of E is above s_k) - ||R||, and floor <= e
 *   ||A - Ak||  the spectral norm, by block power iteration: from below, and from above with probability 1 - 10^-8 (Halko, Martinsson, Tropp 2011, section 4.3 with powers)
 *
 * Legend: A m x n, U m x k, V n x k, E = A - U S Vt, X n x b, Y m x b. All in the units of the operand until the end.
 */
import type { GaussianKey, Kernels, Matrix } from '../kernels/kernels.ts'
import type { Factorization } from '../svd/factorization.ts'
import type { Operand } from '../svd/operand.ts'
import { freshKey } from '../svd/random.ts'

export interface Certificate {
  /** ||A v_i - s_i u_i|| and ||At u_i - s_i v_i||, in the units of the weights. */
  readonly residuals: { readonly right: number; readonly left: number }[]
  /** A singular value of A lies within this of s_i. */
  readonly radii: number[]
  /** Between these lies the least relative error any matrix of this rank can have. */
  readonly floor: { readonly low: number; readonly high: number }
  /** ||A - U S Vt||_2, in the units of the weights: found, and not exceeded with probability 1 - 10^-8. */
  readonly spectralError: { readonly found: number; readonly atMost: number }
}

const columns = 8
const powers = 6

/** `relativeError`: of this factorization. Cost: 2 products with k columns, 2 * 7 with 8. @throws AppError `out-of-memory`, `cancelled` */
export async function certify(
  kernels: Kernels,
  operand: Operand,
  found: Factorization,
  {
    frobeniusNorm,
    relativeError,
    key,
  }: { readonly frobeniusNorm: number; readonly relativeError: number; readonly key: GaussianKey },
): Promise<Certificate> {
  const { rows, cols, rank, s } = found
  const { scale } = operand
  const mark = kernels.mark()
  try {
    const U = matrix(kernels, rows, rank)
    const V = matrix(kernels, cols, rank)
    U.data.set(found.U)
    for (let j = 0; j < rank; j++) for (let i = 0; i < cols; i++) V.data[i * rank + j] = found.Vt[j * cols + i]!
    const scaled = s.map((value) => value * scale)
    const Y = matrix(kernels, rows, rank)
    await operand.multiply(V, Y)
    const right = residualsOf(Y, U, scaled)
    const Z = matrix(kernels, cols, rank)
    await operand.multiplyTransposed(U, Z)
    const left = residualsOf(Z, V, scaled)
    const norm = await spectralNorm(kernels, operand, U, V, scaled, key)
    const radii = Array.from(right, (r, i) => Math.sqrt((r ** 2 + left[i]! ** 2) / 2) / scale)
    const whole = frobeniusNorm * scale
    const missed =
      whole === 0 ? 0 : Math.sqrt(right.reduce((sum, r, i) => sum + (r / whole) ** 2 + (left[i]! / whole) ** 2, 0))
    const above =
      whole === 0 ? 0 : scaled.reduce((sum, value) => sum + Math.max(0, norm.atMost ** 2 - value ** 2), 0) / whole ** 2
    const low = Math.sqrt(Math.max(0, relativeError ** 2 - missed ** 2 - above)) - missed
    return {
      residuals: Array.from(right, (r, i) => ({ right: r / scale, left: left[i]! / scale })),
      radii,
      floor: { low: Math.max(0, low), high: relativeError },
      spectralError: { found: norm.found / scale, atMost: norm.atMost / scale },
    }
  } finally {
    kernels.release(mark)
  }
}

/** Lengths of the columns of Y - U diag(s). */
function residualsOf(Y: Matrix, U: Matrix, s: Float64Array): Float64Array {
  const squares = new Float64Array(s.length)
  for (let i = 0, at = 0; i < Y.rows; i++)
    for (let j = 0; j < s.length; j++, at++) squares[j]! += (Y.data[at]! - U.data[at]! * s[j]!) ** 2
  return squares.map(Math.sqrt)
}

/** ||A - U S Vt||_2 from `powers` rounds of X <- Et E X on Gaussian columns, each divided by the largest length, which is the estimate. */
async function spectralNorm(
  kernels: Kernels,
  operand: Operand,
  U: Matrix,
  V: Matrix,
  s: Float64Array,
  key: GaussianKey,
): Promise<{ found: number; atMost: number }> {
  const X = matrix(kernels, operand.cols, columns)
  const Y = matrix(kernels, operand.rows, columns)
  const C = kernels.allocateFloat64(s.length * columns)
  kernels.gaussian(freshKey(key, 99), X)
  const without = (from: Matrix, basis: Matrix, out: Matrix, others: Matrix) => {
    kernels.crossGram(basis, from, C)
    for (let i = 0, at = 0; i < s.length; i++) for (let j = 0; j < columns; j++, at++) C[at]! *= -s[i]!
    kernels.multiplySmall(others, C, out, true)
  }
  // (E Et)^q E Omega grows by ||E|| each half round: its logarithm over all of them bounds the norm from above.
  let logarithm = 0
  let found = 0
  for (let round = 0; ; round++) {
    await operand.multiply(X, Y)
    without(X, V, Y, U) // Y = A X - U S VtX
    const most = largestLength(Y)
    if (most === 0) return { found: 0, atMost: 0 }
    logarithm += Math.log(most)
    if (round > 0) found = Math.max(found, most)
    if (round === powers) break
    divide(Y, most)
    await operand.multiplyTransposed(Y, X)
    without(Y, U, X, V) // X = AtY - V S UtY
    const back = largestLength(X)
    if (back === 0) return { found, atMost: found }
    found = Math.max(found, back)
    logarithm += Math.log(back)
    divide(X, back)
  }
  // P(||B|| > 10 sqrt(2 / pi) max ||B omega_i||) <= 10^-8 for 8 columns, B = (E Et)^q E, ||B|| = ||E||^(2q + 1).
  const atMost = Math.exp((Math.log(10 * Math.sqrt(2 / Math.PI)) + logarithm) / (2 * powers + 1))
  return { found, atMost: Math.max(found, atMost) }
}

function largestLength({ rows, cols, data }: Matrix): number {
  const squares = new Float64Array(cols)
  for (let i = 0, at = 0; i < rows; i++) for (let j = 0; j < cols; j++, at++) squares[j]! += data[at]! ** 2
  return Math.sqrt(squares.reduce((most, square) => Math.max(most, square), 0))
}

function divide({ data }: Matrix, by: number): void {
  for (let i = 0; i < data.length; i++) data[i]! /= by
}

function matrix(kernels: Kernels, rows: number, cols: number): Matrix {
  return { rows, cols, data: kernels.allocateFloat32(rows * cols) }
}
