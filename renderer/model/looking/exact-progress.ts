/** How far an exact SVD has come: by the parts it says it has done, weighted by what they cost, and within the one at work by the clock. */
import { exactCosts } from '../../../core/cost.ts'
import { type ExactStage, exactStages } from '../../../core/phases.ts'

export interface ExactProgress {
  /** At work, and which it is of all. */
  readonly stage: ExactStage
  readonly index: number
  /** 0..1; never 1: its end is the result. */
  readonly share: number
  /** Milliseconds; null once the part at work takes longer than was reckoned. */
  readonly leftMs: number | null
}

interface Known {
  readonly rows: number
  readonly cols: number
  readonly rank: number
  /** Milliseconds of those that are done. */
  readonly stages: Readonly<Partial<Record<ExactStage, number>>>
  /** Milliseconds here for each one of the cost's; what is done tells better. */
  readonly pace: number
  /** Since the part at work began. */
  readonly sinceMs: number
}

/** A part that takes longer than was reckoned waits here. */
const most = 0.97

export function exactProgress({ rows, cols, rank, stages, pace, sinceMs }: Known): ExactProgress {
  const costs = exactCosts(rows, cols, rank)
  const index = Math.min(exactStages.length - 1, exactStages.findLastIndex((stage) => stages[stage] !== undefined) + 1)
  const stage = exactStages[index]!
  const sum = (some: readonly ExactStage[]) => some.reduce((total, one) => total + costs[one], 0)
  const before = exactStages.slice(0, index)
  const took = before.reduce((total, one) => total + (stages[one] ?? 0), 0)
  const here = took > 0 ? took / sum(before) : pace
  const within = Math.min(most, sinceMs / Math.max(1, costs[stage] * here))
  const share = (sum(before) + within * costs[stage]) / sum(exactStages)
  const left = costs[stage] * here - sinceMs
  return { stage, index, share, leftMs: left > 0 ? left + sum(exactStages.slice(index + 1)) * here : null }
}
