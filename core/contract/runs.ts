/** Runs: jobs that write, and live on without the page that started them. */
import { z } from 'zod'
import { jobPhases } from '../phases.ts'
import { errorReportSchema } from './events.ts'
import { apply } from './jobs/apply.ts'
import { compress, compressionReportSchema } from './jobs/compress.ts'
import { extract } from './jobs/extract.ts'
import { resize } from './jobs/resize.ts'
import type { Recipe } from './recipe.ts'

// One element of the tuple stands for all: its type is the union of theirs.
const all = [compress, extract, resize, apply]

/** What a run is asked for: its job, with grants of what it reads, by role, and of what it writes. Whether it can be resumed is the host's to say. */
export const runRequestSchema = z.discriminatedUnion(
  'kind',
  all.map(({ request }) => request) as [(typeof all)[number]['request']],
)
export type RunRequest = z.input<typeof runRequestSchema>
/** As it was parsed on arrival: defaults filled in. */
export type RunJob = z.output<typeof runRequestSchema>
export type RunKind = RunJob['kind']

const grants = { files: true, target: true } as const
/** The same without grants, which end with their session. */
export const runChoicesSchema = z.discriminatedUnion('kind', [
  compress.request.omit(grants),
  extract.request.omit(grants),
  resize.request.omit(grants),
  apply.request.omit(grants),
])
export type RunChoices = z.output<typeof runChoicesSchema>
/** As a caller may write them: defaults left out. */
export type RunChoicesInput = z.input<typeof runChoicesSchema>

export function choicesOf(job: RunJob): RunChoices {
  const { files: _, target: __, ...choices } = job
  return choices
}

/** All that a finished run has reported. */
export const runReportSchema = z.discriminatedUnion(
  'kind',
  all.map(({ result }) => result) as [(typeof all)[number]['result']],
)
export type RunReport = z.infer<typeof runReportSchema>

/** What of a report is shown in the list of runs: that of a compression without tensors and curve, as far as the kind of the run has it. */
export const runResultSchema = z.object(
  compressionReportSchema
    .omit({ tensors: true, plansBySize: true })
    .partial({ source: true, plannedBytes: true, absoluteError: true, peakBytes: true }).shape,
)
export type RunResult = z.infer<typeof runResultSchema>

/** Whether a run of this kind writes an adapter, whose error is a share of what it adds, not of a model. */
export function writesAdapter(kind: RunKind): boolean {
  return kind === 'extract' || kind === 'resize'
}

/** The error that stands for the whole run. Of differences the large ones count: what an adapter misses is a share of all that it should add. */
export function errorOfRun(
  kind: RunKind,
  { relativeError, absoluteError }: Pick<RunResult, 'relativeError' | 'absoluteError'>,
): number {
  return writesAdapter(kind) ? (absoluteError ?? relativeError) : relativeError
}

/** Model error of the weights, also where a run's errors are of outputs; null where that was not measured. */
export function weightErrorOf({
  relativeError,
  statistics,
}: Pick<RunResult, 'relativeError' | 'statistics'>): number | null {
  return statistics ? statistics.weightError : relativeError
}

/** What a date can be made of. */
const timeSchema = z.number().min(-8.64e15).max(8.64e15)

/**
 * A run lives in an engine of its own, so it survives a reload of the page that started it. The host keeps a list of all runs, those of earlier
 * days and of the command line too, each with its outcome.
 *
 * `waiting`: others go first; it begins by itself when one of them has ended. `interrupted`: its process died. With `resumable` its finished tensors lie beside the output and `resumeRun` resumes from them.
 */
export const runSchema = z.strictObject({
  runId: z.string(),
  choices: runChoicesSchema,
  /** File names without their folders; of several sources that of the first role. */
  sourceName: z.string(),
  /** Of what errors are weighed by; absent where every weight counts alike. */
  statisticsName: z.string().optional(),
  target: z.string(),
  /** Its job has spoken. One that only waited left nothing: what lies beside its output is an earlier run's. Absent in entries of earlier versions. */
  begun: z.boolean().optional(),
  state: z.enum(['waiting', 'running', 'paused', 'finished', 'failed', 'cancelled', 'interrupted']),
  resumable: z.boolean(),
  /** Milliseconds since 1970. */
  startedAt: timeSchema,
  endedAt: timeSchema.nullable(),
  finishedTensors: z.number(),
  /** Where it stands, while it is under way. */
  progress: z
    .strictObject({
      phase: z.enum(jobPhases),
      tensor: z.string().nullable(),
      /** Bytes of the source. */
      done: z.number(),
      total: z.number(),
      memoryBytes: z.number(),
    })
    .nullable(),
  /** Of a finished run; `runReport` has everything. */
  result: runResultSchema.nullable(),
  /** Why it failed. */
  error: errorReportSchema.nullable(),
})
export type Run = z.infer<typeof runSchema>

/**
 * What a compression was asked for, as a recipe that replays to its bytes; null for a run of another kind, and for one that had statistics and ended before
 * anybody learned which.
 */
export function recipeOf({
  choices,
  result,
  statisticsName,
}: Pick<Run, 'choices' | 'result' | 'statisticsName'>): Recipe | null {
  if (choices.kind !== 'compress') return null
  const { output, params, include, exclude, pins } = choices
  // Asked for by a file alone, they have their hash from the engine.
  const statistics = result?.statistics?.hash ?? choices.statistics
  if (statisticsName !== undefined && statistics === undefined) return null
  return {
    recipe: 1,
    output,
    params,
    include,
    exclude,
    ...(pins && { pins }),
    ...(statistics !== undefined && { statistics }),
  }
}
