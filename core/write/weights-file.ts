/**
 * One file of weights: header -> tensors in order, each read back -> header with its numbers -> opened as any reader would -> name.
 */

import type { TensorOutcome } from '../contract.ts'
import { modelError, modelResolution, type ResolvedError } from '../curves/model-error.ts'
import { AppError } from '../errors.ts'
import { openWeightFile } from '../formats/opening/open.ts'
import type { PickedSource } from '../io.ts'
import { arithmeticWith } from '../kernels/gpu/adapter.ts'
import { say } from '../messages/english.ts'
import { foreign } from '../messages/text.ts'
import { inFileOrder } from '../plan/entries.ts'
import { isFactorized, type TensorPlan } from '../plan/plan.ts'
import { elementCount, oncePerStorage, type TensorInfo, type TensorOutline } from '../tensor.ts'
import { compressOrKeep, type Finished, keepTensor, scaleOutcome } from './compress-tensor.ts'
import type { Compression } from './compression.ts'
import { encodingOf } from './encodings/registry.ts'
import { pickedOutput, type WeightsOutput } from './encodings/weights-output.ts'
import { outputMetadata } from './metadata.ts'
import { firstByte, openOutput } from './open-output.ts'
import type { ProgressMeter } from './progress.ts'
import type { Checkpoint, FileCheckpoint } from './resume/checkpoint.ts'
import { storedEntries, trustIn } from './resume/trust.ts'
import type { OutputStyle } from './styles/style.ts'

export interface WrittenFile {
  readonly byteLength: number
  readonly outcomes: readonly TensorOutcome[]
  readonly entries: readonly TensorOutline[]
}

/** One file of weights: written, read back, opened as any reader would, named. Resumes what an earlier run finished of it. */
export async function writeWeightsFile(
  compression: Compression,
  name: string,
  planned: readonly TensorPlan[],
  checkpoint: Checkpoint,
  meter: ProgressMeter,
): Promise<WrittenFile> {
  const { style } = compression
  const encoding = encodingOf(style, compression.file)
  const plans = inFileOrder(planned, style)
  const file = checkpoint.file(plans.length)
  const whole = checkpoint.inFolder ? await finishedFile(compression, name, plans, file, checkpoint, meter) : null
  if (whole) return whole
  const output = await openOutput(compression, { folder: checkpoint.folder, name }, plans, file)
  try {
    const { outcomes, sourceCrcs } = await compressAll(compression, plans, output, file, meter)
    const checksums = output.written.map(({ crc }) => crc)
    const error = modelErrorOf(plans, outcomes)
    const final = outputMetadata(compression, plans, { error, outcomes, sourceCrcs, checksums })
    if (output.moves(final)) await file.forget()
    const completed = pickedOutput(encoding, await output.complete(final), checkpoint.folder)
    const entries = await verifyStructure(completed, name, plans, outcomes, style)
    await file.save(output)
    const byteLength = await output.close()
    return { byteLength, outcomes: withScaleOutcomes(compression, plans, outcomes), entries }
  } catch (error) {
    await file.leave(output, error)
    throw error
  }
}

/** A file that an earlier run has finished and named, of several that are not all there yet; null where it is not, or does not hold. */
async function finishedFile(
  compression: Compression,
  name: string,
  plans: readonly TensorPlan[],
  file: FileCheckpoint,
  { folder }: Checkpoint,
  meter: ProgressMeter,
): Promise<WrittenFile | null> {
  const { finished } = file
  if (finished.length < plans.length || !(await folder.list()).includes(name)) return null
  const outcomes = finished.map(({ outcome }) => outcome)
  const source = await folder.open(name)
  try {
    const { distrust } = await trustIn(compression, plans, finished, source, firstByte(compression, plans))
    if (distrust) {
      await file.distrust(0, distrust)
      return null
    }
    const picked = pickedOutput(encodingOf(compression.style, compression.file), source, folder)
    const entries = await verifyStructure(picked, name, plans, outcomes, compression.style)
    for (const [i, plan] of plans.entries()) {
      meter.begin(plan)
      compression.context.report({ type: 'tensor', outcome: outcomes[i]! })
    }
    return { byteLength: source.byteLength, outcomes: withScaleOutcomes(compression, plans, outcomes), entries }
  } catch (error) {
    // Also without the file that is opened in its place: nothing is there to build on.
    if (!(error instanceof AppError && ['bad-file', 'internal-check', 'not-found'].includes(error.code))) throw error
    await file.distrust(0, 'damaged')
    return null
  } finally {
    await source.close()
  }
}

function withScaleOutcomes(
  compression: Compression,
  plans: readonly TensorPlan[],
  outcomes: readonly TensorOutcome[],
): TensorOutcome[] {
  return outcomes.flatMap((outcome, i) => [outcome, ...scaleOutcome(compression, plans[i]!, outcome)])
}

async function compressAll(
  compression: Compression,
  plans: readonly TensorPlan[],
  output: WeightsOutput,
  file: FileCheckpoint,
  meter: ProgressMeter,
): Promise<{ outcomes: TensorOutcome[]; sourceCrcs: (number | null)[] }> {
  const { context } = compression
  const outcomes: TensorOutcome[] = []
  const sourceCrcs: (number | null)[] = []
  const earlier = [...file.finished]
  compression.ahead?.follow(plans.slice(earlier.length))
  for (const [i, plan] of plans.entries()) {
    context.checkCancelled()
    meter.begin(plan)
    const { outcome, sourceCrc } = earlier[i] ?? (await finish(compression, plan, output, file))
    context.report({ type: 'tensor', outcome })
    outcomes.push(outcome)
    sourceCrcs.push(sourceCrc)
  }
  return { outcomes, sourceCrcs }
}

async function finish(
  compression: Compression,
  plan: TensorPlan,
  output: WeightsOutput,
  file: FileCheckpoint,
): Promise<Finished> {
  const before = output.written.length
  const finished = await (plan.action === 'keep'
    ? keepTensor(compression, plan, output)
    : compressOrKeep(compression, plan, output))
  const checksums = output.written.slice(before).map(({ crc }) => crc)
  const { info } = compression.context.kernels
  const arithmetic = arithmeticWith(info.arithmetic, finished.outcome.device)
  await file.add({ ...finished, end: output.byteLength, checksums, arithmetic }, output)
  return finished
}

/** The whole file, opened as any reader would: every tensor is there with its dtype and shape. Its values were checked as they were written. */
async function verifyStructure(
  picked: PickedSource,
  name: string,
  plans: readonly TensorPlan[],
  outcomes: readonly TensorOutcome[],
  style: OutputStyle,
): Promise<TensorOutline[]> {
  const readAs = style.readAs?.(plans)
  const expected = plans.flatMap((plan, i) => {
    if (!readAs) return storedEntries(plan, outcomes[i]!, style)
    return isFactorized(plan) && outcomes[i]!.action === 'factorized' ? [readAs(plan)] : []
  })
  const output = await openWeightFile(picked)
  const found = new Map(output.tensors.map((tensor): [string, TensorInfo] => [tensor.name, tensor]))
  await output.close()
  for (const { name: wanted, dtype, shape } of expected) {
    const tensor = found.get(wanted)
    if (tensor?.dtype !== dtype || tensor.shape.join() !== shape.join()) {
      throw new AppError(
        'internal-check',
        say('check.failed', {
          name: foreign(name),
          detail: foreign(`${wanted} is not in the finished file as it was written`),
        }),
      )
    }
  }
  return expected
}

/** Over all matrices of these plans, each storage once; kept ones count 0. */
export function modelErrorOf(plans: readonly TensorPlan[], outcomes: readonly TensorOutcome[]): number {
  return modelError(errorsOf(plans, outcomes))
}

/** Differences of that below this are rounding. */
export function modelResolutionOf(plans: readonly TensorPlan[], outcomes: readonly TensorOutcome[]): number {
  return modelResolution(errorsOf(plans, outcomes))
}

function errorsOf(plans: readonly TensorPlan[], outcomes: readonly TensorOutcome[]): ResolvedError[] {
  const found = new Map(outcomes.map((outcome) => [outcome.name, outcome]))
  return oncePerStorage(plans)
    .filter(({ view }) => view)
    .map(({ info: { name, shape } }) => ({
      entries: elementCount(shape),
      error: found.get(name)?.relativeError ?? 0,
      resolution: found.get(name)?.resolution ?? 0,
    }))
}
