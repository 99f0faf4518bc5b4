/** Where a file of weights begins: opened new, or resumed after its verified prefix. */
import { outputEntries } from '../plan/entries.ts'
import type { TensorPlan } from '../plan/plan.ts'
import type { Compression, CompressionTarget } from './compression.ts'
import { encodingOf } from './encodings/registry.ts'
import { sinkSource, type WeightsOutput } from './encodings/weights-output.ts'
import { outputMetadata } from './metadata.ts'
import type { FileCheckpoint } from './resume/checkpoint.ts'
import { storedEntries, trustIn } from './resume/trust.ts'

/** One that resumes after the tensors an earlier run has finished, or a new one. */
export async function openOutput(
  compression: Compression,
  target: CompressionTarget,
  plans: readonly TensorPlan[],
  file: FileCheckpoint,
): Promise<WeightsOutput> {
  const left = file.finished.length > 0 ? await reopenOutput(compression, target, plans, file) : null
  if (left) return left
  const { style, context } = compression
  const { entries, metadata } = plannedFile(compression, plans)
  return encodingOf(style, compression.file).create(target.folder, target.name, entries, metadata, context.crc32)
}

/** What an earlier run left of this file, cut back to what holds of it; null where nothing does. */
async function reopenOutput(
  compression: Compression,
  { folder, name }: CompressionTarget,
  plans: readonly TensorPlan[],
  file: FileCheckpoint,
): Promise<WeightsOutput | null> {
  const { style, context } = compression
  const encoding = encodingOf(style, compression.file)
  const { entries, metadata } = plannedFile(compression, plans)
  const sink = await folder.resume(name, encoding.plannedBytes(entries, metadata))
  if (!sink) {
    await file.distrust(0, 'damaged')
    return null
  }
  try {
    const start = encoding.firstByte(entries, metadata)
    const { count, distrust } = await trustIn(compression, plans, file.finished, sinkSource(sink), start)
    if (distrust) await file.distrust(count, distrust)
    const last = file.finished.at(-1)
    if (!last) {
      await sink.abort()
      return null
    }
    await sink.truncate(last.end)
  } catch (error) {
    await sink.suspend()
    throw error
  }
  const written = file.finished.flatMap(({ outcome, checksums }, i) =>
    storedEntries(plans[i]!, outcome, style).map((outline, j) => ({ outline, crc: checksums[j]! })),
  )
  return encoding.reopen(sink, entries, metadata, written, context.crc32, folder)
}

/** Where the first tensor stands. */
export function firstByte(compression: Compression, plans: readonly TensorPlan[]): number {
  const { entries, metadata } = plannedFile(compression, plans)
  return encodingOf(compression.style, compression.file).firstByte(entries, metadata)
}

/** As it will be where every tensor becomes what is planned, each number at its width. */
function plannedFile(compression: Compression, plans: readonly TensorPlan[]) {
  const entries = plans.flatMap((plan) => outputEntries(plan, compression.style))
  return { entries, metadata: outputMetadata(compression, plans) }
}
