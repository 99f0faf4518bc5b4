/** A whole file factorized and written. */
import { z } from 'zod'
import { choiceFields } from '../choice-fields.ts'
import { kernelFields } from '../kernel-fields.ts'
import { messageSchema } from '../messages.ts'
import { job, withStatistics } from './job.ts'

/** Bytes of the whole output and model error of the plan for them, ascending in bytes; lines between two points hold for the sizes between. */
export const tradeOffSchema = z.array(z.tuple([z.number(), z.number()]))

export const tensorOutcomeSchema = z.strictObject({
  name: z.string(),
  action: z.enum(['factorized', 'kept']),
  reason: messageSchema,
  rank: z.number().nullable(),
  /**
   * How a factorized tensor's factors are stored, or were rounded before a dense copy multiplied them out; absent where that is not known. INT8 of a kept
   * weight that is written so.
   */
  factorDType: z.string().optional(),
  /** Of the re-read output against the source; 0 for what is kept as it is, null only until it is written. */
  relativeError: z.number().nullable(),
  /** ||W - What||_F / ||W||_F, where `relativeError` is that of outputs. */
  weightError: z.number().optional(),
  /** Differences of relative errors below this are rounding of the factors; of a factorized tensor. */
  resolution: z.number().optional(),
  /** Over all matrices of a factorized tensor. */
  frobeniusNorm: z.number().optional(),
  /** Of a factorized tensor, each as a relative error; their squares add up, but for chance: truncation + rounding - sparse gain. */
  split: z.strictObject({ truncation: z.number(), rounding: z.number(), sparseGain: z.number() }).optional(),
  /** Of a factorized weight of a graph: numbers stored, and operations for one row of inputs, place of a convolution or row looked up. */
  inGraph: z
    .strictObject({
      parameters: z.strictObject({ before: z.number(), after: z.number() }),
      flops: z.strictObject({ before: z.number(), after: z.number() }),
    })
    .optional(),
  bytesBefore: z.number(),
  bytesAfter: z.number(),
  /** The GPU that made the products of a factorized tensor; absent where the processor did. */
  device: z.string().optional(),
})
export type TensorOutcome = z.infer<typeof tensorOutcomeSchema>

/** Over matrices of weights; `hash` as in a recipe. */
export const statisticsSchema = z.strictObject({
  hash: z.string(),
  covered: z.number(),
  total: z.number(),
  borrowed: z.number(),
  /** null where it is not known, as of a run that had been finished before. */
  weightError: z.number().nullable(),
})

export const compressionReportSchema = z.strictObject({
  /** File name of the output, without its folder. */
  output: z.string(),
  /** Which weights it was made of: 64 hexadecimal digits that its metadata repeat. */
  source: z.string(),
  /** Files written, index and configuration included; more than one lie in a folder named `output`. */
  files: z.number(),
  bytesBefore: z.number(),
  bytesAfter: z.number(),
  /** What the plan said before the first tensor was written. They differ only where a tensor failed and was kept. */
  plannedBytes: z.number(),
  /** Model error: sqrt(sum N e^2 / sum N) over all matrices, kept ones count 0. */
  relativeError: z.number(),
  /** Differences of model errors below this are rounding; absent in reports of an earlier version. */
  resolution: z.number().optional(),
  /** sqrt(sum ||W - What||^2 / sum ||W||^2) over all matrices; null where a norm is not known, as of a run that had been finished before. */
  absoluteError: z.number().nullable().default(null),
  /**
   * What size goals for this output come to, as its analysis knew them; absent where there was none, and where bytes do not follow from ranks. Earlier
   * versions had a `tradeOff` there, a bound that no plan reaches: it is not read (main/history/older-history.ts).
   */
  plansBySize: tradeOffSchema.optional(),
  /** By which statistics of inputs errors are those of outputs, for how many matrices; `weightError` is the model error of the weights themselves. */
  statistics: statisticsSchema.optional(),
  /** The output was read again and every tensor measured or compared byte for byte. */
  verified: z.boolean(),
  tensors: z.array(tensorOutcomeSchema),
  /** A slower kernel than the product has, and why. */
  notices: z.array(messageSchema),
  elapsedMs: z.number(),
  ...kernelFields,
  peakBytes: z.number(),
})
export type CompressionReport = z.infer<typeof compressionReportSchema>

/** One part of a run that several machines share; `merge` joins them. null: all of it. */
export const partSchema = z
  .strictObject({ index: z.number().int().min(1), of: z.number().int().min(1) })
  .nullable()
  .default(null)

export const compress = job('compress', {
  files: withStatistics,
  options: {
    target: z.string(),
    ...choiceFields,
    force: z.boolean().default(false),
    /**
     * Resumes what an earlier run of the same recipe and source left unfinished; finished tensors outlive a cancel and the death
     * of the engine too. A failure leaves them either way: its error says how many.
     */
    resume: z.boolean().default(false),
    part: partSchema,
  },
  machine: ({ params }) => params,
  writes: ({ target, force, resume }) => ({ target, force, resume }),
  report: compressionReportSchema,
})
