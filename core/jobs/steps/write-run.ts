/**
 * A run over a file of weights, whatever it is made of: plan -> for each tensor (read -> factorize -> write -> read back -> measure) -> header -> open as a
 * reader -> rename. Streaming: one matrix at a time is in memory. Kept tensors are copied byte for byte.
 */

import type { CompressionReport, TensorOutcome } from '../../contract.ts'
import { AppError, existsAlready } from '../../errors.ts'
import type { WeightFile } from '../../formats/format.ts'
import type { OutputFolder, SourceFolder } from '../../io.ts'
import { type JobContext, kernelNotices } from '../../matrix/context.ts'
import { rememberScans } from '../../matrix/known.ts'
import { readAhead } from '../../matrix/read-ahead.ts'
import type { Scan } from '../../matrix/scan.ts'
import { say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import { fileName, foreign } from '../../messages/text.ts'
import { allowedError } from '../../params.ts'
import { hasGoal } from '../../plan/goal.ts'
import { sizeGoalBytes } from '../../plan/goals.ts'
import { companions, layOut, type OutputLayout } from '../../plan/output-files.ts'
import { type Part, wholeRun } from '../../plan/parts.ts'
import { type Choices, isFactorized, keepAsIs, type TensorPlan } from '../../plan/plan.ts'
import { tradeOffOf } from '../../plan/trade-off.ts'
import { elementCount, oncePerStorage, storageName, tensorBytes } from '../../tensor.ts'
import { type Compression, type CompressionTarget, FoundNonFinite, whileHolding } from '../../write/compression.ts'
import { encodingOf } from '../../write/encodings/registry.ts'
import { predictedOutput } from '../../write/predicted-output.ts'
import { progressMeter } from '../../write/progress.ts'
import { type Checkpoint, discardUnfinished, openCheckpoint } from '../../write/resume/checkpoint.ts'
import { type FinishedOutput, finishedOutput } from '../../write/resume/finished-output.ts'
import { hasJournal } from '../../write/resume/journal.ts'
import { modelErrorOf, modelResolutionOf, type WrittenFile, writeWeightsFile } from '../../write/weights-file.ts'
import { nothingIn } from './nothing.ts'
import { absoluteErrorOf, type PlannedRun, planRun, refuse, sizesOf } from './planned-run.ts'
import { statisticsNotices, statisticsReport, statisticsUsed } from './with-statistics.ts'

/** What a run that writes through this machinery is told, whichever job it is. */
export interface WritingJob extends Choices {
  readonly force: boolean
  readonly resume: boolean
  readonly part: Part | null
}
/** Which run it is, and in which style it writes. */
export type RunOf = Pick<Compression, 'style' | 'recipe' | 'sourceHash'>

/**
 * Plans, writes and measures a run over whatever file of weights it is given, and resumes it.
 * @throws AppError as `compressFile`
 */
export async function writeRun(
  file: WeightFile,
  target: CompressionTarget,
  { style, recipe, sourceHash }: RunOf,
  job: WritingJob,
  context: JobContext,
  started: number,
): Promise<CompressionReport> {
  const { resume } = job
  const part = job.part ?? wholeRun
  const ahead = readAhead(file, context.kernels)
  const compression = {
    file: ahead.file,
    ahead,
    style,
    recipe,
    sourceHash,
    resume,
    part,
    context,
  }
  refuse(compression, job)
  const finished = resume ? await finishedOutput(compression, job, target) : null
  if (finished && !('key' in finished)) {
    await whileHolding(target, () => discardUnfinished(target, true))
    const notice = say('run.finished-before', { name: fileName(target.name) })
    const notices = [notice, ...missedGoal(compression, job, finished)]
    return reportOf(
      compression,
      target,
      { ...finished, plannedBytes: finished.bytesAfter, absoluteError: null, ...statisticsUsed(context, null) },
      notices,
      started,
    )
  }
  if (!job.force) await refuseToOverwrite(target, layOut(file, [], style, target.name).inFolder, finished)
  return whileHolding(target, () => writeUnscanned(compression, target, job, started))
}

/**
 * Without a scan of what is loaded anyway; NaN or Inf that comes to light there changes the plan, and all begins again with a scan. What an earlier run
 * left is of the plan that a scan makes.
 */
async function writeUnscanned(
  compression: Compression,
  target: CompressionTarget,
  job: WritingJob,
  started: number,
): Promise<CompressionReport> {
  if (compression.resume && (await hasJournal(target))) return writeOutput(compression, target, job, started)
  const seen = new Map<string, Scan>()
  try {
    return await writeOutput({ ...compression, seen }, target, job, started)
  } catch (error) {
    if (!(error instanceof FoundNonFinite)) throw error
    await discardUnfinished(target)
  } finally {
    await rememberScans(compression.context, seen)
  }
  return writeOutput(compression, target, job, started)
}

/** Plans, writes and names it. */
async function writeOutput(
  compression: Compression,
  target: CompressionTarget,
  job: WritingJob,
  started: number,
): Promise<CompressionReport> {
  const { file, style, part } = compression
  const planned = await planRun(compression, job)
  const { plans } = planned
  if (!style.copiesKept && !style.isDifference && !plans.some(isFactorized))
    throw new AppError('bad-request', say('request.nothing-to-hold'))
  const layout = layOut(file, plans, style, target.name)
  const plannedBytes = predictedOutput(compression, layout)
  const checkpoint = await openCheckpoint(compression, target, layout, plannedBytes)
  try {
    const written = await writeFiles(compression, layout, checkpoint, plans)
    // Hundreds of plans: while the run can still be cancelled.
    const tradeOff = bytesFollowRanks(compression, job)
      ? tradeOffOf({ ...planned, ...sizesOf(compression), keptError: keptErrorIn(planned, written) }, job.params)
      : []
    compression.context.checkCancelled()
    await checkpoint.finish()
    const relativeError = modelErrorOf(plans, written.outcomes)
    const absoluteError = await absoluteErrorOf(file, plans, normsOf(written.outcomes), compression.context)
    const resolution = modelResolutionOf(plans, written.outcomes)
    const weighed = statisticsReport(compression.context, plans, written.outcomes)
    const known = { plannedBytes, relativeError, resolution, absoluteError, tradeOff, ...weighed }
    const whole = { ...written, ...known }
    const numbered = style.notices?.(plans.filter(isFactorized)) ?? []
    const nothing = part.of === 1 ? nothingIn(compression, job, plans, planned.candidates) : []
    const notices = [...checkpoint.notices, ...nothing, ...numbered, ...missedGoal(compression, job, whole)]
    return reportOf(compression, target, whole, notices, started)
  } catch (error) {
    throw await checkpoint.fail(error)
  }
}

/** Where a goal chose the ranks of a whole output that has what is kept as well. */
function bytesFollowRanks({ style, part }: Compression, { params }: WritingJob): boolean {
  return hasGoal(params) && part.of === 1 && style.copiesKept && !style.multipliesOut
}

/** Weighted squared error of what was kept in fewer bits, and had no choice. */
function keptErrorIn({ open, candidates }: PlannedRun, { outcomes }: Pick<WrittenFile, 'outcomes'>): number {
  const errors = new Map(outcomes.map(({ name, relativeError }) => [name, relativeError ?? 0]))
  const chosen = new Set(candidates.map(({ plan }) => storageName(plan.info)))
  return oncePerStorage(open)
    .filter(({ info, view }) => view && !chosen.has(storageName(info)))
    .reduce((sum, { info }) => sum + elementCount(info.shape) * (errors.get(info.name) ?? 0) ** 2, 0)
}

interface WholeOutput extends FinishedOutput, Pick<CompressionReport, 'statistics'> {
  /** Absent of a run that had been finished before. */
  readonly resolution?: number
  /** Empty where it is not known. */
  readonly tradeOff?: [number, number][]
  readonly plannedBytes: number
  readonly absoluteError: number | null
}

/** Norms and errors of what was factorized. */
function normsOf(outcomes: readonly TensorOutcome[]) {
  return new Map(
    outcomes.flatMap(({ name, relativeError, frobeniusNorm }) =>
      frobeniusNorm === undefined ? [] : [[name, { relativeError: relativeError ?? 0, frobeniusNorm }] as const],
    ),
  )
}

function reportOf(
  { file, sourceHash, context }: Compression,
  { name }: CompressionTarget,
  whole: WholeOutput,
  notices: readonly Message[],
  started: number,
): CompressionReport {
  const { files, bytesAfter, plannedBytes, relativeError, resolution, absoluteError, tradeOff = [], outcomes } = whole
  const { statistics } = whole
  const device = outcomes.find((outcome) => outcome.device !== undefined)?.device
  return {
    output: name,
    source: sourceHash,
    files,
    bytesBefore: file.totalBytes,
    bytesAfter,
    plannedBytes,
    relativeError,
    ...(resolution !== undefined && { resolution }),
    absoluteError,
    ...(tradeOff.length > 0 && { plansBySize: tradeOff }),
    ...(statistics && { statistics }),
    verified: true,
    tensors: outcomes,
    notices: [...file.notices, ...statisticsNotices(context), ...notices, ...kernelNotices(context)],
    elapsedMs: performance.now() - started,
    ...context.kernels.info,
    ...(device !== undefined && { device }),
    peakBytes: context.peakBytes(),
  }
}

async function writeFiles(
  compression: Compression,
  layout: OutputLayout,
  checkpoint: Checkpoint,
  plans: readonly TensorPlan[],
): Promise<{ outcomes: TensorOutcome[]; files: number; bytesAfter: number }> {
  const meter = progressMeter(plans, compression.context)
  const outcomes: TensorOutcome[] = []
  const written: WrittenFile[] = []
  for (const { name, plans } of layout.files) {
    const each = await writeWeightsFile(compression, name, plans, checkpoint, meter)
    written.push(each)
    // One by one: a file may have more tensors than a call takes arguments.
    for (const outcome of each.outcomes) outcomes.push(outcome)
  }
  meter.done()
  const names = written.map(({ entries }) => entries.map(({ name }) => name))
  const dataBytes = written
    .flatMap(({ entries }) => entries)
    .reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0)
  let bytesAfter = written.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const kept = new Set(outcomes.flatMap(({ name, action }) => (action === 'kept' ? [name] : [])))
  // What could not be factorized in the end has no factors that anything beside the weights may name.
  const settled = layout.files.map(({ name, plans }) => ({
    name,
    plans: plans.map((plan) => (isFactorized(plan) && kept.has(plan.info.name) ? keepAsIs(plan, plan.reason) : plan)),
  }))
  const beside = companions({ ...layout, files: settled }, compression.style, names, dataBytes)
  for (const { name, bytes } of beside) {
    await writeWhole(checkpoint.folder, name, bytes)
    bytesAfter += bytes.byteLength
  }
  const { opensAt } = encodingOf(compression.style, compression.file)
  return { outcomes, files: (opensAt === undefined ? 1 : 2) * written.length + beside.length, bytesAfter }
}

async function writeWhole(folder: OutputFolder, name: string, bytes: Uint8Array): Promise<void> {
  const sink = await folder.create(name, bytes.byteLength)
  try {
    await sink.write(bytes)
    await sink.close()
  } catch (error) {
    await sink.abort()
    throw error
  }
}

/**
 * A plan keeps its goals as far as it can be known before anything is rounded and written. What could not be factorized in the end is as large as it was;
 * a dense copy's size goals are those of its factors.
 */
function missedGoal(
  { file, style, part }: Compression,
  { params }: WritingJob,
  {
    bytesAfter,
    relativeError,
    absoluteError,
    outcomes,
  }: Pick<WholeOutput, 'bytesAfter' | 'relativeError' | 'outcomes'> & Partial<WholeOutput>,
): Message[] {
  const size = style.multipliesOut || part.of > 1 ? null : sizeGoalBytes(params, file.totalBytes)
  if (size !== null && bytesAfter > size) {
    return [say('run.goal-missed', { written: bytesAfter, goal: size })]
  }
  const goal = allowedError(params)
  if (goal === null || part.of > 1) return []
  if (params.goalScope === 'model') {
    const error = params.goalWeight === 'entries' ? relativeError : (absoluteError ?? null)
    if (error === null) return [say('run.error-goal-unknown', { goal })]
    return error > goal ? [say('run.error-goal-missed', { error, goal })] : []
  }
  const missed = outcomes.filter((outcome) => (outcome.relativeError ?? 0) > goal)
  const [worst] = missed.toSorted((a, b) => b.relativeError! - a.relativeError!)
  if (!worst) return []
  const most = { name: foreign(worst.name), error: worst.relativeError!, goal }
  return [say('run.error-goal-missed-by', { count: missed.length, total: outcomes.length, ...most })]
}

/** An empty folder is as good as none for an output that is a folder. `why`: what is there is of this run, but does not hold. */
async function refuseToOverwrite(
  { folder, name }: CompressionTarget,
  inFolder: boolean,
  why: Message | null,
): Promise<void> {
  if (!(await folder.list()).includes(name)) return
  if (inFolder && (await isEmptyFolder(folder.inside(name)))) return
  throw existsAlready(name, ...(why ? [why] : []))
}

async function isEmptyFolder(folder: SourceFolder): Promise<boolean> {
  try {
    return (await folder.list()).length === 0
  } catch (error) {
    // A file, or a folder that nobody may look into.
    if (error instanceof AppError) return false
    throw error
  }
}
