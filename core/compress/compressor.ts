/**
 * A whole file: plan -> for each tensor (read -> factorize -> write -> read back -> measure) -> header -> rename -> open again.
 * Streaming: one matrix at a time is in memory. Kept tensors are copied byte for byte.
 */
import type { CompressionReport, Job, TensorOutcome } from '../contract.ts'
import { AppError } from '../errors.ts'
import type { WeightFile } from '../formats/format.ts'
import { tensorBytes } from '../formats/safetensors.ts'
import type { OutputFolder } from '../io.ts'
import type { Compression } from './compress-tensor.ts'
import type { JobContext } from './context.ts'
import { type FinishedOutput, finishedOutput } from './finished-output.ts'
import { companions, layOut, type OutputLayout } from './output-files.ts'
import { outputStyle } from './outputs/registry.ts'
import { wholeRun } from './parts.ts'
import type { TensorPlan } from './plan.ts'
import { planRun } from './planning.ts'
import { predictedOutput } from './predicted-output.ts'
import { progressMeter } from './progress.ts'
import { readAhead } from './read-ahead.ts'
import { recipeHash } from './recipe.ts'
import { sourceHash } from './source-hash.ts'
import { type CompressionTarget, modelErrorOf, type WrittenFile, writeWeightsFile } from './weights-file.ts'

type CompressionJob = Extract<Job, { kind: 'compress' }>

/**
 * @throws AppError `would-overwrite`, `cannot-write`, `bad-file`, `source-changed`, `cancelled`; nothing half-written stays behind
 */
export async function compressFile(
  file: WeightFile,
  target: CompressionTarget,
  job: CompressionJob,
  context: JobContext,
): Promise<CompressionReport> {
  const started = performance.now()
  const style = outputStyle(job.output)
  const { resume } = job
  const source = await sourceHash(file, context)
  const part = job.part ?? wholeRun
  const ahead = readAhead(file)
  const compression = {
    file: ahead.file,
    ahead,
    style,
    recipe: recipeHash(job, context),
    source,
    resume,
    part,
    context,
  }
  const finished = resume ? await finishedOutput(compression, target) : null
  if (finished) return reportOf(compression, target, { ...finished, plannedBytes: finished.bytesAfter }, started)
  await refuseToOverwrite(target, job.force)
  const plans = await planRun(compression, job)
  const layout = layOut(file, plans, style, target.name)
  const inner = layout.inFolder ? await target.folder.subfolder(target.name) : null
  try {
    const plannedBytes = predictedOutput(compression, layout)
    const { outcomes, files, bytesAfter } = await writeFiles(compression, layout, inner ?? target.folder, plans)
    await inner?.finish()
    const relativeError = modelErrorOf(plans, outcomes)
    return reportOf(compression, target, { outcomes, files, bytesAfter, plannedBytes, relativeError }, started)
  } catch (error) {
    await inner?.abort()
    throw error
  }
}

function reportOf(
  { file, context }: Compression,
  { name }: CompressionTarget,
  { files, bytesAfter, plannedBytes, relativeError, outcomes }: FinishedOutput & { plannedBytes: number },
  started: number,
): CompressionReport {
  return {
    output: name,
    files,
    bytesBefore: file.totalBytes,
    bytesAfter,
    plannedBytes,
    relativeError,
    verified: true,
    tensors: outcomes,
    notices: context.kernelNotice ? [context.kernelNotice] : [],
    elapsedMs: performance.now() - started,
    ...context.kernels.info,
    peakBytes: context.peakBytes(),
  }
}

async function writeFiles(
  compression: Compression,
  layout: OutputLayout,
  folder: OutputFolder,
  plans: readonly TensorPlan[],
): Promise<{ outcomes: TensorOutcome[]; files: number; bytesAfter: number }> {
  const meter = progressMeter(plans, compression.context)
  const outcomes: TensorOutcome[] = []
  const written: WrittenFile[] = []
  for (const { name, plans } of layout.files) {
    const each = await writeWeightsFile(compression, { folder, name }, plans, meter)
    written.push(each)
    outcomes.push(...each.outcomes)
  }
  meter.done()
  const names = written.map(({ entries }) => entries.map(({ name }) => name))
  const dataBytes = written
    .flatMap(({ entries }) => entries)
    .reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0)
  let bytesAfter = written.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const beside = companions(layout, compression.style, names, dataBytes)
  for (const { name, bytes } of beside) {
    await writeWhole(folder, name, bytes)
    bytesAfter += bytes.byteLength
  }
  return { outcomes, files: written.length + beside.length, bytesAfter }
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

async function refuseToOverwrite({ folder, name }: CompressionTarget, force: boolean): Promise<void> {
  if (!force && (await folder.list()).includes(name)) {
    throw new AppError('would-overwrite', `${name} exists already. Choose another name, or overwrite it with --force.`)
  }
}
