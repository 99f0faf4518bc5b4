/**
 * What a device's process or window may say. Dawn and a driver that is not ours run in it: whatever has gone wrong there, an answer is what was asked for, of the
 * length that was asked for, or the end of it.
 */
import { z } from 'zod'
import type { FromDevice } from './frames.ts'

/** Drivers have names of a line; sentences of Dawn go on for a screen. */
const name = z.string().max(1000)
const sentence = z.string().max(10_000)

const replySchema: z.ZodType<FromDevice> = z.union([
  z.strictObject({ beat: z.literal(true) }),
  z.strictObject({
    seq: z.number().int().positive(),
    fault: sentence.exactOptional(),
    outOfMemory: z.boolean().exactOptional(),
  }),
  z.strictObject({ lost: sentence }),
  z.strictObject({
    opened: z.strictObject({
      name,
      driver: name,
      kind: z.enum(['discrete', 'integrated', 'unknown', 'unnamed', 'software']),
      bufferBytes: z.number().int().positive(),
    }),
  }),
  z.strictObject({
    failed: z.discriminatedUnion('why', [
      z.strictObject({ why: z.enum(['no-adapter', 'no-webgpu']) }),
      z.strictObject({ why: z.literal('not-named'), found: z.array(name).max(100) }),
      z.strictObject({ why: z.literal('failed-test'), name, fault: sentence }),
      z.strictObject({ why: z.literal('not-started'), fault: sentence }),
    ]),
  }),
])

/** @throws ZodError */
export function parseReply(head: unknown): FromDevice {
  return replySchema.parse(head)
}
