/**
 * A whole file: plan -> for each tensor (read -> factorize -> write -> read back -> measure) -> header -> rename -> open again.
 * Streaming: one matrix at a time is in memory. Kept tensors are copied byte for byte.
 */
import type { CompressionReport, Job, TensorOutcome } from '../contract.ts'
import { AppError } from '../errors.ts'
import type { WeightFile } from '../formats/format.ts'
import { openWeightFile } from '../formats/registry.ts'
import { type SafetensorsOutline, tensorBytes } from '../formats/safetensors.ts'
import type { OutputFolder } from '../io.ts'
import { modelError } from '../measure/curves/model-error.ts'
import { truncate } from '../svd/factorization.ts'
import { factorize } from '../svd/factorize.ts'
import { gaussianKey } from '../svd/random.ts'
import { elementCount, type TensorInfo } from '../tensor.ts'
import { version } from '../version.ts'
import { observer } from './analyze.ts'
import type { JobContext } from './context.ts'
import { loadMatrix, matrixBytes, READ_BYTES } from './load.ts'
import type { OutputStyle } from './outputs/output.ts'
import { outputStyle } from './outputs/registry.ts'
import { type FactorizedTensor, planFile, type TensorPlan } from './plan.ts'
import { recipeHash } from './recipe.ts'
import { createSafetensors, type SafetensorsOutput, type TensorWriter } from './safetensors-output.ts'
import { countNonFinite, nonFiniteSentence } from './scan.ts'

export interface CompressionTarget {
  readonly folder: OutputFolder
  readonly name: string
}

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
  await refuseToOverwrite(target, job.force)
  const plans = inFileOrder(await planWithValues(file, job, context), style)
  const entries = plans.map((plan) => outputEntries(plan, style))
  const metadata = (error: number) => outputMetadata(file, style, recipeHash(job, context), error)
  const output = await createSafetensors(target.folder, target.name, entries.flat(), metadata(0))
  try {
    const outcomes = await compressAll(file, plans, style, output, context)
    const relativeError = modelErrorOf(plans, outcomes)
    const bytesAfter = await output.finish(metadata(relativeError))
    await verifyStructure(target, plans, outcomes, style)
    return {
      output: target.name,
      bytesBefore: file.totalBytes,
      bytesAfter,
      relativeError,
      verified: true,
      tensors: outcomes,
      elapsedMs: performance.now() - started,
      ...context.kernels.info,
      peakBytes: context.peakBytes(),
    }
  } catch (error) {
    await output.abort()
    throw error
  }
}

async function refuseToOverwrite({ folder, name }: CompressionTarget, force: boolean): Promise<void> {
  if (!force && (await folder.list()).includes(name)) {
    throw new AppError('would-overwrite', `${name} exists already. Choose another name, or overwrite it with --force.`)
  }
}

/** The plan once the values are known: a tensor with NaN or Inf is kept, so that every byte of the output has its place before the run. */
async function planWithValues(file: WeightFile, job: CompressionJob, context: JobContext): Promise<TensorPlan[]> {
  const plans = planFile(file, job.params, job)
  const total = plans.reduce((sum, plan) => sum + plan.info.byteLength, 0)
  let done = 0
  const checked: TensorPlan[] = []
  for (const plan of plans) {
    context.report({ type: 'progress', phase: 'plan', tensor: plan.info.name, done, total })
    done += plan.info.byteLength
    const nonFinite =
      plan.action === 'factorize' ? nonFiniteSentence(await countNonFinite(file, plan.info, context)) : null
    checked.push(nonFinite ? kept(plan, `${plan.info.name} ${nonFinite}. It was kept unchanged.`) : plan)
  }
  return checked
}

function kept({ info, view }: TensorPlan, reason: string): TensorPlan {
  return { action: 'keep', info, view, reason }
}

function outputEntries(plan: TensorPlan, style: OutputStyle): SafetensorsOutline[] {
  return plan.action === 'factorize' ? style.entries(plan) : [plan.info]
}

/**
 * Readers want each tensor at a multiple of its element size, and the format has no gaps: tensors go by the largest power of two (up to 8)
 * that divides their bytes. Where all are multiples of 8, as nearly everywhere, this is the order of the source.
 */
function inFileOrder(plans: readonly TensorPlan[], style: OutputStyle): TensorPlan[] {
  const alignment = (plan: TensorPlan) =>
    Math.min(...outputEntries(plan, style).map(({ dtype, shape }) => powerOfTwoIn(tensorBytes(dtype, shape))))
  return plans
    .map((plan) => ({ plan, alignment: alignment(plan) }))
    .sort((a, b) => b.alignment - a.alignment)
    .map(({ plan }) => plan)
}

function powerOfTwoIn(byteLength: number): number {
  for (const power of [8, 4, 2]) if (byteLength % power === 0) return power
  return 1
}

/** Numbers have a fixed width, and nothing names a time or a path: the bytes are known before the run. */
function outputMetadata(file: WeightFile, style: OutputStyle, recipe: string, error: number): Map<string, string> {
  const metadata = new Map(file.metadata)
  if (style.format) metadata.set('format', style.format)
  metadata.set('ghostsvd.version', version)
  metadata.set('ghostsvd.recipe', recipe)
  metadata.set('ghostsvd.error', fixedWidth(error))
  return metadata
}

/** `1.234567e-01`: twelve characters for every number from 1e-99 to 9e99 that is not negative. */
export function fixedWidth(value: number): string {
  const [digits, exponent] = value.toExponential(6).split('e') as [string, string]
  return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}

async function compressAll(
  file: WeightFile,
  plans: readonly TensorPlan[],
  style: OutputStyle,
  output: SafetensorsOutput,
  context: JobContext,
): Promise<TensorOutcome[]> {
  const total = plans.reduce((sum, plan) => sum + plan.info.byteLength, 0)
  const outcomes: TensorOutcome[] = []
  let done = 0
  for (const plan of plans) {
    context.checkCancelled()
    context.report({ type: 'progress', phase: 'compress', tensor: plan.info.name, done, total })
    const outcome = await (plan.action === 'keep'
      ? copyTensor(file, plan, output, context)
      : compressOrKeep(file, plan, style, output, context))
    context.report({ type: 'tensor', outcome })
    outcomes.push(outcome)
    done += plan.info.byteLength
  }
  context.report({ type: 'progress', phase: 'compress', tensor: null, done, total })
  return outcomes
}

async function copyTensor(
  file: WeightFile,
  { info, reason }: TensorPlan,
  output: SafetensorsOutput,
  context: JobContext,
): Promise<TensorOutcome> {
  const writer = output.begin([info])
  for (let start = 0; start < info.byteLength; start += READ_BYTES) {
    context.checkCancelled()
    await writer.write(0, await file.read(info, start, Math.min(info.byteLength, start + READ_BYTES)))
  }
  await writer.done()
  const bytes = { bytesBefore: info.byteLength, bytesAfter: info.byteLength }
  return { name: info.name, action: 'kept', reason, rank: null, relativeError: 0, ...bytes }
}

/** What ends one tensor and not the run: it is kept as it is, and its reason says why. */
const perTensorFaults: readonly string[] = ['overflow', 'out-of-memory', 'internal-check']

async function compressOrKeep(
  file: WeightFile,
  plan: FactorizedTensor,
  style: OutputStyle,
  output: SafetensorsOutput,
  context: JobContext,
): Promise<TensorOutcome> {
  const entries = style.entries(plan)
  const writer = output.begin(entries)
  try {
    const relativeError = await compressTensor(file, plan, style, writer, context)
    await writer.done()
    return {
      name: plan.info.name,
      action: 'factorized',
      reason: plan.reason,
      rank: plan.params.rank,
      relativeError,
      bytesBefore: plan.info.byteLength,
      bytesAfter: entries.reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0),
    }
  } catch (error) {
    if (!(error instanceof AppError && perTensorFaults.includes(error.code))) throw error
    await writer.undo()
    return copyTensor(file, { ...kept(plan, `${error.message} It was kept unchanged.`) }, output, context)
  }
}

/** Every matrix of the tensor; the relative error of what was written, over all of them. */
async function compressTensor(
  file: WeightFile,
  plan: FactorizedTensor,
  style: OutputStyle,
  writer: TensorWriter,
  context: JobContext,
): Promise<number> {
  const { info, view, params } = plan
  const parts: { readonly norm: number; readonly error: number }[] = []
  for (let index = 0; index < view.count; index++) {
    const mark = context.kernels.mark()
    try {
      const loaded = await loadMatrix(file, info, view, index, context)
      const key = gaussianKey(context.sha256, params.seed, view.count === 1 ? info.name : `${info.name}\0${index}`)
      const watch = observer(context, {}, loaded.frobeniusNorm, false)
      const found = await factorize(context.kernels, loaded.operand, params, key, watch)
      const factorization = truncate(found, params.rank)
      const source = matrixBytes(file, info, view, index)
      const error = await style.write(plan, { ...loaded, factorization, source }, writer.write, context)
      parts.push({ norm: loaded.frobeniusNorm, error })
    } finally {
      context.kernels.release(mark)
    }
  }
  const relativeError = overParts(parts)
  if (!Number.isFinite(relativeError)) {
    throw new AppError('internal-check', `${info.name}: internal check failed: its error came out as ${relativeError}.`)
  }
  return relativeError
}

/** sqrt(sum ||W_i||^2 e_i^2 / sum ||W_i||^2), by ratios of norms: squares of norms near 1e200 would leave the range of f64. */
function overParts(parts: readonly { readonly norm: number; readonly error: number }[]): number {
  const largest = Math.max(...parts.map(({ norm }) => norm))
  if (largest === 0) return 0
  let lost = 0
  let whole = 0
  for (const { norm, error } of parts) {
    const share = (norm / largest) ** 2
    whole += share
    lost += share * error ** 2
  }
  return Math.sqrt(lost / whole)
}

function modelErrorOf(plans: readonly TensorPlan[], outcomes: readonly TensorOutcome[]): number {
  const matrices = plans.flatMap((plan, i) =>
    plan.view ? [{ entries: elementCount(plan.info.shape), error: outcomes[i]!.relativeError ?? 0 }] : [],
  )
  return modelError(matrices)
}

/** The finished file, opened as any reader would: every tensor is there with its dtype and shape. Its values were checked as they were written. */
async function verifyStructure(
  { folder, name }: CompressionTarget,
  plans: readonly TensorPlan[],
  outcomes: readonly TensorOutcome[],
  style: OutputStyle,
): Promise<void> {
  const expected = plans.flatMap((plan, i) =>
    outcomes[i]!.action === 'factorized' ? outputEntries(plan, style) : [plan.info],
  )
  const output = await openWeightFile({ folder, entry: name })
  try {
    const found = new Map(output.tensors.map((tensor): [string, TensorInfo] => [tensor.name, tensor]))
    for (const { name: wanted, dtype, shape } of expected) {
      const tensor = found.get(wanted)
      if (tensor?.dtype !== dtype || tensor.shape.join() !== shape.join()) {
        throw new AppError(
          'internal-check',
          `${name}: internal check failed: ${wanted} is not in the finished file as it was written.`,
        )
      }
    }
  } finally {
    await output.close()
  }
}
