/**
 * Whether a product is what it should be, for a few operations an entry: with random signs u and v, and uTA and Av known from the processor,
 * uT(AX) is (uTA)X and vT(AtY) is (Av)TY, column by column. What differs by more than rounding explains is an alarm.
 * Freivalds, "Probabilistic machines can use less running time", IFIP 1977; with rounding, Huang and Abraham, IEEE Trans. Comput. 33 (1984).
 *
 * The limit is statistical: 8 u sqrt(depth) ||A||_F ||x_j||. Sums of equal terms may exceed it, so an alarm proves nothing: the worst column is then
 * computed in f64 and held against the rigorous bound of its sums, and only what exceeds that is a fault.
 *
 * Legend: A m x n, X n x k, Y m x k, Z n x k.
 */
import type { Kernels, Matrix, Weights } from '../kernels.ts'
import { widen } from '../widen.ts'
import { bytesPerWeight } from './device-kernels.ts'
import { depthOf, type Mode } from './wgsl.ts'

/** Unit roundoff of f32. */
const U = 2 ** -24
const FACTOR = 8

/** What is known of a matrix: found once on the processor, 4 m n flop. */
export interface MatrixSums {
  /** u and v: +1 or -1 for each row and each column. */
  readonly rowSigns: Float32Array
  readonly colSigns: Float32Array
  /** uTA and Av, with A's scale. */
  readonly ofCols: Float32Array
  readonly ofRows: Float32Array
  /** ||A||_F, with A's scale. */
  readonly norm: number
}

/** The same for every matrix of so many rows or columns. */
export function signs(count: number, seed: number): Float32Array {
  const found = new Float32Array(count)
  let state = (seed * 2654435761 + 1) >>> 0
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    found[i] = state >>> 31 === 0 ? -1 : 1
  }
  return found
}

/** wT M for each column of M, which lies in the kernels' memory, in f64. */
export function columnSums(kernels: Kernels, w: Float32Array, M: Matrix): Float64Array {
  const mark = kernels.mark()
  try {
    const column = kernels.allocateFloat32(w.length)
    column.set(w)
    const sums = kernels.allocateFloat64(M.cols)
    kernels.crossGram({ rows: M.rows, cols: 1, data: column }, M, sums)
    return sums.slice()
  } finally {
    kernels.release(mark)
  }
}

/** A product that was made elsewhere; right and out lie in the kernels' memory. */
export interface MadeProduct {
  readonly mode: Mode
  /** X, n x k, or Y, m x k. */
  readonly right: Matrix
  readonly out: Matrix
  /** What `out` had before, and `columnSums` of it; null where it was replaced. */
  readonly before: { readonly values: Float32Array; readonly sums: Float64Array } | null
}

/** The column that differs most, where some differ by more than rounding does by chance; else null. NaN and Inf in `out` differ. */
export function alarm(kernels: Kernels, sums: MatrixSums, { mode, right, out, before }: MadeProduct): number | null {
  const [w, known] = mode === 'plain' ? [sums.rowSigns, sums.ofCols] : [sums.colSigns, sums.ofRows]
  const found = columnSums(kernels, w, out)
  const expected = columnSums(kernels, known, right)
  const differences = found.map((value, j) => Math.abs(value - (before?.sums[j] ?? 0) - expected[j]!))
  const spread = FACTOR * U * Math.sqrt(depthOf(known.length))
  // Some of the rows bound a length from below, and without a fault that is enough by far.
  for (const step of [16, 1]) {
    const lengths = columnLengths(right.data, out.cols, step)
    const lengthsBefore = before && columnLengths(before.values, out.cols, step)
    const column = worst(differences, (j) => spread * (sums.norm * lengths[j]! + (lengthsBefore?.[j] ?? 0)))
    if (column === null || step === 1) return column
  }
  return null
}

/** The column that exceeds its limit most. */
function worst(differences: Float64Array, limit: (j: number) => number): number | null {
  let most = 0
  let column: number | null = null
  for (const [j, difference] of differences.entries()) {
    const ratio = difference === 0 ? 0 : difference / limit(j)
    // Written so that NaN is an alarm.
    if (ratio <= 1 || ratio < most) continue
    most = ratio
    column = j
  }
  return column
}

/** Lengths of the k columns of every `step`th row of M, row-major. */
function columnLengths(M: Float32Array, k: number, step: number): Float64Array {
  const squares = new Float64Array(k)
  for (let first = 0; first < M.length; first += step * k) for (let j = 0; j < k; j++) squares[j]! += M[first + j]! ** 2
  return squares.map(Math.sqrt)
}

/** Whether column `j` of a product lies outside the bound of its own sums: an error no order of additions explains. 4 m n flop in f64. */
export function isFault(
  A: Weights,
  { mode, right: { data: right, cols: k }, out: { data: out }, before }: MadeProduct,
  j: number,
): boolean {
  const count = mode === 'plain' ? A.rows : A.cols
  const inner = mode === 'plain' ? A.cols : A.rows
  const sums = Float64Array.from({ length: count }, (_, i) => before?.values[i * k + j] ?? 0)
  const sizes = sums.map(Math.abs)
  const rowBytes = A.cols * bytesPerWeight[A.dtype]
  const height = Math.max(1, Math.floor(2 ** 20 / A.cols))
  for (let first = 0; first < A.rows; first += height) {
    const rows = Math.min(height, A.rows - first)
    const values = widen({ ...A, rows, data: A.data.subarray(first * rowBytes, (first + rows) * rowBytes) })
    for (let i = 0, at = 0; i < rows; i++)
      for (let p = 0; p < A.cols; p++, at++) {
        const [to, from] = mode === 'plain' ? [first + i, p] : [p, first + i]
        const term = values[at]! * A.scale * right[from * k + j]!
        sums[to]! += term
        sizes[to]! += Math.abs(term)
      }
  }
  // What is too small for a normal number may be taken as zero, in each term.
  const least = inner * 2 ** -126
  return sums.some((sum, i) => !(Math.abs(out[i * k + j]! - sum) <= depthOf(inner) * U * sizes[i]! + least))
}
