/** How far the singular values of a sketch are from the true ones. */

export interface SingularValueError {
  readonly mean: number
  readonly max: number
  /** |s_hat_i - s_i| / s_i for each index both have; 0 where both are within the resolution. */
  readonly perIndex: number[]
}

/**
 * Relative error per index, with its mean and maximum over the values that are more than rounding. Where the exact value is below `resolution`
 * (absolute; curves/resolution.ts) the error is 0 if the approximation is too, and otherwise relative to the largest exact value.
 */
export function singularValueErrors(
  exact: ArrayLike<number>,
  approximate: ArrayLike<number>,
  resolution: number,
): SingularValueError {
  const count = Math.min(exact.length, approximate.length)
  const perIndex: number[] = []
  let sum = 0
  let max = 0
  let compared = 0
  for (let i = 0; i < count; i++) {
    const gap = Math.abs(approximate[i]! - exact[i]!)
    const isRounding = exact[i]! <= resolution
    const error =
      gap === 0 || (isRounding && gap <= resolution) ? 0 : gap / ((isRounding ? exact[0]! : exact[i]!) || gap)
    perIndex.push(error)
    if (error > 0 || !isRounding) compared++
    sum += error
    max = Math.max(max, error)
  }
  return { mean: compared === 0 ? 0 : sum / compared, max, perIndex }
}
