/**
 * Ways of sharing out the ranks of a model whose answers can be looked at: each gives ranks for a size, and the answers decide between them. Sums of
 * layers' errors are a poor guide to what a model answers (docs/answers.md).
 *
 *   uniform    every matrix the same share of the largest rank that makes it smaller
 *   relative   least sum of squared relative errors, weighed by entries
 *   absolute   least sum of squared errors
 *   floored    least sum of fourth powers of relative errors, no matrix below 0.6 of its uniform rank
 *   measured   least sum of what each matrix alone was seen to cost the answer, with the same floor
 *   logits     the same of what the answer's last softmax or sigmoid takes, which sees more where that is sure of itself and less where it is not
 */
import { elementCount } from '../tensor.ts'
import type { Candidate } from './candidate.ts'
import { largestUsefulRank } from './factor-dtype.ts'
import type { Allocation, AllocationCandidate } from './rank-allocation.ts'

export const weightedKinds = ['relative', 'absolute', 'floored', 'measured', 'logits'] as const
export type WeightedKind = (typeof weightedKinds)[number]
export type AllocationKind = 'uniform' | WeightedKind

/** Of the uniform rank: with less, one matrix of many can be taken down to nothing that the sums do not see. */
const floorShare = 0.6

/** What the answer loses where this matrix alone has this rank, as squared relative errors. */
export interface Sensitivity {
  readonly rank: number
  /** Of the outputs. */
  readonly measured: number
  /** Of what their last activations take; null where they have none. */
  readonly logits: number | null
}

/** Shares of the largest useful rank at which a matrix alone is tried. */
const triedShares = [0.2, 0.45, 0.75] as const

function usefulRank({ plan: { info, view, factorDType, factorLayout } }: Candidate): number {
  return largestUsefulRank(info, view, { dtype: factorDType, layout: factorLayout, sparseDensity: 0 })
}

/** At this share of the largest useful rank, as far as each may go; null where it is kept. */
export function uniformRanks(candidates: readonly Candidate[], share: number): Allocation {
  return candidates.map((candidate) => {
    const rank = Math.max(1, Math.round(share * usefulRank(candidate)))
    return rank > candidate.maxRank ? null : rank
  })
}

/** Ranks at which a matrix is tried alone. */
export function triedRanks(candidate: Candidate, shares: readonly number[] = triedShares): number[] {
  const useful = usefulRank(candidate)
  const ranks = shares.map((share) => Math.max(1, Math.min(candidate.maxRank, Math.round(share * useful))))
  return [...new Set(ranks)]
}

/**
 * The candidates as this kind weighs them.
 * @param uniform the ranks of the kind `uniform` for the same goal, for the floors
 * @param tried by the index of the candidate
 */
export function weighCandidates(
  candidates: readonly Candidate[],
  kind: WeightedKind,
  uniform: Allocation,
  tried: readonly (readonly Sensitivity[])[],
): AllocationCandidate[] {
  return candidates.map((candidate, i) => {
    const { minRank, maxRank } = candidate
    const floor = Math.max(minRank, Math.min(maxRank, Math.ceil(floorShare * (uniform[i] ?? maxRank))))
    return { ...candidate, ...weighedBy[kind](candidate, floor, tried[i] ?? []) }
  })
}

type Weighed = Partial<AllocationCandidate>

const weighedBy: {
  readonly [K in WeightedKind]: (candidate: Candidate, floor: number, tried: readonly Sensitivity[]) => Weighed
} = {
  relative: ({ plan }) => ({ weight: elementCount(plan.info.shape) }),
  absolute: ({ spectrum }) => ({ weight: spectrum.frobeniusNorm ** 2 }),
  floored: ({ squaredErrors, keptSquaredError = 0 }, minRank) => ({
    weight: 1,
    squaredErrors: Float64Array.from(squaredErrors, (error) => error ** 2),
    keptSquaredError: keptSquaredError ** 2,
    minRank,
  }),
  measured: (candidate, minRank, tried) =>
    byAnswers(
      candidate,
      minRank,
      tried.map(({ rank, measured }) => ({ rank, squaredError: measured })),
    ),
  logits: (candidate, minRank, tried) =>
    byAnswers(
      candidate,
      minRank,
      tried.flatMap(({ rank, logits }) => (logits === null ? [] : [{ rank, squaredError: logits }])),
    ),
}

interface Cost {
  readonly rank: number
  readonly squaredError: number
}

function byAnswers(
  { squaredErrors, keptSquaredError = 0 }: Candidate,
  minRank: number,
  tried: readonly Cost[],
): Weighed {
  const cost = answerCurve(squaredErrors, tried)
  const end = cost.length - 1
  // What rounding costs, as the last of its ranks does.
  const kept = keptSquaredError * (cost[end]! / Math.max(squaredErrors[end]!, tiny))
  return { weight: 1, squaredErrors: cost, keptSquaredError: kept, minRank }
}

const tiny = 1e-30

/**
 * What the answer loses at every rank, from a few: the ratio of its squared error to the matrix's own, between two of them as the power of the rank's distance
 * that meets both, and beyond them as at the nearest.
 */
function answerCurve(squaredErrors: ArrayLike<number>, tried: readonly Cost[]): Float64Array {
  const points = tried
    .map(({ rank, squaredError }) => ({
      rank,
      log: Math.log(Math.max(squaredError, tiny) / Math.max(squaredErrors[rank]!, tiny)),
    }))
    .toSorted((a, b) => a.rank - b.rank)
  const logAt = (rank: number) => {
    const after = points.findIndex((point) => point.rank >= rank)
    if (after <= 0) return points[after < 0 ? points.length - 1 : 0]?.log ?? 0
    const [a, b] = [points[after - 1]!, points[after]!]
    return a.log + ((b.log - a.log) * (rank - a.rank)) / (b.rank - a.rank)
  }
  const curve = Float64Array.from(squaredErrors, (error, rank) => error * Math.exp(logAt(rank)))
  // More ranks cost the answer nothing, whatever noise the trials have.
  for (let rank = curve.length - 2; rank >= 0; rank--) curve[rank] = Math.max(curve[rank]!, curve[rank + 1]!)
  return curve
}
