/** What a report says of the arithmetic behind it. */
import { z } from 'zod'

/** What computed a report. */
export const kernelFields = {
  kernel: z.string(),
  arithmetic: z.enum(['fused', 'unfused']),
  threads: z.number(),
  /** The GPU that made products, with its driver; absent where the processor made all. Bytes are those of other machines with the same one only. */
  device: z.string().optional(),
}
