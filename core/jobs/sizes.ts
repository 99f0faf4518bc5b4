/** What a size goal comes to at every size, planned as a run would. Where a matrix has not been analyzed nothing is said: this job waits for no weights. */
import type { JobOf, ReportOf } from '../contract.ts'
import type { JobContext } from '../matrix/context.ts'
import { wholeRun } from '../plan/parts.ts'
import { tradeOffOf } from '../plan/trade-off.ts'
import { plannedCompression } from '../write/compression.ts'
import { styleFor } from '../write/styles/registry.ts'
import type { FilesOf } from './files.ts'
import { findUndecided, keptErrorOf, planRun, refuse, sizesOf } from './steps/planned-run.ts'
import { withStatistics } from './steps/with-statistics.ts'

export async function sizesOfModel(
  { model: file, statistics }: FilesOf<'sizes'>,
  asked: JobOf<'sizes'>,
  host: JobContext,
): Promise<ReportOf['sizes']> {
  const context = await withStatistics({ model: file, statistics }, asked.statistics, host)
  const compression = plannedCompression(file, await styleFor(asked.output, file), wholeRun, context)
  // A goal that every plan meets: what could be chosen is what counts.
  const params = { ...asked.params, goalSize: Number.MAX_SAFE_INTEGER, goalError: 0, goalEnergy: 0 }
  const job = { ...asked, params }
  refuse(compression, job)
  const { values, spectra } = await findUndecided(compression, job)
  if (values || spectra) return { tradeOff: [] }
  const planned = await planRun(compression, job)
  const keptError = await keptErrorOf(file, planned.open, { goalWeight: 'entries' }, context)
  const choice = { ...planned, ...sizesOf(compression), keptError }
  return { tradeOff: tradeOffOf(choice, params, context.checkCancelled) }
}
