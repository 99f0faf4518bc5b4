/**
 * From a goal to ranks. Every candidate was factorized once at the largest rank it could get; its error and bytes at every rank below are
 * then known, rounding included, and the goal is allocated on them. The result is a plan like any other: exact in bytes before the run.
 */

import { AppError } from '../errors.ts'
import { all, say } from '../messages/english.ts'
import { allowedError, type Params } from '../params.ts'
import { storageName, type TensorSet } from '../tensor.ts'
import { type Candidate, int8Reason, isWide, noiseReason, type OutputValues, roundingOf, whyKept } from './candidate.ts'
import { bytesKept } from './dense-int8.ts'
import { largestUsefulRank } from './factor-dtype.ts'
import { goalOf, hasGoal } from './goal.ts'
import type { Effort } from './knapsack.ts'
import { atRank, isFactorized, keepAsIs, type TensorPlan, withStorageNote } from './plan.ts'
import {
  type Allocation,
  type AllocationCandidate,
  allocateRanks,
  fitToSize,
  leastRanks,
  sizeAllocator,
} from './rank-allocation.ts'
import type { Storable } from './verdict.ts'

/** What a size goal is held against. */
export interface Weighing extends OutputValues {
  /** Bytes of the finished output of a plan. */
  predict(plans: readonly TensorPlan[]): number
}

/** Bytes of the output that a size goal allows; null without one. */
export function sizeGoalBytes({ goalSize }: Pick<Params, 'goalSize'>, totalBytes: number): number | null {
  if (goalSize === 0) return null
  return Math.floor(goalSize < 1 ? goalSize * totalBytes : goalSize)
}

/** The curve of an f32 sketch is good to 1e-5: a goal is aimed at from this far below, so that the measured error is under it. */
const GOAL_MARGIN = 2e-5
/** And what rounding adds is known to about a percent of itself. */
const ROUNDING_MARGIN = 0.015

/**
 * The plans with the ranks and dtypes that their spectra give them.
 * @param totalWeight of all matrices of the file, kept ones too, as `goalWeight` counts them; for a goal that holds for the whole model
 * @param keptError weighted squared error of those that are no candidates, and kept in fewer bits
 * @throws AppError `bad-request` for goals that contradict each other or cannot be met
 */
export function withRanks(
  plans: readonly TensorPlan[],
  candidates: readonly Candidate[],
  params: Params,
  { totalBytes }: Pick<TensorSet, 'totalBytes'>,
  weighing: Weighing,
  totalWeight: number,
  keptError = 0,
): TensorPlan[] {
  const ranked = (ranks: Allocation) => applyRanks(plans, candidates, ranks, params)
  if (!hasGoal(params)) return ranked(candidates.map(({ plan }) => plan.params.rank))
  const goal = sizeGoalBytes(params, totalBytes)
  if (goal !== null) return fillSize(goal, plans, candidates, params, weighing)
  const error = errorAimedAt(params)!
  const free = candidates.filter((candidate) => !isPinned(candidate)).map(withMargin)
  if (params.goalScope === 'tensor') return ranked(withPins(candidates, leastRanks(free, error)))
  const left = error ** 2 * totalWeight - pinnedError(candidates) - keptError
  if (left < 0) {
    const why = keptError > error ** 2 * totalWeight ? say('request.kept-too-coarse') : say('request.pins-too-coarse')
    throw new AppError('bad-request', why)
  }
  const goalLeft = { kind: 'model-error', error: Math.sqrt(left / totalWeight), totalWeight } as const
  return ranked(withPins(candidates, allocateRanks(free, goalLeft, params.allocation)))
}

const isPinned = ({ plan }: Candidate) => plan.pinned !== undefined

/** What was allocated to the others, with the pinned ranks where they belong. */
function withPins(candidates: readonly Candidate[], others: Allocation): Allocation {
  const rest = others[Symbol.iterator]()
  return candidates.map((candidate) => (isPinned(candidate) ? pinnedRank(candidate) : (rest.next().value ?? null)))
}

/** null where no rank can be written as it was asked for. */
function pinnedRank({ maxRank }: Candidate): number | null {
  return maxRank > 0 ? maxRank : null
}

/** Weighted squared error that the pinned ranks have already. */
function pinnedError(candidates: readonly Candidate[]): number {
  return candidates.filter(isPinned).reduce((sum, candidate) => {
    const rank = pinnedRank(candidate)
    return rank === null ? sum : sum + candidate.weight * withMargin(candidate).squaredErrors[rank]!
  }, 0)
}

/** Whether the goal weighs the error of one matrix against another's. */
export function goalOfModel(params: Params): boolean {
  return goalOf(params) === 'error' && params.goalScope === 'model'
}

/** What an error goal is held against. */
function withMargin(candidate: Candidate): AllocationCandidate {
  const squaredErrors = Float64Array.from(
    candidate.squaredErrors,
    (error, rank) => error + ROUNDING_MARGIN * candidate.roundingAt(rank),
  )
  return { ...candidate, squaredErrors }
}

function errorAimedAt(params: Params): number | null {
  const allowed = allowedError(params)
  return allowed === null ? null : allowed * (1 - GOAL_MARGIN)
}

/**
 * Whether a tensor's own curve says which rank a goal gives it: an error for each tensor, and factors whose rounding is nothing beside it. What
 * narrower ones add follows from the factors, which the engine has.
 */
export function ownCurveDecides({ stored }: Storable, params: Params): boolean {
  return (
    allowedError(params) !== null && params.goalScope === 'tensor' && isWide(stored.dtype) && params.sparseDensity === 0
  )
}

/**
 * The least rank of one tensor on its own for an error goal, as a run chooses it; null where none that may be chosen meets it, undefined
 * where the curve does not say, or ends before it does.
 * @param curve relative error at rank 0, 1, ..., before anything is rounded
 */
export function leastRank(matrix: Storable, curve: readonly number[], params: Params): number | null | undefined {
  const { info, view, stored } = matrix
  const error = errorAimedAt(params)
  if (error === null || !isWide(stored.dtype) || !ownCurveDecides(matrix, params)) return undefined
  const largest = Math.min(params.maxRank, largestUsefulRank(info, view, stored, matrix.keptBytes))
  const rounding = 2 * (1 + ROUNDING_MARGIN) * roundingOf(stored.dtype)
  // The error falls with the rank: halve. e^2 + (1 - e^2) rounding <= error^2
  const meets = (rank: number) => curve[rank]! ** 2 + rounding * (1 - curve[rank]! ** 2) <= error ** 2
  let low = Math.min(params.minRank, largest)
  let high = Math.min(largest, curve.length - 1) + 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (meets(middle)) high = middle
    else low = middle + 1
  }
  if (low < curve.length) return low <= largest && largest > 0 ? low : null
  return largest < curve.length ? null : undefined
}

/** What a size goal chooses among: the same tensors, rules and dtypes within any bytes. */
export interface SizedPlans {
  /** Bytes of the candidates' values, of all that has a choice: of the smallest plan, and of the one that keeps them all. */
  readonly least: number
  readonly most: number
  /** With all of them kept. */
  readonly kept: TensorPlan[]
  /** @throws AppError `bad-request` below `least` */
  within(bytes: number): TensorPlan[]
}

/** @param plans before a goal has settled their ranks */
export function sizedPlans(
  plans: readonly TensorPlan[],
  candidates: readonly Candidate[],
  params: Params,
  effort?: Effort,
): SizedPlans {
  const free = candidates.filter((candidate) => !isPinned(candidate))
  const { least, within } = sizeAllocator(free, params.allocation, effort)
  const ranked = (ranks: Allocation) => applyRanks(plans, candidates, withPins(candidates, ranks), params)
  return {
    least,
    most: free.reduce((sum, { keptBytes }) => sum + (keptBytes ?? 0), 0),
    kept: ranked(free.map(() => null)),
    within: (bytes) => ranked(within(bytes)),
  }
}

/** The plans that fill the size. */
function fillSize(
  goal: number,
  plans: readonly TensorPlan[],
  candidates: readonly Candidate[],
  params: Params,
  { predict }: Weighing,
): TensorPlan[] {
  const { most, kept, within } = sizedPlans(plans, candidates, params)
  return fitToSize(goal, goal - (predict(kept) - most), within, predict)
}

/** The plans with their ranks: one for each candidate, or null to keep it. */
function applyRanks(
  plans: readonly TensorPlan[],
  candidates: readonly Candidate[],
  ranks: Allocation,
  params: Params,
): TensorPlan[] {
  const chosen = new Map(
    candidates.map((candidate, i) => [storageName(candidate.plan.info), { candidate, rank: ranks[i] ?? null }]),
  )
  return plans.map((plan) => {
    const choice = isFactorized(plan) ? chosen.get(storageName(plan.info)) : undefined
    if (!choice || !isFactorized(plan)) return plan
    const { candidate, rank } = choice
    if (rank === null) return keepAsIs(plan, whyKept(candidate, params))
    const dtype = candidate.dtypeAt(rank)
    const bytes = candidate.factorBytesAt(rank)
    const before = bytesKept(plan.info, plan.denseInt8)
    if (candidate.keptBytes !== null && bytes >= before) {
      return keepAsIs(plan, say('plan.grows', { rank, dtype, before, after: bytes }))
    }
    const reason = [atRank(plan.info, plan.view, rank, bytes), int8Reason(candidate, rank), noiseReason(candidate)]
    return {
      ...plan,
      params: { ...plan.sketch, rank },
      factorDType: dtype,
      reason: withStorageNote(plan.info, all(reason.filter((part) => part !== null))),
    }
  })
}
