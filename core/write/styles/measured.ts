/** Factors and their sparse part as entries of an output, and the error of what was written. */
import { sparseCount } from '../../curves/size.ts'
import { decodeFloat64 } from '../../formats/dtype.ts'
import type { Matrix } from '../../kernels/kernels.ts'
import type { JobContext } from '../../matrix/context.ts'
import type { MatrixBytes } from '../../matrix/load.ts'
import { outputSquares, squaredOutputResidual } from '../../measure/output-error.ts'
import { outputRounding } from '../../measure/output-rounding.ts'
import { squaredResidual, squaredResidualDouble } from '../../measure/residual.ts'
import type { FactorizedTensor } from '../../plan/plan.ts'
import type { Operand } from '../../svd/operand.ts'
import type { Weighting } from '../../svd/weighted-operand.ts'
import { productPanels } from './product-panels.ts'
import { removedSquares, type SparsePart, sparsePart } from './sparse-part.ts'
import { factorMatrices, fillWith, roundingError, type StoredFactors } from './stored-factors.ts'
import type { FactorizedMatrix, MeasuredError, WriteEntry } from './style.ts'

/** One matrix's factors, and where they and the sparse part go among its entries. */
export interface FactorPieces {
  readonly stored: StoredFactors
  /** Entry of the first piece. */
  readonly first: number
  /** Entry of the index of the sparse part; its values follow. */
  readonly sparseAt: number
  /** The part as the output's dtypes hold it, with the bytes that say so where those are not its own. */
  asWritten(part: SparsePart): SparsePart & { readonly pieces?: readonly Uint8Array[] }
}

export async function writeMeasured(
  plan: FactorizedTensor,
  matrix: FactorizedMatrix,
  { stored, first, sparseAt, asWritten }: FactorPieces,
  writeEntry: WriteEntry,
  context: JobContext,
): Promise<MeasuredError> {
  for (const [i, bytes] of stored.pieces.entries()) await writeEntry(first + i, bytes)
  if (matrix.weighted) return writeWeighted(plan, matrix, { stored, first, sparseAt, asWritten }, writeEntry, context)
  const { operand, frobeniusNorm, factorization, weightBytes, index } = matrix
  const count = sparseCount(plan.params.sparseDensity, factorization.rows, factorization.cols)
  const { kernels } = context
  const mark = kernels.mark()
  try {
    const { rank } = factorization
    const relative = (sum: number) =>
      frobeniusNorm === 0 ? 0 : Math.sqrt(Math.max(0, sum)) / operand.scale / frobeniusNorm
    const rounding = roundingError(stored, factorization, frobeniusNorm)
    const fill = fillWith(stored, operand.scale)
    if (count === 0) {
      const error = relative(await squaredResidual(kernels, operand, rank, frobeniusNorm, fill))
      return { relativeError: error, withoutSparse: error, rounding }
    }
    const { L, R } = factorMatrices(stored, operand, kernels)
    const sparse = asWritten(await sparsePart(plan, weightBytes, index, { operand, L, R, count }, context))
    const pieces = sparse.pieces ?? [sparse.index, sparse.value]
    for (const [i, bytes] of pieces.entries()) await writeEntry(sparseAt + i, bytes)
    // What the sparse part takes away may be nearly all of it: both numbers in f64.
    const squares = await squaredResidualDouble(kernels, operand, rank, fill)
    const removed = await removedSquares(sparse, weightBytes, operand, stored, context)
    return { relativeError: relative(squares - removed), withoutSparse: relative(squares), rounding }
  } finally {
    kernels.release(mark)
  }
}

/** The same in the norm of outputs, with the error of the weights beside it. The sparse part has what weighs most there. */
async function writeWeighted(
  plan: FactorizedTensor,
  { operand, frobeniusNorm, factorization, weighted, lengths, weightBytes, index }: FactorizedMatrix,
  { stored, sparseAt, asWritten }: FactorPieces,
  writeEntry: WriteEntry,
  context: JobContext,
): Promise<MeasuredError> {
  const { weighting, plain } = weighted!
  const { rank, rows, cols } = factorization
  const count = sparseCount(plan.params.sparseDensity, rows, cols)
  const { kernels } = context
  const mark = kernels.mark()
  try {
    const relative = (sum: number, scale: number, norm: number) =>
      norm === 0 ? 0 : Math.sqrt(Math.max(0, sum)) / scale / norm
    const ofOutputs = (sum: number) => relative(sum, operand.scale, frobeniusNorm)
    const ofWeights = (sum: number) => relative(sum, plain.operand.scale, plain.frobeniusNorm)
    const lifted = { factorization, lengths: lengths! }
    const rounding = Math.sqrt(outputRounding(lifted, stored, weighting, frobeniusNorm))
    const fill = fillWith(stored, plain.operand.scale)
    const squares = await squaredOutputResidual(kernels, { operand, frobeniusNorm, weighting }, rank, fill)
    const withoutSparse = ofOutputs(squares)
    if (count === 0) {
      const weights = await squaredResidual(kernels, plain.operand, rank, plain.frobeniusNorm, fill)
      return { relativeError: withoutSparse, withoutSparse, rounding, weightError: ofWeights(weights) }
    }
    const { L, R } = factorMatrices(stored, plain.operand, kernels)
    const request = { operand: plain.operand, L, R, count, weighting }
    const sparse = asWritten(await sparsePart(plan, weightBytes, index, request, context))
    for (const [i, bytes] of (sparse.pieces ?? [sparse.index, sparse.value]).entries())
      await writeEntry(sparseAt + i, bytes)
    const left = await leftOver(sparse, weightBytes, { operand: plain.operand, L, R, weighting }, context)
    return {
      relativeError: ofOutputs(left.outputs),
      withoutSparse,
      rounding,
      weightError: ofWeights(left.weights),
    }
  } finally {
    kernels.release(mark)
  }
}

/** ||(W - L R - S) C||^2 and ||W - L R - S||^2, panel by panel, in the units of their operands. */
async function leftOver(
  { index, value, offset }: SparsePart,
  weightBytes: MatrixBytes,
  { operand, L, R, weighting }: { operand: Operand; L: Matrix; R: Matrix; weighting: Weighting },
  context: JobContext,
): Promise<{ outputs: number; weights: number }> {
  const { rows, cols, scale } = operand
  const flat = new BigInt64Array(index.buffer, index.byteOffset, index.byteLength / 8)
  const added = new Float32Array(value.buffer, value.byteOffset, value.byteLength / 4)
  const outputs = outputSquares(context.kernels, weighting, rows, cols)
  let weights = 0
  let next = 0
  for (const { start, height, values: panel } of productPanels(context, L, R)()) {
    const values = decodeFloat64(weightBytes.dtype, await weightBytes.rows(start, start + height))
    for (let i = 0; i < panel.length; i++) panel[i] = values[i]! * scale - panel[i]!
    for (; next < flat.length; next++) {
      const at = Number(flat[next]) - offset - start * cols
      if (at >= panel.length) break
      panel[at]! -= added[next]! * scale
    }
    for (let i = 0; i < panel.length; i++) weights += panel[i]! ** 2
    outputs.add(panel, start, height)
  }
  return { outputs: outputs.total(), weights }
}
