/**
 * The error a matrix without structure would have: independent entries of equal variance, singular values after Marchenko and Pastur
 * (Math. USSR Sbornik 1, 1967). A tensor near this line gains nothing from low rank. Unequal row scales bend the curve.
 */
import { rankForShare } from './size.ts'

/**
 * Relative error of the best rank-`rank` approximation of a large rows x cols matrix of independent entries.
 * Solves F(h) = t for h in [0, pi] by bisection, where t = 1 - rank / min is the share of singular values left out:
 *   F(h) = [2 q sin h + (1 + b) h - 2 (1 - b) atan2((1 + q) sin(h/2), (1 - q) cos(h/2))] / (2 pi b),  b = min/max, q = sqrt b
 *   error = sqrt((h - sin h cos h) / pi)
 */
export function noiseError(rows: number, cols: number, rank: number): number {
  const smallest = Math.min(rows, cols)
  const b = smallest / Math.max(rows, cols)
  const q = Math.sqrt(b)
  const leftOut = 1 - rank / smallest
  if (leftOut <= 0) return 0
  const shareBelow = (h: number) =>
    (2 * q * Math.sin(h) +
      (1 + b) * h -
      2 * (1 - b) * Math.atan2((1 + q) * Math.sin(h / 2), (1 - q) * Math.cos(h / 2))) /
    (2 * Math.PI * b)
  let low = 0
  let high = Math.PI
  // 60 halvings of [0, pi] reach the spacing of f64.
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (shareBelow(middle) < leftOut) low = middle
    else high = middle
  }
  const h = (low + high) / 2
  return Math.sqrt(Math.max(0, h - Math.sin(h) * Math.cos(h)) / Math.PI)
}

/** Closer than this (2 points) to the noise line at the rank that keeps half the bytes: "behaves like random noise". */
const noiseMargin = 0.02

/**
 * Whether a matrix is no better than noise: its error at the rank that keeps half of the bytes is not `noiseMargin` below the line; null
 * where that error is not known. `errorAt` gives the best relative error at a rank.
 */
export function behavesLikeNoise(
  rows: number,
  cols: number,
  errorAt: (rank: number) => number | undefined,
): boolean | null {
  const rank = Math.floor(rankForShare(rows, cols, 0.5))
  const error = errorAt(rank)
  return error === undefined || rank < 1 ? null : error > noiseError(rows, cols, rank) - noiseMargin
}

/** A matrix that is cut at a rank. */
export interface NoiseJudged {
  readonly rows: number
  readonly cols: number
  readonly norm: number
  readonly rank: number
  /** Relative error at that rank; null where it is not known. */
  readonly error: number | null
}

/**
 * Share of the squared norm of several matrices that follows their noise lines at the ranks they are cut at. Those beyond half their full rank are passed
 * over: close to it everything is small, noise too. Null where the error of one is not known, and where none is left.
 */
export function differenceNoise(matrices: readonly NoiseJudged[]): number | null {
  let [all, noisy] = [0, 0]
  for (const { rows, cols, norm, rank, error } of matrices) {
    if (rank < 1 || rank > Math.min(rows, cols) / 2) continue
    if (error === null) return null
    all += norm ** 2
    if (error > noiseError(rows, cols, rank) - noiseMargin) noisy += norm ** 2
  }
  return all === 0 ? null : noisy / all
}

/** Whether a difference as a whole has no low-rank structure. */
export function isMostlyNoise(share: number | null): share is number {
  return share !== null && share > 0.5
}
