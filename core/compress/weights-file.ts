/**
 * One file of weights: header -> tensors in order, each read back -> header with its numbers -> name -> opened again as any reader would.
 */
import type { TensorOutcome } from '../contract.ts'
import { AppError } from '../errors.ts'
import { planNpz } from '../formats/npz.ts'
import { openWeightFile } from '../formats/registry.ts'
import { type SafetensorsOutline, tensorBytes } from '../formats/safetensors.ts'
import type { OutputFolder } from '../io.ts'
import { modelError } from '../measure/curves/model-error.ts'
import { elementCount, oncePerStorage, storageName, type TensorInfo } from '../tensor.ts'
import { version } from '../version.ts'
import { toBits } from './bits.ts'
import { type Compression, compressOrKeep, keepTensor, scaleOutcome } from './compress-tensor.ts'
import { type Journal, openJournal } from './journal.ts'
import { createNpz, npzOutline } from './npz-output.ts'
import type { OutputStyle } from './outputs/output.ts'
import { isFactorized, kept, type TensorPlan } from './plan.ts'
import type { ProgressMeter } from './progress.ts'
import {
  createSafetensors,
  plannedBytes,
  reopenSafetensors,
  type SafetensorsOutput,
  type WeightsOutput,
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

/** One file of weights: written, read back, named, opened again. */
export async function writeWeightsFile(
  compression: Compression,
  target: CompressionTarget,
  planned: readonly TensorPlan[],
  meter: ProgressMeter,
): Promise<WrittenFile> {
  const { style } = compression
  const plans = inFileOrder(planned, style)
  const metadata = (error: number, outcomes: readonly TensorOutcome[] = []) =>
    outputMetadata(compression, plans, error, outcomes)
  const entries = plans.flatMap((plan) => outputEntries(plan, style))
  const { output, checkpoint } = await openOutput(compression, target, plans, entries, metadata(0))
  try {
    const outcomes = await compressAll(compression, plans, output, checkpoint, meter)
    const byteLength = await output.finish(metadata(modelErrorOf(plans, outcomes), outcomes))
    await checkpoint?.journal.remove()
    const written = await verifyStructure(target, plans, outcomes, style)
    const all = outcomes.flatMap((outcome, i) => [outcome, ...scaleOutcome(compression, plans[i]!, outcome)])
    return { byteLength, outcomes: all, entries: written }
  } catch (error) {
    if (checkpoint && checkpoint.journal.finished.length > 0) {
      await checkpoint.output.suspend()
      await checkpoint.journal.suspend()
    } else {
      await output.abort()
      await checkpoint?.journal.remove()
    }
    throw error
  }
}

/** What makes a run one that can be continued. */
interface Checkpoint {
  readonly journal: Journal
  readonly output: SafetensorsOutput
}

/** A new output, or with `resume` one that goes on after the tensors an earlier run has finished. An NPZ file always starts anew. */
async function openOutput(
  { style, recipe, source, resume }: Compression,
  { folder, name }: CompressionTarget,
  plans: readonly TensorPlan[],
  entries: readonly SafetensorsOutline[],
  metadata: ReadonlyMap<string, string>,
): Promise<{ output: WeightsOutput; checkpoint: Checkpoint | null }> {
  if (style.encoding === 'npz') return { output: await createNpz(folder, name, entries), checkpoint: null }
  const create = () => createSafetensors(folder, name, entries, metadata)
  if (!resume) return { output: await create(), checkpoint: null }
  const journal = await openJournal(folder, name, JSON.stringify([recipe, source, entries]))
  const { finished } = journal
  let output: SafetensorsOutput | null = null
  if (finished.length > 0) {
    const written = finished.flatMap(({ outcome }, i) =>
      outputEntries(outcome.action === 'factorized' ? plans[i]! : kept(plans[i]!, ''), style),
    )
    const byteLength = finished.at(-1)!.end
    output = await reopenSafetensors(folder, name, entries, metadata, { entries: written, byteLength })
    if (!output) await journal.restart()
  }
  output ??= await create()
  return { output, checkpoint: { journal, output } }
}

/** Bytes of the file these plans become: the header has every number at its final width. */
export function predictedBytes(compression: Compression, planned: readonly TensorPlan[]): number {
  const plans = inFileOrder(planned, compression.style)
  const entries = plans.flatMap((plan) => outputEntries(plan, compression.style))
  if (compression.style.encoding === 'npz') return planNpz(entries.map(npzOutline)).byteLength
  return plannedBytes(entries, outputMetadata(compression, plans, 0, []))
}

async function compressAll(
  compression: Compression,
  plans: readonly TensorPlan[],
  output: WeightsOutput,
  checkpoint: Checkpoint | null,
  meter: ProgressMeter,
): Promise<TensorOutcome[]> {
  const outcomes: TensorOutcome[] = []
  compression.ahead?.follow(plans)
  for (const [i, plan] of plans.entries()) {
    compression.context.checkCancelled()
    meter.begin(plan)
    const done = checkpoint?.journal.finished[i]
    if (done) {
      outcomes.push(done.outcome)
      continue
    }
    const outcome = await (plan.action === 'keep'
      ? keepTensor(compression, plan, output)
      : compressOrKeep(compression, plan, output))
    if (checkpoint) {
      await checkpoint.output.sync()
      await checkpoint.journal.record({ outcome, end: checkpoint.output.byteLength })
    }
    compression.context.report({ type: 'tensor', outcome })
    outcomes.push(outcome)
  }
  return outcomes
}

/** The finished file, opened as any reader would: every tensor is there with its dtype and shape. Its values were checked as they were written. */
async function verifyStructure(
  { folder, name }: CompressionTarget,
  plans: readonly TensorPlan[],
  outcomes: readonly TensorOutcome[],
  style: OutputStyle,
): Promise<SafetensorsOutline[]> {
  const expected = plans.flatMap((plan, i) =>
    outputEntries(outcomes[i]!.action === 'factorized' ? plan : kept(plan, ''), style).map(
      (entry) => style.stored?.(entry) ?? entry,
    ),
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
    return expected
  } finally {
    await output.close()
  }
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

/**
 * Readers want each tensor at a multiple of its element size, and the format has no gaps: tensors go by the largest power of two (up to 8)
 * that divides their bytes. Where all are multiples of 8, as nearly everywhere, this is the order of the source.
 */
/** The order in which tensors stand in the file: those that share a storage side by side, while its sketch is at hand. */
export function inFileOrder(plans: readonly TensorPlan[], style: OutputStyle): TensorPlan[] {
  const place = new Map(plans.map(({ info }, i) => [info.name, i]))
  const placeOf = ({ info }: TensorPlan) => place.get(storageName(info)) ?? place.get(info.name)!
  const neighbors = [...plans].sort((a, b) => placeOf(a) - placeOf(b))
  return alignedOrder(neighbors, (plan) => outputEntries(plan, style))
}

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
