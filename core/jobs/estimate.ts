/**
 * What a run would take: size as planned, exactly where nothing of that is open; time from a short sample, memory from the shapes. The
 * sample loads, factorizes and measures one tensor of each of the shapes that make up most of the work; the rest is reckoned by what they cost (cost.ts).
 */

import type { EstimateReport, JobOf } from '../contract.ts'
import { exactCost, passCost, productCost, residualCost, sketchCost } from '../cost.ts'
import type { WeightFile } from '../formats/format.ts'
import { type JobContext, kernelNotices } from '../matrix/context.ts'
import { factorizedMatrix } from '../matrix/factorize-matrix.ts'
import { loadMatrix, residentLimit } from '../matrix/load.ts'
import { hasNonFinite, scanValues } from '../matrix/scan.ts'
import { residualNorm } from '../measure/residual.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import type { Params } from '../params.ts'
import { inFileOrder } from '../plan/entries.ts'
import { hasGoal } from '../plan/goal.ts'
import { layOut } from '../plan/output-files.ts'
import { partOf, wholeRun } from '../plan/parts.ts'
import { type FactorizedTensor, isFactorized, planByNames, type TensorPlan } from '../plan/plan.ts'
import { lengthsOf } from '../plan/shape.ts'
import { truncate } from '../svd/factorization.ts'
import { elementCount, oncePerStorage, storageName } from '../tensor.ts'
import { plannedCompression } from '../write/compression.ts'
import { predictedBytes, predictedOutput } from '../write/predicted-output.ts'
import { styleFor } from '../write/styles/registry.ts'
import type { FilesOf } from './files.ts'
import { findUndecided, planRun, refuse, type Undecided } from './steps/planned-run.ts'
import { statisticsNotices, withStatistics } from './steps/with-statistics.ts'

/** Shapes that are tried: more would sharpen the time little and make an estimate slow. */
const SAMPLED_SHAPES = 3

/** Reading what is kept, checking it for NaN and writing it: bytes a second of an ordinary disk. */
const COPY_BYTES_PER_SECOND = 4e8

export async function estimateRun(
  { model: file, statistics }: FilesOf<'estimate'>,
  job: JobOf<'estimate'>,
  host: JobContext,
): Promise<EstimateReport> {
  const context = await withStatistics({ model: file, statistics }, job.statistics, host)
  const style = await styleFor(job.output, file)
  const compression = plannedCompression(file, style, wholeRun, context)
  refuse({ ...compression, part: { index: 1, of: job.parts } }, job)
  const named = inFileOrder(planByNames(file, job, style), style)
  const open = await findUndecided(compression, job)
  const sizeIsExact = !open.values && !open.spectra
  const plans = sizeIsExact ? (await planRun(compression, job)).plans : named
  const before = context.peakBytes()
  const { rate, device } = await costPerSecond(file, plans.filter(isFactorized), context)
  const secondsOf = (some: readonly TensorPlan[]) =>
    some.reduce((sum, plan) => sum + (isFactorized(plan) ? runCost(plan, context) / rate : copySeconds(plan)), 0)
  const planOf = new Map(plans.map((plan) => [plan.info.name, plan]))
  const parts = Array.from({ length: job.parts }, (_, i) => {
    const part = { index: i + 1, of: job.parts }
    const mine = partOf(named, part, ({ info }) => info.byteLength).flatMap(({ info }) => planOf.get(info.name) ?? [])
    return {
      part: `${part.index}/${part.of}`,
      tensors: mine.length,
      bytesAfter: predictedBytes({ ...compression, part }, mine),
      seconds: secondsOf(mine),
    }
  })
  const factorized = plans.filter(isFactorized)
  return {
    bytesBefore: file.totalBytes,
    bytesAfter: predictedOutput(compression, layOut(file, plans, style, 'output')),
    sizeIsExact,
    tensors: file.tensors.length,
    factorized: factorized.length,
    weights: oncePerStorage(factorized).reduce((sum, { info }) => sum + elementCount(info.shape), 0),
    seconds: secondsOf(plans),
    memoryBytes: before + factorized.reduce((most, plan) => Math.max(most, workingBytes(plan, context)), 0),
    parts,
    ...context.kernels.info,
    ...(device !== undefined && { device }),
    notices: [
      ...file.notices,
      ...kernelNotices(context),
      ...statisticsNotices(context),
      ...(style.notices?.(factorized) ?? []),
      say('estimate.time'),
      ...openQuestions(open, job.params),
    ],
  }
}

/** Why the size may be another. */
function openQuestions({ values, spectra }: Undecided, params: Params): Message[] {
  const analysis = hasGoal(params) ? say('estimate.goal-ranks') : say('estimate.int8')
  const reading = say('estimate.non-finite')
  return [...(spectra ? [analysis] : []), ...(values ? [reading] : [])]
}

const copySeconds = ({ info: { byteLength } }: TensorPlan) => byteLength / COPY_BYTES_PER_SECOND

/** In a run, in units of cost.ts; nothing for a tensor whose values another has. What the rank leaves out is measured with what was written. */
export function runCost(plan: FactorizedTensor, context: Pick<JobContext, 'outputNorm'>): number {
  return plan.info.sharesStorageWith === undefined ? plan.view.count * matrixCost(plan, context) : 0
}

/** One of its matrices: loaded, factorized, and what was written held against it. */
function matrixCost(plan: FactorizedTensor, context: Pick<JobContext, 'outputNorm'>): number {
  const { rows, cols } = plan.view
  return passCost(rows, cols) + factorizationCost(plan, context) + residualCost(rows, cols, plan.params.rank)
}

function factorizationCost(
  { info, view: { rows, cols }, sketch }: FactorizedTensor,
  { outputNorm }: Pick<JobContext, 'outputNorm'>,
): number {
  const plain = sketch.method === 'exact' ? exactCost(rows, cols, sketch.rank) : sketchCost(rows, cols, sketch)
  const known = outputNorm?.statistics.of(storageName(info))
  if (!known || known.kind === 'diagonal') return plain
  // Formed once for its norm, C for every product of the sketch, and C itself.
  const { width } = known
  const products = sketch.method === 'exact' ? 0 : sketchCost(width, width, sketch)
  return plain + products + productCost(rows, cols, width) + productCost(width, width, width) / 6
}

/** The matrix, its sketch and factors in f32, and what a product packs; never more of the matrix than stays in memory at once. */
function workingBytes({ info, view, sketch }: FactorizedTensor, { kernels }: JobContext): number {
  const matrix = info.byteLength / view.count
  const columns = sketch.method === 'exact' ? Math.min(view.rows, view.cols) : sketch.columns * sketch.blocks
  const resident = Math.min(matrix, residentLimit(kernels, sketch.memoryLimit))
  return resident + 6 * 4 * columns * (view.rows + view.cols) + (64 << 20)
}

async function costPerSecond(
  file: WeightFile,
  plans: readonly FactorizedTensor[],
  context: JobContext,
): Promise<{ readonly rate: number; readonly device: string | undefined }> {
  const byShape = new Map<string, FactorizedTensor[]>()
  for (const plan of plans) {
    const shape = lengthsOf(plan.view).join()
    const group = byShape.get(shape) ?? []
    group.push(plan)
    byShape.set(shape, group)
  }
  const heaviest = [...byShape.values()]
    .map((group) => ({ plan: group[0]!, cost: group.reduce((sum, plan) => sum + runCost(plan, context), 0) }))
    .sort((a, b) => b.cost - a.cost)
    .slice(0, SAMPLED_SHAPES)
  let seconds = 0
  let cost = 0
  let device: string | undefined
  for (const [done, { plan }] of heaviest.entries()) {
    context.report({ type: 'progress', phase: 'estimate', tensor: plan.info.name, done, total: heaviest.length })
    if (hasNonFinite(await scanValues(file, plan.info, context))) continue
    const mark = context.kernels.mark()
    try {
      // Once to warm up, once to count.
      for (const counted of [false, true]) {
        context.kernels.release(mark)
        const bare = { ...context, sketches: undefined }
        const started = performance.now()
        const loaded = await loadMatrix(file, plan.info, plan.view, 0, bare, plan.sketch)
        const found = await factorizedMatrix(plan, 0, loaded, bare, false)
        device ??= found.device
        await residualNorm(context.kernels, loaded.operand, truncate(found, plan.params.rank), loaded.frobeniusNorm)
        if (counted) seconds += (performance.now() - started) / 1000
      }
      cost += matrixCost(plan, context)
    } finally {
      context.kernels.release(mark)
    }
  }
  return { rate: cost === 0 || seconds === 0 ? Number.POSITIVE_INFINITY : cost / seconds, device }
}
