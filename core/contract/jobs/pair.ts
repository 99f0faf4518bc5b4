/** Two models held side by side, whatever is to be extracted: what lies between them, and whether one is a fine-tune of the other. */
import { z } from 'zod'
import { messageSchema } from '../messages.ts'
import { differenceSchema } from './extract.ts'
import { job, ofModel } from './job.ts'

const pairReportSchema = z.strictObject({
  /** Of base and tuned over all their matrices. */
  cosine: z.number(),
  /** ||tuned - base||_F / ||tuned||_F over all matrices. */
  differenceShare: z.number(),
  identical: z.boolean(),
  /** Whether one is a fine-tune of the other, what either has alone, and what no adapter holds. */
  verdict: z.array(messageSchema),
  notices: z.array(messageSchema),
  differences: z.array(differenceSchema),
  elapsedMs: z.number(),
})
export type PairReport = z.infer<typeof pairReportSchema>

/** `model`: a file that `openDifference` made of two. */
export const pair = job('pair', { files: ofModel, options: {}, report: pairReportSchema })
