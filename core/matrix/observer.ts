/** What a factorization reports while it runs. */
import { errorCurve } from '../curves/error-curve.ts'
import { exactStages, type TimedPhase } from '../phases.ts'
import type { Observer } from '../svd/factorize.ts'
import type { JobContext } from './context.ts'

/** What is shorter is over before it could be read. */
const leastToldMs = 100

/** Collects the time of each phase and passes every iteration's estimate on. */
export function observer(
  context: JobContext,
  phasesMs: Partial<Record<TimedPhase, number>>,
  frobeniusNorm: number,
  showEstimates: boolean,
): Observer {
  return {
    phase: (name, elapsedMs) => {
      phasesMs[name] = (phasesMs[name] ?? 0) + elapsedMs
      const phase = exactStages.find((stage) => stage === name)
      // A sketch lifts too, in a moment.
      if (phase && elapsedMs >= leastToldMs) context.report({ type: 'stage', phase, elapsedMs })
    },
    // Left out where nothing is listening: an estimate costs an eigenproblem.
    ...(showEstimates && {
      iteration: (iteration: number, iterations: number, singularValues: Float64Array) =>
        context.report({
          type: 'estimate',
          iteration,
          iterations,
          singularValues: Array.from(singularValues),
          errorCurve: errorCurve(frobeniusNorm, singularValues),
        }),
    }),
    checkCancelled: () => context.checkCancelled(),
  }
}
