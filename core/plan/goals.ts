/**
 * From a goal to ranks. Every candidate was factorized once at the largest rank it could get; its error and bytes at every rank below are
 * then known, rounding included, and the goal is allocated on them. The result is a plan like any other: exact in bytes before the run.
 */

import { behavesLikeNoise } from '../curves/noise-line.ts'
import { sparseCount } from '../curves/size.ts'
import { AppError } from '../errors.ts'
import { layoutOf } from '../layouts.ts'
import { all, say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { allowedError, type Params } from '../params.ts'
import {
  type ComputableDType,
  type DType,
  elementCount,
  mostLost,
  significantBits,
  storageName,
  type TensorSet,
  tensorBytes,
} from '../tensor.ts'
import { bytesKept, denseInt8Bytes } from './dense-int8.ts'
import { type FactorDType, factorBytes, largestUsefulRank } from './factor-dtype.ts'
import { goalOf, hasGoal } from './goal.ts'
import type { Effort } from './knapsack.ts'
import { atRank, type FactorizedTensor, isFactorized, keepAsIs, type TensorPlan, withStorageNote } from './plan.ts'
import {
  type Allocation,
  type AllocationCandidate,
  allocateRanks,
  leastRanks,
  sizeAllocator,
} from './rank-allocation.ts'
import { type Storable, worthless } from './verdict.ts'

/** How the error of a tensor falls with its rank: what a goal is allocated on. */
export interface TensorSpectrum {
  /** ||W||_F over all matrices. */
  readonly frobeniusNorm: number
  /** Squared relative error at rank 0, 1, ... up to the sketch's, before anything is rounded. */
  readonly truncation: readonly number[]
  /** Squared relative error that factors of these dtypes add, INT8 with the scales each rank has, at the same ranks. */
  readonly rounding: Readonly<Record<'BF16' | 'F16' | 'INT8', readonly number[]>>
  /** Squared relative error of the weights themselves, where all the above is of outputs. */
  readonly weights?: readonly number[]
}

/** What a size goal is held against. */
export interface Weighing {
  /** Bytes of the finished output of a plan. */
  predict(plans: readonly TensorPlan[]): number
  /** As the output holds values of this dtype. */
  stored(dtype: DType): DType
  /** As in Style: nothing is kept in it. */
  readonly isDifference: boolean
}

/** Bytes of the output that a size goal allows; null without one. */
export function sizeGoalBytes({ goalSize }: Pick<Params, 'goalSize'>, totalBytes: number): number | null {
  if (goalSize === 0) return null
  return Math.floor(goalSize < 1 ? goalSize * totalBytes : goalSize)
}

/** Share of the error that INT8 rounding may add before a tensor gets half-precision factors instead. */
const INT8_MAY_ADD = 0.05

/** The curve of an f32 sketch is good to 1e-5: a goal is aimed at from this far below, so that the measured error is under it. */
const GOAL_MARGIN = 2e-5
/** And what rounding adds is known to about a percent of itself. */
const ROUNDING_MARGIN = 0.015

/** A tensor with all that is known of it at each rank. */
export interface Candidate extends AllocationCandidate {
  readonly plan: FactorizedTensor
  readonly spectrum: TensorSpectrum
  /** Of one of the tensors that share the storage; the output has them all. */
  factorBytesAt(rank: number): number
  dtypeAt(rank: number): FactorDType
  /** The part of `squaredErrors` that is rounding. */
  roundingAt(rank: number): number
  /** The same before a sparse part takes its share of it. */
  roundingAloneAt(rank: number): number
  /** Why no rank can be written as it was asked for. */
  readonly unfit: Message | null
}

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

function isWide(dtype: FactorDType): dtype is 'F32' | 'F64' {
  return dtype === 'F32' || dtype === 'F64'
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

/**
 * What a goal may choose for one tensor, as the run writes it: errors before and after rounding, bytes with every copy of its storage.
 * @param copies tensors of the output that are this storage
 * @param spectrum up to the rank of the plan's sketch; ranks beyond it are no choice
 * @param keptError relative error of keeping it, where that rounds it
 */
export function candidateOf(
  plan: FactorizedTensor,
  copies: number,
  spectrum: TensorSpectrum,
  params: Params,
  weighing: Pick<Weighing, 'stored' | 'isDifference'>,
  keptError = 0,
): Candidate {
  const { info, view, sketch, denseInt8 } = plan
  const { truncation, rounding } = spectrum
  const stored = { dtype: plan.factorDType, layout: plan.factorLayout, sparseDensity: params.sparseDensity }
  const dtypeAt = (rank: number): FactorDType => {
    if (stored.dtype !== 'INT8' || params.int8Always) return stored.dtype
    const grown = Math.sqrt(truncation[rank]! + rounding.INT8[rank]!)
    return grown <= Math.sqrt(truncation[rank]!) * (1 + INT8_MAY_ADD) ? 'INT8' : layoutOf(stored.layout).insteadOfInt8
  }
  // The largest share of the entries has at least that share of the squared residual.
  const left = 1 - sparseCount(params.sparseDensity, view.rows, view.cols) / (view.rows * view.cols)
  const roundingAloneAt = (rank: number) => {
    const dtype = dtypeAt(rank)
    return isWide(dtype) ? 2 * roundingOf(dtype) * (1 - truncation[rank]!) : rounding[dtype][rank]!
  }
  const roundingAt = (rank: number) => left * roundingAloneAt(rank)
  const factorBytesAt = (rank: number) => factorBytes(view, rank, { ...stored, dtype: dtypeAt(rank) })
  const unfit = unfitFor(stored.dtype, spectrum, truncation.length - 1)
  const { isDifference } = weighing
  let maxRank = unfit
    ? 0
    : Math.min(plan.pinned ?? params.maxRank, plan.params.rank, sketch.rank, truncation.length - 1)
  while (!isDifference && maxRank > 0 && factorBytesAt(maxRank) >= bytesKept(info, denseInt8)) maxRank--
  const whole =
    denseInt8 === undefined ? tensorBytes(weighing.stored(info.dtype), info.shape) : denseInt8Bytes(info, denseInt8)
  return {
    plan,
    spectrum,
    name: info.name,
    weight: params.goalWeight === 'entries' ? elementCount(info.shape) : spectrum.frobeniusNorm ** 2,
    squaredErrors: truncation.map((error, rank) => left * error + roundingAt(rank)),
    roundingAt,
    roundingAloneAt,
    minRank: plan.pinned === undefined ? Math.min(params.minRank, maxRank) : maxRank,
    maxRank,
    keptBytes: isDifference ? null : copies * whole,
    keptSquaredError: keptError ** 2,
    bytesAt: (rank) => {
      const dtype = dtypeAt(rank)
      const held = dtype === 'INT8' ? dtype : (weighing.stored(dtype) as FactorDType)
      return copies * factorBytes(view, rank, { ...stored, dtype: held })
    },
    factorBytesAt,
    dtypeAt,
    unfit,
  }
}

/**
 * Why a run would keep the tensor instead of writing it at this rank; null where it writes it.
 * @param copied squared relative error that a dense copy's own dtype adds
 */
export function refusalAt(candidate: Candidate, rank: number, copied: number): Message | null {
  const truncation = candidate.spectrum.truncation[rank]!
  const rounding = candidate.roundingAloneAt(rank) + copied
  const errors = {
    total: Math.sqrt(truncation + rounding),
    truncation: Math.sqrt(truncation),
    rounding: Math.sqrt(rounding),
  }
  return candidate.unfit ?? worthless(candidate.plan.factorDType, errors)
}

/** Squared relative error that multiplying factors out again and rounding them to the dtype of the source adds. */
export function copiedErrorAt({ plan, spectrum }: Candidate, rank: number): number {
  return roundingOf(plan.info.dtype) * (1 - spectrum.truncation[rank]!)
}

/** F16 ends at 6e-8: below, factors lose more than its bits ever round off. As the run finds when it stores them (write/styles/stored-factors.ts). */
function unfitFor(dtype: FactorDType, { truncation, rounding }: TensorSpectrum, rank: number): Message | null {
  if (dtype !== 'F16' || rounding.F16[rank]! <= mostLost('F16') * (1 - truncation[rank]!)) return null
  return all([say('plan.too-small-for', { dtype: 'F16' }), say('overflow.choose-wider')])
}

/**
 * Squared relative error of rounding values to a dtype: the mean square of a rounding error, 2^(2 - 2p) / 12 at the bottom of a binade, over the
 * mean square of values spread evenly in the logarithm, 3 / (2 ln 2). Two factors add twice that of the energy they hold.
 */
export function roundingOf(dtype: ComputableDType): number {
  return 2 ** (2 - 2 * significantBits[dtype]) / 12 / (3 / (2 * Math.LN2))
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

/** As much as fits: the header's length depends on the ranks it names, so what it takes more than assumed is taken off the budget. */
function fillSize(
  goal: number,
  plans: readonly TensorPlan[],
  candidates: readonly Candidate[],
  params: Params,
  { predict }: Weighing,
): TensorPlan[] {
  const { most, kept, within } = sizedPlans(plans, candidates, params)
  let budget = goal - (predict(kept) - most)
  for (;;) {
    const found = within(budget)
    const excess = predict(found) - goal
    if (excess <= 0) return found
    budget -= excess
  }
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

function whyKept({ maxRank, squaredErrors, unfit }: Candidate, params: Params): Message {
  if (unfit) return unfit
  if (maxRank < 1) return say('plan.never-smaller')
  if (params.goalSize > 0) return say('plan.size-goal')
  if (params.goalScope === 'model') return say('plan.model-goal')
  const best = { error: Math.sqrt(squaredErrors[maxRank]!), rank: maxRank }
  return say(maxRank === params.maxRank ? 'plan.rank-limit' : 'plan.break-even', best)
}

/** Share by which INT8 factors raise the error of a rank; the largest number where there is no other error. */
export function int8Increase({ truncation, rounding }: TensorSpectrum, rank: number): number {
  if (rounding.INT8[rank] === 0) return 0
  return Math.min(Number.MAX_VALUE, Math.sqrt(1 + rounding.INT8[rank]! / truncation[rank]!) - 1)
}

function int8Reason({ plan, spectrum, dtypeAt }: Candidate, rank: number): Message | null {
  if (plan.factorDType !== 'INT8') return null
  const added = int8Increase(spectrum, rank)
  const share = added < Number.MAX_VALUE ? added : null
  return dtypeAt(rank) === 'INT8'
    ? say('plan.int8-adds', { share })
    : say('plan.int8-would-add', { share, dtype: layoutOf(plan.factorLayout).insteadOfInt8 })
}

function noiseReason({ plan: { view }, spectrum: { truncation, weights } }: Candidate): Message | null {
  // The noise line is of weights.
  if (weights) return null
  const noiselike = behavesLikeNoise(view.rows, view.cols, (rank) => {
    const squared = truncation[rank]
    return squared === undefined ? undefined : Math.sqrt(squared)
  })
  return noiselike ? say('plan.noise') : null
}
