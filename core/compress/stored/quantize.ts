/**
 * INT8 factors with fine scales. W ~ B A with B m x r, A r x n and sqrt(s) in each; each int8 matrix is multiplied by its scale, broadcast.
 *
 * Two layouts, both of the output convention:
 *   direction   B_scale [1, r], A_scale [r, 1]: one scale for each singular direction. 8r bytes in all.
 *   row         B_scale [m, 1], A_scale [1, n]: one scale for each row of B and column of A. 4(m + n) bytes, finer where spectra decay.
 * Rounding is to nearest: stochastic rounding only adds noise. Nothing is clamped, the scale reaches the largest entry.
 */
import { int8Bytes, type ScaleLayout } from '../../measure/curves/size.ts'

export interface QuantizedFactors {
  readonly layout: ScaleLayout
  /** r x n and m x r, row-major. */
  readonly A: Int8Array
  readonly B: Int8Array
  /** Shapes as in the head comment. */
  readonly aScale: Float32Array
  readonly bScale: Float32Array
  /** Expected ||BA - B'A'||_F^2 from the rounding errors that were made, taken as independent. */
  readonly squaredError: number
  readonly byteLength: number
}

/** INT8 factors may take this share of their F32 bytes: 1/4 for the values, the rest for the scales. */
const LARGEST_SHARE_OF_F32 = 0.26

/**
 * The layout with the smaller expected error among those within 26 % of the F32 bytes; per direction where none is.
 * @param A r x n, @param B m x r, row-major, sqrt(s) folded into each
 */
export function quantizeFactors(
  A: Float32Array,
  B: Float32Array,
  rows: number,
  cols: number,
  rank: number,
): QuantizedFactors {
  const byDirection = quantizeAs('direction', A, B, rows, cols, rank)
  const rowBytes = int8Bytes('row', rows, cols, rank)
  if (rowBytes > LARGEST_SHARE_OF_F32 * 4 * rank * (rows + cols)) return byDirection
  const byRow = quantizeAs('row', A, B, rows, cols, rank)
  return byRow.squaredError < byDirection.squaredError ? byRow : byDirection
}

export function quantizeAs(
  layout: ScaleLayout,
  A: Float32Array,
  B: Float32Array,
  rows: number,
  cols: number,
  rank: number,
): QuantizedFactors {
  // B is m x r: its directions are columns. A is r x n: its directions are rows.
  const b = quantizeMatrix(B, rows, rank, layout === 'direction' ? 'col' : 'row')
  const a = quantizeMatrix(A, rank, cols, layout === 'direction' ? 'row' : 'col')
  // ||dB A||^2 + ||B dA||^2 with dB, dA independent of A, B: direction j of the other factor weighs ||a_j||^2 or ||b_j||^2.
  let squaredError = 0
  const energyA = columnEnergies(transposedEntry(A, cols), cols, rank)
  const energyB = columnEnergies(entry(B, rank), rows, rank)
  const lossB = columnEnergies(
    (i, j) => B[i * rank + j]! - b.values[i * rank + j]! * b.scales[layout === 'direction' ? j : i]!,
    rows,
    rank,
  )
  const lossA = columnEnergies(
    (i, j) => A[j * cols + i]! - a.values[j * cols + i]! * a.scales[layout === 'direction' ? j : i]!,
    cols,
    rank,
  )
  for (let j = 0; j < rank; j++) squaredError += lossB[j]! * energyA[j]! + lossA[j]! * energyB[j]!
  return {
    layout,
    A: a.values,
    B: b.values,
    aScale: a.scales,
    bScale: b.scales,
    squaredError,
    byteLength: int8Bytes(layout, rows, cols, rank),
  }
}

const entry = (M: Float32Array, cols: number) => (i: number, j: number) => M[i * cols + j]!
const transposedEntry = (M: Float32Array, cols: number) => (i: number, j: number) => M[j * cols + i]!

/** Sum of squares of each column. */
function columnEnergies(at: (i: number, j: number) => number, rows: number, cols: number): Float64Array {
  const energies = new Float64Array(cols)
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) energies[j]! += at(i, j) ** 2
  return energies
}

/** One scale for each row or for each column: its largest magnitude / 127. */
function quantizeMatrix(
  M: Float32Array,
  rows: number,
  cols: number,
  per: 'row' | 'col',
): { values: Int8Array; scales: Float32Array } {
  const scales = new Float32Array(per === 'row' ? rows : cols)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      const group = per === 'row' ? i : j
      scales[group] = Math.max(scales[group]!, Math.abs(M[i * cols + j]!))
    }
  }
  for (let group = 0; group < scales.length; group++) scales[group] = scales[group]! / 127
  const values = new Int8Array(rows * cols)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      const scale = scales[per === 'row' ? i : j]!
      // The f32 scale may be a hair below max / 127: the largest entry still rounds to 127. A zero group stays zero.
      if (scale > 0) values[i * cols + j] = Math.max(-127, Math.min(127, Math.round(M[i * cols + j]! / scale)))
    }
  }
  return { values, scales }
}
