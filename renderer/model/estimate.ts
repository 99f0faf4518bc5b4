/** What a run over the whole file would write, before it is run. */
import { useMemo } from 'react'
import type { TensorReport } from '../../core/contract.ts'
import type { Params } from '../../core/params.ts'
import { sizeGoalBytes } from '../../core/plan/goals.ts'
import { bytesAtRank, shrinksAt } from '../../core/plan/verdict.ts'
import { useFile } from '../choices/file.ts'
import { goalOf } from '../choices/goal.ts'
import { useParams } from '../choices/params.ts'
import type { PlanAnswer } from './plan.ts'
import { useVerdicts, type Verdicts } from './verdicts.ts'

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
      return { kind: 'at-most', bytes: sizeGoalBytes(params, estimate.bytesBefore) ?? 0 }
    case 'error':
      return { kind: 'unknown', bytes: 0 }
  }
}

/**
 * Sizes of the values at one rank for all: factorized tensors at their factors' size, those that would grow and the kept ones as they
 * are. Cost: one pass over the tensors.
 */
export function estimateFile(tensors: readonly TensorReport[], verdicts: Verdicts, { rank }: Params): FileEstimate {
  let bytesBefore = 0
  let bytesAfter = 0
  let factorBytes = 0
  let compressed = 0
  let wouldGrow = 0
  for (const tensor of tensors) {
    if (tensor.sharesStorageWith === undefined) bytesBefore += tensor.byteLength
    const verdict = verdicts.get(tensor.name)
    if (verdict && shrinksAt(verdict, rank)) {
      const factors = bytesAtRank(verdict, rank)
      compressed++
      bytesAfter += factors
      factorBytes += factors
    } else {
      if (verdict) wouldGrow++
      bytesAfter += tensor.decodedBytes ?? tensor.byteLength
    }
  }
  return { bytesBefore, bytesAfter, factorBytes, compressed, wouldGrow, kept: tensors.length - compressed - wouldGrow }
}

/** The estimate as everything stands. */
export function useEstimate(): FileEstimate {
  const tensors = useFile((state) => state.report?.tensors)
  const params = useParams((state) => state.params)
  const verdicts = useVerdicts()
  return useMemo(() => estimateFile(tensors ?? [], verdicts, params), [tensors, verdicts, params])
}
