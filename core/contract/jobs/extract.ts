/** What one model adds to another, as an adapter: the low-rank part of tuned - base. */
import { z } from 'zod'
import { paramEntries } from '../../param-entries.ts'
import { paramsSchema } from '../../params.ts'
import { adapterForms } from '../../styles.ts'
import { messageSchema } from '../messages.ts'
import { patternsSchema, pinsSchema } from '../pins.ts'
import { compressionReportSchema, partSchema } from './compress.ts'
import { fileId, job } from './job.ts'
import { rankRuleSchema } from './resize.ts'

export const differenceSchema = z.strictObject({
  name: z.string(),
  /** In the adapter; null where it has no place there. */
  module: z.string().nullable(),
  /** ||tuned - base||_F / ||tuned||_F; 0 where the two are identical. */
  share: z.number(),
  /** ||tuned - base||_F */
  norm: z.number(),
})

const extractionReportSchema = compressionReportSchema.extend({
  form: z.enum(adapterForms),
  /** Whose names they are; null where no family that is known has them. */
  family: z.string().nullable(),
  /** Of base and tuned over all their matrices. */
  cosine: z.number(),
  /** ||tuned - base||_F / ||tuned||_F over all matrices. */
  differenceShare: z.number(),
  /** Share of ||tuned - base||_F^2 over all matrices that the adapter holds. */
  retained: z.number(),
  /** Whether one is a fine-tune of the other, and whether what lies between them is of low rank. */
  verdict: z.array(messageSchema),
  differences: z.array(differenceSchema),
})
export type ExtractionReport = z.infer<typeof extractionReportSchema>

export const extract = job('extract', {
  files: z.strictObject({
    base: fileId,
    tuned: fileId,
    /** By which differences are weighed: errors are then those of outputs. */
    statistics: fileId.optional(),
  }),
  options: {
    target: z.string(),
    form: z.enum(adapterForms),
    params: paramsSchema,
    /** Rank of convolutions that see more than one point; null: they are left out. */
    convRank: z.number().int().min(paramEntries.rank.min).max(paramEntries.rank.max).nullable().default(null),
    /** Differences of what is no matrix: only listed, or written as they are where the form has a place for them. */
    whole: z.enum(['list', 'skip', 'save']).default('list'),
    oneRank: z.boolean().default(false),
    /** In place of rank and goal. */
    rule: rankRuleSchema.nullable().default(null),
    include: patternsSchema.default([]),
    exclude: patternsSchema.default([]),
    pins: pinsSchema,
    force: z.boolean().default(false),
    resume: z.boolean().default(false),
    part: partSchema,
  },
  machine: ({ params }) => params,
  writes: ({ target, force, resume }) => ({ target, force, resume }),
  report: extractionReportSchema,
})
