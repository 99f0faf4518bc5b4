/** One factorization of a matrix in memory, with what it cost. */
import type { Kernels } from '../kernels/kernels.ts'
import { truncationCurve } from '../measure/residual.ts'
import { allowedError, type FittedParams, type Params } from '../params.ts'
import type { PhaseTimes, TimedPhase } from '../phases.ts'
import { truncate } from '../svd/factorization.ts'
import { factorize } from '../svd/factorize.ts'
import type { Operand } from '../svd/operand.ts'
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

/**
 * Factorizes the matrix that lies in memory, by `context.kernels`. An adaptive sketch is cut to the least rank within its goal.
 * @param fitted to this matrix; that of the result has the rank that came of it
 * @param showEstimates whether the curve after each power iteration is reported
 * @throws AppError `out-of-memory`, `cancelled`, `engine-died`
 */
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
  const isAdaptive = fitted.algorithm === 'adaptive' && !whole.spectrum
  const found = isAdaptive ? await withinGoal(whole, context.kernels, operand, frobeniusNorm, fitted) : whole
  const computeMs = performance.now() - started
  return {
    fitted: { ...fitted, rank: found.rank },
    found,
    computeMs,
    workingBytes: memory.peakBytes - before,
    phasesMs,
  }
}

/** Between measuring what a basis leaves over, and measuring it again at the rank that is cut from it. */
const measuringNoise = 1e-5

/** The least rank that reaches the error goal an adaptive sketch was made for, by the curve that is reported; all of it where none does. */
async function withinGoal(
  found: Found,
  kernels: Kernels,
  operand: Operand,
  frobeniusNorm: number,
  params: Params,
): Promise<Found> {
  const goal = allowedError(params)
  if (goal === null) return found
  const { squared } = await truncationCurve(kernels, operand, found, frobeniusNorm)
  const rank = squared.findIndex((square) => Math.sqrt(square) <= goal * (1 - measuringNoise))
  if (rank < 1) return found
  return { ...truncate(found, rank), ...(found.device !== undefined && { device: found.device }) }
}
