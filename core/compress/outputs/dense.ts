/**
 * Output "dense": the same names, dtypes and shapes, each compressed matrix multiplied out again. As large as the original: the test
 * drive, which loads wherever the original did.
 */
import { AppError } from '../../errors.ts'
import { decodeFloat64, encode } from '../../formats/dtype.ts'
import type { OutputStyle } from './output.ts'

/** Rows are multiplied out in panels of about this many f32 bytes. */
const PANEL_BYTES = 32 << 20

export const dense: OutputStyle = {
  format: null,
  container: 'like-source',
  encoding: 'safetensors',
  copiesKept: true,
  keepsScales: true,

  entries: ({ info }) => [{ name: info.name, dtype: info.dtype, shape: info.shape }],

  write: async ({ info }, { operand, factorization, frobeniusNorm, source }, writeEntry, context) => {
    const { rows, cols, rank, U, s, Vt } = factorization
    const { kernels } = context
    const mark = kernels.mark()
    try {
      const panelRows = Math.min(rows, Math.max(1, Math.floor(PANEL_BYTES / (4 * cols))))
      const left = kernels.allocateBytes(4 * panelRows * rank)
      const X = { rows: rank, cols, data: kernels.allocateFloat32(rank * cols) }
      X.data.set(Vt)
      const Y = { rows: panelRows, cols, data: kernels.allocateFloat32(panelRows * cols) }
      const Us = new Float32Array(left.buffer, left.byteOffset, panelRows * rank)
      let squares = 0
      for (let start = 0; start < rows; start += panelRows) {
        context.checkCancelled()
        const count = Math.min(panelRows, rows - start)
        for (let i = 0, at = 0; i < count; i++)
          for (let j = 0; j < rank; j++, at++) Us[at] = U[start * rank + at]! * s[j]! * operand.scale
        const panel = { ...Y, rows: count, data: Y.data.subarray(0, count * cols) }
        // Y = (U diag(s)) Vt, count x n
        kernels.gemm(
          { rows: count, cols: rank, dtype: 'F32', data: left.subarray(0, 4 * count * rank), scale: 1 },
          X,
          panel,
        )
        const values = new Float64Array(panel.data)
        for (let i = 0; i < values.length; i++) values[i] = values[i]! / operand.scale
        const { bytes, overflows } = encode(info.dtype, source.unscale(values, start))
        if (overflows > 0) {
          throw new AppError(
            'overflow',
            `${info.name}: ${overflows} of its reconstructed values do not fit ${info.dtype}.`,
          )
        }
        await writeEntry(0, bytes)
        const written = source.rescale(decodeFloat64(info.dtype, bytes), start)
        const original = decodeFloat64(source.dtype, await source.rows(start, start + count))
        for (let i = 0; i < written.length; i++) squares += ((original[i]! - written[i]!) * operand.scale) ** 2
      }
      const relativeError = frobeniusNorm === 0 ? 0 : Math.sqrt(squares) / operand.scale / frobeniusNorm
      return { relativeError, withoutSparse: relativeError }
    } finally {
      kernels.release(mark)
    }
  },
}
