/** What a compression would do to each tensor, exact in bytes. Every matrix is analyzed once; another goal or rule is then instant. */
import { z } from 'zod'
import { outputIds } from '../../styles.ts'
import { choiceFields } from '../choice-fields.ts'
import { kernelFields } from '../kernel-fields.ts'
import { messageSchema } from '../messages.ts'
import { statisticsSchema } from './compress.ts'
import { job, withStatistics } from './job.ts'
import { rankRuleSchema } from './resize.ts'

const plannedTensorSchema = z.strictObject({
  name: z.string(),
  action: z.enum(['factorize', 'keep']),
  reason: messageSchema,
  /** Of what would be written; null for kept tensors. */
  rank: z.number().nullable(),
  /** Of the factors; INT8 of a kept weight that is written so. */
  factorDType: z.string().nullable(),
  /** As far as it can be known before anything is rounded and written: from the analysis, rounding reckoned in; of what stays whole in INT8 that of its codes, 0 for other kept tensors. */
  relativeError: z.number(),
  /** Differences of errors below this are rounding; of what would be factorized or stays whole in INT8. */
  resolution: z.number().optional(),
  /** Of the weights themselves, where `relativeError` is that of outputs. */
  weightError: z.number().optional(),
  /** Share by which INT8 factors would raise the error of this rank; null where INT8 was not asked for. */
  int8Increase: z.number().nullable(),
  bytesBefore: z.number(),
  bytesAfter: z.number(),
})
export type PlannedTensor = z.infer<typeof plannedTensorSchema>

const planReportSchema = z.strictObject({
  bytesBefore: z.number(),
  /** Of the finished output, exactly. */
  bytesAfter: z.number(),
  /** Model error as it is expected. */
  relativeError: z.number(),
  /** Differences of model errors below this are rounding. */
  resolution: z.number().optional(),
  /** sqrt(sum ||W - What||^2 / sum ||W||^2) over all matrices, as it is expected. */
  absoluteError: z.number().nullable(),
  /**
   * Whether errors here are the least that the run can come to: at a rank that is given it makes narrower sketches than the analysis, which
   * serves every rank. What a goal settles is cut from the sketches of the analysis, and comes to what is said.
   */
  errorIsLeast: z.boolean(),
  /** As in the report of a run. */
  statistics: statisticsSchema.optional(),
  tensors: z.array(plannedTensorSchema),
  /** Matrices factorized for this plan; 0 where all had been analyzed before. */
  analyzed: z.number(),
  elapsedMs: z.number(),
  notices: z.array(messageSchema),
  ...kernelFields,
})
export type PlanReport = z.infer<typeof planReportSchema>

export const plan = job('plan', {
  files: withStatistics,
  options: {
    ...choiceFields,
    output: z.enum(outputIds),
    /** What else decides an adapter, as `extract` and `resize` have it; without meaning for a model. */
    adapter: z
      .strictObject({
        convRank: z.number().int().min(1).nullable().default(null),
        oneRank: z.boolean().default(false),
        rule: rankRuleSchema.nullable().default(null),
      })
      .optional(),
    /** Whether curves that were known before are said too: a page that has them need not hear them again with every goal. */
    knownCurves: z.boolean().default(true),
  },
  machine: ({ params }) => params,
  report: planReportSchema,
})
