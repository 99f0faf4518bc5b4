/**
 * How a reader says no: `where: expected ..., got ...`, one sentence with the numbers. What a file calls its tensors is quoted, cut and
 * stripped of control characters, because it reaches a terminal and a page.
 */
import { AppError, type ErrorCode } from '../../errors.ts'
import { say } from '../../messages/english.ts'
import { isCode, type Message } from '../../messages/message.ts'
import { foreign, foreignType, quoted } from '../../messages/text.ts'

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
  const nothing = say('formats.nothing', { where: foreign(where), what: foreign(what) })
  // Code comes first, whatever else there is to say.
  return new AppError(code, [...notices.filter(isCode), nothing, ...notices.filter((notice) => !isCode(notice))])
}

/** A named limit was exceeded. `why` says what the limit protects from or how far it is from honest files. */
export function overLimit(where: string, what: string, limit: number, got: number, why: string): AppError {
  // A claim may be 2^60: all of its digits.
  const digits = Number.isInteger(got) ? BigInt(got) : got
  const detail = foreign(`${where}: expected at most ${limit} ${what}, got ${digits}: ${why}`)
  return new AppError('over-limit', say('formats.over-limit', { detail }), { limit, got })
}

/** Understood, and outside what is done. */
export function unsupported(where: string, what: Message): AppError {
  return new AppError('unsupported', say('formats.unsupported', { where: foreign(where), what }))
}

/** A reader that was asked for a tensor its file has not. */
export function noTensor(where: string, name: string): AppError {
  return new AppError('bad-request', say('formats.no-tensor', { where: foreign(where), name: quoted(name) }))
}

/** What a file holds and is not read. */
export interface LeftOut {
  readonly name: string
  /** A string is what the format calls the type of its values. */
  readonly why: string | Message
}

/** The notice for what a file holds beside the tensors that are read: nothing is skipped in silence. */
export function leftOut(left: readonly LeftOut[]): Message {
  const some = left.slice(0, 3).map(({ name, why }) => {
    const reason = typeof why === 'string' ? say('foreign', { text: foreignType(why) }) : why
    return say('left-out.one', { name: quoted(name), why: reason })
  })
  return say('formats.left-out', { some, more: left.length - some.length })
}

/** A type that a later version of the format added. */
export function newerType(type: string): Message {
  return say('left-out.newer-type', { type: foreign(type) })
}

/** A number of the file, in words where it is none that could be meant: a program's own names for those mean nothing to a reader. */
export function figure(value: number | null | undefined): string {
  return Number.isSafeInteger(value) ? String(value) : 'no integer'
}

/** As far as anybody reads it. */
export function shapeText(shape: readonly number[]): string {
  const more = shape.length > shownSizes ? ', ...' : ''
  return `[${shape.slice(0, shownSizes).map(figure).join(', ')}${more}]`
}

const shownSizes = 8
