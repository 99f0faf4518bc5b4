/** How each job runs. One that is declared in core/contract/jobs.ts and missing here does not compile. */
import type { ModelRunner } from '../answers/runner.ts'
import { isListed, type Job, type JobKind, type JobOf, type JobResult, type ReportOf } from '../contract.ts'
import type { WeightFile } from '../formats/format.ts'
import type { JobContext } from '../matrix/context.ts'
import type { CompressionTarget } from '../write/compression.ts'
import { analyzeTensor } from './analyze.ts'
import { compareAnswers } from './answers.ts'
import { applyAdapter } from './apply.ts'
import { calibrateModel } from './calibrate.ts'
import { compareTensor } from './compare.ts'
import { compressFile } from './compress.ts'
import { convertFile } from './convert.ts'
import { estimateRun } from './estimate.ts'
import { extractAdapter } from './extract.ts'
import type { FilesOf } from './files.ts'
import { checkReport } from './gate.ts'
import { comparePair } from './pair.ts'
import { planCompression } from './plan.ts'
import { resizeAdapter } from './resize.ts'
import { writeSample } from './sample.ts'
import { selfTest } from './selftest.ts'
import { sizesOfModel } from './sizes.ts'
import { lookAtStatistics } from './statistics.ts'
import { tryCompressed } from './try.ts'
import { versusTensor } from './versus.ts'

const runs: {
  readonly [K in JobKind]: (files: FilesOf<K>, job: JobOf<K>, context: JobContext) => Promise<ReportOf[K]>
} = {
  analyze: analyzeTensor,
  compare: compareTensor,
  versus: versusTensor,
  plan: planCompression,
  sizes: sizesOfModel,
  pair: comparePair,
  answers: compareAnswers,
  statistics: lookAtStatistics,
  calibrate: calibrateModel,
  try: tryCompressed,
  compress: compressFile,
  estimate: estimateRun,
  sample: writeSample,
  convert: convertFile,
  extract: extractAdapter,
  resize: resizeAdapter,
  apply: applyAdapter,
  selftest: selfTest,
}

/** What a host has opened for a job: a file for each role that it names, and where it writes, if it does. */
export interface JobFiles {
  /** As `filesByRole` names them. */
  readonly opened: Readonly<Record<string, WeightFile>>
  readonly target: CompressionTarget | null
  /** Of a host that can run models. */
  readonly models?: ModelRunner | null
}

export async function runJob(job: Job, { opened, target, models }: JobFiles, context: JobContext): Promise<JobResult> {
  // Roles and target are those of the job's own declaration, by which it was parsed.
  const run = runs[job.kind] as (files: object, job: Job, context: JobContext) => Promise<unknown>
  const files = { ...inLists(job, opened), ...(target && { target }), ...(models && { models }) }
  const report = await run(files, job, context)
  const result = { kind: job.kind, report } as JobResult
  checkReport(result)
  return result
}

/** The files of a role that may have several as one list. */
function inLists({ files }: Job, opened: JobFiles['opened']): Record<string, WeightFile | WeightFile[]> {
  const lists = Object.entries(files).flatMap(([role, ids]: [string, unknown]) =>
    Array.isArray(ids) ? [[role, ids.map((_, i) => opened[`${role}.${i}`]!)] as const] : [],
  )
  const single = Object.entries(opened).filter(([role]) => !isListed(role))
  return Object.fromEntries([...single, ...lists])
}
