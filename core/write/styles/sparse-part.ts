/** The largest entries of what the stored factors leave over of one matrix - of outputs, those that weigh most -, as bytes, and the squared error they take away. */
import { AppError } from '../../errors.ts'
import { decodeFloat64 } from '../../formats/dtype.ts'
import type { Matrix } from '../../kernels/kernels.ts'
import type { JobContext } from '../../matrix/context.ts'
import type { MatrixBytes } from '../../matrix/load.ts'
import { say } from '../../messages/english.ts'
import { foreign } from '../../messages/text.ts'
import type { FactorizedTensor } from '../../plan/plan.ts'
import type { Operand } from '../../svd/operand.ts'
import { inputWeights, type Weighting } from '../../svd/weighted-operand.ts'
import { productPanels } from './product-panels.ts'
import { largestEntries, type ResidualScan } from './sparse-residual.ts'
import type { StoredFactors } from './stored-factors.ts'

export interface SparsePart {
  readonly index: Uint8Array
  readonly value: Uint8Array
  /** Position of the matrix's first entry in the tensor, which `index` counts from. */
  readonly offset: number
}

/** Rows are read again in panels of about this many f64 bytes. */
const PANEL_BYTES = 32 << 20

export async function sparsePart(
  { info, view }: FactorizedTensor,
  weightBytes: MatrixBytes,
  matrixIndex: number,
  { operand, L, R, count, weighting }: { operand: Operand; L: Matrix; R: Matrix; count: number; weighting?: Weighting },
  context: JobContext,
): Promise<SparsePart> {
  const { cols, scale } = operand
  /** What an entry weighs in outputs, by its input alone. */
  const weights = weighting && inputWeights(weighting)
  const weightAt = (flat: number) =>
    weights ? weights[weighting.side === 'cols' ? flat % cols : Math.floor(flat / cols)]! : 1
  const panels = productPanels(context, L, R)
  const scan: ResidualScan = async (visit) => {
    for (const { start, height, values: panel } of panels()) {
      const values = decodeFloat64(weightBytes.dtype, await weightBytes.rows(start, start + height))
      for (let i = 0; i < panel.length; i++) panel[i] = values[i]! * scale - panel[i]!
      if (weights) for (let i = 0; i < panel.length; i++) panel[i]! *= weightAt(start * cols + i)
      visit(start * cols, panel)
    }
  }
  const entries = await largestEntries(scan, count)
  const offset = BigInt(matrixIndex * view.rows * view.cols)
  const value = entries.value.map((residual, i) => residual / scale / weightAt(Number(entries.index[i])))
  if (!value.every(Number.isFinite)) {
    throw new AppError('overflow', say('overflow.sparse', { name: foreign(info.name), dtype: 'F32' }))
  }
  const index = entries.index.map((flat) => flat + offset)
  return {
    index: new Uint8Array(index.buffer as ArrayBuffer),
    value: new Uint8Array(value.buffer as ArrayBuffer),
    offset: Number(offset),
  }
}

/** sum r^2 - (r - v)^2 over the entries v of the sparse part, in the units of the operand; r, what the stored factors leave over there, in f64. */
export async function removedSquares(
  { index, value, offset }: SparsePart,
  weightBytes: MatrixBytes,
  { rows, cols, scale }: Operand,
  { left, right }: Pick<StoredFactors, 'left' | 'right'>,
  context: JobContext,
): Promise<number> {
  const flat = new BigInt64Array(index.buffer, index.byteOffset, index.byteLength / 8)
  const added = new Float32Array(value.buffer, value.byteOffset, value.byteLength / 4)
  const rank = left.length / rows
  const panelRows = Math.max(1, Math.floor(PANEL_BYTES / (8 * cols)))
  let removed = 0
  let next = 0
  for (let start = 0; start < rows && next < flat.length; start += panelRows) {
    context.checkCancelled()
    const end = Math.min(rows, start + panelRows)
    const values = decodeFloat64(weightBytes.dtype, await weightBytes.rows(start, end))
    for (; next < flat.length; next++) {
      const at = Number(flat[next]) - offset
      const [i, j] = [Math.floor(at / cols), at % cols]
      if (i >= end) break
      let product = 0
      for (let p = 0; p < rank; p++) product += left[i * rank + p]! * right[p * cols + j]!
      const residual = (values[(i - start) * cols + j]! - product) * scale
      removed += residual ** 2 - (residual - added[next]! * scale) ** 2
    }
  }
  return removed
}
