/** What the first form of the history wrote as sentences: they are shown as they were, whatever the language of the page. */
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

function words(said: unknown): unknown {
  return typeof said === 'string' ? say('foreign', { text: foreign(said) }) : said
}
