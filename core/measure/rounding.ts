/**
 * What storing factors at fewer bits adds to the error. Column j of the factors is off by a share of its own length, and what that share of
 * s_j u_j v_j^T leaves is orthogonal, but for chance, to everything else: squares add up,
 *
 *   sum_j (s_j / ||W||)^2 (rho(u_j) + rho(v_j)),   rho(x) = ||x - stored x||^2 / ||x||^2
 *
 * so one pass over the factors gives it at every rank, subnormals of F16 and outliers of INT8 included.
 */
import { ROW_SCALES_FROM } from '../curves/size.ts'
import { holdsValues, type LayoutId, layoutOf } from '../layouts.ts'
import type { Factorization } from '../svd/factorization.ts'

export type RoundedDType = 'F16' | 'BF16'

/** Squared relative error that factors of `dtype` add at rank 0..`rank`. Cost: (m + n) rank. */
export function roundingCurve(
  found: Factorization,
  frobeniusNorm: number,
  rank: number,
  dtype: RoundedDType,
  layout: LayoutId,
): Float64Array {
  const lengths = Float64Array.from({ length: rank }, (_, j) => (holdsValues(layout) ? Math.sqrt(found.s[j]!) : 1))
  const round = dtype === 'BF16' ? toBFloat16 : toFloat16
  const lost = new Float64Array(rank)
  addLosses(found.U, found.rows, found.rank, 1, lengths, round, lost)
  addLosses(found.Vt, found.cols, 1, found.cols, lengths, round, lost)
  return cumulativeSums(found, frobeniusNorm, lost)
}

/** lost_j += rho of vector j, whose entry i is at i * stride + j * next, times `lengths`_j as it is stored. */
function addLosses(
  vectors: Factorization['U'],
  length: number,
  stride: number,
  next: number,
  lengths: Float64Array,
  round: (value: number) => number,
  lost: Float64Array,
): void {
  for (let j = 0; j < lost.length; j++) {
    const scale = lengths[j]!
    let [whole, off] = [0, 0]
    for (let i = 0, at = j * next; i < length; i++, at += stride) {
      const value = vectors[at]! * scale
      const gap = value - round(value)
      whole += value * value
      off += gap * gap
    }
    // What is zero, or vanishes in f64, loses nothing that could be told.
    if (whole > 0) lost[j]! += off / whole
  }
}

function cumulativeSums({ s }: Factorization, frobeniusNorm: number, lost: Float64Array): Float64Array {
  const curve = new Float64Array(lost.length + 1)
  if (frobeniusNorm === 0) return curve
  for (let j = 0; j < lost.length; j++) curve[j + 1] = curve[j]! + (s[j]! / frobeniusNorm) ** 2 * lost[j]!
  return curve
}

/** To nearest with p significant bits, by Dekker's splitting: c = (2^(53 - p) + 1) x, c - (c - x). */
const splitter = (bits: number) => 2 ** (53 - bits) + 1
const [split8, split11] = [splitter(8), splitter(11)]

export function toBFloat16(value: number): number {
  const c = value * split8
  return c - (c - value)
}

/** Below 2^-14 in steps of 2^-24. Beyond 65504 nothing is written: that is refused elsewhere. */
export function toFloat16(value: number): number {
  if (Math.abs(value) < 2 ** -14) return value + 1.5 * 2 ** 28 - 1.5 * 2 ** 28
  const c = value * split11
  return c - (c - value)
}

/**
 * Squared relative error that INT8 factors add at rank 0..`rank`, with the scales each rank has. A scale for each direction: as above. One for each row
 * of B and column of A reaches the largest entry of all columns up to the rank, so each rank has scales of its own: some are quantized, and
 * between them the share of the upper bound - half a step everywhere - that was found is taken on.
 */
export function int8Curve(found: Factorization, frobeniusNorm: number, rank: number, layout: LayoutId): Float64Array {
  if (layoutOf(layout).scales === 'one') return singleScaleCurve(found, frobeniusNorm, rank)
  const lost = new Float64Array(rank)
  addInt8Losses(found.U, found.rows, found.rank, 1, lost)
  addInt8Losses(found.Vt, found.cols, 1, found.cols, lost)
  const curve = cumulativeSums(found, frobeniusNorm, lost)
  const first = ROW_SCALES_FROM
  if (first > rank || frobeniusNorm === 0) return curve
  sampleLosses(curve, rowBound(found, frobeniusNorm, rank), first, (k) => rowLoss(found, frobeniusNorm, k))
  return curve
}

/** From rank `first` on: some ranks are quantized, and between them the share of the bound that was found is taken on. */
function sampleLosses(curve: Float64Array, bound: Float64Array, first: number, lossAt: (rank: number) => number): void {
  const rank = curve.length - 1
  let [before, shareBefore] = [first, lossAt(first) / bound[first]!]
  for (let k = first; k <= rank; ) {
    const after = Math.min(rank, Math.ceil(before * 1.25))
    const shareAfter = after === before ? shareBefore : lossAt(after) / bound[after]!
    for (; k <= after; k++) {
      const way = after === before ? 0 : (k - before) / (after - before)
      curve[k] = bound[k]! * (shareBefore + way * (shareAfter - shareBefore))
    }
    ;[before, shareBefore] = [after, shareAfter]
  }
}

/** One scale for all of U and one for all of V, from their largest entries up to the rank: half a step everywhere is the bound. */
function singleScaleCurve(found: Factorization, frobeniusNorm: number, rank: number): Float64Array {
  const { rows, cols, s, U, Vt, rank: stride } = found
  const curve = new Float64Array(rank + 1)
  if (frobeniusNorm === 0 || rank === 0) return curve
  const largest = (vectors: Factorization['U'], length: number, step: number, start: number) => {
    let found = 0
    for (let i = 0, at = start; i < length; i++, at += step) found = Math.max(found, Math.abs(vectors[at]!))
    return found
  }
  const [inU, inV] = [new Float64Array(rank + 1), new Float64Array(rank + 1)]
  const bound = new Float64Array(rank + 1)
  let weight = 0
  for (let j = 0; j < rank; j++) {
    inU[j + 1] = Math.max(inU[j]!, largest(U, rows, stride, j))
    inV[j + 1] = Math.max(inV[j]!, largest(Vt, cols, 1, j * cols))
    weight += (s[j]! / frobeniusNorm) ** 2
    bound[j + 1] = (weight * (rows * inU[j + 1]! ** 2 + cols * inV[j + 1]! ** 2)) / (12 * 127 ** 2)
  }
  const side = (vectors: Factorization['U'], length: number, step: number, next: number, most: number, k: number) => {
    let sum = 0
    for (let j = 0; j < k; j++) {
      let off = 0
      for (let i = 0, at = j * next; i < length; i++, at += step) {
        const value = (vectors[at]! * 127) / most
        off += (value - Math.round(value)) ** 2
      }
      sum += (s[j]! / frobeniusNorm) ** 2 * off * (most / 127) ** 2
    }
    return sum
  }
  const lossAt = (k: number) => side(U, rows, stride, 1, inU[k]!, k) + side(Vt, cols, 1, cols, inV[k]!, k)
  if (bound[1]! > 0) sampleLosses(curve, bound, 1, lossAt)
  return curve
}

function addInt8Losses(
  vectors: Factorization['U'],
  length: number,
  stride: number,
  next: number,
  lost: Float64Array,
): void {
  for (let j = 0; j < lost.length; j++) {
    let largest = 0
    for (let i = 0, at = j * next; i < length; i++, at += stride) largest = Math.max(largest, Math.abs(vectors[at]!))
    if (largest === 0) continue
    const steps = 127 / largest
    let [whole, off] = [0, 0]
    for (let i = 0, at = j * next; i < length; i++, at += stride) {
      const value = vectors[at]! * steps
      const gap = value - Math.round(value)
      whole += value * value
      off += gap * gap
    }
    lost[j]! += off / whole
  }
}

/** Half a step of its row's scale everywhere: step^2 / 12 in the mean square, and an error in column j of B or row j of A weighs s_j. */
function rowBound(
  { rows, cols, s, U, Vt, rank: stride }: Factorization,
  frobeniusNorm: number,
  rank: number,
): Float64Array {
  const bound = new Float64Array(rank + 1)
  const [inRow, inCol] = [new Float64Array(rows), new Float64Array(cols)]
  let largestSquares = 0
  let weight = 0
  for (let j = 0; j < rank; j++) {
    const share = s[j]! / frobeniusNorm
    for (let i = 0; i < rows; i++) {
      const square = U[i * stride + j]! ** 2 * share
      largestSquares += Math.max(0, square - inRow[i]!)
      inRow[i] = Math.max(inRow[i]!, square)
    }
    for (let i = 0; i < cols; i++) {
      const square = Vt[j * cols + i]! ** 2 * share
      largestSquares += Math.max(0, square - inCol[i]!)
      inCol[i] = Math.max(inCol[i]!, square)
    }
    weight += share
    bound[j + 1] = (largestSquares * weight) / (12 * 127 ** 2)
  }
  return bound
}

/** With the scales of this rank: sum over columns of s_j ||error of column j||^2, both factors, over ||W||^2. */
function rowLoss({ rows, cols, s, U, Vt, rank: stride }: Factorization, frobeniusNorm: number, rank: number): number {
  const roots = Float64Array.from({ length: rank }, (_, j) => Math.sqrt(s[j]! / frobeniusNorm))
  const side = (vectors: Factorization['U'], length: number, step: number, next: number) => {
    let sum = 0
    for (let i = 0; i < length; i++) {
      let largest = 0
      for (let j = 0, at = i * step; j < rank; j++, at += next)
        largest = Math.max(largest, Math.abs(vectors[at]! * roots[j]!))
      if (largest === 0) continue
      for (let j = 0, at = i * step; j < rank; j++, at += next) {
        const value = (vectors[at]! * roots[j]! * 127) / largest
        sum += ((value - Math.round(value)) * roots[j]! * (largest / 127)) ** 2
      }
    }
    return sum
  }
  return side(U, rows, stride, 1) + side(Vt, cols, 1, cols)
}
