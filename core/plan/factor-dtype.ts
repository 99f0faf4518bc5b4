/** What factors are stored as, and what that weighs: the bytes that decide whether a tensor shrinks at all. */
import { factorBytes as encodedFactorBytes, ROW_SCALES_FROM } from '../curves/size.ts'
import type { LayoutId } from '../layouts.ts'
import type { Params } from '../params.ts'
import type { Style } from '../styles.ts'
import { type ComputableDType, dtypeBits, encodedBytes, type MatrixView, type TensorInfo } from '../tensor.ts'

export type FactorDType = 'F64' | 'F32' | 'F16' | 'BF16' | 'INT8'

/**
 * The stored dtype of a tensor's factors: what the format prescribes, the one asked for, or the source's own. F8 sources get BF16 factors: with three or two bits
 * of fraction a product of two factors is worthless.
 */
export function factorDType(
  own: ComputableDType,
  asked: Params['factorDType'],
  prescribed: Style['prescribed'],
): FactorDType {
  if (prescribed && asked !== 'INT8') return prescribed.dtype
  if (asked !== 'keep') return asked
  return own === 'F8_E4M3' || own === 'F8_E5M2' ? 'BF16' : own
}

export interface StoredAs {
  readonly dtype: FactorDType
  readonly layout: LayoutId
  readonly sparseDensity: number
}

/** Bytes of the factors of every matrix of the view with all that is stored beside them. */
export function factorBytes(view: MatrixView, rank: number, { dtype, layout, sparseDensity }: StoredAs): number {
  const int8 = dtype === 'INT8'
  const bytesPerValue = int8 ? 1 : dtypeBits[dtype] / 8
  return encodedFactorBytes(view, rank, { bytesPerValue, int8, layout, sparseDensity })
}

/** Singular values beyond 65504 are common and F16 ends there; they weigh nothing, so they stay wide. */
export function singularValueDType(dtype: FactorDType): 'F64' | 'F32' {
  return dtype === 'F64' ? 'F64' : 'F32'
}

/** Largest rank whose factors are smaller than the tensor as it is kept; 0 where not even rank 1 is. */
export function largestUsefulRank(
  info: TensorInfo,
  view: MatrixView,
  stored: StoredAs,
  keptBytes = encodedBytes(info),
): number {
  return largestRank(view, (rank) => factorBytes(view, rank, stored) < keptBytes)
}

/** Whether there is one, at the cost of two ranks. */
export function hasUsefulRank(
  info: TensorInfo,
  view: MatrixView,
  stored: StoredAs,
  keptBytes = encodedBytes(info),
): boolean {
  const shrinks = (rank: number) =>
    rank <= Math.min(view.rows, view.cols) && factorBytes(view, rank, stored) < keptBytes
  return shrinks(1) || shrinks(ROW_SCALES_FROM)
}

/** Largest rank whose factors are no larger than the tensor: m n / (m + n) rounded down, at equal dtype and with nothing beside them. */
export function breakEvenRank(info: TensorInfo, view: MatrixView, stored: StoredAs): number {
  return rankWithin(encodedBytes(info), view, stored)
}

/** Largest rank whose factors, with all that is stored beside them, take no more; 0 where not even rank 1 does. */
export function rankWithin(bytes: number, view: MatrixView, stored: StoredAs): number {
  return largestRank(view, (rank) => factorBytes(view, rank, stored) <= bytes)
}

/** Bytes grow with the rank, but for the one at which INT8's scales change their layout: halve on either side of it. */
function largestRank({ rows, cols }: MatrixView, fits: (rank: number) => boolean): number {
  const lastWithin = (first: number, last: number) => {
    let [low, high] = [first - 1, last]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (fits(middle)) low = middle
      else high = middle - 1
    }
    return low < first ? 0 : low
  }
  const most = Math.min(rows, cols)
  return lastWithin(ROW_SCALES_FROM, most) || lastWithin(1, Math.min(most, ROW_SCALES_FROM - 1))
}
