/**
 * Output "dense": the same names, dtypes and shapes, each compressed matrix multiplied out again, from exactly what the output "factors" would
 * store: rounded or quantized factors, and the sparse part. As large as the original: the test drive, which loads wherever the original did.
 */

import { sparseCount } from '../../curves/size.ts'
import { AppError } from '../../errors.ts'
import { decodeFloat64, encode } from '../../formats/dtype.ts'
import type { MatrixBytes } from '../../matrix/load.ts'
import { say } from '../../messages/english.ts'
import { foreign } from '../../messages/text.ts'
import { styles } from '../../styles.ts'
import type { ComputableTensor } from '../../tensor.ts'
import { productPanels } from './product-panels.ts'
import { type SparsePart, sparsePart } from './sparse-part.ts'
import { factorMatrices, roundingError, storeFactors } from './stored-factors.ts'
import type { OutputStyle } from './style.ts'

export const dense: OutputStyle = {
  ...styles.dense,
  format: null,

  entries: ({ info }) => [{ name: info.name, dtype: info.dtype, shape: info.shape }],

  write: async (plan, { operand, factorization, frobeniusNorm, weightBytes }, writeEntry, context) => {
    const { info, params } = plan
    const { rows, cols, scale } = operand
    const { kernels } = context
    const mark = kernels.mark()
    try {
      const stored = storeFactors(plan, factorization)
      const { L, R } = factorMatrices(stored, operand, kernels)
      const count = sparseCount(params.sparseDensity, rows, cols)
      const sparse = count > 0 ? await sparsePart(plan, weightBytes, 0, { operand, L, R, count }, context) : null
      const add = sparse && sparseAdder(sparse, cols)
      const panels = productPanels(context, L, R)
      /** Of what is written, and of what would be without the sparse part: sum of (w - what)^2, in the units of the operand. */
      let squares = 0
      let squaresWithout = 0
      /** What rounding the values themselves takes. */
      let rounded = 0
      for (const { start, height, values: product } of panels()) {
        const values = new Float64Array(product)
        for (let i = 0; i < values.length; i++) values[i] = values[i]! / scale
        const original = decodeFloat64(weightBytes.dtype, await weightBytes.rows(start, start + height))
        const squaresOf = (written: Float64Array) => {
          let sum = 0
          for (let i = 0; i < written.length; i++) sum += ((original[i]! - written[i]!) * scale) ** 2
          return sum
        }
        if (add) {
          squaresWithout += squaresOf(asStored(info, weightBytes, Float64Array.from(values), start).values)
          add(values, start)
        }
        const exact = values.slice()
        const { bytes, values: written } = asStored(info, weightBytes, values, start)
        for (let i = 0; i < exact.length; i++) rounded += ((exact[i]! - written[i]!) * scale) ** 2
        await writeEntry(0, bytes)
        squares += squaresOf(written)
      }
      const relative = (sum: number) => (frobeniusNorm === 0 ? 0 : Math.sqrt(sum) / scale / frobeniusNorm)
      return {
        relativeError: relative(squares),
        withoutSparse: relative(add ? squaresWithout : squares),
        rounding: Math.hypot(roundingError(stored, factorization, frobeniusNorm), relative(rounded)),
      }
    } finally {
      kernels.release(mark)
    }
  },
}

/** Bytes of the tensor's dtype, and the values of the matrix that they stand for; what is handed in is used up. */
function asStored(info: ComputableTensor, weightBytes: MatrixBytes, values: Float64Array, start: number) {
  const { bytes, overflows } = encode(info.dtype, weightBytes.unscale(values, start))
  if (overflows > 0) {
    throw new AppError(
      'overflow',
      say('overflow.dense', { name: foreign(info.name), dtype: info.dtype, count: overflows }),
    )
  }
  return { bytes, values: weightBytes.rescale(decodeFloat64(info.dtype, bytes), start) }
}

/** Adds to each panel of rows, asked for in order, the entries that lie in it. */
function sparseAdder({ index, value }: SparsePart, cols: number): (values: Float64Array, start: number) => void {
  const flat = new BigInt64Array(index.buffer, index.byteOffset, index.byteLength / 8)
  const added = new Float32Array(value.buffer, value.byteOffset, value.byteLength / 4)
  let next = 0
  return (values, start) => {
    for (; next < flat.length; next++) {
      const at = Number(flat[next]) - start * cols
      if (at >= values.length) return
      values[at]! += added[next]!
    }
  }
}
