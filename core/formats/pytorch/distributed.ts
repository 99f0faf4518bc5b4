/**
 * Distributed checkpoints of PyTorch: a folder of `.distcp` files, and `.metadata`, a pickle that says which tensor has which chunks and where
 * each lies. A chunk is a little file of its own as torch.save writes it, opened when it is read. The pickle is read by the machine in
 * pickle.ts, which runs nothing.
 * Source: torch/distributed/checkpoint/metadata.py, filesystem.py.
 */

import { AppError } from '../../errors.ts'
import type { ByteSource, SourceFolder } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { foreign, quoted } from '../../messages/text.ts'
import { checkedElementCount, type DType, dtypeBits } from '../../tensor.ts'
import { rangeSource } from '../archives/zip.ts'
import type { Format } from '../format.ts'
import { openOnce } from '../reading/open-once.ts'
import { type ReadableTensor, weightFileOf } from '../reading/readable.ts'
import {
  badFile,
  figure,
  type LeftOut,
  leftOut,
  nothingIn,
  overLimit,
  shapeText,
  unsupported,
} from '../reading/refusal.ts'
import { runPickle } from './pickle.ts'
import { torchHost } from './pickle-globals.ts'
import { pickleBudget } from './pickle-limits.ts'
import { wellFormed } from './pickle-tree.ts'
import { isCount, isNode, type OpaqueNode, type PickleValue, sequenceItems, sizesOf } from './pickle-values.ts'
import { checkpointFile, codeNotices, lookIntoNested } from './pytorch.ts'

export const metadataName = '.metadata'
/** A file for each process; published ones have up to 512. */
const maxFiles = 4096
/** Of one tensor: a chunk for each process. */
const maxChunks = 8192
/** Of all tensors: as many as the largest checkpoints have, with room. One list may be that of any number of tensors. */
const maxAllChunks = 1_000_000
const maxTensors = 150_000

interface Chunk {
  readonly offsets: readonly number[]
  readonly sizes: readonly number[]
  readonly file: string
  readonly start: number
  readonly byteLength: number
}

interface Described {
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly chunks: readonly Chunk[]
}

export const torchDistributed: Format = {
  id: 'torch-distributed',
  sniff: (head, source) => source.name === metadataName && head[0] === 0x80,
  open: async (source, folder) => {
    const budget = pickleBudget()
    const { value } = await runPickle(source, 0, torchHost({ torchScript: false }), budget)
    const left: LeftOut[] = []
    const { described, others } = describedTensors(source.name, value, left)
    const sizes = await fileSizes(source.name, folder, described)
    const files = openOnce()
    const chunks = openOnce()
    const readables = described.map((tensor): ReadableTensor => {
      const { name, dtype, shape } = tensor
      checkChunks(source.name, tensor, sizes)
      const byteLength = (checkedElementCount(shape)! * dtypeBits[dtype]) / 8
      const open = (file: string) => files.open({ id: file, open: () => folder.open(file) })
      return {
        info: { name, dtype, shape, byteLength },
        read: (start, end) => readChunks(tensor, start, end, (chunk) => openChunk(tensor, chunk, open, chunks.open)),
      }
    })
    await lookIntoNested(budget)
    const notices = codeNotices(budget, false)
    if (left.length > 0) notices.push(leftOut(left))
    if (readables.length === 0) throw nothingIn(source.name, 'tensors', notices)
    return weightFileOf(source.name, readables, {
      format: 'torch-distributed',
      // Each of them is a pickle of its own, somewhere in the files.
      safety: others > 0 ? 'code-passed-over' : 'opened-without-running',
      totalBytes: [...sizes.values()].reduce((sum, size) => sum + size, source.byteLength),
      metadata: new Map(),
      notices,
      close: async () => {
        await chunks.close()
        await files.close()
        await source.close()
      },
    })
  },
}

// --- The metadata -----------------------------------------------------------------------------------------------------------------

/** Far more than an object of these classes has. One dictionary may be the state of any number of objects: it is not looked through for each. */
const mostAttributes = 1000

/** An attribute of an object that a class made, whose name ends so. */
function attribute(value: PickleValue | undefined, key: string): PickleValue | undefined {
  const state = isNode(value, 'opaque') ? value.state : value
  return isNode(state, 'dict') && state.keys.length <= mostAttributes
    ? state.values[state.keys.lastIndexOf(key)]
    : undefined
}

function isClass(value: PickleValue | undefined, name: string): value is OpaqueNode {
  return isNode(value, 'opaque') && value.name.endsWith(`.${name}`)
}

/** The tensors, and how many entries are none: numbers and objects of a trainer. */
function describedTensors(
  where: string,
  root: PickleValue,
  left: LeftOut[],
): { readonly described: readonly Described[]; readonly others: number } {
  const tensors = attribute(root, 'state_dict_metadata')
  const places = attribute(root, 'storage_data')
  if (!isNode(tensors, 'dict') || !isNode(places, 'dict'))
    throw badFile(
      where,
      'the metadata of a distributed checkpoint (state_dict_metadata, storage_data)',
      'something else',
    )
  if (tensors.keys.length > maxTensors)
    throw overLimit(where, 'tensors', maxTensors, tensors.keys.length, 'no published model comes near it')
  const placed = new Map<string, PickleValue>()
  for (const [i, index] of places.keys.entries())
    placed.set(placeKey(text(attribute(index, 'fqn')), sizesOf(attribute(index, 'offset'))), places.values[i]!)
  const described: Described[] = []
  let chunks = 0
  const names = new Set<string>()
  let others = 0
  for (const [i, key] of tensors.keys.entries()) {
    const entry = tensors.values[i]!
    if (!isClass(entry, 'TensorStorageMetadata')) {
      others++
      continue
    }
    const name = text(key)
    const label = `${where}: tensor ${quoted(name)}`
    const shown = wellFormed(name)
    if (names.has(shown)) throw badFile(where, 'every tensor once', `${quoted(name)} twice`)
    names.add(shown)
    const properties = attribute(entry, 'properties')
    const state = isNode(properties, 'opaque') ? properties.state : properties
    const type = sequenceItems(state)?.[0] ?? attribute(properties, 'dtype')
    const dtype = isNode(type, 'global') ? type.dtype : null
    if (!dtype) {
      left.push({ name, why: isNode(type, 'global') ? type.name : say('left-out.no-dtype') })
      continue
    }
    const shape = sizesOf(attribute(entry, 'size'))
    const parts = sequenceItems(attribute(entry, 'chunks'))
    if (!shape || checkedElementCount(shape) === null || shape.length > 64 || !parts)
      throw badFile(label, 'a size and chunks', 'something else')
    if (parts.length > maxChunks) throw overLimit(label, 'chunks', maxChunks, parts.length, 'one a process is usual')
    chunks += parts.length
    if (chunks > maxAllChunks)
      throw overLimit(where, 'chunks', maxAllChunks, chunks, 'no published model comes near it')
    described.push({ name: shown, dtype, shape, chunks: parts.map((part) => chunkOf(label, name, part, placed)) })
  }
  return { described, others }
}

function chunkOf(label: string, name: string, part: PickleValue, placed: ReadonlyMap<string, PickleValue>): Chunk {
  const offsets = sizesOf(attribute(part, 'offsets'))
  const sizes = sizesOf(attribute(part, 'sizes'))
  if (!offsets || !sizes) throw badFile(label, 'chunks with offsets and sizes', 'something else')
  // Tensors that are whole on one process may be stored without an offset.
  const info = placed.get(placeKey(name, offsets)) ?? placed.get(placeKey(name, null))
  const file = attribute(info, 'relative_path')
  const start = attribute(info, 'offset')
  const byteLength = attribute(info, 'length')
  if (typeof file !== 'string' || !isCount(start) || !isCount(byteLength))
    throw badFile(label, `a place of the chunk at [${offsets.join(', ')}]`, 'none')
  if ((sequenceItems(attribute(info, 'transform_descriptors')) ?? []).length > 0)
    throw unsupported(label, say('unread.transformed-chunks'))
  return { offsets, sizes, file, start, byteLength }
}

const placeKey = (name: string, offset: readonly number[] | null) => `${offset ? offset.join(',') : '-'} ${name}`

function text(value: PickleValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

// --- Chunks -----------------------------------------------------------------------------------------------------------------------

async function fileSizes(
  where: string,
  folder: SourceFolder,
  described: readonly Described[],
): Promise<Map<string, number>> {
  const names = [...new Set(described.flatMap(({ chunks }) => chunks.map(({ file }) => file)))].sort()
  if (names.length > maxFiles) throw overLimit(where, 'files', maxFiles, names.length, 'one a process is usual')
  const present = new Set(await folder.list())
  const sizes = new Map<string, number>()
  for (const name of names) {
    if (name === '' || /[/\\:\0]/.test(name) || name === '.' || name === '..')
      throw badFile(where, 'files in its own folder', `${quoted(name)}: a checkpoint cannot point outside its folder`)
    if (!present.has(name))
      throw new AppError('not-found', say('formats.values-missing', { where: foreign(where), name: quoted(name) }))
    const file = await folder.open(name)
    sizes.set(name, file.byteLength)
    await file.close()
  }
  return sizes
}

/** The chunks lie in their files, inside the tensor, and cover it once. */
function checkChunks(
  where: string,
  { name, dtype, shape, chunks }: Described,
  sizes: ReadonlyMap<string, number>,
): void {
  const label = `${where}: tensor ${quoted(name)}`
  let covered = 0
  for (const { offsets, sizes: extent, file, start, byteLength } of chunks) {
    const elements = checkedElementCount(extent)
    if (
      elements === null ||
      offsets.length !== shape.length ||
      extent.length !== shape.length ||
      extent.some((size, axis) => !(offsets[axis]! + size <= shape[axis]!))
    )
      throw badFile(
        label,
        `chunks inside ${shapeText(shape)}`,
        `one of [${extent.join(', ')}] at [${offsets.join(', ')}]`,
      )
    if (!(start + byteLength <= sizes.get(file)!) || byteLength < (elements * dtypeBits[dtype]) / 8)
      throw badFile(
        label,
        `a chunk inside the ${sizes.get(file)} bytes of ${quoted(file)}`,
        `${byteLength} bytes at ${start}`,
      )
    covered += elements
  }
  if (covered !== checkedElementCount(shape)!)
    throw badFile(label, `chunks of ${figure(checkedElementCount(shape))} elements together`, figure(covered))
  checkApart(label, shape, chunks)
}

/** Inside and as many as the tensor has: where no two overlap, they cover it. Along one axis their order shows it, else every pair. */
function checkApart(label: string, shape: readonly number[], chunks: readonly Chunk[]): void {
  const cut = shape.map((_, axis) => axis).filter((axis) => chunks.some(({ sizes }) => sizes[axis] !== shape[axis]))
  const overlapping = () => badFile(label, 'chunks that do not overlap', 'some that do')
  if (cut.length <= 1) {
    const axis = cut[0] ?? 0
    let at = 0
    for (const { offsets, sizes } of [...chunks].sort((a, b) => a.offsets[axis]! - b.offsets[axis]!)) {
      if (sizes.includes(0)) continue
      if ((offsets[axis] ?? 0) < at) throw overlapping()
      at = (offsets[axis] ?? 0) + (sizes[axis] ?? 1)
    }
    return
  }
  if (chunks.length > 512)
    throw overLimit(label, 'chunks along several axes', 512, chunks.length, 'every pair is compared')
  for (const [i, a] of chunks.entries())
    for (const b of chunks.slice(i + 1))
      if (
        a.sizes.every(
          (size, axis) =>
            a.offsets[axis]! < b.offsets[axis]! + b.sizes[axis]! && b.offsets[axis]! < a.offsets[axis]! + size,
        )
      )
        throw overlapping()
}

/** The one tensor of a chunk's little file. */
function openChunk(
  { name, dtype }: Described,
  { file, start, byteLength, sizes }: Chunk,
  open: (file: string) => Promise<ByteSource>,
  once: ReturnType<typeof openOnce>['open'],
): Promise<ByteSource> {
  // Another chunk that claims the same bytes is checked for itself.
  const id = `${file}:${start}:${byteLength}:${dtype}:${sizes.join()}`
  return once({
    id,
    open: async () => {
      const part = rangeSource(await open(file), `${file}: chunk at ${start}`, start, byteLength)
      const weights = await checkpointFile(part)
      const [tensor, ...others] = weights.tensors
      const isIt =
        tensor &&
        others.length === 0 &&
        tensor.dtype === dtype &&
        tensor.shape.length === sizes.length &&
        tensor.shape.every((size, axis) => size === sizes[axis])
      if (!isIt)
        throw badFile(
          `${file}: chunk at ${start}`,
          `one tensor ${dtype} [${sizes.join(', ')}] of ${quoted(name)}`,
          weights.tensors
            .map((each) => `${each.dtype} [${each.shape.join(', ')}]`)
            .slice(0, 3)
            .join(', ') || 'none',
        )
      return {
        name: `${file}:${start}`,
        byteLength: tensor.byteLength,
        slice: (from, to) => weights.read(tensor, from, to),
        close: () => weights.close(),
      }
    },
  })
}

/** Bytes [start, end) of the whole tensor, put together from the rows of its chunks that they touch. */
async function readChunks(
  { shape, dtype, chunks }: Described,
  start: number,
  end: number,
  open: (chunk: Chunk) => Promise<ByteSource>,
): Promise<Uint8Array> {
  if (start === end) return new Uint8Array(0)
  const itemBytes = dtypeBits[dtype] / 8
  const rowBytes = shape.slice(1).reduce((product, size) => product * size, itemBytes)
  const [firstRow, lastRow] = [Math.floor(start / rowBytes), Math.ceil(end / rowBytes)]
  const out = new Uint8Array((lastRow - firstRow) * rowBytes)
  for (const chunk of chunks) {
    if (chunk.sizes.includes(0)) continue
    const [offset, count] = [chunk.offsets[0] ?? 0, chunk.sizes[0] ?? 1]
    const from = Math.max(firstRow, offset)
    const to = Math.min(lastRow, offset + count)
    if (from >= to) continue
    const chunkRow = chunk.sizes.slice(1).reduce((product, size) => product * size, itemBytes)
    const values = await (await open(chunk)).slice((from - offset) * chunkRow, (to - offset) * chunkRow)
    const rows = { offsets: [from - firstRow, ...chunk.offsets.slice(1)], sizes: [to - from, ...chunk.sizes.slice(1)] }
    copyInto(out, [lastRow - firstRow, ...shape.slice(1)], rows, values, itemBytes)
  }
  const base = firstRow * rowBytes
  return out.subarray(start - base, end - base)
}

/** Copies a box of values, tightly packed, to its place in an array of `shape`. */
function copyInto(
  out: Uint8Array,
  shape: readonly number[],
  { offsets, sizes }: Pick<Chunk, 'offsets' | 'sizes'>,
  values: Uint8Array,
  itemBytes: number,
): void {
  const last = shape.length - 1
  const walk = (axis: number, from: number, to: number): void => {
    const inner = shape.slice(axis + 1).reduce((product, size) => product * size, itemBytes)
    const innerBox = sizes.slice(axis + 1).reduce((product, size) => product * size, itemBytes)
    const start = to + offsets[axis]! * inner
    if (axis === last || inner === innerBox) {
      out.set(values.subarray(from, from + sizes[axis]! * innerBox), start)
      return
    }
    for (let i = 0; i < sizes[axis]!; i++) walk(axis + 1, from + i * innerBox, start + i * inner)
  }
  walk(0, 0, 0)
}
