/**
 * How a reader says no: `where: expected ..., got ...`, one sentence with the numbers. What a file calls its tensors is quoted, cut and
 * stripped of control characters, because it reaches a terminal and a page.
 */
import { AppError, type ErrorCode } from '../../errors.ts'
import { say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import { foreign, quoted } from '../../messages/text.ts'

/** The file contradicts its format. */
export function badFile(
  where: string,
  expected: string,
  got: string,
  details: Record<string, string | number> = {},
): AppError {
  const detail = foreign(`${where}: expected ${expected}, got ${got}`)
  return new AppError('bad-file', say('formats.contradiction', { detail }), details)
}

/** There is nothing of what is read; `notices` say what else there is. */
export function nothingIn(
  where: string,
  what: string,
  notices: readonly Message[],
  code: ErrorCode = 'bad-file',
): AppError {
  return new AppError(code, [say('formats.nothing', { where: foreign(where), what: foreign(what) }), ...notices])
}

/** A named limit was exceeded. `why` says what the limit protects from or how far it is from honest files. */
export function overLimit(where: string, what: string, limit: number, got: number, why: string): AppError {
  const detail = foreign(`${where}: expected at most ${limit} ${what}, got ${got}: ${why}`)
  return new AppError('over-limit', say('formats.over-limit', { detail }), { limit, got })
}

/** Understood, and outside what is done. */
export function unsupported(where: string, what: string): AppError {
  return new AppError('unsupported', say('formats.unsupported', { detail: foreign(`${where}: ${what}`) }))
}

/** A reader or a writer that was asked for something else than it can do, in its own words. */
export function refused(code: ErrorCode, sentence: string, details: Record<string, string | number> = {}): AppError {
  return new AppError(code, say('formats.refused', { detail: foreign(sentence) }), details)
}

/** The notice for what a file holds beside the tensors that are read: nothing is skipped in silence. */
export function leftOut(left: readonly { readonly name: string; readonly why: string }[]): Message {
  const some = left.slice(0, 3).map(({ name, why }) => foreign(`${quoted(name)} (${why})`))
  return say('formats.left-out', { some, more: left.length - some.length })
}
