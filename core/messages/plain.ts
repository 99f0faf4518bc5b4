import { say } from './english.ts'
import type { Message } from './message.ts'

/** A sentence that has no key yet. */
export function plain(text: string): Message {
  return say('plain', { text })
}
