/**
 * The small problem and the way back: from Q (m x l, orthonormal) and Z = AtQ (n x l) to the leading singular triplets of Q QtA.
 * B = QtA = Zt is never formed.
 *
 * G = ZtZ = B Bt in f64 has the eigenvectors W and the eigenvalues s^2; U = Q W and V = Z W / s. Squaring costs digits: V stays orthonormal
 * while s_k / s_1 > 1e-5 (orthonormalized once more, in the order of s, below 1e-2). Below that Z is orthonormalized first, and the SVD is that of
 * the l x l matrix R = Qz^T Z, which sees every value down to 2^-53 s_1.
 *
 * Legend: Q m x l, Z n x l, G l x l, W l x k, U m x k, V n x k.
 */
import { Matrix as MlMatrix, SVD } from 'ml-matrix'
import type { GaussianKey, Kernels, Matrix } from '../kernels/kernels.ts'
import { orthonormalize } from './orthonormalize.ts'

/** What a range finder hands to the small SVD: bases in blocks of columns, all in the kernels' memory until the caller's mark. */
export interface Range {
  /** Orthonormal, together: m x (sum of columns). */
  readonly Q: readonly Matrix[]
  /** AtQ, block by block. */
  readonly Z: readonly Matrix[]
  /** ZtZ over all blocks. */
  readonly G: Float64Array
}

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

/**
 * The first `rank` triplets of Q Zt. G = ZtZ is destroyed; U and V are allocated in the kernels' memory and live until the caller's mark.
 * @throws AppError `out-of-memory`, `cancelled`
 */
export function smallSvd(kernels: Kernels, range: Range, rank: number, key: GaussianKey): Triplets {
  const { Q, Z, G } = range
  const order = Math.round(Math.sqrt(G.length))
  const U = allocateMatrix(kernels, Q[0]!.rows, rank)
  const V = allocateMatrix(kernels, Z[0]!.rows, rank)
  const mark = kernels.mark()
  const values = kernels.allocateFloat64(order)
  const W = kernels.allocateFloat64(order * rank)
  kernels.symmetricEigen(G, order, values, W, rank)
  const s = singularFromSquares(values.slice(0, rank))
  if (s[rank - 1]! <= gramLimit * s[0]!) {
    const accurate = throughQr(kernels, range, U, V, key)
    kernels.release(mark)
    return { U, s: accurate, V }
  }
  multiplyBlocks(kernels, Q, W, U) // U = Q W
  for (let i = 0; i < order; i++) for (let j = 0; j < rank; j++) W[i * rank + j]! /= s[j]!
  multiplyBlocks(kernels, Z, W, V) // V = Z W / s
  if (s[rank - 1]! < correctionLimit * s[0]!) orthonormalize(kernels, V, { key, passes: 1 })
  kernels.release(mark)
  return { U, s, V }
}

/** Out <- [X_1 X_2 ...] M, with the rows of M in the same blocks. */
function multiplyBlocks(kernels: Kernels, blocks: readonly Matrix[], M: Float64Array, Out: Matrix): void {
  let row = 0
  for (const X of blocks) {
    kernels.multiplySmall(X, M.subarray(row * Out.cols, (row + X.cols) * Out.cols), Out, row > 0)
    row += X.cols
  }
}

/** U <- Q W and V <- Qz P from the SVD R = P diag(s) Wt of R = Qz^T Z. Returns the first s. */
function throughQr(kernels: Kernels, range: Range, U: Matrix, V: Matrix, key: GaussianKey): Float64Array {
  const Z = sideBySide(kernels, range.Z)
  const l = Z.cols
  const rank = U.cols
  const Qz = allocateMatrix(kernels, Z.rows, l)
  Qz.data.set(Z.data)
  orthonormalize(kernels, Qz, { key, passes: 2 })
  const M = kernels.allocateFloat64(l * l)
  kernels.crossGram(Qz, Z, M) // R = Qz^T Z
  const R = new MlMatrix(Array.from({ length: l }, (_, i) => Array.from(M.subarray(i * l, (i + 1) * l))))
  const { leftSingularVectors: P, rightSingularVectors: W, diagonal } = new SVD(R)
  const leading = M.subarray(0, l * rank)
  for (let i = 0; i < l; i++) for (let j = 0; j < rank; j++) leading[i * rank + j] = W.get(i, j)
  multiplyBlocks(kernels, range.Q, leading, U)
  for (let i = 0; i < l; i++) for (let j = 0; j < rank; j++) leading[i * rank + j] = P.get(i, j)
  kernels.multiplySmall(Qz, leading, V)
  return Float64Array.from(diagonal.slice(0, rank))
}

/** [X_1 X_2 ...] as one matrix; a single block is itself. */
export function sideBySide(kernels: Kernels, blocks: readonly Matrix[]): Matrix {
  if (blocks.length === 1) return blocks[0]!
  const rows = blocks[0]!.rows
  const whole = allocateMatrix(
    kernels,
    rows,
    blocks.reduce((sum, X) => sum + X.cols, 0),
  )
  let column = 0
  for (const { cols, data } of blocks) {
    for (let i = 0; i < rows; i++) whole.data.set(data.subarray(i * cols, (i + 1) * cols), i * whole.cols + column)
    column += cols
  }
  return whole
}

/** rows x cols f32, undefined, in the kernels' memory until the caller's mark. @throws AppError `out-of-memory` */
export function allocateMatrix(kernels: Kernels, rows: number, cols: number): Matrix {
  return { rows, cols, data: kernels.allocateFloat32(rows * cols) }
}
