/** Tensors of a checkpoint from the storages they are views of: checked against them, then read in place. */
import { type ByteSource, memorySource } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { foreign, quoted } from '../../messages/text.ts'
import { checkedElementCount, type DType, dtypeBits, type TensorInfo } from '../../tensor.ts'
import type { WeightFile } from '../format.ts'
import { npyArray, npyDType, readNpyValues } from '../numpy/npy.ts'
import { type Openable, type OpenOnce, openOnce } from '../reading/open-once.ts'
import { readRange } from '../reading/range.ts'
import { readByName } from '../reading/readable.ts'
import { badFile, figure, type LeftOut, overLimit, shapeText } from '../reading/refusal.ts'
import { type FoundTensor, wholeTensor } from './pickle-tree.ts'
import { type ArrayNode, isNode, type StorageNode, type TensorNode, type WrapperNode } from './pickle-values.ts'
import { extent, readStrided, type StridedView } from './strided.ts'

/** numpy has 32, PyTorch 64. */
const maxDimensions = 64
/**
 * All tensors together may have this many times the bytes of their storages, and `maxExpandedBytes` more. Strides of 0 repeat a storage and
 * views overlap, so a few bytes of file could claim a terabyte; honest cases are masks, position tables and a weight beside its transpose.
 */
const maxViewFactor = 2
const maxExpandedBytes = 64_000_000

/** Where a storage's bytes are. */
export interface LocatedStorage extends Openable {
  readonly byteLength: number
  /** For a nested storage, which says its dtype only inside. */
  readonly storage?: StorageNode
}

/** @throws AppError `bad-file` when the file has no such storage */
export type LocateStorage = (storage: StorageNode, where: string) => Promise<LocatedStorage>

export interface LocatedTensor extends FoundTensor {
  readonly locate: LocateStorage
  /** What the pickle was read from: the bytes of an array are a range of it. */
  readonly pickle: Openable
}

type Read = (start: number, end: number) => Promise<Uint8Array>

export interface TensorReaders {
  readonly tensors: readonly TensorInfo[]
  readonly read: WeightFile['read']
  /** Tensors whose dtype is not one of ours, and why. */
  readonly left: readonly LeftOut[]
  close(): Promise<void>
}

/**
 * Checks every found tensor and makes it readable. Reads no values.
 * @throws AppError `bad-file`, `over-limit`
 */
export async function tensorReaders(source: ByteSource, found: readonly LocatedTensor[]): Promise<TensorReaders> {
  const tensors: TensorInfo[] = []
  const left: LeftOut[] = []
  const readers = new Map<string, Read>()
  const firstWithView = new Map<string, string>()
  const sources = openOnce()
  const storageBytes = new Map<string, number>()
  let viewBytes = 0

  for (const { name, node, locate, pickle, inside } of found) {
    const where = `${source.name}: tensor ${quoted(name)}`
    const made = isNode(node, 'array')
      ? arrayReader(() => sources.open(pickle), node, where)
      : await viewReader(isNode(node, 'storage') ? wholeStorage(node) : node, locate, where, sources)
    if ('why' in made) {
      left.push({ name, why: made.why })
      continue
    }
    const { dtype, shape, byteLength, read, identity, located } = made
    const twin = identity === null ? undefined : firstWithView.get(identity)
    if (identity !== null && twin === undefined) firstWithView.set(identity, name)
    if (located) storageBytes.set(located.id, located.byteLength)
    if (located && twin === undefined) viewBytes += byteLength
    const sharing = twin === undefined ? {} : { sharesStorageWith: twin }
    tensors.push({ name, dtype, shape, byteLength, ...sharing, ...(inside && partOf(inside, shape)) })
    readers.set(name, read)
  }
  const limit = maxViewFactor * sum(storageBytes.values()) + maxExpandedBytes
  if (viewBytes > limit)
    throw overLimit(
      source.name,
      'bytes of tensors for its storages',
      limit,
      viewBytes,
      'views that repeat a few bytes could claim any size',
    )
  return {
    tensors,
    left,
    read: readByName(source.name, readers, (read, start, end) => read(start, end)),
    close: sources.close,
  }
}

/** What a part of a tensor of another class is: the whole of it, a shard, or unknown. */
function partOf(
  { name, shape, state }: WrapperNode,
  own: readonly number[],
): Pick<TensorInfo, 'unfit' | 'remark'> | undefined {
  const className = foreign(quoted(name).slice(1, -1))
  if (!isNode(state, 'dict') || wholeTensor(state) === null)
    return { unfit: say('formats.part-unknown', { class: className }) }
  if (shape === null || (shape.length === own.length && shape.every((size, axis) => size === own[axis])))
    return undefined
  return {
    remark: say('formats.process-shard', { shape, class: className }),
  }
}

interface Made {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly byteLength: number
  readonly read: Read
  /** The same for tensors that are the very same view of the very same storage. */
  readonly identity: string | null
  readonly located: LocatedStorage | null
}

function wholeStorage(storage: StorageNode): TensorNode {
  const { dtype, typeName, length } = storage
  return { kind: 'tensor', storage, dtype, typeName, offset: 0, shape: [length], strides: [1] }
}

async function viewReader(
  node: TensorNode,
  locate: LocateStorage,
  where: string,
  sources: OpenOnce,
): Promise<Made | { why: LeftOut['why'] }> {
  const located = await locate(node.storage, where)
  const storage = located.storage ?? node.storage
  const dtype = node.dtype ?? (node.typeName === 'nested' ? storage.dtype : null)
  if (dtype === null) return { why: (node.typeName === 'nested' ? storage : node).typeName }
  const { shape, strides } = node
  if (shape.length > maxDimensions)
    throw overLimit(where, 'dimensions', maxDimensions, shape.length, 'PyTorch itself has no more')
  const itemBytes = dtypeBits[dtype] / 8
  const count = checkedElementCount(shape)
  if (count === null || !Number.isSafeInteger(count * itemBytes))
    throw badFile(`${where}: shape`, 'whole numbers whose product is below 2^53', shapeText(shape))
  const claimed = storage.length * (storage.dtype === null ? itemBytes : dtypeBits[storage.dtype] / 8)
  if (claimed !== located.byteLength)
    throw badFile(where, `a storage of ${claimed} bytes`, `${located.byteLength} bytes`)
  const view: StridedView = { itemBytes, shape, strides, offset: storage.viewOffset + node.offset }
  const needed = count === 0 ? 0 : (view.offset + extent(view)) * itemBytes
  if (!(needed <= located.byteLength))
    throw badFile(
      where,
      `a view inside its storage of ${located.byteLength} bytes`,
      `one that reaches byte ${figure(needed)} (shape ${shapeText(shape)}, strides ${shapeText(strides)}, offset ${figure(view.offset)})`,
    )
  const key = [located.id, dtype, view.offset, shape.join('x'), strides.join('x')].join('|')
  return {
    dtype,
    shape,
    byteLength: count * itemBytes,
    identity: count === 0 ? null : key,
    located,
    read: async (start, end) => {
      const bytes = await sources.open(located)
      const first = Math.floor(start / itemBytes)
      const values = await readStrided(view, first, Math.ceil(end / itemBytes), (from, to) =>
        readRange(bytes, from, to, where),
      )
      return values.subarray(start - first * itemBytes, end - first * itemBytes)
    },
  }
}

/** A NumPy array inside the pickle. */
function arrayReader(
  open: () => Promise<ByteSource>,
  { content }: ArrayNode,
  where: string,
): Made | { why: LeftOut['why'] } {
  if (!content) return { why: say('left-out.python-objects') }
  const { shape, fortran, elementType, data } = content
  const dtype = npyDType(elementType.code)
  if (dtype === null) return { why: `NumPy ${elementType.code}` }
  const itemBytes = dtypeBits[dtype] / 8
  const count = checkedElementCount(shape)
  if (shape.length > maxDimensions || count === null || count * itemBytes !== data.length)
    throw badFile(where, `the bytes of ${dtype} ${shapeText(shape)}`, `${data.length} bytes`)
  const { offset, length: byteLength } = data
  const array = npyArray({ dtype, shape, byteLength, fortran, bigEndian: elementType.order === '>' })
  const { inline } = data
  const bytes = inline ? async () => memorySource(where, inline) : open
  return {
    dtype,
    shape,
    byteLength: data.length,
    identity: null,
    located: null,
    read: (start, end) =>
      readNpyValues(array, start, end, async (from, to) => readRange(await bytes(), offset + from, offset + to, where)),
  }
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
