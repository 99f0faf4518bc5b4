/** A whole file, factorized and written. */

import type { CompressionReport, JobOf } from '../contract.ts'
import type { JobContext } from '../matrix/context.ts'
import { recipeHash } from '../write/recipe-hash.ts'
import { sourceHash } from '../write/source-hash.ts'
import { styleFor } from '../write/styles/registry.ts'
import type { FilesOf } from './files.ts'
import { withStatistics } from './steps/with-statistics.ts'
import { writeRun } from './steps/write-run.ts'

/**
 * What is cut short leaves its finished tensors for a run with `resume`; cancelled without `resume`, nothing.
 * @throws AppError `would-overwrite`, `cannot-write`, `bad-file`, `source-changed`, `cancelled`; with how many tensors are finished
 */
export async function compressFile(
  { model: file, statistics, target }: FilesOf<'compress'>,
  job: JobOf<'compress'>,
  host: JobContext,
): Promise<CompressionReport> {
  const started = performance.now()
  const context = await withStatistics({ model: file, statistics }, job.statistics, host)
  const hash = await sourceHash({ model: file }, context)
  const recipe = recipeHash({ ...job, statistics: context.outputNorm?.hash }, context)
  const run = { style: await styleFor(job.output, file), recipe, sourceHash: hash }
  return writeRun(file, target, run, job, context, started)
}
