/** Factors and their sparse part as entries of an output, and the error of what was written. */
import { sparseCount } from '../../curves/size.ts'
import type { JobContext } from '../../matrix/context.ts'
import { squaredResidual, squaredResidualDouble } from '../../measure/residual.ts'
import type { FactorizedTensor } from '../../plan/plan.ts'
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
  { operand, frobeniusNorm, factorization, weightBytes, index }: FactorizedMatrix,
  { stored, first, sparseAt, asWritten }: FactorPieces,
  writeEntry: WriteEntry,
  context: JobContext,
): Promise<MeasuredError> {
  for (const [i, bytes] of stored.pieces.entries()) await writeEntry(first + i, bytes)
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
