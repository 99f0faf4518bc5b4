/** A writer: how the numbers of a factorized tensor become the bytes of its style (core/styles.ts). One style a file in this folder. */

import type { WeightFile } from '../../formats/format.ts'
import type { JobContext } from '../../matrix/context.ts'
import type { LoadedMatrix, MatrixBytes } from '../../matrix/load.ts'
import type { Message } from '../../messages/message.ts'
import type { StyleLayout } from '../../plan/entries.ts'
import type { FactorizedTensor, TensorPlan } from '../../plan/plan.ts'
import type { Factorization } from '../../svd/factorization.ts'
import type { TensorOutline } from '../../tensor.ts'

/** One matrix of a tensor with everything there is to write and measure it. */
export interface FactorizedMatrix extends LoadedMatrix {
  /** Of the rank that is written. */
  readonly factorization: Factorization
  /** How much of the outputs' norm each of its directions has, where errors are those of outputs. */
  readonly lengths?: Float64Array
  readonly weightBytes: MatrixBytes
  /** Of this matrix in a stack; 0 elsewhere. */
  readonly index: number
}

/** ||W - What||_F / ||W||_F, What being what the written bytes say; 0 for a zero matrix. */
export interface MeasuredError {
  readonly relativeError: number
  /** The same before a sparse part is added. */
  readonly withoutSparse: number
  /** ||U diag(s) Vt - what is stored||_F / ||W||_F, whatever there is to round, before a sparse part is added. */
  readonly rounding: number
  /** ||W - What||_F / ||W||_F, where the others are of outputs. */
  readonly weightError?: number
}

/** Appends bytes to entry `index` of the tensor. A stack writes matrix after matrix into the same entries. */
export type WriteEntry = (index: number, bytes: Uint8Array) => Promise<void>

export interface OutputStyle extends StyleLayout {
  /** Value of the metadata field `format`; null leaves the source's own metadata in charge. */
  readonly format: string | null
  /**
   * Writes one matrix and measures what was written.
   * @throws AppError `overflow` for values outside the dtype
   */
  write(
    plan: FactorizedTensor,
    matrix: FactorizedMatrix,
    writeEntry: WriteEntry,
    context: JobContext,
  ): Promise<MeasuredError>
  /** Further metadata of the file, such as what a loader looks for. */
  metadata?(plans: readonly FactorizedTensor[]): ReadonlyMap<string, string>
  /** What readers of the file see of each of these, in the order of the file; absent where they see its entries. */
  readAs?(plans: readonly TensorPlan[]): (plan: FactorizedTensor) => TensorOutline
  /** The same for this source, where something beside its weights is taken over. @throws AppError `bad-request` where it cannot be */
  for?(file: WeightFile): Promise<OutputStyle>
  /** What is to be said of an output of these before it is written. */
  notices?(plans: readonly FactorizedTensor[]): Message[]
}
