/**
 * The rank-k error of a factorization against its matrix: from the spectrum while that is exact, else measured.
 *
 * ||A||^2 - sum s^2 is the true squared error because B = QtA; with products rounded to f32 it is good to 1e-5 only while the relative
 * squared error is above 1e-3. Below, the difference of two nearly equal numbers would show rounding, so A - U diag(s) Vt is formed.
 */

import { errorCurve, spectrumLimit } from '../curves/error-curve.ts'
import type { Kernels } from '../kernels/kernels.ts'
import type { Factorization } from '../svd/factorization.ts'
import type { Operand } from '../svd/operand.ts'

export interface RankError {
  readonly relativeError: number
  readonly source: 'spectrum' | 'measured'
}

/** ||A - U diag(s) Vt||_F / ||A||_F. Measuring costs 2 m n k flop. @throws AppError `out-of-memory`, `cancelled` */
export async function rankError(
  kernels: Kernels,
  operand: Operand,
  factorization: Factorization,
  frobeniusNorm: number,
): Promise<RankError> {
  const curve = errorCurve(frobeniusNorm, factorization.s)
  const fromSpectrum = curve[curve.length - 1]!
  if (frobeniusNorm === 0 || fromSpectrum ** 2 > spectrumLimit)
    return { relativeError: fromSpectrum, source: 'spectrum' }
  const residual = await residualNorm(kernels, operand, factorization)
  return { relativeError: residual / frobeniusNorm, source: 'measured' }
}

/** ||A - U diag(s) Vt||_F in the units of the stored weights, in f64 sums over f32 factors. */
export async function residualNorm(
  kernels: Kernels,
  operand: Operand,
  { rows, cols, rank, U, s, Vt }: Factorization,
): Promise<number> {
  const mark = kernels.mark()
  try {
    const L = { rows, cols: rank, data: kernels.allocateFloat32(rows * rank) }
    const R = { rows: rank, cols, data: kernels.allocateFloat32(rank * cols) }
    L.data.set(U)
    for (let p = 0; p < rank; p++) {
      const length = s[p]! * operand.scale
      for (let j = 0; j < cols; j++) R.data[p * cols + j] = length * Vt[p * cols + j]!
    }
    return Math.sqrt(await operand.residual(L, R)) / operand.scale
  } finally {
    kernels.release(mark)
  }
}
