/**
 * An output that an earlier run of the same recipe on the same source has finished: its report, from the headers of its files. Before it is
 * called finished its bytes are read again, and the source is held against what it was made from.
 */

import type { TensorOutcome } from '../../contract.ts'
import { AppError } from '../../errors.ts'
import type { WeightFile } from '../../formats/format.ts'
import { openWeightFile } from '../../formats/opening/open.ts'
import { standInNames } from '../../formats/reading/model-graph.ts'
import type { ByteSource, SourceFolder } from '../../io.ts'
import { withKnownScans } from '../../matrix/known.ts'
import { scanValues } from '../../matrix/scan.ts'
import { say, type ValuesOf } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import { fileName } from '../../messages/text.ts'
import { inFileOrder } from '../../plan/entries.ts'
import { companionNames, companions, layOut, type OutputLayout } from '../../plan/output-files.ts'
import { partOf } from '../../plan/parts.ts'
import {
  type Choices,
  type FactorizedTensor,
  isFactorized,
  keepAsIs,
  planByNames,
  type TensorPlan,
  unsettled,
} from '../../plan/plan.ts'
import { bytesInFile, type TensorInfo, type TensorOutline, tensorBytes } from '../../tensor.ts'
import { version } from '../../version.ts'
import type { Compression, CompressionTarget } from '../compression.ts'
import { encodingOf } from '../encodings/registry.ts'
import { type FinishedFile, pickedOutput, sameBytes } from '../encodings/weights-output.ts'
import { DIGEST, ERROR, ERRORS, NAMES, namedTexts, RECIPE, SOURCE, VERSION } from '../metadata.ts'
import { PART } from '../parts/part-fields.ts'
import { type SourceTensor, sourceDigest } from '../source-digest.ts'
import { factorSuffixes } from '../styles/factors.ts'
import type { OutputStyle } from '../styles/style.ts'
import { modelErrorOf } from '../weights-file.ts'
import { sourceChecksum } from './trust.ts'

export interface FinishedOutput {
  readonly files: number
  readonly bytesAfter: number
  readonly relativeError: number
  readonly outcomes: TensorOutcome[]
}

/** null where there is none, or where it is of another run; why one of this run does not hold. */
export async function finishedOutput(
  compression: Compression,
  job: Choices,
  { folder, name }: CompressionTarget,
): Promise<FinishedOutput | Message | null> {
  const { file, style, part, context } = compression
  const { isIntact, opensAt } = encodingOf(style, file)
  // What is there cannot be proven.
  if (isIntact === null) return null
  const plans = partOf(inFileOrder(planByNames(file, job, style), style), part, ({ info }) => info.byteLength)
  const layout = layOut(file, plans, style, name)
  const where = layout.inFolder ? folder.inside(name) : folder
  const found: FinishedFile[] = []
  try {
    for (const { name: each } of layout.files) {
      const one = await openOfRun(compression, where, each)
      if (!one) return null
      found.push(one)
    }
    const beside = companionNames(layout, style)
    let bytesAfter = found.reduce((sum, { file }) => sum + file.totalBytes, 0)
    for (const each of beside) {
      const source = await openOrNull(() => where.open(each))
      if (!source) return null
      bytesAfter += source.byteLength
      await source.close()
    }
    for (const each of found)
      if (!(await isIntact(each, context))) return say('files.exists-damaged', { name: fileName(each.bytes.name) })
    for (const [i, { plans }] of layout.files.entries())
      if (found[i]!.file.metadata.get(DIGEST) !== (await presentDigest(compression, plans)))
        return say('files.exists-outdated')
    const written = found.map(({ file }) => file)
    const outcomes = outcomesOf(file, plans, style, written)
    const relativeError = outcomes && errorOf(layout, outcomes, written)
    // What its header says of errors has no checksum of its own, but one error is made of the others.
    if (!outcomes || relativeError === null) return say('files.exists-damaged', { name: fileName(name) })
    const damaged = await damagedBeside(where, withWrittenRanks(layout, outcomes), style, written)
    if (damaged !== null) return say('files.exists-damaged', { name: fileName(damaged) })
    return {
      files: (opensAt === undefined ? 1 : 2) * written.length + beside.length,
      bytesAfter,
      relativeError,
      outcomes,
    }
  } finally {
    for (const { file, bytes } of found) {
      await file.close()
      await bytes.close()
    }
  }
}

/** With the ranks that were written. */
function withWrittenRanks({ inFolder, files }: OutputLayout, outcomes: readonly TensorOutcome[]): OutputLayout {
  const found = new Map(outcomes.map((outcome) => [outcome.name, outcome]))
  const asWritten = (plan: TensorPlan): TensorPlan => {
    const { action, rank = null } = found.get(plan.info.name) ?? {}
    if (!isFactorized(plan)) return plan
    if (action === 'kept') return keepAsIs(plan, unsettled)
    return rank === null ? plan : { ...plan, params: { ...plan.params, rank } }
  }
  return { inFolder, files: files.map(({ name, plans }) => ({ name, plans: plans.map(asWritten) })) }
}

/** The file beside the weights that does not hold what this version writes there; null for none, or where another version wrote them. */
async function damagedBeside(
  folder: SourceFolder,
  layout: OutputLayout,
  style: OutputStyle,
  written: readonly WeightFile[],
): Promise<string | null> {
  if (written.some(({ metadata }) => metadata.get(VERSION) !== version)) return null
  const tensors = written.map((each) => each.tensors)
  const names = tensors.map((each) => each.map(({ name }) => name))
  const dataBytes = tensors.flat().reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0)
  for (const { name, bytes } of companions(layout, style, names, dataBytes)) {
    const source = await folder.open(name)
    try {
      const isWhole = source.byteLength === bytes.byteLength
      if (!isWhole || !sameBytes(await source.slice(0, source.byteLength), bytes)) return name
    } finally {
      await source.close()
    }
  }
  return null
}

/** One file of the output, its header read; null where it is not there or not of this run. */
async function openOfRun(
  { file: source, style, recipe, sourceHash, part }: Compression,
  folder: SourceFolder,
  name: string,
): Promise<FinishedFile | null> {
  const bytes = await openOrNull(() => folder.open(name))
  if (!bytes) return null
  const file = await openOrNull(() => openWeightFile(pickedOutput(encodingOf(style, source), bytes, folder)))
  const ofPart = part.of > 1 ? `${part.index}/${part.of}` : undefined
  const isThis =
    file?.metadata.get(RECIPE) === recipe &&
    file.metadata.get(SOURCE) === sourceHash &&
    file.metadata.get(PART) === ofPart
  if (isThis) return { file, bytes }
  await file?.close()
  await bytes.close()
  return null
}

/** What the metadata of a file with these tensors would say of the source as it is now. What is known of its values is not read again. */
async function presentDigest(compression: Compression, plans: readonly TensorPlan[]): Promise<string> {
  const { file, context } = compression
  const total = plans.reduce((sum, { info }) => sum + info.byteLength, 0)
  return withKnownScans(
    context,
    (tensor) => scanValues(file, tensor, context),
    async (scan) => {
      const tensors: SourceTensor[] = []
      let done = 0
      for (const plan of plans) {
        const { info } = plan
        context.report({ type: 'progress', phase: 'verify', tensor: info.name, done, total })
        const crc = await sourceChecksum(
          compression,
          isFactorized(plan) ? { ...plan, ...(await scan(plan.info)) } : plan,
        )
        if (crc !== null) tensors.push({ ...info, crc })
        done += info.byteLength
      }
      return sourceDigest(tensors, context)
    },
  )
}

/** A text for each of some names, over all files; null where that is not what stands there. */
function textsIn(written: readonly WeightFile[], field: string): Map<string, string> | null {
  const found = written.map(({ metadata }) => namedTexts(metadata.get(field) ?? '{}'))
  return found.includes(null) ? null : new Map(found.flatMap((texts) => [...(texts ?? [])]))
}

/** NaN is none. */
function isError(value: number): boolean {
  return value >= 0 && Number.isFinite(value)
}

/** Errors are written with seven digits. */
const errorDigits = 1e-6

/** As the files say it, where what each says of its tensors comes to that; null where it does not. */
function errorOf(
  { files }: OutputLayout,
  outcomes: readonly TensorOutcome[],
  written: readonly WeightFile[],
): number | null {
  const isWhole = outcomes.every(({ relativeError }) => relativeError !== null)
  const said = written.map(({ metadata }) => Number(metadata.get(ERROR)))
  for (const [i, { plans }] of files.entries()) {
    if (!isError(said[i]!)) return null
    const found = modelErrorOf(plans, outcomes)
    if (isWhole && Math.abs(said[i]! - found) > errorDigits * Math.max(said[i]!, found)) return null
  }
  const [only, ...others] = said
  if (only !== undefined && others.length === 0) return only
  return modelErrorOf(
    files.flatMap(({ plans }) => plans),
    outcomes,
  )
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
): TensorOutcome[] | null {
  const errors = textsIn(written, ERRORS)
  const readAs = textsIn(written, NAMES)
  if (!errors || !readAs || [...errors.values()].some((text) => !isError(Number(text)))) return null
  // An archive may have had no space for the errors of all its tensors.
  const errorOfTensor = (name: string) => (errors.has(name) ? Number(errors.get(name)) : null)
  const tensors = new Map(written.flatMap((each) => each.tensors).map((tensor) => [tensor.name, tensor]))
  const whole = new Map([...tensors.values()].map((tensor) => [readAs.get(tensor.name), tensor]))
  const planOf = new Map(plans.map((plan) => [plan.info.name, plan]))
  const scales = new Set(plans.flatMap(({ scale }) => scale?.name ?? []))
  const mine = file.tensors.filter(({ name }) => planOf.has(name) || scales.has(name))
  return mine.map((info): TensorOutcome => {
    const [product, plan] = [whole.get(info.name), planOf.get(info.name)]
    if (product?.remark && plan?.action === 'factorize')
      return productOutcome(plan, product.remark, style, errorOfTensor(info.name))
    const entries = writtenNames(info, planOf.get(info.name), style).flatMap((name) => tensors.get(name) ?? [])
    const bytesAfter = entries.reduce((sum, entry) => sum + tensorBytes(entry.dtype, entry.shape), 0)
    const bytes = { bytesBefore: bytesInFile(info), bytesAfter }
    if (entries.some(({ name }) => name === standInNames(info.name).codes)) {
      const relativeError = errorOfTensor(info.name)
      const reason = say('plan.finished-kept')
      return { name: info.name, action: 'kept', reason, rank: null, factorDType: 'INT8', relativeError, ...bytes }
    }
    const isFactorized = errors.has(info.name) || (entries.length > 0 && !tensors.has(info.name))
    if (!isFactorized) {
      const reason = say(entries.length > 0 ? 'plan.finished-kept' : 'plan.finished-left-out')
      return { name: info.name, action: 'kept', reason, rank: null, relativeError: 0, ...bytes }
    }
    return {
      name: info.name,
      action: 'factorized',
      reason: say('plan.finished-factorized'),
      ...factorsOf(entries, info),
      relativeError: errorOfTensor(info.name),
      ...bytes,
    }
  })
}

/** Of a matrix that readers see as the product of its factors. */
function productOutcome(
  plan: FactorizedTensor,
  remark: Message,
  style: OutputStyle,
  relativeError: number | null,
): TensorOutcome {
  const { rank, dtype } = remark.values as ValuesOf<'formats.stored-factors'>
  const entries = style.entries({ ...plan, params: { ...plan.params, rank }, factorDType: dtype })
  return {
    name: plan.info.name,
    action: 'factorized',
    reason: say('plan.finished-factorized'),
    rank,
    factorDType: dtype,
    relativeError,
    bytesBefore: bytesInFile(plan.info),
    bytesAfter: entries.reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0),
  }
}

/** Every name that something of the tensor may have in the output: its own, those of factors of any dtype. */
function writtenNames({ name }: TensorInfo, plan: TensorPlan | undefined, style: OutputStyle): string[] {
  const planned = plan?.action === 'factorize' ? style.entries(plan).map((entry) => entry.name) : []
  const { codes, scaleOfCodes } = standInNames(name)
  const factors = factorSuffixes.map((suffix) => `${name}.${suffix}`)
  return [...new Set([name, ...factors, codes, scaleOfCodes, ...planned])]
}

/** The dimension that both factors share, and their dtype; a dense copy shows neither. */
function factorsOf(
  entries: readonly TensorOutline[],
  { inGraph }: TensorInfo,
): Pick<TensorOutcome, 'rank' | 'factorDType'> {
  const right = entries.find(({ name }) => /\.(lowrank_A|Vt|A\.weight)$/.test(name))
  const down = entries.find(({ name }) => name.endsWith('.lora_A.weight') || name.endsWith('.lora_down.weight'))
  const factor = right ?? down
  if (!factor) return { rank: null }
  const rank = (inGraph?.isConvolution ? right?.shape[0] : right?.shape.at(-2)) ?? down?.shape[0] ?? null
  return { rank, factorDType: factor.dtype === 'I8' ? 'INT8' : factor.dtype }
}
