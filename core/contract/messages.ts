/** Messages as they cross a process or come back from a file. */
import { z } from 'zod'
import { isMessage, reread } from '../messages/english.ts'
import type { Message, Value } from '../messages/message.ts'

const valueSchema: z.ZodType<Value> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(valueSchema), messageSchema]),
)

/** One with its English beside it was written to a file, perhaps by another version. */
export const messageSchema: z.ZodType<Message> = z
  .strictObject({ key: z.string(), values: z.record(z.string(), valueSchema), english: z.string().optional() })
  .transform(({ english, ...message }, context) => {
    if (english !== undefined) return reread(message as Message, english)
    if (!isMessage(message)) context.addIssue(`no message has the key ${message.key}`)
    return message as Message
  })
