/** What a run would take. */
import { z } from 'zod'
import { choiceFields } from '../choice-fields.ts'
import { kernelFields } from '../kernel-fields.ts'
import { messageSchema } from '../messages.ts'
import { job, withStatistics } from './job.ts'

const estimateReportSchema = z.strictObject({
  bytesBefore: z.number(),
  /** Of the finished output. */
  bytesAfter: z.number(),
  /** Whether all that decides it is known; `notices` say what is not. */
  sizeIsExact: z.boolean(),
  tensors: z.number(),
  factorized: z.number(),
  /** Entries of all that is factorized. */
  weights: z.number(),
  seconds: z.number(),
  memoryBytes: z.number(),
  parts: z.array(
    z.strictObject({ part: z.string(), tensors: z.number(), bytesAfter: z.number(), seconds: z.number() }),
  ),
  ...kernelFields,
  notices: z.array(messageSchema),
})
export type EstimateReport = z.infer<typeof estimateReportSchema>

export const estimate = job('estimate', {
  files: withStatistics,
  options: {
    ...choiceFields,
    /** How many machines share it. */
    parts: z.number().int().min(1).max(9999).default(1),
  },
  machine: ({ params }) => params,
  report: estimateReportSchema,
})
