/** The largest entries of what the stored factors leave over of one matrix, as bytes and as the squared error they take away. */
import { AppError } from '../../errors.ts'
import { decodeFloat64 } from '../../formats/dtype.ts'
import type { Matrix } from '../../kernels/kernels.ts'
import type { JobContext } from '../../matrix/context.ts'
import type { MatrixBytes } from '../../matrix/load.ts'
import type { FactorizedTensor } from '../../plan/plan.ts'
import type { Operand } from '../../svd/operand.ts'
import { largestEntries, type ResidualScan } from './sparse-residual.ts'

export interface SparsePart {
  readonly index: Uint8Array
  readonly value: Uint8Array
  /** sum r^2 - (r - v)^2 over the entries, in the units of the operand. */
  readonly removed: number
}

/** Rows are multiplied out in panels of about this many f32 bytes; a multiple of 4 rows keeps them aligned. */
const PANEL_BYTES = 32 << 20

export async function sparsePart(
  { info, view }: FactorizedTensor,
  source: MatrixBytes,
  matrixIndex: number,
  { operand, L, R, count }: { operand: Operand; L: Matrix; R: Matrix; count: number },
  context: JobContext,
): Promise<SparsePart> {
  const { rows, cols, scale } = operand
  const { kernels } = context
  const panelRows = Math.max(4, Math.floor(PANEL_BYTES / (16 * cols)) * 4)
  const Y = kernels.allocateFloat32(Math.min(rows, panelRows) * cols)
  const scan: ResidualScan = async (visit) => {
    for (let start = 0; start < rows; start += panelRows) {
      context.checkCancelled()
      const height = Math.min(panelRows, rows - start)
      const panel = Y.subarray(0, height * cols)
      const left = new Uint8Array(L.data.buffer, L.data.byteOffset + 4 * start * L.cols, 4 * height * L.cols)
      // Y = L R, the rows of this panel
      kernels.gemm({ rows: height, cols: L.cols, dtype: 'F32', data: left, scale: 1 }, R, {
        rows: height,
        cols,
        data: panel,
      })
      const values = decodeFloat64(source.dtype, await source.rows(start, start + height))
      for (let i = 0; i < panel.length; i++) panel[i] = values[i]! * scale - panel[i]!
      visit(start * cols, panel)
    }
  }
  const entries = await largestEntries(scan, count)
  const offset = BigInt(matrixIndex * view.rows * view.cols)
  const value = entries.value.map((residual) => residual / scale)
  if (!value.every(Number.isFinite)) {
    throw new AppError('overflow', `${info.name}: values of its sparse part do not fit F32. Leave the sparse part out.`)
  }
  let removed = 0
  for (let i = 0; i < value.length; i++) {
    const residual = entries.value[i]!
    removed += residual ** 2 - (residual - value[i]! * scale) ** 2
  }
  const index = entries.index.map((flat) => flat + offset)
  return {
    index: new Uint8Array(index.buffer as ArrayBuffer),
    value: new Uint8Array(value.buffer as ArrayBuffer),
    removed,
  }
}
