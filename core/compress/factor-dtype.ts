/** What factors are stored as, and what that weighs: the bytes that decide whether a tensor shrinks at all. */
import type { Params } from '../params.ts'
import { type ComputableDType, dtypeBits, encodedBytes, type MatrixView, type TensorInfo } from '../tensor.ts'
import { int8Bytes, type ScaleLayout } from './quantize.ts'
import { sparseCount } from './sparse-residual.ts'

export type FactorDType = 'F64' | 'F32' | 'F16' | 'BF16' | 'INT8'

/**
 * The stored dtype of a tensor's factors: the one asked for, or the source's own. F8 sources get BF16 factors: with three or two bits
 * of fraction a product of two factors is worthless.
 */
export function factorDType(source: ComputableDType, asked: Params['factorDType']): FactorDType {
  if (asked !== 'keep') return asked
  return source === 'F8_E4M3' || source === 'F8_E5M2' ? 'BF16' : source
}

/** Instead of INT8 where its rounding would show: half precision, and BF16 for its range. */
export const insteadOfInt8 = 'BF16'

/** Bits of one entry of a factor. */
export function factorBits(source: ComputableDType, asked: Params['factorDType']): number {
  const dtype = factorDType(source, asked)
  return dtype === 'INT8' ? 8 : dtypeBits[dtype]
}

/**
 * From this rank on one scale for each row fits in 26 % of the F32 bytes of the factors; it is the finer layout where spectra decay.
 * Below, each singular direction has a scale.
 */
export function scaleLayout(rank: number): ScaleLayout {
  return rank >= 100 ? 'row' : 'direction'
}

export interface StoredAs {
  readonly dtype: FactorDType
  readonly layout: Params['factorLayout']
  readonly sparseDensity: number
}

/** Bytes of a sparse entry: an I64 index and an F32 value. */
const SPARSE_BYTES = 12

/** Bytes of A (r x n) and B (m x r) of every matrix of the view, of S or the scales where there are any, and of the sparse part. */
export function factorBytes(view: MatrixView, rank: number, { dtype, layout, sparseDensity }: StoredAs): number {
  const { count, rows, cols } = view
  const sparse = SPARSE_BYTES * sparseCount(sparseDensity, rows, cols)
  if (dtype === 'INT8') return count * (int8Bytes(scaleLayout(rank), rows, cols, rank) + sparse)
  const singularValues = layout === 'usv' ? (rank * dtypeBits[singularValueDType(dtype)]) / 8 : 0
  return count * ((rank * (rows + cols) * dtypeBits[dtype]) / 8 + singularValues + sparse)
}

/** Singular values beyond 65504 are common and F16 ends there; they weigh nothing, so they stay wide. */
export function singularValueDType(dtype: FactorDType): 'F64' | 'F32' {
  return dtype === 'F64' ? 'F64' : 'F32'
}

/** Largest rank whose factors are smaller than the tensor as it is; 0 where not even rank 1 is. */
export function largestUsefulRank(info: TensorInfo, view: MatrixView, stored: StoredAs): number {
  let low = 0
  let high = Math.min(view.rows, view.cols)
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (factorBytes(view, middle, stored) < encodedBytes(info)) low = middle
    else high = middle - 1
  }
  return low
}
