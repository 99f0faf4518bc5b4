/** The calls an engine process answers, and the events it sends. */
import { z } from 'zod'
import type { JobEvent } from './events.ts'
import { type DifferenceSource, differenceSourceSchema, type FileReport } from './files.ts'
import { type JobRequest, jobSchema, type Lane, laneSchema } from './jobs.ts'
import { kernelFields } from './kernel-fields.ts'
import { messageSchema } from './messages.ts'

const engineInfoSchema = z.strictObject({
  ...kernelFields,
  pid: z.number(),
  runtime: z.string(),
  /** Jobs started since the engine started: proves that looking around started none. */
  jobsStarted: z.number(),
  /** Finished sketches: answers from each tier, questions none had, and sketches stored, since the engine started. */
  sketches: z.strictObject({
    hot: z.number(),
    warm: z.number(),
    cold: z.number(),
    missed: z.number(),
    stored: z.number(),
  }),
  /** Says when a slower kernel runs than the product has, and why. */
  notice: messageSchema.nullable(),
})
export type EngineInfo = z.infer<typeof engineInfoSchema>

/** Served by the engine process to its page or CLI. A failed call rejects with the AppError that was thrown there. */
export interface EngineApi {
  info(): Promise<EngineInfo>
  open(grantId: string): Promise<FileReport>
  /** Two models as their differences, or an adapter as what it adds: for every job that looks at a model. */
  openDifference(source: DifferenceSource): Promise<FileReport>
  close(fileId: string): Promise<void>
  /** Checks the request and answers with a job id at once; what follows are events. */
  start(job: JobRequest, lane?: Lane): Promise<string>
  /** Answers as soon as the job has ended; `cancelled` follows as its event unless it had finished before. Unknown ids are ignored. */
  cancel(jobId: string): Promise<void>
  /** Holds a job, or lets it go on. It stops at the next place where it would hear a cancel, and keeps its memory. Unknown ids are ignored. */
  pause(jobId: string, paused: boolean): Promise<void>
}
export interface EngineEvents {
  job(event: JobEvent): void
}

/** Arguments of each engine method as the engine parses them. */
export const engineArguments = {
  info: z.tuple([]),
  open: z.tuple([z.string()]),
  openDifference: z.tuple([differenceSourceSchema]),
  close: z.tuple([z.string()]),
  start: z.tuple([jobSchema, laneSchema.optional()]),
  cancel: z.tuple([z.string()]),
  pause: z.tuple([z.string(), z.boolean()]),
} as const satisfies Record<keyof EngineApi, z.ZodType>
