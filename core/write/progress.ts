/** How far a run is, for whoever watches. */
import type { JobContext } from '../matrix/context.ts'
import type { TensorPlan } from '../plan/plan.ts'

/** Progress in bytes of the source, over all files of the output. */
export interface ProgressMeter {
  begin(plan: TensorPlan): void
  done(): void
}

export function progressMeter(plans: readonly TensorPlan[], context: JobContext): ProgressMeter {
  const total = plans.reduce((sum, plan) => sum + plan.info.byteLength, 0)
  let done = 0
  return {
    begin: ({ info }) => {
      context.report({ type: 'progress', phase: 'compress', tensor: info.name, done, total })
      done += info.byteLength
    },
    done: () => context.report({ type: 'progress', phase: 'compress', tensor: null, done: total, total }),
  }
}
