/**
 * One file of weights: header -> tensors in order, each read back -> header with its numbers -> opened as any reader would -> name.
 */
import type { TensorOutcome } from '../../contract.ts'
import { AppError } from '../../errors.ts'
import { openWeightFile } from '../../formats/registry.ts'
import type { SafetensorsOutline } from '../../formats/safetensors.ts'
import { type ByteSource, pickedAlone } from '../../io.ts'
import { modelError } from '../../measure/curves/model-error.ts'
import { elementCount, oncePerStorage, type TensorInfo } from '../../tensor.ts'
import type { Compression, CompressionTarget } from '../compression.ts'
import { createNpz, reopenNpz } from '../encodings/npz-output.ts'
import {
  createSafetensors,
  reopenSafetensors,
  type WeightsOutput,
  type WrittenTensors,
} from '../encodings/safetensors-output.ts'
import { inFileOrder, outputEntries } from '../outputs/entries.ts'
import { outputMetadata } from '../outputs/metadata.ts'
import type { OutputStyle } from '../outputs/output.ts'
import { kept, type TensorPlan } from '../plan/plan.ts'
import type { Checkpoint, FileCheckpoint } from './checkpoint.ts'
import { compressOrKeep, keepTensor, scaleOutcome } from './compress-tensor.ts'
import type { ProgressMeter } from './progress.ts'

export interface WrittenFile {
  readonly byteLength: number
  readonly outcomes: readonly TensorOutcome[]
  readonly entries: readonly SafetensorsOutline[]
}

/** One file of weights: written, read back, opened as any reader would, named. Goes on with what an earlier run has finished of it. */
export async function writeWeightsFile(
  compression: Compression,
  name: string,
  planned: readonly TensorPlan[],
  checkpoint: Checkpoint,
  meter: ProgressMeter,
): Promise<WrittenFile> {
  const { style } = compression
  const plans = inFileOrder(planned, style)
  const file = checkpoint.file(plans.length)
  const whole = checkpoint.inFolder ? await finishedFile(compression, name, plans, file, checkpoint, meter) : null
  if (whole) return whole
  const metadata = (error: number, outcomes: readonly TensorOutcome[] = []) =>
    outputMetadata(compression, plans, error, outcomes)
  const output = await openOutput(compression, { folder: checkpoint.folder, name }, plans, metadata(0), file)
  try {
    const outcomes = await compressAll(compression, plans, output, file, meter)
    const final = metadata(modelErrorOf(plans, outcomes), outcomes)
    if (output.moves(final)) await file.forget()
    const entries = await verifyStructure(await output.complete(final), plans, outcomes, style)
    await file.save(output)
    const byteLength = await output.close()
    return { byteLength, outcomes: withScaleOutcomes(compression, plans, outcomes), entries }
  } catch (error) {
    await file.leave(output, error)
    throw error
  }
}

/** A new output, or one that goes on after the tensors an earlier run has finished. */
async function openOutput(
  { style }: Compression,
  { folder, name }: CompressionTarget,
  plans: readonly TensorPlan[],
  metadata: ReadonlyMap<string, string>,
  file: FileCheckpoint,
): Promise<WeightsOutput> {
  const entries = plans.flatMap((plan) => outputEntries(plan, style))
  const { finished } = file
  const last = finished.at(-1)
  if (last) {
    const written: WrittenTensors = {
      entries: finished.flatMap(({ outcome }, i) => writtenEntries(plans[i]!, outcome, style)),
      checksums: finished.flatMap(({ checksums }) => checksums),
      byteLength: last.end,
    }
    const reopened =
      style.encoding === 'npz'
        ? await reopenNpz(folder, name, entries, metadata, written)
        : await reopenSafetensors(folder, name, entries, metadata, written)
    if (reopened) return reopened
    await file.forget()
  }
  return style.encoding === 'npz'
    ? createNpz(folder, name, entries, metadata)
    : createSafetensors(folder, name, entries, metadata)
}

/** A file that an earlier run has finished and named, of several that are not all there yet; null where it is not. */
async function finishedFile(
  compression: Compression,
  name: string,
  plans: readonly TensorPlan[],
  { finished }: FileCheckpoint,
  { folder }: Checkpoint,
  meter: ProgressMeter,
): Promise<WrittenFile | null> {
  if (finished.length < plans.length || !(await folder.list()).includes(name)) return null
  const outcomes = finished.map(({ outcome }) => outcome)
  const source = await folder.open(name)
  try {
    const entries = await verifyStructure(source, plans, outcomes, compression.style)
    for (const [i, plan] of plans.entries()) {
      meter.begin(plan)
      compression.context.report({ type: 'tensor', outcome: outcomes[i]! })
    }
    return { byteLength: source.byteLength, outcomes: withScaleOutcomes(compression, plans, outcomes), entries }
  } catch (error) {
    // Damaged meanwhile: it is written again.
    if (error instanceof AppError && (error.code === 'bad-file' || error.code === 'internal-check')) return null
    throw error
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
): Promise<TensorOutcome[]> {
  const { context } = compression
  const outcomes: TensorOutcome[] = []
  const earlier = [...file.finished]
  compression.ahead?.follow(plans.slice(earlier.length))
  for (const [i, plan] of plans.entries()) {
    context.checkCancelled()
    meter.begin(plan)
    let outcome = earlier[i]?.outcome
    if (!outcome) {
      const before = output.checksums.length
      outcome = await (plan.action === 'keep'
        ? keepTensor(compression, plan, output)
        : compressOrKeep(compression, plan, output))
      await file.add({ outcome, end: output.byteLength, checksums: output.checksums.slice(before) }, output)
    }
    context.report({ type: 'tensor', outcome })
    outcomes.push(outcome)
  }
  return outcomes
}

/** What the file holds of a tensor, the output style's own way of storing it aside. */
function writtenEntries(plan: TensorPlan, { action }: TensorOutcome, style: OutputStyle): SafetensorsOutline[] {
  return outputEntries(action === 'factorized' ? plan : kept(plan, ''), style)
}

/** The whole file, opened as any reader would: every tensor is there with its dtype and shape. Its values were checked as they were written. */
async function verifyStructure(
  source: ByteSource,
  plans: readonly TensorPlan[],
  outcomes: readonly TensorOutcome[],
  style: OutputStyle,
): Promise<SafetensorsOutline[]> {
  const expected = plans.flatMap((plan, i) =>
    writtenEntries(plan, outcomes[i]!, style).map((entry) => style.stored?.(entry) ?? entry),
  )
  const output = await openWeightFile(pickedAlone(source))
  const found = new Map(output.tensors.map((tensor): [string, TensorInfo] => [tensor.name, tensor]))
  for (const { name: wanted, dtype, shape } of expected) {
    const tensor = found.get(wanted)
    if (tensor?.dtype !== dtype || tensor.shape.join() !== shape.join()) {
      throw new AppError(
        'internal-check',
        `${source.name}: internal check failed: ${wanted} is not in the finished file as it was written.`,
      )
    }
  }
  return expected
}

/** Over all matrices of these plans, each storage once; kept ones count 0. */
export function modelErrorOf(plans: readonly TensorPlan[], outcomes: readonly TensorOutcome[]): number {
  const errors = new Map(outcomes.map(({ name, relativeError }) => [name, relativeError ?? 0]))
  const matrices = oncePerStorage(plans).filter(({ view }) => view)
  return modelError(
    matrices.map(({ info }) => ({ entries: elementCount(info.shape), error: errors.get(info.name) ?? 0 })),
  )
}
