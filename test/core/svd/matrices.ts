/** Matrices with known properties, and the judges of a factorization, for the tests of this room. */
import type { GaussianKey, Kernels, Weights } from '../../../core/kernels/kernels.ts'
import { normalPair } from '../../../core/kernels/philox.ts'
import { referenceKernels } from '../../../core/kernels/reference.ts'
import { defaultParams, type FittedParams, fitParams, type Params } from '../../../core/params.ts'
import type { Factorization } from '../../../core/svd/factorization.ts'
import { factorize, type Observer } from '../../../core/svd/factorize.ts'
import { residentOperand } from '../../../core/svd/operand.ts'

export interface Dense {
  readonly rows: number
  readonly cols: number
  readonly data: Float32Array
}

export const quiet: Observer = { phase: () => {}, iteration: () => {}, checkCancelled: () => {} }

export function gaussianMatrix(rows: number, cols: number, stream = 1): Dense {
  const data = new Float32Array(rows * cols)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < cols; j++) data[i * cols + j] = normalPair([stream, 77], i, j >>> 1)[j & 1]!
  return { rows, cols, data }
}

/** Columns orthonormal to f64 rounding (modified Gram-Schmidt, twice), rows x count, row-major. */
export function orthonormalColumns(rows: number, count: number, stream: number): Float64Array {
  const columns: Float64Array[] = []
  for (let j = 0; j < count; j++) {
    const v = Float64Array.from({ length: rows }, (_, i) => normalPair([stream, 78], i, j)[0])
    for (let pass = 0; pass < 2; pass++)
      for (const u of columns) {
        let dot = 0
        for (let i = 0; i < rows; i++) dot += u[i]! * v[i]!
        for (let i = 0; i < rows; i++) v[i]! -= dot * u[i]!
      }
    const norm = Math.sqrt(v.reduce((sum, x) => sum + x * x, 0))
    columns.push(v.map((x) => x / norm))
  }
  const out = new Float64Array(rows * count)
  columns.forEach((v, j) => {
    for (let i = 0; i < rows; i++) out[i * count + j] = v[i]!
  })
  return out
}

/** U diag(s) Vt with random orthonormal U and V, rounded to f32. */
export function withSpectrum(rows: number, cols: number, s: ArrayLike<number>, stream = 1): Dense {
  const k = s.length
  const U = orthonormalColumns(rows, k, stream)
  const V = orthonormalColumns(cols, k, stream + 1000)
  const data = new Float32Array(rows * cols)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < cols; j++) {
      let sum = 0
      for (let p = 0; p < k; p++) sum += U[i * k + p]! * s[p]! * V[j * k + p]!
      data[i * cols + j] = sum
    }
  return { rows, cols, data }
}

export function weightsOf({ rows, cols, data }: Dense, scale = 1, kernels: Kernels = referenceKernels()): Weights {
  const bytes = kernels.allocateBytes(data.byteLength)
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  return { rows, cols, dtype: 'F32', data: bytes, scale }
}

export function fitted(A: Dense, params: Partial<Params>): FittedParams {
  return fitParams({ ...defaultParams, ...params }, A.rows, A.cols)
}

export async function svd(
  A: Dense,
  params: Partial<Params>,
  { scale = 1, key = [1, 2] as GaussianKey, observer = quiet, kernels = referenceKernels() } = {},
): Promise<Factorization & { readonly spectrum?: Float64Array }> {
  return factorize(kernels, residentOperand(kernels, weightsOf(A, scale, kernels)), fitted(A, params), key, observer)
}

export function frobeniusNorm(A: Dense): number {
  return Math.sqrt(A.data.reduce((sum, x) => sum + x * x, 0))
}

/** ||A - U diag(s) Vt||_F / ||A||_F in f64. */
export function relativeError(A: Dense, { rank, U, s, Vt }: Factorization): number {
  let sum = 0
  for (let i = 0; i < A.rows; i++)
    for (let j = 0; j < A.cols; j++) {
      let entry = A.data[i * A.cols + j]!
      for (let p = 0; p < rank; p++) entry -= U[i * rank + p]! * s[p]! * Vt[p * A.cols + j]!
      sum += entry * entry
    }
  return Math.sqrt(sum) / (frobeniusNorm(A) || 1)
}

/** max |UtU - I| for rows x k columns. */
export function orthogonalityError(U: Factorization['U'], rows: number, k: number): number {
  let worst = 0
  for (let a = 0; a < k; a++)
    for (let b = 0; b <= a; b++) {
      let dot = 0
      for (let i = 0; i < rows; i++) dot += U[i * k + a]! * U[i * k + b]!
      worst = Math.max(worst, Math.abs(dot - (a === b ? 1 : 0)))
    }
  return worst
}

/** The same for the rows of Vt. */
export function rowOrthogonalityError(Vt: Factorization['Vt'], k: number, cols: number): number {
  let worst = 0
  for (let a = 0; a < k; a++)
    for (let b = 0; b <= a; b++) {
      let dot = 0
      for (let i = 0; i < cols; i++) dot += Vt[a * cols + i]! * Vt[b * cols + i]!
      worst = Math.max(worst, Math.abs(dot - (a === b ? 1 : 0)))
    }
  return worst
}
