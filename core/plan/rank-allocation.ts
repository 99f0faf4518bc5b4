/**
 * Which rank each matrix gets, for a goal in bytes or in error. Pure: curves and sizes in, ranks out.
 *
 * Each tensor offers points (bytes, squared error): one per rank from `minRank` to `maxRank`, and "keep it as it is" (its own bytes,
 * error 0). Adding the best bytes first along the lower convex hull of those points (water-filling) is optimal up to one step of one
 * tensor. "Keep" belongs to the hull: a tensor with a flat spectrum is better left alone than bought rank by rank.
 *
 * Source: Lagrangian rate-distortion allocation, Shoham & Gersho 1988, "Efficient bit allocation for an arbitrary set of quantizers".
 */
import TinyQueue from 'tinyqueue'
import { AppError } from '../errors.ts'

export interface AllocationCandidate {
  readonly name: string
  /** What this tensor's squared relative error weighs in the model error: its entries (scale-free) or ||W||^2 (absolute). */
  readonly weight: number
  /** Squared relative error at rank 0, 1, ..., descending. Ranks beyond its end are not offered. */
  readonly squaredErrors: ArrayLike<number>
  readonly minRank: number
  /** Largest rank offered: the smallest of the user's limit, the curve's end and the last rank below break-even. */
  readonly maxRank: number
  /** Bytes as they are. */
  readonly keptBytes: number
  /** Bytes at a rank; strictly increasing. */
  bytesAt(rank: number): number
}

/** A rank, or null to keep the tensor as it is. In the order of the candidates. */
export type Allocation = readonly (number | null)[]

export type AllocationGoal =
  /** At most these bytes for all candidates together. */
  | { readonly kind: 'bytes'; readonly bytes: number }
  /** Model error sqrt(sum w e^2 / totalWeight) at most this. `totalWeight` includes matrices that are kept anyway. */
  | { readonly kind: 'model-error'; readonly error: number; readonly totalWeight: number }

export type AllocationMethod = 'uniform' | 'greedy' | 'water-filling'

/** @throws AppError `bad-request` when even the smallest ranks need more bytes than the goal */
export function allocateRanks(
  candidates: readonly AllocationCandidate[],
  goal: AllocationGoal,
  method: AllocationMethod,
): Allocation {
  const ledger = new Ledger(candidates, goal)
  if (method === 'uniform') fillUniformly(ledger)
  else if (method === 'greedy') fillGreedily(ledger)
  else fillByWater(ledger)
  return ledger.choice
}

/** Each tensor on its own: the least rank whose error is within `error`; kept where no offered rank reaches it. */
export function leastRanks(candidates: readonly AllocationCandidate[], error: number): Allocation {
  return candidates.map((candidate) => {
    for (let rank = candidate.minRank; rank <= candidate.maxRank; rank++) {
      if (squaredErrorAt(candidate, rank) <= error * error) return rank
    }
    return null
  })
}

function squaredErrorAt(candidate: AllocationCandidate, rank: number | null): number {
  return rank === null ? 0 : candidate.squaredErrors[rank]!
}

function bytesOf(candidate: AllocationCandidate, rank: number | null): number {
  return rank === null ? candidate.keptBytes : candidate.bytesAt(rank)
}

/** The running choice with its bytes and weighted squared error, and when to stop. */
class Ledger {
  readonly candidates: readonly AllocationCandidate[]
  readonly choice: (number | null)[]
  #goal: AllocationGoal
  #bytes = 0
  #squaredError = 0

  constructor(candidates: readonly AllocationCandidate[], goal: AllocationGoal) {
    this.candidates = candidates
    this.#goal = goal
    this.choice = candidates.map((candidate) => (candidate.minRank <= candidate.maxRank ? candidate.minRank : null))
    candidates.forEach((candidate, i) => {
      this.#bytes += bytesOf(candidate, this.choice[i]!)
      this.#squaredError += candidate.weight * squaredErrorAt(candidate, this.choice[i]!)
    })
    if (goal.kind === 'bytes' && this.#bytes > goal.bytes) {
      throw new AppError(
        'bad-request',
        goal.bytes > 0
          ? `The goal leaves ${goal.bytes} bytes for the compressed matrices; their smallest ranks already need ${this.#bytes}. Choose a larger size, a smaller minimum rank, or exclude fewer tensors.`
          : `What is kept as it is takes ${-goal.bytes} bytes more than the goal, before any matrix. Choose a larger size or exclude fewer tensors.`,
      )
    }
  }

  get kind(): AllocationGoal['kind'] {
    return this.#goal.kind
  }

  /** Whether an error goal is met; a size goal is never met early, it only refuses what does not fit. */
  get met(): boolean {
    return this.#goal.kind === 'model-error' && this.#squaredError <= this.#goal.error ** 2 * this.#goal.totalWeight
  }

  fits(index: number, rank: number | null): boolean {
    if (this.#goal.kind !== 'bytes') return true
    const candidate = this.candidates[index]!
    return this.#bytes + bytesOf(candidate, rank) - bytesOf(candidate, this.choice[index]!) <= this.#goal.bytes
  }

  /** Whether an error goal would still be met with this choice. */
  allows(index: number, rank: number | null): boolean {
    if (this.#goal.kind !== 'model-error') return true
    const candidate = this.candidates[index]!
    const before = squaredErrorAt(candidate, this.choice[index]!)
    const added = candidate.weight * (squaredErrorAt(candidate, rank) - before)
    return this.#squaredError + added <= this.#goal.error ** 2 * this.#goal.totalWeight
  }

  take(index: number, rank: number | null): void {
    const candidate = this.candidates[index]!
    const before = this.choice[index]!
    this.#bytes += bytesOf(candidate, rank) - bytesOf(candidate, before)
    this.#squaredError += candidate.weight * (squaredErrorAt(candidate, rank) - squaredErrorAt(candidate, before))
    this.choice[index] = rank
  }
}

/** One rank for all, as large as the goal allows, each tensor within its own limits; past its largest useful rank a tensor is kept. */
function fillUniformly(ledger: Ledger): void {
  const largest = Math.max(0, ...ledger.candidates.map((candidate) => candidate.maxRank))
  for (let rank = 1; rank <= largest && !ledger.met; rank++) {
    const risers = ledger.candidates.flatMap((candidate, i) =>
      rank > candidate.minRank && rank <= candidate.maxRank ? [i] : [],
    )
    const before = risers.map((i) => ledger.choice[i]!)
    for (const [position, i] of risers.entries()) {
      if (!ledger.fits(i, rank)) {
        // One rank for all: a step that does not fit for all is undone for all.
        for (const [k, taken] of risers.slice(0, position).entries()) ledger.take(taken, before[k]!)
        return
      }
      ledger.take(i, rank)
    }
  }
  for (let i = 0; i < ledger.candidates.length && !ledger.met; i++) if (ledger.fits(i, null)) ledger.take(i, null)
}

/** The next rank goes where the next direction holds the most (weighted) energy, whatever it costs in bytes. */
function fillGreedily(ledger: Ledger): void {
  const queue = largestFirst()
  const offer = (index: number) => {
    const candidate = ledger.candidates[index]!
    const rank = ledger.choice[index]!
    if (rank === null) return
    // After the last offered rank the whole remaining error goes at once, by keeping the tensor.
    const left = rank < candidate.maxRank ? candidate.squaredErrors[rank + 1]! : 0
    const gain = candidate.squaredErrors[rank]! - left
    queue.push({ key: candidate.weight * gain, index })
  }
  for (let i = 0; i < ledger.candidates.length; i++) offer(i)
  for (let index = queue.pop()?.index; index !== undefined && !ledger.met; index = queue.pop()?.index) {
    const rank = ledger.choice[index]!
    if (rank === null) continue
    const next = rank < ledger.candidates[index]!.maxRank ? rank + 1 : null
    if (!ledger.fits(index, next)) continue
    ledger.take(index, next)
    offer(index)
  }
}

interface Step {
  readonly index: number
  /** Hull point this step leads to. */
  readonly to: number | null
  /** Weighted squared error removed per byte added. */
  readonly slope: number
}

/** Steps along all hulls, steepest first. A step that does not fit is taken as far as it goes, rank by rank. */
function fillByWater(ledger: Ledger): void {
  const steps = ledger.candidates.flatMap((candidate, index) => hullSteps(candidate, index))
  // Ties in file order, so that the result does not depend on how the sort treats them.
  steps.sort((a, b) => b.slope - a.slope || a.index - b.index)
  for (const step of steps) {
    if (ledger.met) break
    climb(ledger, step)
  }
  if (ledger.kind === 'bytes') fillGaps(ledger)
  else giveBack(ledger)
}

function climb(ledger: Ledger, step: Step): void {
  const from = ledger.choice[step.index]!
  if (from === null) return
  if (step.to === null) {
    // The last step to an error goal: keeping the tensor may be more than is needed, and any useful rank takes fewer bytes.
    if (ledger.kind === 'model-error' && leastRankThatMeets(ledger, step.index)) return
    if (ledger.fits(step.index, null)) ledger.take(step.index, null)
    return
  }
  for (let rank = from + 1; rank <= step.to && !ledger.met; rank++) {
    if (!ledger.fits(step.index, rank)) return
    ledger.take(step.index, rank)
  }
}

function leastRankThatMeets(ledger: Ledger, index: number): boolean {
  const before = ledger.choice[index]!
  for (let rank = before + 1; rank <= ledger.candidates[index]!.maxRank; rank++) {
    ledger.take(index, rank)
    if (ledger.met) return true
  }
  ledger.take(index, before)
  return false
}

/** What a refused jump to "keep" left over of a size is spent rank by rank, where it removes the most per byte. */
function fillGaps(ledger: Ledger): void {
  const queue = largestFirst()
  const offer = (index: number) => {
    const candidate = ledger.candidates[index]!
    const rank = ledger.choice[index]!
    if (rank === null || rank >= candidate.maxRank) return
    const gain = candidate.squaredErrors[rank]! - candidate.squaredErrors[rank + 1]!
    queue.push({ key: (candidate.weight * gain) / (candidate.bytesAt(rank + 1) - candidate.bytesAt(rank)), index })
  }
  for (let i = 0; i < ledger.candidates.length; i++) offer(i)
  for (let index = queue.pop()?.index; index !== undefined; index = queue.pop()?.index) {
    const next = ledger.choice[index]! + 1
    if (!ledger.fits(index, next)) continue
    ledger.take(index, next)
    offer(index)
  }
}

/**
 * What the last jump to "keep" did more than an error goal asks for is given back rank by rank, where it saves the most bytes for the error
 * it adds. Afterwards no tensor can do with one rank less.
 */
function giveBack(ledger: Ledger): void {
  const queue = largestFirst()
  const offer = (index: number) => {
    const candidate = ledger.candidates[index]!
    const less = oneLess(candidate, ledger.choice[index]!)
    if (less === null) return
    const saved = bytesOf(candidate, ledger.choice[index]!) - candidate.bytesAt(less)
    const added = candidate.squaredErrors[less]! - squaredErrorAt(candidate, ledger.choice[index]!)
    queue.push({ key: saved / (candidate.weight * added), index })
  }
  for (let i = 0; i < ledger.candidates.length; i++) offer(i)
  for (let index = queue.pop()?.index; index !== undefined; index = queue.pop()?.index) {
    const less = oneLess(ledger.candidates[index]!, ledger.choice[index]!)
    if (less === null || !ledger.allows(index, less)) continue
    ledger.take(index, less)
    offer(index)
  }
}

/** The next smaller choice; null where there is none. */
function oneLess({ minRank, maxRank }: AllocationCandidate, choice: number | null): number | null {
  const less = choice === null ? maxRank : choice - 1
  return less >= minRank && minRank <= maxRank ? less : null
}

/** Segments of the lower convex hull of (bytes, weighted squared error), from the smallest rank up, "keep" as the last point. */
function hullSteps(candidate: AllocationCandidate, index: number): Step[] {
  const { weight, minRank, maxRank } = candidate
  if (minRank > maxRank) return []
  const points: { readonly choice: number | null; readonly bytes: number; readonly error: number }[] = []
  for (let rank = minRank; rank <= maxRank; rank++) {
    points.push({ choice: rank, bytes: candidate.bytesAt(rank), error: weight * candidate.squaredErrors[rank]! })
  }
  points.push({ choice: null, bytes: candidate.keptBytes, error: 0 })

  // Andrew's monotone chain: the points are already sorted by bytes.
  const hull: typeof points = []
  for (const point of points) {
    while (hull.length >= 2 && slope(hull.at(-2)!, hull.at(-1)!) <= slope(hull.at(-2)!, point)) hull.pop()
    hull.push(point)
  }
  return hull.slice(1).map((point, i) => ({ index, to: point.choice, slope: slope(hull[i]!, point) }))
}

function slope(a: { bytes: number; error: number }, b: { bytes: number; error: number }): number {
  return (a.error - b.error) / (b.bytes - a.bytes)
}

/** Candidates to be looked at next: the largest key first, of equal ones the smaller index. */
function largestFirst(): TinyQueue<Offer> {
  return new TinyQueue<Offer>([], (a, b) => b.key - a.key || a.index - b.index)
}

interface Offer {
  readonly key: number
  readonly index: number
}
