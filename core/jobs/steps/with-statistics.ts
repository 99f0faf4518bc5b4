/** The context of a job that is given statistics of its model's inputs: all its errors are then those of outputs. */
import type { CompressionReport, TensorOutcome } from '../../contract.ts'
import { modelError } from '../../curves/model-error.ts'
import { AppError } from '../../errors.ts'
import type { WeightFile } from '../../formats/format.ts'
import type { JobContext } from '../../matrix/context.ts'
import { normNotice, outputNormBy } from '../../matrix/output-norm.ts'
import { say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import type { TensorPlan } from '../../plan/plan.ts'
import { modelStatistics } from '../../statistics/statistics.ts'
import { elementCount, oncePerStorage } from '../../tensor.ts'
import { sourceHash } from '../../write/source-hash.ts'

/**
 * The same context without statistics.
 * @param expected the hash that a recipe names
 * @throws AppError `bad-request` for statistics of another model, or others than the recipe's; `bad-file`
 */
export async function withStatistics(
  { model, statistics }: { readonly model: WeightFile; readonly statistics?: WeightFile | undefined },
  expected: string | undefined,
  context: JobContext,
): Promise<JobContext> {
  if (!statistics) {
    if (expected !== undefined) throw new AppError('bad-request', say('statistics.needed', { hash: expected }))
    return context
  }
  const hash = await sourceHash({ model: statistics }, context)
  if (expected !== undefined && expected !== hash)
    throw new AppError('bad-request', say('statistics.other', { hash: expected, found: hash }))
  // A device multiplies weights, not weights times C.
  const { device: _, ...kernels } = context.kernels
  return { ...context, kernels, outputNorm: outputNormBy(await modelStatistics(model, statistics), hash) }
}

/** What every report says of them. */
export function statisticsNotices({ outputNorm }: JobContext): readonly Message[] {
  return outputNorm ? [...outputNorm.statistics.notices, normNotice()] : []
}

/** The error of the weights over all matrices, where that of outputs is `relativeError`; of what has no statistics both are the same. */
export function statisticsReport(
  { outputNorm }: JobContext,
  plans: readonly TensorPlan[],
  outcomes: readonly Pick<TensorOutcome, 'name' | 'relativeError' | 'weightError'>[],
): Pick<CompressionReport, 'statistics'> {
  if (!outputNorm) return {}
  const errors = new Map(outcomes.map((each) => [each.name, each.weightError ?? each.relativeError ?? 0]))
  const matrices = oncePerStorage(plans).filter(({ view }) => view)
  const each = matrices.map(({ info }) => ({ entries: elementCount(info.shape), error: errors.get(info.name) ?? 0 }))
  return statisticsUsed({ outputNorm }, modelError(each))
}

/** Which statistics a run went by. @param weightError null where nobody measured it */
export function statisticsUsed(
  { outputNorm }: Pick<JobContext, 'outputNorm'>,
  weightError: number | null,
): Pick<CompressionReport, 'statistics'> {
  if (!outputNorm) return {}
  const { hash, statistics } = outputNorm
  return { statistics: { hash, ...statistics.coverage, weightError } }
}
