/**
 * Output "dense": the same names, dtypes and shapes, each compressed matrix multiplied out again, from exactly what the output "factors" would
 * store: rounded or quantized factors, and the sparse part. As large as the original: the test drive, which loads wherever the original did.
 */

import { sparseCount } from '../../curves/size.ts'
import { AppError } from '../../errors.ts'
import { decodeFloat64, encode } from '../../formats/dtype.ts'
import type { Kernels } from '../../kernels/kernels.ts'
import type { MatrixBytes } from '../../matrix/load.ts'
import { outputSquares } from '../../measure/output-error.ts'
import { outputRounding } from '../../measure/output-rounding.ts'
import { say } from '../../messages/english.ts'
import { foreign } from '../../messages/text.ts'
import { styles } from '../../styles.ts'
import type { ComputableTensor } from '../../tensor.ts'
import { productPanels } from './product-panels.ts'
import { type SparsePart, sparsePart } from './sparse-part.ts'
import { factorMatrices, roundingError, storeFactors } from './stored-factors.ts'
import type { FactorizedMatrix, OutputStyle } from './style.ts'

export const dense: OutputStyle = {
  ...styles.dense,
  format: null,

  entries: ({ info }) => [{ name: info.name, dtype: info.dtype, shape: info.shape }],

  write: async (plan, matrix, writeEntry, context) => {
    const { factorization, weighted, weightBytes, lengths } = matrix
    const { operand, frobeniusNorm } = weighted?.plain ?? matrix
    const { info, params } = plan
    const { rows, cols, scale } = operand
    const { kernels } = context
    const mark = kernels.mark()
    try {
      const meter = weighted && outputMeter(kernels, matrix, weighted)
      const stored = storeFactors(plan, factorization, kernels)
      const { L, R } = factorMatrices(stored, operand, kernels)
      const count = sparseCount(params.sparseDensity, rows, cols)
      const request = { operand, L, R, count, ...(weighted && { weighting: weighted.weighting }) }
      const sparse = count > 0 ? await sparsePart(plan, weightBytes, 0, request, context) : null
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
          const without = asStored(info, weightBytes, Float64Array.from(values), start).values
          squaresWithout += squaresOf(without)
          meter?.withoutSparse(original, without, start)
          add(values, start)
        }
        const exact = values.slice()
        const { bytes, values: written } = asStored(info, weightBytes, values, start)
        for (let i = 0; i < exact.length; i++) rounded += ((exact[i]! - written[i]!) * scale) ** 2
        await writeEntry(0, bytes)
        squares += squaresOf(written)
        meter?.written(original, written, start)
        meter?.rounded(exact, written, start)
      }
      const relative = (sum: number) => (frobeniusNorm === 0 ? 0 : Math.sqrt(sum) / scale / frobeniusNorm)
      if (meter) {
        const { total } = meter
        const stored2 = outputRounding(
          { factorization, lengths: lengths! },
          stored,
          weighted.weighting,
          matrix.frobeniusNorm,
        )
        const rounding = Math.hypot(Math.sqrt(stored2), total('rounded'))
        const withoutSparse = total(add ? 'withoutSparse' : 'written')
        return { relativeError: total('written'), withoutSparse, rounding, weightError: relative(squares) }
      }
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

/** Adds up errors of outputs, of differences that come in panels of rows. */
function outputMeter(
  kernels: Kernels,
  { operand, frobeniusNorm }: FactorizedMatrix,
  { weighting, plain }: NonNullable<FactorizedMatrix['weighted']>,
) {
  const { rows, cols, scale } = plain.operand
  const sums = {
    written: outputSquares(kernels, weighting, rows, cols),
    withoutSparse: outputSquares(kernels, weighting, rows, cols),
    rounded: outputSquares(kernels, weighting, rows, cols),
  }
  const add = (which: keyof typeof sums) => (from: Float64Array, values: Float64Array, start: number) => {
    const mark = kernels.mark()
    const D = kernels.allocateFloat32(values.length)
    for (let i = 0; i < D.length; i++) D[i] = (from[i]! - values[i]!) * scale
    sums[which].add(D, start, values.length / cols)
    kernels.release(mark)
  }
  const total = (which: keyof typeof sums) =>
    frobeniusNorm === 0 ? 0 : Math.sqrt(sums[which].total()) / operand.scale / frobeniusNorm
  return { written: add('written'), withoutSparse: add('withoutSparse'), rounded: add('rounded'), total }
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
