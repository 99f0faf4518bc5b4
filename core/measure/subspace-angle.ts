/** How far apart two subspaces are: what stays between the vectors of a sketch and those of the exact SVD. */

import { numericalRank } from '../curves/resolution.ts'
import type { Kernels, Matrix } from '../kernels/kernels.ts'
import { type Factorization, truncate } from '../svd/factorization.ts'

/**
 * All principal (canonical) angles, in radians, the largest first, between the spans of the orthonormal columns of U1 and U2 (rows x rank, row-major): asin of the
 * sine, from ||U2 - U1 U1tU2||, since the cosine of a small angle has lost it (Bjorck and Golub, Math. Comp. 27, 1973).
 * Cost: 4 rows rank^2 flop and a rank x rank eigenproblem. @throws AppError `out-of-memory`
 */
export function principalAngles(
  kernels: Kernels,
  U1: Factorization['U'],
  U2: Factorization['U'],
  rows: number,
  rank: number,
): number[] {
  const mark = kernels.mark()
  try {
    const first: Matrix = { rows, cols: rank, data: kernels.allocateFloat32(rows * rank) }
    const second: Matrix = { rows, cols: rank, data: kernels.allocateFloat32(rows * rank) }
    first.data.set(U1)
    second.data.set(U2)
    const C = kernels.allocateFloat64(rank * rank)
    kernels.crossGram(first, second, C)
    for (let i = 0; i < C.length; i++) C[i] = -C[i]!
    kernels.multiplySmall(first, C, second, true) // U2 - U1 U1tU2
    kernels.gram(second, C)
    const values = kernels.allocateFloat64(rank)
    kernels.symmetricEigen(C, rank, values, null)
    return Array.from(values, (square) => Math.asin(Math.min(1, Math.sqrt(Math.max(0, square)))))
  } finally {
    kernels.release(mark)
  }
}

export interface SpanComparison {
  /** Directions compared: those both have, of values that are more than rounding. */
  readonly rank: number
  /** (s_rank - s_(rank + 1)) / s_1, what tells the span from the rest; null where the next value is not known. */
  readonly gap: number | null
  /** Radians, the largest first. */
  readonly angles: readonly number[]
}

/**
 * The spans of the leading left singular vectors both have. Singular values closer than `resolution` (absolute) share their directions in any way: where the cut
 * goes between such, angles say nothing.
 */
export function compareSpans(
  kernels: Kernels,
  first: Factorization & { readonly spectrum?: Float64Array },
  second: Factorization & { readonly spectrum?: Float64Array },
  resolution: number,
): SpanComparison {
  const values = first.spectrum ?? second.spectrum ?? (first.rank > second.rank ? first.s : second.s)
  const rank = Math.min(first.rank, second.rank, numericalRank(values, resolution))
  if (rank === 0) return { rank, gap: null, angles: [] }
  const all = Math.min(first.rows, first.cols)
  const next = rank < values.length ? values[rank]! : values.length === all ? 0 : null
  const gap = next === null ? null : (values[rank - 1]! - next) / values[0]!
  const angles = principalAngles(kernels, truncate(first, rank).U, truncate(second, rank).U, first.rows, rank)
  return { rank, gap, angles }
}

/** The largest angle, where the gap at the cut makes it one. */
export function largestAngle({ gap, angles }: SpanComparison, relativeResolution: number): number | null {
  return angles.length === 0 || (gap !== null && gap <= relativeResolution) ? null : angles[0]!
}
