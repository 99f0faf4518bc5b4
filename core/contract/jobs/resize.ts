/** An adapter at other ranks, in its own form or another. */
import { z } from 'zod'
import { paramsSchema } from '../../params.ts'
import { rankRules, ruleIds } from '../../rank-rule-entries.ts'
import { adapterForms } from '../../styles.ts'
import { kernelFields } from '../kernel-fields.ts'
import { messageSchema } from '../messages.ts'
import { patternsSchema, pinsSchema } from '../pins.ts'
import { fileId, job } from './job.ts'

/** A rule that users of LoRA tools know. */
export const rankRuleSchema = z
  .strictObject({ rule: z.enum(ruleIds), value: z.number() })
  .refine(({ rule, value }) => value >= rankRules[rule].min && value <= rankRules[rule].max)

export type RankRule = z.infer<typeof rankRuleSchema>

const resizedModuleSchema = z.strictObject({
  name: z.string(),
  /** rows x cols of the matrix it adds. */
  matrix: z.array(z.number()),
  rankBefore: z.number(),
  rank: z.number(),
  /** What the loader multiplied the old product with; the new one has it in its factors. Of joined modules that of the first. */
  scale: z.number(),
  /** ||D||_F */
  norm: z.number(),
  /** ||D||_F / ||W||_F, where a base is given that has it. */
  toBase: z.number().nullable(),
  /** ||D - D_k||_F / ||D||_F of the factors as they were written. */
  relativeError: z.number(),
  singularValues: z.array(z.number()),
})
export type ResizedModule = z.infer<typeof resizedModuleSchema>

const resizeReportSchema = z.strictObject({
  output: z.string(),
  formBefore: z.enum(adapterForms),
  form: z.enum(adapterForms),
  files: z.number(),
  bytesBefore: z.number(),
  bytesAfter: z.number(),
  modules: z.array(resizedModuleSchema),
  /** sqrt(sum ||D - D_k||^2 / sum ||D||^2) */
  relativeError: z.number(),
  /** What was written was read back as an adapter, each module with its rank and scale 1. */
  verified: z.boolean(),
  notices: z.array(messageSchema),
  elapsedMs: z.number(),
  ...kernelFields,
})
export type ResizeReport = z.infer<typeof resizeReportSchema>

export const resize = job('resize', {
  files: z.strictObject({ adapter: fileId, base: fileId.optional() }),
  options: {
    target: z.string(),
    /** null: the form it has. */
    form: z.enum(adapterForms).nullable().default(null),
    /** Rank, goal and dtype. */
    params: paramsSchema,
    rule: rankRuleSchema.nullable().default(null),
    /** Another form, and nothing else: every rank stays. */
    keepRanks: z.boolean().default(false),
    /** All modules padded with zeros to the largest rank, for loaders that know one for all. */
    oneRank: z.boolean().default(false),
    /** Of modules, by their names in the form that is written: what is left out is not in the output. */
    include: patternsSchema.default([]),
    exclude: patternsSchema.default([]),
    pins: pinsSchema,
    force: z.boolean().default(false),
  },
  machine: ({ params }) => params,
  writes: ({ target, force }) => ({ target, force, resume: false }),
  report: resizeReportSchema,
})
