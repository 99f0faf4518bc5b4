/**
 * The first form of the history in the shape of the second. It knew one kind of run, which reads one file, and wrote sentences: they are
 * shown as they were, whatever the language of the page.
 */
import { say } from '../../core/messages/english.ts'
import { foreign } from '../../core/messages/text.ts'

/** For `JSON.parse`: an entry or a report of history 1 in the shape of this one; one of history 2 as it is. */
export function withMessages(key: string, value: unknown): unknown {
  if (key === 'reason') return words(value)
  if (key === 'notices' && Array.isArray(value)) return value.map(words)
  if (key === 'error' && typeof value === 'object' && value !== null && 'message' in value) {
    const { message, ...rest } = value
    return { ...rest, said: [words(message)] }
  }
  return value
}

/** An entry of either form. */
export function inSecondForm(entry: unknown): unknown {
  if (typeof entry !== 'object' || entry === null || !('history' in entry) || entry.history !== 1) return entry
  const { sourcePath, run, ...rest } = entry as { sourcePath?: unknown; run?: object }
  return { ...rest, history: 2, sources: [{ role: 'model', path: sourcePath }], run: { kind: 'compress', ...run } }
}

function words(said: unknown): unknown {
  return typeof said === 'string' ? say('foreign', { text: foreign(said) }) : said
}
