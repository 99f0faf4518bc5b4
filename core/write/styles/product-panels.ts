/** L R a panel of rows at a time: what the factors of a matrix stand for, without a second matrix in memory. */

import type { Matrix } from '../../kernels/kernels.ts'
import type { JobContext } from '../../matrix/context.ts'

/** Of a panel, about. */
const panelBytes = 32 << 20

export interface ProductPanel {
  /** Of its first row. */
  readonly start: number
  readonly height: number
  /** height x cols, in kernel memory; the next one takes its place. */
  readonly values: Float32Array
}

/**
 * Passes over L R (m x n), each of panels in order. Memory for one panel is taken at once, until the caller releases it.
 * @throws AppError `cancelled`, `out-of-memory`
 */
export function productPanels(context: JobContext, L: Matrix, R: Matrix): () => Iterable<ProductPanel> {
  const { kernels } = context
  const [rows, cols] = [L.rows, R.cols]
  // The part of L must lie at a multiple of 16 bytes whatever the rank, as the kernels want: four rows.
  const panelRows = Math.min(rows, Math.max(4, Math.floor(panelBytes / (16 * cols)) * 4))
  const Y = kernels.allocateFloat32(panelRows * cols)
  return function* () {
    for (let start = 0; start < rows; start += panelRows) {
      context.checkCancelled()
      const height = Math.min(panelRows, rows - start)
      const values = Y.subarray(0, height * cols)
      const left = new Uint8Array(L.data.buffer, L.data.byteOffset + 4 * start * L.cols, 4 * height * L.cols)
      // Y = L R, the rows of this panel
      kernels.gemm({ rows: height, cols: L.cols, dtype: 'F32', data: left, scale: 1 }, R, {
        rows: height,
        cols,
        data: values,
      })
      yield { start, height, values }
    }
  }
}
