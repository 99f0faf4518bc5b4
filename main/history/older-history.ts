/**
 * Earlier forms of the history in the shape of this one. The first knew one file and wrote sentences: they are shown as they were, whatever
 * the language of the page. The second knew one kind of run, a compression.
 */
import { say } from '../../core/messages/english.ts'
import { foreign } from '../../core/messages/text.ts'

/** For `JSON.parse`: an entry or a report of history 1 with messages for its sentences; one of a later form as it is. */
export function withMessages(key: string, value: unknown): unknown {
  if (key === 'reason') return words(value)
  if (key === 'notices' && Array.isArray(value)) return value.map(words)
  if (key === 'error' && typeof value === 'object' && value !== null && 'message' in value) {
    const { message, ...rest } = value
    return { ...rest, said: [words(message)] }
  }
  return value
}

function words(said: unknown): unknown {
  return typeof said === 'string' ? say('foreign', { text: foreign(said) }) : said
}

/** An entry of any form. */
export function inThisForm(entry: unknown): unknown {
  if (!isRecord(entry)) return entry
  if (entry.history === 1) return thirdForm(secondForm(entry))
  return entry.history === 2 ? thirdForm(entry) : entry
}

function secondForm({ sourcePath, ...entry }: Record<string, unknown>): Record<string, unknown> {
  return { ...entry, sources: [{ role: 'model', path: sourcePath }] }
}

/** What a run was asked for lay in three places, and its kind was always the same. */
function thirdForm({ force, part, run, ...entry }: Record<string, unknown>): unknown {
  if (!isRecord(run)) return entry
  const { kind: _, source: sourceName, recipe, ...rest } = run
  const { recipe: __, ...asked } = isRecord(recipe) ? recipe : {}
  return { ...entry, history: 3, run: { ...rest, sourceName, choices: { kind: 'compress', ...asked, force, part } } }
}

/**
 * A report of any form: there were those of compressions only, without their kind; and the errors at other sizes were once a bound below every plan,
 * which is no curve of plans and is left out.
 */
export function reportInThisForm(file: unknown): unknown {
  const whole = isRecord(file) && !('kind' in file) ? { kind: 'compress', report: file } : file
  if (!isRecord(whole) || !isRecord(whole.report) || !('tradeOff' in whole.report)) return whole
  const { tradeOff: _, ...report } = whole.report
  return { ...whole, report }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
