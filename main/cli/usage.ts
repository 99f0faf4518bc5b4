/** Wrong usage in a sentence of the catalogs. */
import { InvalidArgumentError } from 'commander'
import { inEnglish } from '../../core/messages/english.ts'
import type { Message } from '../../core/messages/message.ts'

/** Commander prints it behind the flag and the value, and ends with the status for wrong usage. */
export function wrongUsage(said: Message): InvalidArgumentError {
  return new InvalidArgumentError(inEnglish(said))
}
