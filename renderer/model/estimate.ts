/** What a run over the whole file would write, before it is run. */
import type { TensorReport } from '../../core/contract.ts'
import type { Params } from '../../core/params.ts'
import { goalOf } from '../choices/goal.ts'
import { compressedBytes, copyBytes } from '../choices/matrix.ts'
import { type Choice, isCompressed } from '../choices/rules.ts'
import type { PlanAnswer } from './plan.ts'

export interface FileEstimate {
  readonly bytesBefore: number
  readonly bytesAfter: number
  /** Of the factors alone. */
  readonly factorBytes: number
  readonly compressed: number
  /** Tensors that are kept although they are matrices chosen for compression, because their factors would be larger. */
  readonly wouldGrow: number
  readonly kept: number
}

/**
 * What is known of the output's size before the run: all of it from a plan, else the estimate, at most this much, nothing until the goal
 * has found its ranks, or that there will be none.
 */
export interface ExpectedBytes {
  readonly kind: 'exact' | 'estimate' | 'at-most' | 'unknown' | 'none'
  readonly bytes: number
}

export function expectedBytes(
  estimate: FileEstimate,
  params: Params,
  plan: PlanAnswer | null,
  refused: boolean,
): ExpectedBytes {
  if (refused) return { kind: 'none', bytes: 0 }
  if (plan) return { kind: 'exact', bytes: plan.report.bytesAfter }
  switch (goalOf(params)) {
    case 'rank':
      return { kind: 'estimate', bytes: estimate.bytesAfter }
    case 'size':
      return { kind: 'at-most', bytes: params.goalSize <= 1 ? params.goalSize * estimate.bytesBefore : params.goalSize }
    case 'error':
      return { kind: 'unknown', bytes: 0 }
  }
}

/**
 * Sizes of the values at one rank for all: factorized tensors at their factors' size, those that would grow and the kept ones as they
 * are. Cost: one pass over the tensors.
 */
export function estimateFile(tensors: readonly TensorReport[], selection: Choice, params: Params): FileEstimate {
  let bytesBefore = 0
  let bytesAfter = 0
  let factorBytes = 0
  let compressed = 0
  let wouldGrow = 0
  for (const tensor of tensors) {
    if (tensor.sharesStorageWith === undefined) bytesBefore += tensor.byteLength
    const factors = isCompressed(tensor, selection) ? compressedBytes(tensor, params) : null
    if (factors === null) bytesAfter += copyBytes(tensor)
    else if (factors >= tensor.byteLength) {
      wouldGrow++
      bytesAfter += copyBytes(tensor)
    } else {
      compressed++
      bytesAfter += factors
      factorBytes += factors
    }
  }
  return { bytesBefore, bytesAfter, factorBytes, compressed, wouldGrow, kept: tensors.length - compressed - wouldGrow }
}
