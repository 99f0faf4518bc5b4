/**
 * The internal check: a number that contradicts mathematics is never shown. For rank-k factors only, not for rounded dense output and
 * not with a sparse part, whose rounding can snap back to the source and fall below the floor.
 */
import { type Precision, roundingLevel } from '../curves/resolution.ts'
import { AppError } from '../errors.ts'
import { say } from '../messages/english.ts'
import { foreign } from '../messages/text.ts'

export interface CheckedError {
  /** For the message. */
  readonly tensor: string
  readonly relativeError: number
  /** Eckart-Young error at the same rank, when it is known. */
  readonly floor: number | null
  readonly frobeniusNorm: number
  /** min(m, n). */
  readonly smallest: number
  /** `f32`: factors, or products, rounded to f32 are behind the error; `f64`: nothing but f64. */
  readonly precision: Precision
}

/** Whether a relative error is no more than the whole matrix. @param tau the rounding level (curves/resolution.ts) */
export function isShare(error: number, tau: number): boolean {
  return error >= 0 && error ** 2 <= 1 + tau
}

/** Whether it is no less than any matrix of its rank can have (Eckart-Young). */
export function reachesFloor(error: number, floor: number, tau: number): boolean {
  return error ** 2 >= floor ** 2 * (1 - 1e-8) - tau
}

/**
 * Finite; e^2 <= 1 + tau; e^2 >= f^2 (1 - 1e-8) - tau; 0 for a zero matrix.
 * @throws AppError `internal-check`
 */
export function checkError(checked: CheckedError): void {
  const { tensor, relativeError: e, floor: f, frobeniusNorm, smallest, precision } = checked
  const tau = roundingLevel(precision, smallest)
  if (!Number.isFinite(e) || e < 0) failCheck(tensor, `the error came out as ${e}`, e)
  if (!Number.isFinite(frobeniusNorm)) failCheck(tensor, `its norm came out as ${frobeniusNorm}`, e)
  if (frobeniusNorm === 0 && e !== 0) failCheck(tensor, `a zero matrix has error 0, not ${e}`, e)
  if (!isShare(e, tau)) failCheck(tensor, `an error of ${e} is more than the whole matrix`, e)
  if (f !== null && !reachesFloor(e, f, tau))
    failCheck(tensor, `an error of ${e} is below ${f}, the least that rank can have`, e)
}

/** @throws AppError `internal-check` */
export function failCheck(tensor: string, reason: string, number: number): never {
  throw new AppError('internal-check', say('check.failed', { name: foreign(tensor), detail: foreign(reason) }), {
    tensor,
    number: String(number),
  })
}
