/** How far the singular values of a sketch are from the true ones. */

export interface SingularValueError {
  readonly mean: number
  readonly max: number
  /** |s_hat_i - s_i| / s_i for each index both have. */
  readonly perIndex: number[]
}

/**
 * Relative error per index, with its mean and maximum. Where the exact value is 0 the error is 0 if the approximation is 0 as well,
 * and otherwise relative to the largest exact value.
 */
export function singularValueErrors(exact: ArrayLike<number>, approximate: ArrayLike<number>): SingularValueError {
  const count = Math.min(exact.length, approximate.length)
  const perIndex: number[] = []
  let sum = 0
  let max = 0
  for (let i = 0; i < count; i++) {
    const gap = Math.abs(approximate[i]! - exact[i]!)
    const error = gap === 0 ? 0 : gap / (exact[i]! || exact[0]! || gap)
    perIndex.push(error)
    sum += error
    max = Math.max(max, error)
  }
  return { mean: count === 0 ? 0 : sum / count, max, perIndex }
}
