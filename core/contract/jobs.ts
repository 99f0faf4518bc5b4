/** What an engine can be asked to do, and what it answers. A job is declared in a file of its own and entered here. */
import { z } from 'zod'
import type { Params } from '../params.ts'
import { analyze } from './jobs/analyze.ts'
import { answers } from './jobs/answers.ts'
import { apply } from './jobs/apply.ts'
import { calibrate } from './jobs/calibrate.ts'
import { compare } from './jobs/compare.ts'
import { compress } from './jobs/compress.ts'
import { convert } from './jobs/convert.ts'
import { estimate } from './jobs/estimate.ts'
import { extract } from './jobs/extract.ts'
import type { Writes } from './jobs/job.ts'
import { pair } from './jobs/pair.ts'
import { plan } from './jobs/plan.ts'
import { resize } from './jobs/resize.ts'
import { sample } from './jobs/sample.ts'
import { selftest } from './jobs/selftest.ts'
import { sizes } from './jobs/sizes.ts'
import { statistics } from './jobs/statistics.ts'
import { tryModels } from './jobs/try.ts'
import { versus } from './jobs/versus.ts'

const jobs = {
  analyze,
  compare,
  versus,
  plan,
  sizes,
  pair,
  statistics,
  answers,
  calibrate,
  try: tryModels,
  compress,
  estimate,
  sample,
  convert,
  extract,
  resize,
  apply,
  selftest,
}
export type JobKind = keyof typeof jobs

// One element of the tuple stands for all: its type is the union of theirs.
const all = Object.values(jobs)
export const jobSchema = z.discriminatedUnion(
  'kind',
  all.map(({ request }) => request) as [(typeof all)[number]['request']],
)
export const resultSchema = z.discriminatedUnion(
  'kind',
  all.map(({ result }) => result) as [(typeof all)[number]['result']],
)

export type Job = z.infer<typeof jobSchema>
export type JobOf<K extends JobKind> = Extract<Job, { kind: K }>
/** Whose kernel, threads and limits a job runs with; null for the defaults. */
export function machineOf(job: Job): Params | null {
  return (jobs[job.kind].machine as ((job: Job) => Params) | undefined)?.(job) ?? null
}

/** Where a job writes; null for one that does not. */
export function writesOf(job: Job): Writes | null {
  return (jobs[job.kind].writes as ((job: Job) => Writes) | undefined)?.(job) ?? null
}

/** A job as a caller may write it: defaults left out. */
export type JobRequest = z.input<typeof jobSchema>
export type JobResult = z.infer<typeof resultSchema>
export type ReportOf = { [K in JobKind]: Extract<JobResult, { kind: K }>['report'] }

/**
 * Foreground jobs run one after another, in the order they came. A background job runs while there is none of them: one that comes
 * preempts it, and it runs again afterwards.
 */
export const laneSchema = z.enum(['foreground', 'background'])
export type Lane = z.infer<typeof laneSchema>
