/**
 * Which rank each matrix gets, for a goal in bytes or in error. Pure: curves and sizes in, ranks out.
 *
 * Each tensor offers points (bytes, squared error): one per rank from `minRank` to `maxRank`, and "keep it as it is" (its own bytes,
 * error 0). Adding the best bytes first along the lower convex hull of those points is optimal up to one step of one tensor, and knapsack.ts
 * finds the best of what lies around that; of few tensors the best there is. "Keep" belongs to the points: a tensor with a flat spectrum is better left alone
 * than bought rank by rank. Bytes may fall from one rank to the next, where INT8 becomes fine enough or its scales change their layout.
 *
 * Source: Lagrangian rate-distortion allocation, Shoham & Gersho 1988, "Efficient bit allocation for an arbitrary set of quantizers".
 */

import TinyQueue from 'tinyqueue'
import { AppError } from '../errors.ts'
import { say } from '../messages/english.ts'
import { leastCosts } from './knapsack.ts'

export interface AllocationCandidate {
  readonly name: string
  /** What this tensor's squared relative error weighs in the model error: its entries (scale-free) or ||W||^2 (absolute). */
  readonly weight: number
  /** Squared relative error at rank 0, 1, ... Ranks beyond its end are not offered. */
  readonly squaredErrors: ArrayLike<number>
  readonly minRank: number
  /** Largest rank offered: the smallest of the user's limit, the curve's end and the last rank below break-even. */
  readonly maxRank: number
  /** Bytes as they are; null where there is no keeping it: what an adapter leaves out is lost. */
  readonly keptBytes: number | null
  /** Squared relative error of keeping it, where that rounds it; 0 where absent. */
  readonly keptSquaredError?: number
  /** Bytes at a rank. */
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
  if (method === 'water-filling')
    return fillByWater(candidates, goal.kind)(goal.kind === 'bytes' ? goal.bytes : goal.error ** 2 * goal.totalWeight)
  const ledger = new Ledger(candidates, goal)
  if (method === 'uniform') fillUniformly(ledger)
  else fillGreedily(ledger)
  return ledger.choice
}

/**
 * The same for one size after another, as a goal is approached whose header depends on the ranks it names: what no size changes is found once.
 * The result throws as `allocateRanks` does.
 */
export function ranksForSizes(
  candidates: readonly AllocationCandidate[],
  method: AllocationMethod,
): (bytes: number) => Allocation {
  if (method === 'water-filling') return fillByWater(candidates, 'bytes')
  return (bytes) => allocateRanks(candidates, { kind: 'bytes', bytes }, method)
}

/**
 * Each tensor on its own: of the ranks whose error is within `error` the one with the fewest bytes. Where no offered rank reaches it the tensor
 * is kept, or gets its largest where it cannot be.
 */
export function leastRanks(candidates: readonly AllocationCandidate[], error: number): Allocation {
  return candidates.map((candidate) => {
    let best: number | null = null
    for (let rank = candidate.minRank; rank <= candidate.maxRank; rank++) {
      if (squaredErrorAt(candidate, rank) > error * error) continue
      if (best === null || candidate.bytesAt(rank) < candidate.bytesAt(best)) best = rank
    }
    return best ?? (candidate.keptBytes === null && candidate.maxRank > 0 ? candidate.maxRank : null)
  })
}

function squaredErrorAt(candidate: AllocationCandidate, rank: number | null): number {
  return rank === null ? (candidate.keptSquaredError ?? 0) : candidate.squaredErrors[rank]!
}

function bytesOf(candidate: AllocationCandidate, rank: number | null): number {
  return rank === null ? (candidate.keptBytes ?? 0) : candidate.bytesAt(rank)
}

function tooSmall(goal: number, least: number): AppError {
  return new AppError(
    'bad-request',
    goal > 0
      ? say('request.goal-too-small', { left: goal, needed: least })
      : say('request.kept-too-large', { more: -goal }),
  )
}

/** The running choice with its bytes and weighted squared error, and when to stop. */
class Ledger {
  readonly candidates: readonly AllocationCandidate[]
  readonly choice: (number | null)[]
  readonly goal: AllocationGoal
  #bytes = 0
  #squaredError = 0

  constructor(candidates: readonly AllocationCandidate[], goal: AllocationGoal) {
    this.candidates = candidates
    this.goal = goal
    this.choice = candidates.map((candidate) => (candidate.minRank <= candidate.maxRank ? candidate.minRank : null))
    candidates.forEach((candidate, i) => {
      this.#bytes += bytesOf(candidate, this.choice[i]!)
      this.#squaredError += candidate.weight * squaredErrorAt(candidate, this.choice[i]!)
    })
    if (goal.kind === 'bytes' && this.#bytes > goal.bytes) throw tooSmall(goal.bytes, this.#bytes)
  }

  /** Whether an error goal is met; a size goal is never met early, it only refuses what does not fit. */
  get met(): boolean {
    return this.goal.kind === 'model-error' && this.#squaredError <= this.goal.error ** 2 * this.goal.totalWeight
  }

  fits(index: number, rank: number | null): boolean {
    if (this.goal.kind !== 'bytes') return true
    const candidate = this.candidates[index]!
    return this.#bytes + bytesOf(candidate, rank) - bytesOf(candidate, this.choice[index]!) <= this.goal.bytes
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
  const { candidates, goal } = ledger
  const largest = candidates.reduce((most, { maxRank }) => Math.max(most, maxRank), 0)
  const least = [...ledger.choice]
  const at = (rank: number) =>
    candidates.map(({ minRank, maxRank }, i) => (least[i] === null ? null : Math.max(minRank, Math.min(rank, maxRank))))
  const takeAll = (choices: readonly (number | null)[]) => {
    for (const [i, choice] of choices.entries()) ledger.take(i, choice)
  }
  if (goal.kind === 'model-error') {
    for (let rank = 1; rank <= largest && !ledger.met; rank++) takeAll(at(rank))
  } else {
    // From the top: bytes need not grow with the rank.
    const bytes = (choices: readonly (number | null)[]) =>
      choices.reduce<number>((sum, choice, i) => sum + bytesOf(candidates[i]!, choice), 0)
    let rank = largest
    while (rank > 1 && bytes(at(rank)) > goal.bytes) rank--
    if (bytes(at(rank)) <= goal.bytes) takeAll(at(rank))
  }
  for (let i = 0; i < candidates.length && !ledger.met; i++)
    if (candidates[i]!.keptBytes !== null && ledger.fits(i, null)) ledger.take(i, null)
}

/** The next rank goes where the next direction holds the most (weighted) energy, whatever it costs in bytes. */
function fillGreedily(ledger: Ledger): void {
  const queue = largestFirst()
  const offer = (index: number) => {
    const candidate = ledger.candidates[index]!
    const rank = ledger.choice[index]!
    if (rank === null) return
    // After the last offered rank the whole remaining error goes at once, by keeping the tensor.
    if (rank >= candidate.maxRank && candidate.keptBytes === null) return
    const left = rank < candidate.maxRank ? candidate.squaredErrors[rank + 1]! : 0
    const gain = candidate.squaredErrors[rank]! - left
    queue.push({ key: candidate.weight * gain, index })
  }
  for (let i = 0; i < ledger.candidates.length; i++) offer(i)
  for (let index = queue.pop()?.index; index !== undefined && !ledger.met; index = queue.pop()?.index) {
    const rank = ledger.choice[index]!
    if (rank === null) continue
    const { maxRank } = ledger.candidates[index]!
    let next = rank + 1
    while (next <= maxRank && !ledger.fits(index, next)) next++
    if (next > maxRank && ledger.candidates[index]!.keptBytes === null) continue
    const to = next <= maxRank ? next : null
    if (!ledger.fits(index, to)) continue
    ledger.take(index, to)
    offer(index)
  }
}

/** The least error within the bytes, or the fewest bytes within the (weighted, squared) error. */
function fillByWater(
  candidates: readonly AllocationCandidate[],
  kind: AllocationGoal['kind'],
): (limit: number) => Allocation {
  const offers = candidates.map(({ minRank, maxRank, keptBytes }) => [
    ...Array.from({ length: Math.max(0, maxRank - minRank + 1) }, (_, i) => minRank + i),
    ...(keptBytes === null && maxRank >= minRank ? [] : [null]),
  ])
  const items = candidates.map((candidate, i) =>
    offers[i]!.map((rank) => {
      const [size, error] = [bytesOf(candidate, rank), candidate.weight * squaredErrorAt(candidate, rank)]
      return kind === 'bytes' ? { resource: size, cost: error } : { resource: error, cost: size }
    }),
  )
  const choose = leastCosts(items)
  return (limit) => {
    const found = choose(limit)
    if (found) return found.map((choice, i) => offers[i]![choice]!)
    if (kind === 'model-error') throw new AppError('bad-request', say('request.kept-too-coarse'))
    const least = items.reduce(
      (sum, item) => sum + item.reduce((most, { resource }) => Math.min(most, resource), Number.POSITIVE_INFINITY),
      0,
    )
    throw tooSmall(limit, least)
  }
}

/** Candidates to be looked at next: the largest key first, of equal ones the smaller index. */
function largestFirst(): TinyQueue<Offer> {
  return new TinyQueue<Offer>([], (a, b) => b.key - a.key || a.index - b.index)
}

interface Offer {
  readonly key: number
  readonly index: number
}
