/**
 * How small a difference still means something. Every number of a report has such a limit: below it the answer is "equal to rounding", and no ratio
 * and no angle is shown. Limits are formulas of the arithmetic, chosen so that none of the matrices of test/judge/zoo.py is outside them.
 */

/** `f64`: an F64 source by Jacobi rotations, factors included. Everything else has factors, or products, rounded to f32. */
export type Precision = 'f32' | 'f64'

/** Squared relative error that rounding leaves, sums with a bias (constant columns) included; and its root is where factors of f32 end. */
export function roundingLevel(precision: Precision, smallest: number): number {
  return precision === 'f32' ? 64 * 2 ** -24 : 64 * smallest * 2 ** -53
}

/**
 * Of a relative error, absolute. Measured on the residual, or the sum of a tail, it is as good as the factors are. By ||A||^2 - sum s^2 of a
 * sketch, the squared error is off by the rounding level, so the error itself by that over 2 e.
 */
export function errorResolution(
  error: number,
  errorSource: 'spectrum' | 'measured' | 'exact',
  precision: Precision,
  smallest: number,
): number {
  const level = roundingLevel(precision, smallest)
  if (errorSource !== 'spectrum') return level
  return Math.min(Math.sqrt(level), Math.max(level, level / (2 * error)))
}

/**
 * Of singular values, relative to the largest. A sketch ends at the rounding of f32 products, Jacobi at that of f64; eigenvalues of a Gram matrix are
 * off by about sqrt(n) 2^-53 of the largest, and values by the root of that where they are small.
 */
export function valueResolution(method: 'sketch' | 'gram' | 'jacobi', smallest: number): number {
  if (method === 'sketch') return 16 * 2 ** -24
  const eigen = 8 * Math.sqrt(smallest) * 2 ** -53
  return method === 'gram' ? Math.sqrt(eigen) : 8 * eigen
}

/** What an analysis says of the numerical rank: a sketch sees no further than its own rank. */
export function knownRank({
  numericalRank,
  rank,
  method,
}: {
  readonly numericalRank: number
  readonly rank: number
  readonly method: 'randomized' | 'exact'
}): { readonly rank: number; readonly orMore: boolean } {
  return { rank: numericalRank, orMore: method === 'randomized' && numericalRank === rank }
}

/** How many of the values (descending) are more than rounding: `resolution` is absolute. */
export function numericalRank(values: ArrayLike<number>, resolution: number): number {
  let rank = 0
  while (rank < values.length && values[rank]! > resolution) rank++
  return rank
}
