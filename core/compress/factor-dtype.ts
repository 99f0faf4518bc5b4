/** What factors are stored as, and what that weighs: the bytes that decide whether a tensor shrinks at all. */
import type { Params } from '../params.ts'
import { type ComputableDType, dtypeBits, type MatrixView, type TensorInfo } from '../tensor.ts'

export type FactorDType = 'F64' | 'F32' | 'F16' | 'BF16' | 'INT8'

/**
 * The stored dtype of a tensor's factors: the one asked for, or the source's own. F8 sources get BF16 factors: with three or two bits
 * of fraction a product of two factors is worthless.
 */
export function factorDType(source: ComputableDType, asked: Params['factorDType']): FactorDType {
  if (asked !== 'keep') return asked
  return source === 'F8_E4M3' || source === 'F8_E5M2' ? 'BF16' : source
}

/** Bits of one entry of a factor. */
export function factorBits(source: ComputableDType, asked: Params['factorDType']): number {
  const dtype = factorDType(source, asked)
  return dtype === 'INT8' ? 8 : dtypeBits[dtype]
}

/** Bytes of A (r x n) and B (m x r) of every matrix of the view, and of S (r) where the layout keeps it apart. */
export function factorBytes(
  view: MatrixView,
  rank: number,
  dtype: FactorDType,
  layout: Params['factorLayout'],
): number {
  const { count, rows, cols } = view
  // INT8: one byte an entry and one F32 scale for each direction of either factor.
  if (dtype === 'INT8') return count * rank * (rows + cols + 8)
  const singularValues = layout === 'usv' ? rank * dtypeBits[singularValueDType(dtype)] : 0
  return (count * (rank * (rows + cols) * dtypeBits[dtype] + singularValues)) / 8
}

/** Singular values beyond 65504 are common and F16 ends there; they weigh nothing, so they stay wide. */
export function singularValueDType(dtype: FactorDType): 'F64' | 'F32' {
  return dtype === 'F64' ? 'F64' : 'F32'
}

/** Largest rank whose factors are smaller than the tensor as it is; 0 where not even rank 1 is. */
export function largestUsefulRank(
  info: TensorInfo,
  view: MatrixView,
  dtype: FactorDType,
  layout: Params['factorLayout'],
): number {
  const perRank = factorBytes(view, 1, dtype, layout)
  return Math.min(Math.ceil(info.byteLength / perRank) - 1, view.rows, view.cols)
}
