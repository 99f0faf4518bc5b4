/** Messages of tests. */
import { inEnglish, say } from '../../../core/messages/english.ts'
import type { Message } from '../../../core/messages/message.ts'
import { foreign } from '../../../core/messages/text.ts'

/** Some sentence, whatever it says. */
export function someWords(text: string): Message {
  return say('foreign', { text: foreign(text) })
}

/** The English of each. */
export function sentencesOf(said: readonly Message[]): string[] {
  return said.map(inEnglish)
}
