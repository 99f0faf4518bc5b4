/**
 * What a size goal comes to at every size: the plans themselves, allocated as a run would, at sizes chosen so that the lines between them follow
 * all others. Of few large matrices a plan leaves bytes over that buy nothing, and its error falls in steps: the curve has them too. No point of it
 * is one that no plan reaches.
 */
import type { Params } from '../params.ts'
import { elementCount, oncePerStorage, storageName } from '../tensor.ts'
import { type Candidate, copiedErrorAt, refusalAt } from './candidate.ts'
import { sizedPlans } from './goals.ts'
import { isFactorized, keepAsIs, type TensorPlan } from './plan.ts'

/** What a run or a plan knows before a goal settles its ranks. */
export interface OpenChoice {
  /** Before their ranks were settled. */
  readonly open: readonly TensorPlan[]
  readonly candidates: readonly Candidate[]
  /** Squared error, by entries, of what is no candidate and kept in fewer bits. */
  readonly keptError: number
  /** Whether factors are multiplied out again and rounded to the dtype of the source. */
  readonly multipliesOut: boolean
  /** Bytes of the output of a plan. */
  bytesOf(plans: readonly TensorPlan[]): number
}

/** Bytes of the whole output, and the model error of the plan for it. */
export type TradeOffPoint = [bytes: number, error: number]

/** How far a search goes for a curve: a tenth of a percent of an error is no more than a screen shows, and a step is a few milliseconds. */
const effort = { slack: 2e-3, mostBounds: 1e5 }
/** Parts of the curve that are looked at first, and the smallest ones as a share of it. */
const parts = 16
const finest = 1 / 1300
/** A line may be off by this share of the error, or this much of the model. */
const tolerance = { share: 0.005, error: 0.0005 }
/** Plans at most: of matrices that give the curve more steps than that the rest are small. */
const mostPlans = 400

/** The plan within a budget, for the values of all that has a choice. */
interface Sized {
  readonly budget: number
  /** Of the budget. */
  readonly spare: number
  readonly bytes: number
  readonly error: number
}

/**
 * Ascending in bytes; empty where nothing can be chosen, or where a sketch ended with its goal: what larger ranks would do is not known then.
 * Cost: a plan for each of 49 to 400 sizes.
 * @param pause called before each of them; may throw
 */
export function tradeOffOf(choice: OpenChoice, params: Params, pause: () => void = () => {}): TradeOffPoint[] {
  const { open, candidates } = choice
  const endedEarly = ({ spectrum, plan }: Candidate) => spectrum.truncation.length <= plan.sketch.rank
  if (candidates.length === 0 || candidates.some(endedEarly)) return []
  const { least, most, within } = sizedPlans(open, candidates, params, effort)
  const measure = measureOf(choice)
  const at = (budget: number): Sized => {
    pause()
    return measure(within(budget), budget)
  }
  return curveThrough(sampleBudgets(at, Math.max(0, least), Math.max(least, most)))
}

/** Bytes and error of a plan, with what the run would refuse to write kept. */
function measureOf({
  open,
  candidates,
  keptError,
  multipliesOut,
  bytesOf,
}: OpenChoice): (plans: readonly TensorPlan[], budget: number) => Sized {
  const candidateOf = new Map(candidates.map((candidate) => [storageName(candidate.plan.info), candidate]))
  const entries = oncePerStorage(open)
    .filter(({ view }) => view)
    .reduce((sum, { info }) => sum + elementCount(info.shape), 0)
  return (ranked, budget) => {
    let [squared, values] = [keptError, 0]
    const plans = ranked.map((plan) => {
      const candidate = candidateOf.get(storageName(plan.info))
      if (!candidate) return plan
      const rank = isFactorized(plan) ? plan.params.rank : null
      const copied = rank !== null && multipliesOut ? copiedErrorAt(candidate, rank) : 0
      const refusal = rank === null ? null : refusalAt(candidate, rank, copied)
      const kept = rank === null || refusal !== null
      if (plan.info.sharesStorageWith === undefined) {
        const error = kept ? (candidate.keptSquaredError ?? 0) : candidate.squaredErrors[rank]! + copied
        squared += elementCount(plan.info.shape) * error
        if (candidate.plan.pinned === undefined) values += kept ? (candidate.keptBytes ?? 0) : candidate.bytesAt(rank)
      }
      return refusal ? keepAsIs(plan, refusal) : plan
    })
    const error = Math.sqrt(squared / Math.max(1, entries))
    return { budget, spare: Math.max(0, budget - values), bytes: bytesOf(plans), error }
  }
}

/** Budgets in order, near enough to each other that lines between them hold: each part is looked at in two places, and in three parts where it does not. */
function sampleBudgets(at: (budget: number) => Sized, low: number, high: number): Sized[] {
  const range = high - low
  const found = Array.from({ length: range > 0 ? parts + 1 : 1 }, (_, i) => at(low + (i * range) / parts))
  const queue = found.slice(1).map((end, i) => [found[i]!, end] as const)
  for (let next = queue.shift(); next && found.length < mostPlans; next = queue.shift()) {
    const [from, to] = next
    const width = to.budget - from.budget
    // One plan for both is the plan of all between them.
    if (width <= finest * range || (from.bytes === to.bytes && from.error === to.error)) continue
    const inner = [1, 2].map((third) => at(from.budget + (third * width) / 3))
    found.push(...inner)
    if (inner.every((each) => liesOn(from, to, each))) continue
    const ends = [from, ...inner, to]
    for (const [i, end] of ends.slice(1).entries()) queue.push([ends[i]!, end])
  }
  return found.sort((a, b) => a.budget - b.budget)
}

function liesOn(from: Sized, to: Sized, { budget, error }: Sized): boolean {
  const line = from.error + ((budget - from.budget) / (to.budget - from.budget)) * (to.error - from.error)
  return Math.abs(error - line) <= tolerance.share * error + tolerance.error
}

/** Each plan from its own bytes to those it leaves over; what says nothing new is left out. */
function curveThrough(sizes: readonly Sized[]): TradeOffPoint[] {
  const points: TradeOffPoint[] = []
  const add = (bytes: number, error: number) => {
    // The header of a larger plan may be the shorter one.
    for (let i = points.length - 1; i >= 0 && points[i]![0] > bytes; i--) points[i]![0] = bytes
    const [before, last] = [points.at(-2), points.at(-1)]
    if (last?.[0] === bytes && last[1] === error) return
    if (before?.[1] === error && last?.[1] === error) last[0] = bytes
    else points.push([bytes, error])
  }
  for (const { bytes, spare, error } of sizes) {
    add(bytes, error)
    add(Math.round(bytes + spare), error)
  }
  return points
}

/** The model error at a size, on the line between two points; null below the smallest. */
export function errorAtSize(points: readonly TradeOffPoint[], bytes: number): number | null {
  const first = points[0]
  if (!first || bytes < first[0]) return null
  let low = 0
  let high = points.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (points[middle]![0] <= bytes) low = middle
    else high = middle - 1
  }
  const [here, next] = [points[low]!, points[low + 1]]
  if (!next) return here[1]
  return here[1] + ((bytes - here[0]) / (next[0] - here[0])) * (next[1] - here[1])
}

/** The fewest bytes with an error of at most this; those of the largest where there is none. */
export function bytesForError(points: readonly TradeOffPoint[], error: number): number {
  const at = points.findIndex((point) => point[1] <= error)
  const [here, before] = [points[at], points[at - 1]]
  if (!here) return points.at(-1)?.[0] ?? 0
  if (!before) return here[0]
  return before[0] + ((before[1] - error) / (before[1] - here[1])) * (here[0] - before[0])
}
