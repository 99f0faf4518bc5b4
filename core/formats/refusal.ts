/**
 * How a reader says no: `where: expected ..., got ...`, one sentence with the numbers. What a file calls its tensors is quoted, cut and
 * stripped of control characters, because it reaches a terminal and a page.
 */
import { AppError } from '../errors.ts'
import { quoted } from '../messages/text.ts'

/** The file contradicts its format. */
export function badFile(
  where: string,
  expected: string,
  got: string,
  details: Record<string, string | number> = {},
): AppError {
  return new AppError('bad-file', `${where}: expected ${expected}, got ${got}`, details)
}

/** A named limit was exceeded. `why` says what the limit protects from or how far it is from honest files. */
export function overLimit(where: string, what: string, limit: number, got: number, why: string): AppError {
  return new AppError('over-limit', `${where}: expected at most ${limit} ${what}, got ${got}: ${why}`, { limit, got })
}

/** Understood, and outside what is done. */
export function unsupported(where: string, what: string): AppError {
  return new AppError('unsupported', `${where}: ${what}`)
}

/** The notice for what a file holds beside the tensors that are read: nothing is skipped in silence. */
export function leftOut(left: readonly { readonly name: string; readonly why: string }[]): string {
  const shown = left.slice(0, 3).map(({ name, why }) => `${quoted(name)} (${why})`)
  const more = left.length > 3 ? ` and ${left.length - 3} more` : ''
  return `Left out, because their values are not read: ${shown.join(', ')}${more}.`
}
