/** A tensor with all that a goal may choose for it: error and bytes at every rank, rounding included, and the reasons that a plan gives. */

import { behavesLikeNoise } from '../curves/noise-line.ts'
import { sparseCount } from '../curves/size.ts'
import { layoutOf } from '../layouts.ts'
import { all, say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import type { Params } from '../params.ts'
import { type ComputableDType, type DType, elementCount, mostLost, significantBits, tensorBytes } from '../tensor.ts'
import { bytesKept, denseInt8Bytes } from './dense-int8.ts'
import { type FactorDType, factorBytes } from './factor-dtype.ts'
import type { FactorizedTensor } from './plan.ts'
import type { AllocationCandidate } from './rank-allocation.ts'
import { worthless } from './verdict.ts'

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

/** How an output holds what a goal chooses among. */
export interface OutputValues {
  /** As the output holds values of this dtype. */
  stored(dtype: DType): DType
  /** As in Style: nothing is kept in it. */
  readonly isDifference: boolean
}

/** Share of the error that INT8 rounding may add before a tensor gets half-precision factors instead. */
const INT8_MAY_ADD = 0.05

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
  output: OutputValues,
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
  const { isDifference } = output
  let maxRank = unfit
    ? 0
    : Math.min(plan.pinned ?? params.maxRank, plan.params.rank, sketch.rank, truncation.length - 1)
  while (!isDifference && maxRank > 0 && factorBytesAt(maxRank) >= bytesKept(info, denseInt8)) maxRank--
  const whole =
    denseInt8 === undefined ? tensorBytes(output.stored(info.dtype), info.shape) : denseInt8Bytes(info, denseInt8)
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
      const held = dtype === 'INT8' ? dtype : (output.stored(dtype) as FactorDType)
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

export function isWide(dtype: FactorDType): dtype is 'F32' | 'F64' {
  return dtype === 'F32' || dtype === 'F64'
}

/** Why a goal gives it no rank. */
export function whyKept({ maxRank, squaredErrors, unfit }: Candidate, params: Params): Message {
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

/** What INT8 adds, or would; null for factors of another dtype. */
export function int8Reason({ plan, spectrum, dtypeAt }: Candidate, rank: number): Message | null {
  if (plan.factorDType !== 'INT8') return null
  const added = int8Increase(spectrum, rank)
  const share = added < Number.MAX_VALUE ? added : null
  return dtypeAt(rank) === 'INT8'
    ? say('plan.int8-adds', { share })
    : say('plan.int8-would-add', { share, dtype: layoutOf(plan.factorLayout).insteadOfInt8 })
}

/** That its spectrum is one of noise; null where it is not. */
export function noiseReason({ plan: { view }, spectrum: { truncation, weights } }: Candidate): Message | null {
  // The noise line is of weights.
  if (weights) return null
  const noiselike = behavesLikeNoise(view.rows, view.cols, (rank) => {
    const squared = truncation[rank]
    return squared === undefined ? undefined : Math.sqrt(squared)
  })
  return noiselike ? say('plan.noise') : null
}
