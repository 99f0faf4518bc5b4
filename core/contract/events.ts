/** What a job says while it lives. */
import { z } from 'zod'
import { errorCodes } from '../errors.ts'
import { exactStages, type JobPhase, jobPhases } from '../phases.ts'
import { tensorOutcomeSchema } from './jobs/compress.ts'
import { resultSchema } from './jobs.ts'
import { messageSchema } from './messages.ts'

export const errorReportSchema = z.strictObject({
  code: z.enum([...errorCodes, 'bug']),
  said: z.array(messageSchema).readonly(),
  details: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
})

/**
 * What a job says while it lives. `finished`, `failed` and `cancelled` are last, and exactly one of them comes; when an engine dies, all of
 * its jobs are lost, and its clients hear that instead.
 */
export const jobEventSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('started'), jobId: z.string() }),
  /** A background job stands behind those of the foreground, before it runs or preempted; `started` follows when it runs. */
  z.strictObject({ type: z.literal('waiting'), jobId: z.string() }),
  z.strictObject({
    type: z.literal('progress'),
    jobId: z.string(),
    phase: z.enum(jobPhases),
    tensor: z.string().nullable(),
    done: z.number(),
    total: z.number(),
    /** Resident memory of the engine process now. */
    memoryBytes: z.number(),
  }),
  /** A part of an exact SVD is done: each takes long enough to be told from the others. */
  z.strictObject({
    type: z.literal('stage'),
    jobId: z.string(),
    phase: z.enum(exactStages),
    elapsedMs: z.number(),
  }),
  /** After each power iteration: the spectrum and error curve as they stand. */
  z.strictObject({
    type: z.literal('estimate'),
    jobId: z.string(),
    iteration: z.number(),
    iterations: z.number(),
    singularValues: z.array(z.number()),
    errorCurve: z.array(z.number()),
  }),
  /** A tensor of a plan has been analyzed: its relative error at rank 0, 1, ... up to the largest that could be chosen. */
  z.strictObject({
    type: z.literal('spectrum'),
    jobId: z.string(),
    tensor: z.string(),
    errorCurve: z.array(z.number()),
  }),
  z.strictObject({ type: z.literal('tensor'), jobId: z.string(), outcome: tensorOutcomeSchema }),
  z.strictObject({ type: z.literal('finished'), jobId: z.string(), result: resultSchema }),
  z.strictObject({ type: z.literal('failed'), jobId: z.string(), error: errorReportSchema }),
  z.strictObject({ type: z.literal('cancelled'), jobId: z.string() }),
])
export type JobEvent = z.infer<typeof jobEventSchema>

/** Whether progress is that of the job. In the phase `read` it counts the rows of one large matrix, within whatever phase that is read for. */
export function wholeJob({ phase }: { readonly phase: JobPhase }): boolean {
  return phase !== 'read'
}
