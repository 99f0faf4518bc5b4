/** Bytes of factors against bytes of the matrix they replace. Sizes are those of the values; headers are counted by the formats. */

/** Rank at which two factors hold as many values as the matrix: floor(m n / (m + n)). From the next one on the tensor grows. */
export function breakEvenRank(rows: number, cols: number): number {
  return breakEvenRankInBytes(rows, cols, 1, 1)
}

/** The same in bytes, where weights and factors have different dtypes. */
export function breakEvenRankInBytes(
  rows: number,
  cols: number,
  weightBytesPerValue: number,
  factorBytesPerValue: number,
): number {
  return Math.floor((rows * cols * weightBytesPerValue) / ((rows + cols) * factorBytesPerValue))
}

/** Largest rank at which the factors are smaller than the matrix; 0 when there is none. */
export function largestUsefulRank(
  rows: number,
  cols: number,
  weightBytesPerValue = 1,
  factorBytesPerValue = 1,
): number {
  const exact = (rows * cols * weightBytesPerValue) / ((rows + cols) * factorBytesPerValue)
  return Math.max(0, Math.ceil(exact) - 1)
}

/** Bytes of the two factors rows x rank and rank x cols. */
export function factorBytes(rows: number, cols: number, rank: number, bytesPerValue: number): number {
  return (rows + cols) * rank * bytesPerValue
}

/** Rank whose factors take `share` (0..1) of the matrix's values; not below 0, not rounded. */
export function rankForShare(rows: number, cols: number, share: number): number {
  return (share * rows * cols) / (rows + cols)
}
