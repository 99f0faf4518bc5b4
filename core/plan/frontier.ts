/**
 * The least error at every size, of all tensors together: the lower convex hull of what each tensor offers (rank-allocation.ts), taken in the
 * order of error saved a byte. Between two of its points a goal does a little better than the line says, by a step of one tensor at most.
 * Cost: one pass over the points of every curve, and a sort of their corners.
 */
import type { AllocationCandidate } from './rank-allocation.ts'

export interface FrontierPoint {
  /** Of all candidates together. */
  readonly bytes: number
  /** Weighted squared error, as rank-allocation.ts counts it. */
  readonly squaredError: number
}

/** From the fewest bytes there can be to all candidates kept as they are; bytes rise, errors fall. */
export function frontier(candidates: readonly AllocationCandidate[]): FrontierPoint[] {
  let bytes = 0
  let squaredError = 0
  const steps: { readonly bytes: number; readonly saved: number }[] = []
  for (const candidate of candidates) {
    const [first, ...corners] = hullOf(candidate)
    bytes += first!.bytes
    squaredError += first!.squaredError
    let last = first!
    for (const corner of corners) {
      steps.push({ bytes: corner.bytes - last.bytes, saved: last.squaredError - corner.squaredError })
      last = corner
    }
  }
  steps.sort((a, b) => b.saved / b.bytes - a.saved / a.bytes)
  const points = [{ bytes, squaredError }]
  for (const step of steps) {
    bytes += step.bytes
    squaredError = Math.max(0, squaredError - step.saved)
    points.push({ bytes, squaredError })
  }
  return points
}

/** Corners of the lower convex hull of one tensor's offers, by rising bytes. */
function hullOf(candidate: AllocationCandidate): FrontierPoint[] {
  const { weight, squaredErrors, minRank, maxRank, keptBytes, keptSquaredError = 0, bytesAt } = candidate
  const kept = keptBytes === null ? null : { bytes: keptBytes, squaredError: weight * keptSquaredError }
  const offers: FrontierPoint[] = kept ? [kept] : []
  for (let rank = Math.max(1, minRank); rank <= maxRank; rank++)
    offers.push({ bytes: bytesAt(rank), squaredError: weight * squaredErrors[rank]! })
  // Left out altogether: it is all error.
  if (offers.length === 0) offers.push({ bytes: 0, squaredError: weight })
  offers.sort((a, b) => a.bytes - b.bytes || a.squaredError - b.squaredError)
  const hull: FrontierPoint[] = []
  for (const offer of offers) {
    const last = hull.at(-1)
    // More bytes for no less error are never offered.
    if (last && offer.squaredError >= last.squaredError) continue
    while (hull.length > 1 && !isCorner(hull.at(-2)!, hull.at(-1)!, offer)) hull.pop()
    hull.push(offer)
  }
  return hull
}

/** Whether `middle` lies below the line from `a` to `b`. */
function isCorner(a: FrontierPoint, middle: FrontierPoint, b: FrontierPoint): boolean {
  const toMiddle = (a.squaredError - middle.squaredError) * (b.bytes - a.bytes)
  return toMiddle > (a.squaredError - b.squaredError) * (middle.bytes - a.bytes)
}

/** The squared error at a size, on the line between two points; null below the smallest. */
export function squaredErrorAt(points: readonly FrontierPoint[], bytes: number): number | null {
  const first = points[0]
  if (!first || bytes < first.bytes) return null
  let low = 0
  let high = points.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (points[middle]!.bytes <= bytes) low = middle
    else high = middle - 1
  }
  const [here, next] = [points[low]!, points[low + 1]]
  if (!next) return here.squaredError
  const part = (bytes - here.bytes) / (next.bytes - here.bytes)
  return here.squaredError + part * (next.squaredError - here.squaredError)
}
