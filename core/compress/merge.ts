/** The parts of a run put together: the entries of part 1, 2, ... in order under one header. The bytes are those of a run that was not split. */
import { AppError } from '../errors.ts'
import type { WeightFile } from '../formats/format.ts'
import { withScales } from '../formats/fp8-scale.ts'
import { modelError } from '../measure/curves/model-error.ts'
import { elementCount, matrixView, type TensorInfo } from '../tensor.ts'
import type { CompressionTarget } from './compression.ts'
import type { JobContext } from './context.ts'
import { createSafetensors } from './encodings/safetensors-output.ts'
import { fromBits } from './outputs/bits.ts'
import { fixedWidth, TIES } from './outputs/metadata.ts'
import { type Part, parsePart } from './plan/parts.ts'
import { copyValues } from './run/compress-tensor.ts'

export interface MergeReport {
  readonly output: string
  readonly parts: number
  readonly tensors: number
  readonly bytes: number
  readonly relativeError: number
}

/** @throws AppError `bad-request` for parts that do not belong together or are not complete, `would-overwrite`, `cannot-write` */
export async function mergeParts(
  files: readonly WeightFile[],
  { folder, name }: CompressionTarget,
  force: boolean,
  context: Pick<JobContext, 'checkCancelled'>,
): Promise<MergeReport> {
  if (!force && (await folder.list()).includes(name)) {
    throw new AppError('would-overwrite', `${name} exists already. Choose another name, or overwrite it with --force.`)
  }
  const parts = inOrder(files)
  const metadata = joinedMetadata(parts)
  const entries = parts.flatMap(({ tensors }) => tensors)
  const output = await createSafetensors(folder, name, entries, metadata)
  try {
    for (const file of parts) {
      for (const info of file.tensors) {
        await copyValues(file, info, output, context)
      }
    }
    await output.complete(metadata)
    const bytes = await output.close()
    const relativeError = Number(metadata.get('ghostsvd.error'))
    return { output: name, parts: parts.length, tensors: entries.length, bytes, relativeError }
  } catch (error) {
    await output.abort()
    throw error
  }
}

function inOrder(files: readonly WeightFile[]): WeightFile[] {
  const first = files[0]?.metadata
  const numbered = files.map((file) => ({ file, part: partNumber(file) }))
  const of = numbered[0]?.part.of ?? 0
  for (const { file } of numbered) {
    for (const key of ['ghostsvd.recipe', 'ghostsvd.source', 'ghostsvd.version']) {
      if (file.metadata.get(key) !== first?.get(key)) {
        throw new AppError('bad-request', `These parts do not belong together: they differ in ${key}.`)
      }
    }
  }
  const sorted = [...numbered].sort((a, b) => a.part.index - b.part.index)
  const found = sorted.map(({ part }) => part.index)
  if (found.length !== of || found.some((index, i) => index !== i + 1)) {
    throw new AppError('bad-request', `Expected the parts 1 to ${of} of one run, got ${found.join(', ')}.`)
  }
  return sorted.map(({ file }) => file)
}

function partNumber(file: WeightFile): Part {
  const text = file.metadata.get('ghostsvd.part')
  if (!text)
    throw new AppError(
      'bad-request',
      `${file.shards[0]?.fileName ?? 'A file'} is no part of a run (compress --part I/N).`,
    )
  return parsePart(text)
}

/** The header's fields as one run writes them: its own error is over all tensors, from the parts' errors in full precision. */
function joinedMetadata(parts: readonly WeightFile[]): Map<string, string> {
  const metadata = new Map(parts[0]!.metadata)
  metadata.delete('ghostsvd.part')
  metadata.delete('ghostsvd.bits')
  const bits = new Map(
    parts.flatMap(({ metadata }) =>
      Object.entries(JSON.parse(metadata.get('ghostsvd.bits') ?? '{}') as Record<string, string>),
    ),
  )
  const ties = joinedObject(parts, TIES)
  const tensors = parts.flatMap((part) => part.tensors)
  const scales = withScales({ ...parts[0]!, tensors }).tensors.flatMap(({ scale }) => scale?.tensor ?? [])
  const matrices = matricesOf(tensors, bits, new Set([...Object.keys(JSON.parse(ties)), ...scales]))
  metadata.set('ghostsvd.error', fixedWidth(modelError(matrices)))
  metadata.set('ghostsvd.errors', joinedObject(parts, 'ghostsvd.errors'))
  if (metadata.has(TIES)) metadata.set(TIES, ties)
  return metadata
}

/** The text of one JSON object from those of the parts, in order. */
function joinedObject(parts: readonly WeightFile[], key: string): string {
  const texts = parts.map(({ metadata }) => (metadata.get(key) ?? '{}').slice(1, -1)).filter((text) => text !== '')
  return `{${texts.join(',')}}`
}

/** Every matrix with its entries and error, in order, without those not to be counted: a factorized one at its A, whose B is looked up. */
function matricesOf(
  tensors: readonly TensorInfo[],
  bits: ReadonlyMap<string, string>,
  uncounted: ReadonlySet<string>,
): { entries: number; error: number }[] {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  const factor = /\.(lowrank_A|lowrank_B|lowrank_A_scale|lowrank_B_scale|U|S|Vt|sparse_index|sparse_value)$/
  return tensors.flatMap((tensor) => {
    const owner = tensor.name.replace(factor, '')
    if (uncounted.has(owner) || uncounted.has(tensor.name)) return []
    if (owner === tensor.name || !bits.has(owner)) {
      const error = bits.get(tensor.name)
      return matrixView(tensor.name, tensor.shape)
        ? [{ entries: elementCount(tensor.shape), error: error === undefined ? 0 : fromBits(error) }]
        : []
    }
    if (!/\.(lowrank_A|Vt)$/.test(tensor.name)) return []
    const left = byName.get(`${owner}.lowrank_B`) ?? byName.get(`${owner}.U`)
    const stack = tensor.shape.length === 3 ? tensor.shape[0]! : 1
    return [{ entries: stack * tensor.shape.at(-1)! * (left?.shape.at(-2) ?? 0), error: fromBits(bits.get(owner)!) }]
  })
}
