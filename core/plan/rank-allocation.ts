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
import { costSearch, type Effort, leastCost } from './knapsack.ts'

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
    return goal.kind === 'bytes' ? sizeAllocator(candidates, method).within(goal.bytes) : fillByWater(candidates, goal)
  const ledger = new Ledger(candidates, goal)
  if (method === 'uniform') fillUniformly(ledger)
  else fillGreedily(ledger)
  return ledger.choice
}

/** The same candidates within any bytes. */
interface SizeAllocator {
  /** Of the smallest choices there are. */
  readonly least: number
  /** @throws AppError `bad-request` below `least` */
  within(bytes: number): Allocation
}

/** `allocateRanks` for one size after another: what depends on no size is worked out once. */
export function sizeAllocator(
  candidates: readonly AllocationCandidate[],
  method: AllocationMethod,
  effort?: Effort,
): SizeAllocator {
  if (method !== 'water-filling') {
    const least = candidates.reduce((sum, each) => sum + bytesOf(each, leastChoice(each)), 0)
    return { least, within: (bytes) => allocateRanks(candidates, { kind: 'bytes', bytes }, method) }
  }
  const offers = candidates.map(offersOf)
  const items = candidates.map((candidate, i) =>
    offers[i]!.map((rank) => ({
      resource: bytesOf(candidate, rank),
      cost: candidate.weight * squaredErrorAt(candidate, rank),
    })),
  )
  const { least, within } = costSearch(items, effort)
  return {
    least,
    within: (bytes) => {
      const found = within(bytes)
      if (!found) throw tooSmall(bytes, least)
      return found.map((choice, i) => offers[i]![choice]!)
    },
  }
}

/** The same, of a goal that is approached: its header depends on the ranks it names. The result throws as `allocateRanks` does. */
export function ranksForSizes(
  candidates: readonly AllocationCandidate[],
  method: AllocationMethod,
): (bytes: number) => Allocation {
  return sizeAllocator(candidates, method).within
}

/**
 * The choice within `goal` bytes of what is written. What surrounds the values - a header that names the ranks - depends on the choice itself: whatever
 * a choice takes more than the goal is taken off the budget, until one fits.
 * @param budget bytes of the values to begin with
 * @throws AppError what `choose` throws of a budget that is too small
 */
export function fitToSize<Choice>(
  goal: number,
  budget: number,
  choose: (budget: number) => Choice,
  bytesOf: (choice: Choice) => number,
): Choice {
  for (let left = budget; ; ) {
    const choice = choose(left)
    const excess = bytesOf(choice) - goal
    if (excess <= 0) return choice
    left -= excess
  }
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

function leastChoice({ minRank, maxRank }: AllocationCandidate): number | null {
  return minRank <= maxRank ? minRank : null
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
    this.choice = candidates.map(leastChoice)
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
  const largest = Math.max(0, ...candidates.map((candidate) => candidate.maxRank))
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

/** The fewest bytes within the error. */
function fillByWater(
  candidates: readonly AllocationCandidate[],
  { error, totalWeight }: Extract<AllocationGoal, { kind: 'model-error' }>,
): Allocation {
  const offers = candidates.map(offersOf)
  const items = candidates.map((candidate, i) =>
    offers[i]!.map((rank) => ({
      resource: candidate.weight * squaredErrorAt(candidate, rank),
      cost: bytesOf(candidate, rank),
    })),
  )
  const found = leastCost(items, error ** 2 * totalWeight)
  if (!found) throw new AppError('bad-request', say('request.kept-too-coarse'))
  return found.map((choice, i) => offers[i]![choice]!)
}

/** Every rank there is, and keeping it where that is a choice. */
function offersOf({ minRank, maxRank, keptBytes }: AllocationCandidate): (number | null)[] {
  return [
    ...Array.from({ length: Math.max(0, maxRank - minRank + 1) }, (_, i) => minRank + i),
    ...(keptBytes === null && maxRank >= minRank ? [] : [null]),
  ]
}

/** Candidates to be looked at next: the largest key first, of equal ones the smaller index. */
function largestFirst(): TinyQueue<Offer> {
  return new TinyQueue<Offer>([], (a, b) => b.key - a.key || a.index - b.index)
}

interface Offer {
  readonly key: number
  readonly index: number
}
