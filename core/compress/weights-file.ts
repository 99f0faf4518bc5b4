/**
 * One file of weights: header -> tensors in order, each read back -> header with its numbers -> opened as any reader would -> name.
 */
import type { TensorOutcome } from '../contract.ts'
import { AppError } from '../errors.ts'
import { openWeightFile } from '../formats/registry.ts'
import { type SafetensorsOutline, tensorBytes } from '../formats/safetensors.ts'
import { type ByteSource, type OutputFolder, pickedAlone } from '../io.ts'
import { modelError } from '../measure/curves/model-error.ts'
import { elementCount, oncePerStorage, storageName, type TensorInfo } from '../tensor.ts'
import { version } from '../version.ts'
import { toBits } from './bits.ts'
import type { Checkpoint, FileCheckpoint } from './checkpoint.ts'
import { type Compression, compressOrKeep, keepTensor, scaleOutcome } from './compress-tensor.ts'
import { createNpz, plannedNpzBytes, reopenNpz } from './npz-output.ts'
import type { OutputStyle } from './outputs/output.ts'
import { isFactorized, kept, type TensorPlan } from './plan.ts'
import type { ProgressMeter } from './progress.ts'
import {
  createSafetensors,
  plannedBytes,
  reopenSafetensors,
  type WeightsOutput,
  type WrittenTensors,
} from './safetensors-output.ts'

export interface CompressionTarget {
  readonly folder: OutputFolder
  readonly name: string
}

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

/** Bytes of the file these plans become: the header has every number at its final width. */
export function predictedBytes(compression: Compression, planned: readonly TensorPlan[]): number {
  const plans = inFileOrder(planned, compression.style)
  const entries = plans.flatMap((plan) => outputEntries(plan, compression.style))
  const metadata = outputMetadata(compression, plans, 0, [])
  return compression.style.encoding === 'npz' ? plannedNpzBytes(entries, metadata) : plannedBytes(entries, metadata)
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

export function outputEntries(plan: TensorPlan, style: OutputStyle): SafetensorsOutline[] {
  if (plan.action === 'factorize') return style.entries(plan)
  if (!style.copiesKept) return []
  return plan.scale ? [plan.scale, plan.info] : [plan.info]
}

function bytesOf({ dtype, shape }: SafetensorsOutline): number {
  return tensorBytes(dtype, shape)
}

/** The order in which tensors stand in the file: those that share a storage side by side, while its sketch is at hand. */
export function inFileOrder(plans: readonly TensorPlan[], style: OutputStyle): TensorPlan[] {
  const place = new Map(plans.map(({ info }, i) => [info.name, i]))
  const placeOf = ({ info }: TensorPlan) => place.get(storageName(info)) ?? place.get(info.name)!
  const neighbors = [...plans].sort((a, b) => placeOf(a) - placeOf(b))
  return alignedOrder(neighbors, (plan) => outputEntries(plan, style))
}

/**
 * Readers want each tensor at a multiple of its element size, and the format has no gaps: tensors go by the largest power of two (up to 8)
 * that divides their bytes. Where all are multiples of 8, as nearly everywhere, this is the order of the source.
 */
export function alignedOrder<T>(items: readonly T[], entriesOf: (item: T) => readonly SafetensorsOutline[]): T[] {
  const alignment = (item: T) => Math.min(8, ...entriesOf(item).map((entry) => powerOfTwoIn(bytesOf(entry))))
  return items
    .map((item) => ({ item, alignment: alignment(item) }))
    .sort((a, b) => b.alignment - a.alignment)
    .map(({ item }) => item)
}

function powerOfTwoIn(byteLength: number): number {
  for (const power of [8, 4, 2]) if (byteLength % power === 0) return power
  return 1
}

/** Metadata field: names of tensors whose storage was that of another, with that other's name. Both are in the file. */
export const TIES = 'ghostsvd.ties'

/** Numbers have a fixed width, and nothing names a time or a path: the bytes are known before the run. */
function outputMetadata(
  { file, style, recipe, source, part }: Compression,
  plans: readonly TensorPlan[],
  error: number,
  outcomes: readonly TensorOutcome[],
): Map<string, string> {
  const metadata = new Map(style.copiesKept ? file.metadata : [])
  const factorized = plans.filter(isFactorized)
  if (style.format) metadata.set('format', style.format)
  for (const [key, value] of style.metadata?.(factorized) ?? []) metadata.set(key, value)
  metadata.set('ghostsvd.version', version)
  metadata.set('ghostsvd.recipe', recipe)
  metadata.set('ghostsvd.source', source)
  metadata.set('ghostsvd.error', fixedWidth(error))
  // One number for each tensor that was to be factorized; the one that could not is left out, which spaces after the header make up for.
  const failed = new Set(outcomes.filter(({ action }) => action === 'kept').map(({ name }) => name))
  const errors = new Map(outcomes.map(({ name, relativeError }) => [name, relativeError ?? 0]))
  const listed = factorized.filter(({ info }) => !failed.has(info.name))
  metadata.set(
    'ghostsvd.errors',
    JSON.stringify(Object.fromEntries(listed.map(({ info }) => [info.name, fixedWidth(errors.get(info.name) ?? 0)]))),
  )
  // In every part of a source that has any, so that parts join to the header of one run.
  metadata.delete(TIES)
  if (file.tensors.some(({ sharesStorageWith }) => sharesStorageWith !== undefined)) {
    const ties = plans.flatMap(({ info }) =>
      info.sharesStorageWith === undefined ? [] : [[info.name, info.sharesStorageWith]],
    )
    metadata.set(TIES, JSON.stringify(Object.fromEntries(ties)))
  }
  if (part.of > 1) {
    metadata.set('ghostsvd.part', `${part.index}/${part.of}`)
    const bits = listed.map(({ info }) => [info.name, toBits(errors.get(info.name) ?? 0)])
    metadata.set('ghostsvd.bits', JSON.stringify(Object.fromEntries(bits)))
  }
  return metadata
}

/** `1.234567e-01`: twelve characters for every number from 1e-99 to 9e99 that is not negative. */
export function fixedWidth(value: number): string {
  const [digits, exponent] = value.toExponential(6).split('e') as [string, string]
  return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}
