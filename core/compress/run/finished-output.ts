/** An output that an earlier run of the same recipe on the same source has finished: its report, from the headers of its files alone. */
import type { Job, TensorOutcome } from '../../contract.ts'
import { AppError } from '../../errors.ts'
import type { WeightFile } from '../../formats/format.ts'
import { openWeightFile } from '../../formats/registry.ts'
import { type SafetensorsOutline, tensorBytes } from '../../formats/safetensors.ts'
import { type ByteSource, pickedAlone, type SourceFolder } from '../../io.ts'
import { bytesInFile, type TensorInfo } from '../../tensor.ts'
import type { Compression, CompressionTarget } from '../compression.ts'
import { planByNames } from '../goals/planning.ts'
import { inFileOrder } from '../outputs/entries.ts'
import type { OutputStyle } from '../outputs/output.ts'
import { companionNames, layOut } from '../outputs/output-files.ts'
import { partOf } from '../plan/parts.ts'
import type { TensorPlan } from '../plan/plan.ts'
import { modelErrorOf } from './weights-file.ts'

export interface FinishedOutput {
  readonly files: number
  readonly bytesAfter: number
  readonly relativeError: number
  readonly outcomes: TensorOutcome[]
}

/** null where there is none, or where it is of another run. */
export async function finishedOutput(
  compression: Compression,
  job: Extract<Job, { kind: 'compress' }>,
  { folder, name }: CompressionTarget,
): Promise<FinishedOutput | null> {
  const { file, style, part } = compression
  const plans = partOf(inFileOrder(planByNames(file, job, style), style), part, ({ info }) => info.byteLength)
  const layout = layOut(file, plans, style, name)
  const where = layout.inFolder ? folder.inside(name) : folder
  const written: WeightFile[] = []
  for (const { name: each } of layout.files) {
    const found = await openOfRun(compression, where, each)
    if (!found) return null
    written.push(found)
  }
  const beside = companionNames(layout, style)
  let bytesAfter = written.reduce((sum, { totalBytes }) => sum + totalBytes, 0)
  for (const each of beside) {
    const source = await openOrNull(() => where.open(each))
    if (!source) return null
    bytesAfter += source.byteLength
    await source.close()
  }
  const outcomes = outcomesOf(file, plans, style, written)
  const [first, ...others] = written
  const relativeError =
    first && others.length === 0 ? Number(first.metadata.get('ghostsvd.error')) : modelErrorOf(plans, outcomes)
  return { files: written.length + beside.length, bytesAfter, relativeError, outcomes }
}

/** One file of the output, its header read; null where it is not there or not of this run. */
async function openOfRun(
  { recipe, source, part }: Compression,
  folder: SourceFolder,
  name: string,
): Promise<WeightFile | null> {
  const bytes = await openOrNull(() => folder.open(name))
  if (!bytes) return null
  try {
    const found = await openOrNull(() => openWeightFile(pickedAlone(bytes)))
    if (!found) return null
    const { metadata } = found
    const ofPart = part.of > 1 ? `${part.index}/${part.of}` : undefined
    const isThis =
      metadata.get('ghostsvd.recipe') === recipe &&
      metadata.get('ghostsvd.source') === source &&
      metadata.get('ghostsvd.part') === ofPart
    return isThis ? found : null
  } finally {
    await bytes.close()
  }
}

async function openOrNull<T extends ByteSource | WeightFile>(open: () => Promise<T>): Promise<T | null> {
  try {
    return await open()
  } catch (error) {
    if (error instanceof AppError && error.code !== 'cancelled') return null
    throw error
  }
}

function outcomesOf(
  file: WeightFile,
  plans: readonly TensorPlan[],
  style: OutputStyle,
  written: readonly WeightFile[],
): TensorOutcome[] {
  const errors = new Map(
    written.flatMap(({ metadata }) =>
      Object.entries(JSON.parse(metadata.get('ghostsvd.errors') ?? '{}') as Record<string, string>),
    ),
  )
  const tensors = new Map(written.flatMap((each) => each.tensors).map((tensor) => [tensor.name, tensor]))
  const planOf = new Map(plans.map((plan) => [plan.info.name, plan]))
  const scales = new Set(plans.flatMap(({ scale }) => scale?.name ?? []))
  const mine = file.tensors.filter(({ name }) => planOf.has(name) || scales.has(name))
  return mine.map((info): TensorOutcome => {
    const entries = writtenNames(info, planOf.get(info.name), style).flatMap((name) => tensors.get(name) ?? [])
    const bytesAfter = entries.reduce((sum, entry) => sum + tensorBytes(entry.dtype, entry.shape), 0)
    const bytes = { bytesBefore: bytesInFile(info), bytesAfter }
    // An archive may have had no space for the errors of all its tensors.
    const isFactorized = errors.has(info.name) || (entries.length > 0 && !tensors.has(info.name))
    if (!isFactorized) {
      const reason = entries.length > 0 ? 'Kept by the finished run.' : 'Not written by the finished run.'
      return { name: info.name, action: 'kept', reason, rank: null, relativeError: 0, ...bytes }
    }
    const error = errors.get(info.name)
    return {
      name: info.name,
      action: 'factorized',
      reason: 'Factorized by the finished run.',
      ...factorsOf(entries),
      relativeError: error === undefined ? null : Number(error),
      ...bytes,
    }
  })
}

const SUFFIXES = [
  '',
  '.lowrank_A',
  '.lowrank_B',
  '.lowrank_A_scale',
  '.lowrank_B_scale',
  '.U',
  '.S',
  '.Vt',
  '.sparse_index',
  '.sparse_value',
]

/** Every name that something of the tensor may have in the output: its own, those of factors of any dtype, those of an adapter. */
function writtenNames({ name }: TensorInfo, plan: TensorPlan | undefined, style: OutputStyle): string[] {
  const planned = plan?.action === 'factorize' ? style.entries(plan).map((entry) => entry.name) : []
  return [...new Set([...SUFFIXES.map((suffix) => `${name}${suffix}`), ...planned])]
}

/** The dimension that both factors share, and their dtype; a dense copy shows neither. */
function factorsOf(entries: readonly SafetensorsOutline[]): Pick<TensorOutcome, 'rank' | 'factorDType'> {
  const right = entries.find(({ name }) => name.endsWith('.lowrank_A') || name.endsWith('.Vt'))
  const down = entries.find(({ name }) => name.endsWith('.lora_A.weight') || name.endsWith('.lora_down.weight'))
  const factor = right ?? down
  if (!factor) return { rank: null }
  const rank = right?.shape.at(-2) ?? down?.shape[0] ?? null
  return { rank, factorDType: factor.dtype === 'I8' ? 'INT8' : factor.dtype }
}
