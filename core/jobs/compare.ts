/** Randomized beside exact at one rank, on one matrix read once: what going fast costs, and what it gains. A preset of two ways. */
import type { ComparisonReport, JobOf } from '../contract.ts'
import type { JobContext } from '../matrix/context.ts'
import type { Params } from '../params.ts'
import { comparisonOf } from '../plan/comparison.ts'
import { noGoal } from '../plan/goal.ts'
import type { FilesOf } from './files.ts'
import { versusTensor } from './versus.ts'

export async function compareTensor(
  files: FilesOf<'compare'>,
  job: JobOf<'compare'>,
  context: JobContext,
): Promise<ComparisonReport> {
  // At one rank: no goal stops an adaptive sketch.
  const way = (method: Params['method']) => ({ ...job.params, ...noGoal, method })
  const ways = { a: way('randomized'), b: way('exact'), seeds: 1, warmExact: false, estimates: true }
  const report = await versusTensor(files, { kind: 'versus', files: job.files, tensor: job.tensor, ...ways }, context)
  const comparison = comparisonOf(report)
  if (!comparison) throw new Error(`no comparison of exact and randomized at one rank: ${job.tensor}`)
  return comparison
}
