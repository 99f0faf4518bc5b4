/**
 * The internal check: a number that contradicts mathematics is never shown. For rank-k factors only, not for rounded dense output and
 * not with a sparse part, whose rounding can snap back to the source and fall below the floor.
 */
import { AppError } from '../errors.ts'

export interface CheckedError {
  /** For the message. */
  readonly tensor: string
  readonly relativeError: number
  /** Eckart-Young error at the same rank, when it is known. */
  readonly floor: number | null
  readonly frobeniusNorm: number
  /** min(m, n). */
  readonly smallest: number
  /** `f32`: the error comes through products rounded to f32; `f64`: through f64 alone. */
  readonly arithmetic: 'f32' | 'f64'
}

/** Slack for rounding, on squared relative errors. */
export function checkTolerance(arithmetic: 'f32' | 'f64', smallest: number): number {
  return arithmetic === 'f32' ? 64 * 2 ** -24 : 64 * smallest * 2 ** -53
}

/**
 * Finite; e^2 <= 1 + tau; e^2 >= f^2 (1 - 1e-8) - tau; 0 for a zero matrix.
 * @throws AppError `internal-check`
 */
export function checkError(checked: CheckedError): void {
  const { tensor, relativeError: e, floor: f, frobeniusNorm, smallest, arithmetic } = checked
  const tau = checkTolerance(arithmetic, smallest)
  if (!Number.isFinite(e) || e < 0) fail(tensor, `the error came out as ${e}`, e)
  if (frobeniusNorm === 0 && e !== 0) fail(tensor, `a zero matrix has error 0, not ${e}`, e)
  if (e ** 2 > 1 + tau) fail(tensor, `an error of ${e} is more than the whole matrix`, e)
  if (f !== null && e ** 2 < f ** 2 * (1 - 1e-8) - tau)
    fail(tensor, `an error of ${e} is below ${f}, the least that rank can have`, e)
}

function fail(tensor: string, reason: string, error: number): never {
  throw new AppError(
    'internal-check',
    `${tensor}: internal check failed: ${reason}. This is a fault of the program, not of the file; please report it.`,
    { tensor, relativeError: String(error) },
  )
}
