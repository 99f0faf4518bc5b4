/**
 * From a goal to ranks. Every candidate is factorized once at the largest rank it could get; its error and bytes at every rank below are
 * then known, rounding included, and the goal is allocated on them. The result is a plan like any other: exact in bytes before the run.
 */

import { noiseError, noiseMargin } from '../curves/noise-line.ts'
import type { WeightFile } from '../formats/format.ts'
import type { JobContext } from '../matrix/context.ts'
import { known } from '../matrix/known.ts'
import { sumOfSquares } from '../matrix/scan.ts'
import { type TensorSpectrum, tensorSpectrum } from '../matrix/spectra.ts'
import type { Params } from '../params.ts'
import { type FactorDType, factorBytes, insteadOfInt8 } from '../plan/factor-dtype.ts'
import {
  analysisDecides,
  atRank,
  type FactorizedTensor,
  hasGoal,
  isFactorized,
  kept,
  shapeOf,
  storedAs,
  type TensorPlan,
  tied,
} from '../plan/plan.ts'
import { type Allocation, type AllocationCandidate, allocateRanks, leastRanks } from '../plan/rank-allocation.ts'
import { type DType, elementCount, encodedBytes, oncePerStorage, storageName, tensorBytes } from '../tensor.ts'

/** What a size goal is held against. */
export interface Weighing {
  /** Bytes of the finished output of a plan. */
  predict(plans: readonly TensorPlan[]): number
  /** As the output holds values of this dtype. */
  stored(dtype: DType): DType
}

/** Bytes of the output that a size goal allows; null without one. */
export function sizeGoalBytes({ goalSize }: Params, { totalBytes }: WeightFile): number | null {
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
 * Plans with their final ranks and dtypes; the same plans where nothing has to be computed for that.
 * @throws AppError `bad-request` for goals that contradict each other or cannot be met
 */
export async function settleRanks(
  file: WeightFile,
  plans: readonly TensorPlan[],
  params: Params,
  weighing: Weighing,
  context: JobContext,
): Promise<TensorPlan[]> {
  if (!analysisDecides(params)) return [...plans]
  const candidates = await analyzeCandidates(file, plans, params, weighing, context)
  if (!hasGoal(params))
    return settled(
      plans,
      candidates,
      candidates.map(({ plan }) => plan.params.rank),
      params,
    )
  const goal = sizeGoalBytes(params, file)
  if (goal !== null) return fillSize(goal, plans, candidates, params, weighing)
  const error = (params.goalError || Math.sqrt(1 - params.goalEnergy)) * (1 - GOAL_MARGIN)
  if (params.goalScope === 'tensor') return settled(plans, candidates, leastRanks(candidates, error), params)
  const totalWeight = await weightOf(file, plans, candidates, params, context)
  const ranks = allocateRanks(candidates, { kind: 'model-error', error, totalWeight }, params.allocation)
  return settled(plans, candidates, ranks, params)
}

/** One candidate for each storage. */
async function analyzeCandidates(
  file: WeightFile,
  all: readonly TensorPlan[],
  params: Params,
  weighing: Weighing,
  context: JobContext,
): Promise<Candidate[]> {
  const factorized = all.filter(isFactorized)
  const plans = oncePerStorage(factorized)
  const total = plans.reduce((sum, { info }) => sum + info.byteLength, 0)
  let done = 0
  const candidates: Candidate[] = []
  for (const plan of plans) {
    context.checkCancelled()
    context.report({ type: 'progress', phase: 'analyze', tensor: plan.info.name, done, total })
    const copies = factorized.filter(({ info }) => storageName(info) === storageName(plan.info)).length
    candidates.push(candidateOf(plan, copies, await tensorSpectrum(file, plan, context), params, weighing))
    done += plan.info.byteLength
  }
  return candidates
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
  const nothing = settled(
    plans,
    candidates,
    candidates.map(() => null),
    params,
  )
  let budget = goal - (predict(nothing) - candidates.reduce((sum, { keptBytes }) => sum + keptBytes, 0))
  for (;;) {
    const ranks = allocateRanks(candidates, { kind: 'bytes', bytes: budget }, params.allocation)
    const found = settled(plans, candidates, ranks, params)
    const excess = predict(found) - goal
    if (excess <= 0) return found
    budget -= excess
  }
}

async function weightOf(
  file: WeightFile,
  plans: readonly TensorPlan[],
  candidates: readonly Candidate[],
  params: Params,
  context: JobContext,
): Promise<number> {
  const matrices = oncePerStorage(plans).filter(({ view }) => view)
  if (params.goalWeight === 'entries') return matrices.reduce((sum, { info }) => sum + elementCount(info.shape), 0)
  let total = candidates.reduce((sum, { weight }) => sum + weight, 0)
  for (const plan of matrices) {
    if (isFactorized(plan)) continue
    const what = ['sum-of-squares', storageName(plan.info)]
    total += await known(context, what, () => sumOfSquares(file, plan.info, context))
  }
  return total
}

/** The plans with their ranks: one for each candidate, or null to keep it. */
function settled(
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
    if (rank === null) return kept(plan, whyKept(candidate, params))
    const dtype = candidate.dtypeAt(rank)
    const bytes = candidate.factorBytesAt(rank)
    if (bytes >= encodedBytes(plan.info)) {
      return kept(plan, `At rank ${rank} with ${dtype} factors this tensor (${shapeOf(plan.view)}) would not shrink.`)
    }
    const reason = [atRank(plan.info, plan.view, rank, bytes), int8Reason(candidate, rank), noiseReason(candidate)]
    return {
      ...plan,
      params: { ...plan.sketch, rank },
      factorDType: dtype,
      reason: tied(plan.info, reason.filter((part) => part !== null).join(' ')),
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

/** At the rank that keeps half of the bytes; unknown where the sketch does not reach that far. */
function noiseReason({ plan: { view }, spectrum: { truncation } }: Candidate): string | null {
  const rank = Math.floor((view.rows * view.cols) / (2 * (view.rows + view.cols)))
  const squared = truncation[rank]
  if (squared === undefined || rank < 1) return null
  const noise = noiseError(view.rows, view.cols, rank)
  return Math.sqrt(squared) > noise - noiseMargin ? 'Behaves like random noise - low rank will not help.' : null
}
