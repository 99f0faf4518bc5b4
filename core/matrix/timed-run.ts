/** One factorization of a matrix in memory, with what it cost. */
import { errorCurve } from '../curves/error-curve.ts'
import { allowedError, type FittedParams, type Params } from '../params.ts'
import type { PhaseTimes, TimedPhase } from '../phases.ts'
import { truncate } from '../svd/factorization.ts'
import { factorize } from '../svd/factorize.ts'
import { gaussianKey } from '../svd/random.ts'
import type { ComputableTensor } from '../tensor.ts'
import type { JobContext } from './context.ts'
import type { Found } from './factorize-matrix.ts'
import type { LoadedMatrix } from './load.ts'
import { observer } from './observer.ts'

export interface TimedRun {
  readonly fitted: FittedParams
  readonly found: Found
  readonly computeMs: number
  /** Beyond the matrix itself. */
  readonly workingBytes: number
  readonly phasesMs: PhaseTimes
}

export async function timedRun(
  tensor: ComputableTensor,
  { operand, frobeniusNorm }: LoadedMatrix,
  fitted: FittedParams,
  context: JobContext,
  showEstimates: boolean,
): Promise<TimedRun> {
  const phasesMs: Partial<Record<TimedPhase, number>> = {}
  const key = gaussianKey(context.sha256, fitted.seed, tensor.name)
  const watch = observer(context, phasesMs, frobeniusNorm, showEstimates)
  const { memory } = context.kernels
  memory.restartPeak()
  const before = memory.usedBytes
  const started = performance.now()
  const whole = await factorize(context.kernels, operand, fitted, key, watch)
  const computeMs = performance.now() - started
  const found = fitted.algorithm === 'adaptive' && !whole.spectrum ? withinGoal(whole, frobeniusNorm, fitted) : whole
  return {
    fitted: { ...fitted, rank: found.rank },
    found,
    computeMs,
    workingBytes: memory.peakBytes - before,
    phasesMs,
  }
}

/** The least rank that reaches the error goal an adaptive sketch was made for; all of it where none does. */
function withinGoal(found: Found, frobeniusNorm: number, params: Params): Found {
  const goal = allowedError(params)
  if (goal === null) return found
  const rank = errorCurve(frobeniusNorm, found.s).findIndex((error) => error <= goal)
  return rank < 1 ? found : truncate(found, rank)
}
