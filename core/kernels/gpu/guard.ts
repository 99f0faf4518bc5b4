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
import type { Weights } from '../kernels.ts'
import { widen } from '../widen.ts'
import { bytesPerWeight } from './device-kernels.ts'
import { depthOf, type Mode } from './wgsl.ts'

/** Unit roundoff of f32. */
const U = 2 ** -24
const FACTOR = 8

/** What is known of a matrix: found once on the processor, 4 m n flop. */
export interface MatrixSums {
  /** u and v: +1 or -1 for each row and each column. */
  readonly rowSigns: Int8Array
  readonly colSigns: Int8Array
  /** uTA and Av, with A's scale. */
  readonly ofCols: Float64Array
  readonly ofRows: Float64Array
  /** ||A||_F, with A's scale. */
  readonly norm: number
}

/** The same for every matrix of so many rows or columns. */
export function signs(count: number, seed: number): Int8Array {
  const found = new Int8Array(count)
  let state = (seed * 2654435761 + 1) >>> 0
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    found[i] = state >>> 31 === 0 ? -1 : 1
  }
  return found
}

/** signs-T M for M signs.length x k, row-major: k sums in f64. */
export function signedSums(signs: Int8Array, M: Float32Array, k: number): Float64Array {
  const sums = new Float64Array(k)
  for (let i = 0, at = 0; i < signs.length; i++) {
    const sign = signs[i]!
    for (let j = 0; j < k; j++, at++) sums[j]! += sign * M[at]!
  }
  return sums
}

/** A product that was made elsewhere. */
export interface MadeProduct {
  readonly mode: Mode
  /** X, n x k, or Y, m x k. */
  readonly right: Float32Array
  readonly out: Float32Array
  readonly k: number
  /** What `out` had before, by `signedSums` and by length of each column; null where it was replaced. */
  readonly before: { readonly sums: Float64Array; readonly lengths: Float64Array } | null
}

/** The column that differs most, where some differ by more than rounding does by chance; else null. NaN and Inf in `out` differ. */
export function alarm(sums: MatrixSums, { mode, right, out, k, before }: MadeProduct): number | null {
  const [of, known] = mode === 'plain' ? [sums.rowSigns, sums.ofCols] : [sums.colSigns, sums.ofRows]
  const found = signedSums(of, out, k)
  const expected = new Float64Array(k)
  const squares = new Float64Array(k)
  for (let d = 0, at = 0; d < known.length; d++) {
    const value = known[d]!
    for (let j = 0; j < k; j++, at++) {
      const x = right[at]!
      expected[j]! += value * x
      squares[j]! += x * x
    }
  }
  const spread = FACTOR * U * Math.sqrt(depthOf(known.length))
  let worst = 0
  let column: number | null = null
  for (let j = 0; j < k; j++) {
    const limit = spread * (sums.norm * Math.sqrt(squares[j]!) + (before?.lengths[j] ?? 0))
    const difference = Math.abs(found[j]! - (before?.sums[j] ?? 0) - expected[j]!)
    const ratio = difference === 0 ? 0 : difference / limit
    // Written so that NaN is an alarm.
    if (ratio <= 1 || ratio < worst) continue
    worst = ratio
    column = j
  }
  return column
}

/** Lengths of the k columns of M, row-major. */
export function columnLengths(M: Float32Array, k: number): Float64Array {
  const squares = new Float64Array(k)
  for (let at = 0; at < M.length; at++) squares[at % k]! += M[at]! ** 2
  return squares.map(Math.sqrt)
}

/** Whether column `j` of a product lies outside the bound of its own sums: an error no order of additions explains. 4 m n flop in f64. */
export function isFault(
  A: Weights,
  { mode, right, out, k }: Pick<MadeProduct, 'mode' | 'right' | 'out' | 'k'>,
  j: number,
  previous: Float32Array | null,
): boolean {
  const count = mode === 'plain' ? A.rows : A.cols
  const inner = mode === 'plain' ? A.cols : A.rows
  const sums = Float64Array.from({ length: count }, (_, i) => previous?.[i] ?? 0)
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
