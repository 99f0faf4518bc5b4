/** The device did not do what it was given: whoever asked it computes that matrix without it, from its beginning. */
import { inEnglish } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'

export class DeviceFault extends Error {
  readonly said: Message
  /** Whether the device is not to be used again: it is gone, or was caught at a wrong result. Otherwise it had no room for this matrix. */
  readonly lasting: boolean
  constructor(said: Message, lasting: boolean) {
    super(inEnglish(said))
    this.said = said
    this.lasting = lasting
  }
}
