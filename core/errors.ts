/**
 * The one error class that crosses rooms and processes, with its closed list of codes.
 *
 * A message is a sentence a user can act on: what happened, why, with the names and the numbers. Programming faults stay
 * plain exceptions, so that a stack trace means a bug and an AppError means the world was not as expected.
 */

export const errorCodes = [
  'bad-request', // arguments that no schema or file can satisfy: unknown tensor, rank 0, unknown kernel
  'not-found', // a file, tensor, job or grant that does not exist
  'bad-file', // a weight file whose bytes contradict its format
  'unsupported', // understood, and outside what is done: format not read, dtype refused
  'over-limit', // a named limit of a format or of the machine was exceeded
  'source-changed', // the source was modified or removed while it was read
  'would-overwrite', // the target exists, or is the source
  'cannot-write', // permission, read-only folder, disk full
  'out-of-memory', // the job needs more memory than the limit or the machine has
  'overflow', // a value does not fit the output dtype
  'cancelled', // somebody asked for it
  'engine-died', // the engine process or one of its threads ended during the job
  'internal-check', // a result contradicts mathematics (Eckart-Young, finite, <= 1): never shown as a number
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** An error as it crosses a process: structured clone and JSON drop an error's class, so this shape is sent instead. */
export interface ErrorReport {
  readonly code: ErrorCode | 'bug'
  readonly message: string
  readonly details?: Readonly<Record<string, string | number>> | undefined
}

export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, string | number>>

  constructor(code: ErrorCode, message: string, details: Readonly<Record<string, string | number>> = {}) {
    super(message)
    this.code = code
    this.details = details
  }
}

export function toErrorReport(error: unknown): ErrorReport {
  if (error instanceof AppError) return { code: error.code, message: error.message, details: error.details }
  return { code: 'bug', message: error instanceof Error ? error.message : String(error) }
}

export function fromErrorReport(report: ErrorReport): Error {
  return report.code === 'bug' ? new Error(report.message) : new AppError(report.code, report.message, report.details)
}
