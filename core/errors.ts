/**
 * The one error class that crosses rooms and processes, with its closed list of codes.
 *
 * What it says are messages (messages/): sentences a user can act on: what happened, why, with the names and the numbers. Programming faults
 * stay plain exceptions, so that a stack trace means a bug and an AppError means the world was not as expected.
 */
import { inEnglish, say } from './messages/english.ts'
import type { Message } from './messages/message.ts'
import { fileName, foreign } from './messages/text.ts'

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
  'cancelled', // on request
  'engine-died', // the engine process or one of its threads ended during the job
  'host-lost', // the way to the host broke off before it answered
  'internal-check', // a result contradicts mathematics (Eckart-Young, finite, <= 1): never shown as a number
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** An error as it crosses a process: structured clone and JSON drop an error's class, so this shape is sent instead. */
export interface ErrorReport {
  readonly code: ErrorCode | 'bug'
  /** Sentences, in the order in which they are read. */
  readonly said: readonly Message[]
  readonly details?: Details | undefined
}
type Details = Readonly<Record<string, string | number>>

export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly said: readonly Message[]
  readonly details: Details

  /** `message` is the English of what is said. */
  constructor(code: ErrorCode, said: Message | readonly Message[], details: Details = {}) {
    const messages = 'key' in said ? [said] : said
    super(inEnglish(messages))
    this.code = code
    this.said = messages
    this.details = details
  }
}

export function toErrorReport(error: unknown): ErrorReport {
  if (error instanceof AppError) return { code: error.code, said: error.said, details: error.details }
  return {
    code: 'bug',
    said: [say('foreign', { text: foreign(error instanceof Error ? error.message : String(error)) })],
  }
}

export function fromErrorReport(report: ErrorReport): Error {
  return report.code === 'bug'
    ? new Error(inEnglish(report.said))
    : new AppError(report.code, report.said, report.details)
}

/** The refusal to write over what has the name already. `why`: it is of the same run, and yet not what that run would leave. */
export function existsAlready(name: string, ...why: readonly Message[]): AppError {
  return new AppError('would-overwrite', [
    say('files.exists', { name: fileName(name) }),
    ...why,
    say('files.choose-or-overwrite'),
  ])
}
