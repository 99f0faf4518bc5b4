/** What a report says of the arithmetic behind it. */
import { z } from 'zod'

/** What computed a report. */
export const kernelFields = {
  kernel: z.string(),
  arithmetic: z.enum(['fused', 'unfused']),
  threads: z.number(),
}
