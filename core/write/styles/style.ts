/** What an output style is: how a factorized tensor is laid out, how its numbers become bytes, and in which files. One style a file in this folder. */

import type { JobContext } from '../../matrix/context.ts'
import type { LoadedMatrix, MatrixBytes } from '../../matrix/load.ts'
import type { FactorizedTensor } from '../../plan/plan.ts'
import type { Factorization } from '../../svd/factorization.ts'
import type { TensorOutline } from '../../tensor.ts'

/** One matrix of a tensor with everything there is to write and measure it. */
export interface FactorizedMatrix extends LoadedMatrix {
  /** Of the rank that is written. */
  readonly factorization: Factorization
  readonly source: MatrixBytes
  /** Of this matrix in a stack; 0 elsewhere. */
  readonly index: number
}

/** ||W - What||_F / ||W||_F, What being what the written bytes say; 0 for a zero matrix. */
export interface MeasuredError {
  readonly relativeError: number
  /** The same before a sparse part is added. */
  readonly withoutSparse: number
}

/** Appends bytes to entry `index` of the tensor. A stack writes matrix after matrix into the same entries. */
export type WriteEntry = (index: number, bytes: Uint8Array) => Promise<void>

export interface OutputStyle {
  /** Value of the metadata field `format`; null leaves the source's own metadata in charge. */
  readonly format: string | null
  /**
   * `file`: one file of the target's name. `like-source`: as many files as the source has, in a folder of the target's name when that is
   * more than one. `adapter`: a folder with one file of weights and its configuration.
   */
  readonly container: 'file' | 'like-source' | 'adapter'
  /** What the files are encoded as. */
  readonly encoding: 'safetensors' | 'npz'
  /** A tensor as the encoding holds it, where that is not how it is handed in. */
  stored?(outline: TensorOutline): TensorOutline
  /** Whether tensors that are not factorized are copied. An adapter holds only what it changes. */
  readonly copiesKept: boolean
  /** Whether values are divided by their scale again, so that it is copied as any other tensor. Factors hold value x factor. */
  readonly keepsScales?: true
  /** Why this style cannot hold a tensor that could be factorized, as a sentence. */
  refusal?(plan: FactorizedTensor): string | null
  /** The written tensors in place of the planned one. Known, with all bytes, before anything is computed. */
  entries(plan: FactorizedTensor): TensorOutline[]
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
  /** The configuration beside an adapter's weights. */
  configuration?(plans: readonly FactorizedTensor[]): { readonly name: string; readonly json: unknown }
}
