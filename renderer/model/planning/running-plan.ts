/** The analysis of the model, or the question to it, that is under way. */
import { useMemo } from 'react'
import { useWork, type WorkState } from '../looking/work.ts'
import { usePlan } from './plan.ts'

export interface RunningPlan {
  /** An analysis of matrices, or a question that takes long enough to be shown as one. */
  readonly long: boolean
  /** Other jobs have the engine; it runs after them. */
  readonly waiting: boolean
  readonly tensor: string | null
  /** 0..1 */
  readonly share: number
}

/** Of its phases only the analysis takes time. */
const longPhase = 'analyze'

export function runningPlan(model: WorkState['model'], late: boolean): RunningPlan | null {
  if (!model) return null
  const { wish, view } = model
  return {
    long: wish.long || late,
    waiting: view.state === 'waiting',
    tensor: view.progress?.tensor ?? null,
    share: Math.max(wish.from, view.shares[longPhase] ?? 0),
  }
}

export function useRunningPlan(): RunningPlan | null {
  const model = useWork((state) => state.model)
  const late = usePlan((state) => state.late)
  return useMemo(() => runningPlan(model, late), [model, late])
}
