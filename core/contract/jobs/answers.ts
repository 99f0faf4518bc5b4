/**
 * Which compression of a model that runs keeps its answers: ways of sharing out ranks, INT8 and both together, each run beside the original. It writes
 * nothing: it says what `compress` is to be asked for.
 */
import { z } from 'zod'
import { paramsSchema } from '../../params.ts'
import { outputDifferenceSchema, spreadSchema } from '../answers.ts'
import { choiceFields } from '../choice-fields.ts'
import { kernelFields } from '../kernel-fields.ts'
import { messageSchema } from '../messages.ts'
import { patternsSchema, pinsSchema } from '../pins.ts'
import { mostSamples } from '../sample-fields.ts'
import { fileId, fileIds, job } from './job.ts'

/** `error`: relative, of outputs. `agreement`: share of the rows of outputs whose largest entry stays the same. */
const answerGoalSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('error'), most: z.number().gt(0).max(1) }),
  z.strictObject({ kind: z.literal('agreement'), least: z.number().gt(0).max(1) }),
])
export type AnswerGoal = z.infer<typeof answerGoalSchema>

const answerSchema = z.strictObject({
  /** Numbers of these outputs that are NaN or infinite in one of the two and not the same in the other. With any there is no error, and no goal is met. */
  notFinite: z.number(),
  /** Of the output that differs most; null where the original's are zero everywhere, or `notFinite` is not 0. */
  error: z.number().nullable(),
  /** Share of rows with the same largest entry, over the outputs that a softmax makes, or where there are none over all that have an axis of classes; null where none has. */
  agreement: z.number().nullable(),
  outputs: z.array(outputDifferenceSchema),
})
export type Answer = z.infer<typeof answerSchema>

const answerRowSchema = z.strictObject({
  form: z.enum(['original', 'int8', 'low-rank', 'low-rank-int8']),
  /** How ranks were shared out (core/plan/answer-allocations.ts); `plain`: by the weights alone, beside statistics. */
  allocation: z.enum(['plain', 'uniform', 'relative', 'absolute', 'floored', 'measured', 'logits']).nullable(),
  /** Of the file, and as a share of the source's. */
  bytes: z.number(),
  share: z.number(),
  /** Of all factorized weights, for one row of inputs, place of a convolution or row looked up; null where none is. */
  flops: z.strictObject({ before: z.number(), after: z.number() }).nullable(),
  /** As the report of the compression has it; 0 for the original. */
  relativeError: z.number(),
  /** On the inputs that decide, null for the original; and on those that were held out. */
  calibration: answerSchema.nullable(),
  heldOut: answerSchema,
  /** Of the original's, run by run; null for the original. */
  latencyRatio: spreadSchema.nullable(),
  /** Whether the goal holds on the inputs that decide; null without one. */
  meetsGoal: z.boolean().nullable(),
  /** What `compress` writes this very file from, with the same statistics; null for the original, and for `plain`, which has none. */
  choices: z
    .strictObject({
      params: paramsSchema,
      include: patternsSchema,
      exclude: patternsSchema,
      pins: pinsSchema,
    })
    .nullable(),
})
export type AnswerRow = z.infer<typeof answerRowSchema>

const answersReportSchema = z.strictObject({
  inputs: z.enum(['drawn', 'given']),
  /** Samples that decide, and those held out. */
  calibration: z.number(),
  heldOut: z.number(),
  /** The original first, then INT8 alone. */
  rows: z.array(answerRowSchema),
  /** The row that is nearest on the inputs that decide, of those that have the size asked for; with a goal the smallest that meets it. null: none does. */
  chosen: z.number().nullable(),
  /** What nearest means: the share of rows that keep their class, where outputs are classes or the goal asks for it, else the error. */
  chosenBy: z.enum(['agreement', 'error']),
  /** Models that were written and run. */
  models: z.number(),
  elapsedMs: z.number(),
  notices: z.array(messageSchema),
  ...kernelFields,
})
export type AnswersReport = z.infer<typeof answersReportSchema>

/** Whether it was a goal on the answer that forms were tried for: the row that is chosen then is the smallest, and not the nearest of one size. */
export const hadAnswerGoal = ({ rows }: Pick<AnswersReport, 'rows'>) => rows.some(({ meetsGoal }) => meetsGoal !== null)

export const answers = job('answers', {
  files: z.strictObject({
    model: fileId,
    statistics: fileId.optional(),
    /** Arrays (core/answers/samples.ts); none: drawn ones. */
    inputs: fileIds,
    /** None: every third of the others. */
    heldOut: fileIds,
  }),
  options: {
    ...choiceFields,
    /** null: the nearest at the size that rank or goal of `params` come to. */
    goal: answerGoalSchema.nullable().default(null),
    /** The output that is looked at; null: all of them, and the worst counts. */
    judgedBy: z.string().nullable().default(null),
    /** Drawn where none are given. */
    samples: z.number().int().min(1).max(mostSamples).default(24),
    seed: z.number().int().min(0).default(1),
    sizes: z.record(z.string(), z.number().int().min(1)).default({}),
    /** Timed runs of each held-out sample; 0: none. */
    rounds: z.number().int().min(0).max(10_000).default(3),
    /** That models compute with. */
    threads: z.number().int().min(1).max(1024).default(1),
  },
  machine: ({ params }) => params,
  report: answersReportSchema,
})
