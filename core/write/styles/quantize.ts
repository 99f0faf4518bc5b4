/**
 * INT8 factors with fine scales. W ~ B A with B m x r, A r x n and sqrt(s) in each; each int8 matrix is multiplied by its scale, broadcast.
 *
 * Two layouts, both of the output convention:
 *   direction   B_scale [1, r], A_scale [r, 1]: one scale for each singular direction. 8r bytes in all.
 *   row         B_scale [m, 1], A_scale [1, n]: one scale for each row of B and column of A. 4(m + n) bytes, finer where spectra decay.
 * Rounding is to nearest: stochastic rounding only adds noise. Nothing is clamped, the scale reaches the largest entry.
 */
import type { ScaleLayout } from '../../curves/size.ts'
import { withoutSubnormal } from '../../formats/dtype.ts'

export interface QuantizedFactors {
  /** r x n and m x r, row-major. */
  readonly A: Int8Array
  readonly B: Int8Array
  /** Shapes as in the head comment. */
  readonly aScale: Float32Array
  readonly bScale: Float32Array
}

/** @param A r x n, @param B m x r, row-major, sqrt(s) folded into each */
export function quantizeFactors(
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
  return { A: a.values, B: b.values, aScale: a.scales, bScale: b.scales }
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
  for (let group = 0; group < scales.length; group++) scales[group] = withoutSubnormal('F32', scales[group]! / 127)
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
