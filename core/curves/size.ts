/** Bytes of factors against bytes of the matrix they replace. Sizes are those of the values; headers are counted by the formats. */
import { type LayoutId, layoutOf } from '../layouts.ts'
import type { Params } from '../params.ts'

/** INT8 factors have a scale for each singular direction, or for each row of B and column of A. */
export type ScaleLayout = 'direction' | 'row'

/**
 * From this rank on one scale for each row fits in 26 % of the F32 bytes of the factors; it is the finer layout where spectra decay.
 * Below, each singular direction has a scale.
 */
export const ROW_SCALES_FROM = 100

export function scaleLayout(rank: number): ScaleLayout {
  return rank >= ROW_SCALES_FROM ? 'row' : 'direction'
}

const scaleBytes = 4

/** Bytes of INT8 factors with their scales. */
export function int8Bytes(layout: ScaleLayout, rows: number, cols: number, rank: number): number {
  return rank * (rows + cols) + scaleBytes * (layout === 'direction' ? 2 * rank : rows + cols)
}

/** How many entries a sparse residual of this density keeps: rounded down, so that the size is never above what was asked for. */
export function sparseCount(density: number, rows: number, cols: number): number {
  return Math.floor(density * rows * cols)
}

export interface FactorEncoding extends Pick<Params, 'sparseDensity'> {
  /** Of A and B; `int8` values have scales beside them. */
  readonly bytesPerValue: number
  readonly int8: boolean
  readonly layout: LayoutId
}

/** Bytes of A (r x n) and B (m x r) of each of `count` matrices, of S or the scales where there are any, and of the sparse part. */
export function factorBytes(
  { count, rows, cols }: { readonly count: number; readonly rows: number; readonly cols: number },
  rank: number,
  { bytesPerValue, int8, layout, sparseDensity }: FactorEncoding,
): number {
  const { singularValueBytes, scales, sparseEntryBytes } = layoutOf(layout)
  const sparse = sparseEntryBytes * sparseCount(sparseDensity, rows, cols)
  if (int8 && scales !== 'one') return count * (int8Bytes(scaleLayout(rank), rows, cols, rank) + sparse)
  const besides = rank * singularValueBytes(bytesPerValue) + (scales === 'one' ? 2 * scaleBytes : 0)
  return count * (rank * (rows + cols) * bytesPerValue + besides + sparse)
}

/** Rank whose factors take `share` (0..1) of the matrix's values; not below 0, not rounded. */
export function rankForShare(rows: number, cols: number, share: number): number {
  return (share * rows * cols) / (rows + cols)
}
