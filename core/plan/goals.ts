/**
 * From a goal to ranks. Every candidate was factorized once at the largest rank it could get; its error and bytes at every rank below are
 * then known, rounding included, and the goal is allocated on them. The result is a plan like any other: exact in bytes before the run.
 */
import { behavesLikeNoise } from '../curves/noise-line.ts'
import type { Params } from '../params.ts'
import { type DType, elementCount, encodedBytes, storageName, type TensorSet, tensorBytes } from '../tensor.ts'
import { type FactorDType, factorBytes, insteadOfInt8, largestUsefulRank } from './factor-dtype.ts'
import {
  atRank,
  type FactorizedTensor,
  hasGoal,
  isFactorized,
  keepAsIs,
  type TensorPlan,
  withStorageNote,
} from './plan.ts'
import { type Allocation, type AllocationCandidate, allocateRanks, leastRanks } from './rank-allocation.ts'
import { shapeOf } from './text.ts'
import { type Storable, storedAs } from './verdict.ts'

/** How the error of a tensor falls with its rank: what a goal is allocated on. */
export interface TensorSpectrum {
  /** ||W||_F over all matrices. */
  readonly frobeniusNorm: number
  /** Squared relative error at rank 0, 1, ... up to the sketch's, before anything is rounded. */
  readonly truncation: readonly number[]
  /** Squared relative error that INT8 factors add, with the scales each rank has, at the same ranks. */
  readonly int8: readonly number[]
}

/** What a size goal is held against. */
export interface Weighing {
  /** Bytes of the finished output of a plan. */
  predict(plans: readonly TensorPlan[]): number
  /** As the output holds values of this dtype. */
  stored(dtype: DType): DType
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

/** A tensor with all that is known of it at each rank. */
export interface Candidate extends AllocationCandidate {
  readonly plan: FactorizedTensor
  readonly spectrum: TensorSpectrum
  /** Of one of the tensors that share the storage; the output has them all. */
  factorBytesAt(rank: number): number
  dtypeAt(rank: number): FactorDType
}

/**
 * The plans with the ranks and dtypes that their spectra give them.
 * @param totalWeight of all matrices of the file, kept ones too, as `goalWeight` counts them; for a goal that holds for the whole model
 * @throws AppError `bad-request` for goals that contradict each other or cannot be met
 */
export function withRanks(
  plans: readonly TensorPlan[],
  candidates: readonly Candidate[],
  params: Params,
  { totalBytes }: Pick<TensorSet, 'totalBytes'>,
  weighing: Weighing,
  totalWeight: number,
): TensorPlan[] {
  const ranked = (ranks: Allocation) => applyRanks(plans, candidates, ranks, params)
  if (!hasGoal(params)) return ranked(candidates.map(({ plan }) => plan.params.rank))
  const goal = sizeGoalBytes(params, totalBytes)
  if (goal !== null) return fillSize(goal, plans, candidates, params, weighing)
  const error = errorAimedAt(params)!
  if (params.goalScope === 'tensor') return ranked(leastRanks(candidates, error))
  return ranked(allocateRanks(candidates, { kind: 'model-error', error, totalWeight }, params.allocation))
}

/** Whether the goal weighs the error of one matrix against another's. */
export function goalOfModel(params: Params): boolean {
  return hasGoal(params) && params.goalSize === 0 && params.goalScope === 'model'
}

/** The error a goal of error or energy allows; null without one. */
export function allowedError({ goalError, goalEnergy }: Pick<Params, 'goalError' | 'goalEnergy'>): number | null {
  if (goalError > 0) return goalError
  return goalEnergy > 0 ? Math.sqrt(1 - goalEnergy) : null
}

function errorAimedAt(params: Params): number | null {
  const allowed = allowedError(params)
  return allowed === null ? null : allowed * (1 - GOAL_MARGIN)
}

/** Whether a tensor's own curve says which rank a goal gives it: an error for each tensor, and no INT8 that adds another. */
export function ownCurveDecides({ stored }: Storable, params: Params): boolean {
  return allowedError(params) !== null && params.goalScope === 'tensor' && stored.dtype !== 'INT8'
}

/**
 * The least rank of one tensor on its own for an error goal, as a run chooses it; null where none that may be chosen meets it, undefined
 * where the curve does not say, or ends before it does.
 * @param curve relative error at rank 0, 1, ..., before anything is rounded
 */
export function leastRank(matrix: Storable, curve: readonly number[], params: Params): number | null | undefined {
  const { info, view, stored } = matrix
  const error = errorAimedAt(params)
  if (error === null || stored.dtype === 'INT8' || !ownCurveDecides(matrix, params)) return undefined
  const largest = Math.min(params.maxRank, largestUsefulRank(info, view, stored))
  const rounding = roundingOf(stored.dtype)
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

export function candidateOf(
  plan: FactorizedTensor,
  copies: number,
  spectrum: TensorSpectrum,
  params: Params,
  weighing: Pick<Weighing, 'stored'>,
): Candidate {
  const { info, view, sketch } = plan
  const { truncation, int8 } = spectrum
  const stored = storedAs(info.dtype, params)
  const dtypeAt = (rank: number): FactorDType => {
    if (stored.dtype !== 'INT8' || params.int8Always) return stored.dtype
    const grown = Math.sqrt(truncation[rank]! + int8[rank]!)
    return grown <= Math.sqrt(truncation[rank]!) * (1 + INT8_MAY_ADD) ? 'INT8' : insteadOfInt8
  }
  const factorBytesAt = (rank: number) => factorBytes(view, rank, { ...stored, dtype: dtypeAt(rank) })
  let maxRank = Math.min(params.maxRank, sketch.rank)
  while (maxRank > 0 && factorBytesAt(maxRank) >= encodedBytes(info)) maxRank--
  return {
    plan,
    spectrum,
    name: info.name,
    weight: params.goalWeight === 'entries' ? elementCount(info.shape) : spectrum.frobeniusNorm ** 2,
    squaredErrors: truncation.map((error, rank) => {
      const dtype = dtypeAt(rank)
      return error + (dtype === 'INT8' ? int8[rank]! : roundingOf(dtype) * (1 - error))
    }),
    minRank: Math.min(params.minRank, maxRank),
    maxRank,
    keptBytes: copies * tensorBytes(weighing.stored(info.dtype), info.shape),
    bytesAt: (rank) => {
      const dtype = dtypeAt(rank)
      const held = dtype === 'INT8' ? dtype : (weighing.stored(dtype) as FactorDType)
      return copies * factorBytes(view, rank, { ...stored, dtype: held })
    },
    factorBytesAt,
    dtypeAt,
  }
}

const significantBits = { F64: 53, F32: 24, F16: 11, BF16: 8 } as const

/**
 * Squared error that rounding both factors adds, as a share of the energy they hold: twice the mean square of a rounding error, 2^(2 - 2p)
 * / 12 at the bottom of a binade, over the mean square of values spread evenly in the logarithm, 3 / (2 ln 2).
 */
function roundingOf(dtype: Exclude<FactorDType, 'INT8'>): number {
  return (2 * 2 ** (2 - 2 * significantBits[dtype])) / 12 / (3 / (2 * Math.LN2))
}

/** As much as fits: the header's length depends on the ranks it names, so what it takes more than assumed is taken off the budget. */
function fillSize(
  goal: number,
  plans: readonly TensorPlan[],
  candidates: readonly Candidate[],
  params: Params,
  { predict }: Weighing,
): TensorPlan[] {
  const nothing = applyRanks(
    plans,
    candidates,
    candidates.map(() => null),
    params,
  )
  let budget = goal - (predict(nothing) - candidates.reduce((sum, { keptBytes }) => sum + keptBytes, 0))
  for (;;) {
    const ranks = allocateRanks(candidates, { kind: 'bytes', bytes: budget }, params.allocation)
    const found = applyRanks(plans, candidates, ranks, params)
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
    if (bytes >= encodedBytes(plan.info)) {
      return keepAsIs(
        plan,
        `At rank ${rank} with ${dtype} factors this tensor (${shapeOf(plan.view)}) would not shrink.`,
      )
    }
    const reason = [atRank(plan.info, plan.view, rank, bytes), int8Reason(candidate, rank), noiseReason(candidate)]
    return {
      ...plan,
      params: { ...plan.sketch, rank },
      factorDType: dtype,
      reason: withStorageNote(plan.info, reason.filter((part) => part !== null).join(' ')),
    }
  })
}

function whyKept({ maxRank, squaredErrors }: Candidate, params: Params): string {
  if (maxRank < 1) return 'No rank makes it smaller.'
  if (params.goalSize > 0) return 'Kept as it is: under the size goal its own bytes serve the model best.'
  const best = `${(100 * Math.sqrt(squaredErrors[maxRank]!)).toPrecision(3)} % at rank ${maxRank}`
  return maxRank === params.maxRank
    ? `Kept as it is: the goal is not reached with the largest rank that is allowed (${best}).`
    : `Kept as it is: the goal is not reached below break-even (${best}).`
}

/** Share by which INT8 factors raise the error of a rank; the largest number where there is no other error. */
export function int8Increase({ truncation, int8 }: TensorSpectrum, rank: number): number {
  if (int8[rank] === 0) return 0
  return Math.min(Number.MAX_VALUE, Math.sqrt(1 + int8[rank]! / truncation[rank]!) - 1)
}

function int8Reason({ plan, spectrum, dtypeAt }: Candidate, rank: number): string | null {
  if (plan.factorDType !== 'INT8') return null
  const added = int8Increase(spectrum, rank)
  const percent = added < Number.MAX_VALUE ? `${(100 * added).toPrecision(2)} %` : 'everything'
  return dtypeAt(rank) === 'INT8'
    ? `INT8 adds about ${percent} to its error.`
    : `INT8 would add about ${percent} to its error: ${insteadOfInt8} factors.`
}

function noiseReason({ plan: { view }, spectrum: { truncation } }: Candidate): string | null {
  const noiselike = behavesLikeNoise(view.rows, view.cols, (rank) => {
    const squared = truncation[rank]
    return squared === undefined ? undefined : Math.sqrt(squared)
  })
  return noiselike ? 'Behaves like random noise - low rank will not help.' : null
}
