/**
 * The small problem and the way back: from Q (m x l, orthonormal) and Z = AtQ (n x l) to the leading singular triplets of Q QtA.
 * B = QtA = Zt is never formed.
 *
 * G = ZtZ = B Bt in f64 has the eigenvectors W and the eigenvalues s^2; U = Q W and V = Z W / s. Squaring costs digits: V stays orthonormal
 * while s_k / s_1 > 1e-5 (with one Newton-Schulz step below 1e-2). Below that Z is orthonormalized first, and the SVD is that of
 * the l x l matrix R = Qz^T Z, which sees every value down to 2^-53 s_1.
 *
 * Legend: Q m x l, Z n x l, G l x l, W l x k, U m x k, V n x k.
 */
import { Matrix as MlMatrix, SVD } from 'ml-matrix'
import type { GaussianKey, Kernels, Matrix } from '../kernels/kernels.ts'
import { orthonormalize } from './orthonormalize.ts'

/** Leading triplets in the kernels' memory; s in the units of the operand. */
export interface Triplets {
  readonly U: Matrix
  readonly s: Float64Array
  readonly V: Matrix
}

/** Below this s_k / s_1 the rounding of V = Z W / s is worth a correction. */
const correctionLimit = 1e-2
/** Below this s_k / s_1 the eigenvectors of a Gram matrix no longer give an orthonormal V. */
const gramLimit = 1e-5

/** Singular values from eigenvalues of a Gram matrix: rounding can leave a small one negative. */
export function singularFromSquares(values: Float64Array): Float64Array {
  return values.map((value) => Math.sqrt(Math.max(0, value)))
}

/** Singular values of Z (a copy outside the kernels' memory) from its Gram matrix G, which is left alone. Cost: a values-only k x k eigenproblem. */
export function singularValuesOfGram(kernels: Kernels, G: Float64Array, order: number): Float64Array {
  const mark = kernels.mark()
  const copy = kernels.allocateFloat64(order * order)
  copy.set(G)
  const values = kernels.allocateFloat64(order)
  kernels.symmetricEigen(copy, order, values, null)
  const singular = singularFromSquares(values.slice())
  kernels.release(mark)
  return singular
}

/**
 * The first `rank` triplets of Q Zt. G = ZtZ is destroyed; U and V are allocated in the kernels' memory and live until the caller's mark.
 * @throws AppError `out-of-memory`, `cancelled`
 */
export function smallSvd(
  kernels: Kernels,
  { Q, Z, G, key }: { Q: Matrix; Z: Matrix; G: Float64Array; key: GaussianKey },
  rank: number,
): Triplets {
  const order = Q.cols
  const U = allocateMatrix(kernels, Q.rows, rank)
  const V = allocateMatrix(kernels, Z.rows, rank)
  const mark = kernels.mark()
  const values = kernels.allocateFloat64(order)
  const W = kernels.allocateFloat64(order * rank)
  kernels.symmetricEigen(G, order, values, W, rank)
  const s = singularFromSquares(values.slice(0, rank))
  if (s[rank - 1]! <= gramLimit * s[0]!) {
    const accurate = throughQr(kernels, Q, Z, U, V, key)
    kernels.release(mark)
    return { U, s: accurate, V }
  }
  kernels.multiplySmall(Q, W, U) // U = Q W
  for (let i = 0; i < order; i++) for (let j = 0; j < rank; j++) W[i * rank + j]! /= s[j]!
  kernels.multiplySmall(Z, W, V) // V = Z W / s
  if (s[rank - 1]! < correctionLimit * s[0]!) newtonSchulz(kernels, V)
  kernels.release(mark)
  return { U, s, V }
}

/** V <- V (3 I - VtV) / 2: squares the distance from orthonormality and turns no column towards another to first order. */
export function newtonSchulz(kernels: Kernels, V: Matrix): void {
  const k = V.cols
  const mark = kernels.mark()
  const M = kernels.allocateFloat64(k * k)
  kernels.gram(V, M)
  for (let i = 0; i < k * k; i++) M[i]! /= -2
  for (let i = 0; i < k; i++) M[i * k + i]! += 1.5
  kernels.multiplySmall(V, M, V)
  kernels.release(mark)
}

/** U <- Q W and V <- Qz P from the SVD R = P diag(s) Wt of R = Qz^T Z. Returns the first s. */
function throughQr(kernels: Kernels, Q: Matrix, Z: Matrix, U: Matrix, V: Matrix, key: GaussianKey): Float64Array {
  const l = Z.cols
  const rank = U.cols
  const mark = kernels.mark()
  const Qz = allocateMatrix(kernels, Z.rows, l)
  Qz.data.set(Z.data)
  orthonormalize(kernels, Qz, { key, passes: 2 })
  const M = kernels.allocateFloat64(l * l)
  kernels.crossGram(Qz, Z, M) // R = Qz^T Z
  const R = new MlMatrix(Array.from({ length: l }, (_, i) => Array.from(M.subarray(i * l, (i + 1) * l))))
  const { leftSingularVectors, rightSingularVectors, diagonal } = new SVD(R)
  const W = M.subarray(0, l * rank)
  for (let i = 0; i < l; i++) for (let j = 0; j < rank; j++) W[i * rank + j] = rightSingularVectors.get(i, j)
  kernels.multiplySmall(Q, W, U)
  for (let i = 0; i < l; i++) for (let j = 0; j < rank; j++) W[i * rank + j] = leftSingularVectors.get(i, j)
  kernels.multiplySmall(Qz, W, V)
  kernels.release(mark)
  return Float64Array.from(diagonal.slice(0, rank))
}

export function allocateMatrix(kernels: Kernels, rows: number, cols: number): Matrix {
  return { rows, cols, data: kernels.allocateFloat32(rows * cols) }
}
