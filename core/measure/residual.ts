/**
 * The error of a factorization against its matrix: from the spectrum while that is exact, else measured.
 *
 * ||A||^2 - sum s^2 is the true squared error because B = QtA; with products rounded to f32 it is good to 1e-5 only while the relative
 * squared error is above 1e-2. Below, the difference of two nearly equal numbers would show rounding, so A - U diag(s) Vt is formed; and where
 * even the rounding of that product in f32 (up to 4e-7) would show, it is formed in f64.
 */
import { floorCurve } from '../curves/error-curve.ts'
import type { Kernels } from '../kernels/kernels.ts'
import type { Factorization } from '../svd/factorization.ts'
import type { Operand } from '../svd/operand.ts'

/** Relative squared error above which the spectrum of an f32 sketch gives the error to 1e-5. */
export const spectrumLimit = 1e-2
/** Relative error above which the rounding of an f32 product adds less than 1e-7 of it. */
export const singleLimit = 1e-3

export interface TruncationCurve {
  /** Squared relative error at rank 0..k: tails summed smallest first, on top of what the factorization leaves over. */
  readonly squared: Float64Array
  /** `exact`: all singular values are known; else how what the last rank leaves over was found. */
  readonly errorSource: 'spectrum' | 'measured' | 'exact'
}

/** Relative errors of the same factors as they are stored. */
export interface StoredErrors {
  /** Measured. */
  readonly total: number
  /** What rounding them adds. */
  readonly rounding: number
}

/**
 * Of all ranks of the factorization. Measuring costs 2 m n k flop, and nothing where `stored` says it already.
 * @throws AppError `out-of-memory`, `cancelled`
 */
export async function truncationCurve(
  kernels: Kernels,
  operand: Operand,
  found: Factorization & { readonly spectrum?: Float64Array },
  frobeniusNorm: number,
  stored?: StoredErrors,
): Promise<TruncationCurve> {
  const { rank, s, spectrum } = found
  if (spectrum) {
    return { squared: Float64Array.from(floorCurve(spectrum).slice(0, rank + 1), (e) => e ** 2), errorSource: 'exact' }
  }
  const squared = new Float64Array(rank + 1)
  if (frobeniusNorm === 0) return { squared, errorSource: 'spectrum' }
  // Ratios first: squares of norms near 1e-200 or 1e200 would leave the range of f64.
  const shares = Float64Array.from(s, (value) => (value / frobeniusNorm) ** 2)
  let beyond = Math.max(0, 1 - shares.reduceRight((sum, share) => sum + share, 0))
  const isMeasured = beyond < spectrumLimit
  if (isMeasured)
    beyond =
      withoutRounding(stored) ?? ((await residualNorm(kernels, operand, found, frobeniusNorm)) / frobeniusNorm) ** 2
  squared[rank] = beyond
  for (let k = rank - 1; k >= 0; k--) squared[k] = squared[k + 1]! + shares[k]!
  return { squared, errorSource: isMeasured ? 'measured' : 'spectrum' }
}

/**
 * The squared error without rounding: what rounding leaves is orthogonal, but for chance, to everything else, so squares add up (rounding.ts). Null where
 * rounding is most of it, and the difference would be noise.
 */
function withoutRounding(stored?: StoredErrors): number | null {
  if (!stored || stored.total ** 2 < 2 * stored.rounding ** 2) return null
  return stored.total ** 2 - stored.rounding ** 2
}

/** ||A - U diag(s) Vt||_F in the units of the stored weights. */
export async function residualNorm(
  kernels: Kernels,
  operand: Operand,
  { cols, rank, U, s, Vt }: Factorization,
  frobeniusNorm: number,
): Promise<number> {
  const fill: FillFactors = (L, R) => {
    L.set(U)
    for (let p = 0; p < rank; p++) {
      const length = s[p]! * operand.scale
      for (let j = 0; j < cols; j++) R[p * cols + j] = length * Vt[p * cols + j]!
    }
  }
  const squares = await squaredResidual(kernels, operand, rank, frobeniusNorm, fill)
  return Math.sqrt(squares) / operand.scale
}

/** Writes factors, in the units of the operand, into L (rows x rank) and R (rank x cols). */
export type FillFactors = (L: Float32Array | Float64Array, R: Float32Array | Float64Array) => void

/** ||A - L R||_F^2 in the units of the operand: by f32 products, and by f64 ones where those would show their rounding, or the weights have more digits. */
export async function squaredResidual(
  kernels: Kernels,
  operand: Operand,
  rank: number,
  frobeniusNorm: number,
  fill: FillFactors,
): Promise<number> {
  const { rows, cols } = operand
  if (operand.wide) return squaredResidualDouble(kernels, operand, rank, fill)
  const mark = kernels.mark()
  try {
    const L = { rows, cols: rank, data: kernels.allocateFloat32(rows * rank) }
    const R = { rows: rank, cols, data: kernels.allocateFloat32(rank * cols) }
    fill(L.data, R.data)
    const squares = await operand.residual(L, R)
    if (squares >= (singleLimit * frobeniusNorm * operand.scale) ** 2) return squares
  } finally {
    kernels.release(mark)
  }
  return squaredResidualDouble(kernels, operand, rank, fill)
}

/** The same, always in f64: for what is subtracted from it. */
export async function squaredResidualDouble(
  kernels: Kernels,
  operand: Operand,
  rank: number,
  fill: FillFactors,
): Promise<number> {
  const mark = kernels.mark()
  try {
    const L = kernels.allocateFloat64(operand.rows * rank)
    const R = kernels.allocateFloat64(rank * operand.cols)
    fill(L, R)
    return await operand.residualDouble(L, R, rank)
  } finally {
    kernels.release(mark)
  }
}
