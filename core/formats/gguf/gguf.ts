/**
 * GGUF, versions 2 and 3: counts, key-value pairs, tensor descriptions, then the values at aligned offsets. Quantized tensors are read as f32
 * (`storedAs` names their encoding). Source: ggml/docs/gguf.md.
 *
 * The header has no length of its own and is read forward; arrays of key-value pairs (tokenizers have 250,000 strings) are passed over.
 */

import type { ByteSource } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { foreign, quoted } from '../../messages/text.ts'
import { checkedElementCount, type DType, dtypeBits, type TensorInfo } from '../../tensor.ts'
import type { Format, WeightFile } from '../format.ts'
import { type Cursor, cursorOver } from '../reading/cursor.ts'
import { readRange } from '../reading/range.ts'
import { readByName } from '../reading/readable.ts'
import {
  badFile,
  figure,
  type LeftOut,
  leftOut,
  newerType,
  nothingIn,
  overLimit,
  shapeText,
  unsupported,
} from '../reading/refusal.ts'
import { type BlockEncoding, blockEncodings, decodeBlocks, unreadEncodings } from './ggml.ts'

/** The largest published models have about 2,500 in all their files; llama.cpp itself stops at far fewer. */
const maxTensors = 65_536
/** Honest files have about 50. */
const maxPairs = 65_536
/** The largest tokenizers take 20 MB. A header is passed over piece by piece, which takes time in proportion. */
const maxHeaderBytes = 100_000_000
/** ggml's own limit. */
const maxDimensions = 4
/** ggml's own limit is 64; some converters write longer ones. */
const maxNameBytes = 4096
/** Of an array in an array; the specification allows any, writers use one. */
const maxArrayDepth = 4
/** Arrays in arrays, of all pairs together; each costs a wait. */
const maxNestedArrays = 4096
const utf8 = new TextDecoder('utf-8', { fatal: true })
/** Metadata kept to be shown; chat templates are longer and are cut. */
const shownTextBytes = 1024
const defaultAlignment = 32
/** ggml has about 45 types; what lies far above is no type but damage. */
const highestType = 255

const plainTypes: ReadonlyMap<number, DType> = new Map([
  [0, 'F32'],
  [1, 'F16'],
  [24, 'I8'],
  [25, 'I16'],
  [26, 'I32'],
  [27, 'I64'],
  [28, 'F64'],
  [30, 'BF16'],
])

/** Bytes of the key-value types of fixed size. */
const fixedBytes: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 4],
  [5, 4],
  [6, 4],
  [7, 1],
  [10, 8],
  [11, 8],
  [12, 8],
])
const stringType = 8
const arrayType = 9

interface Described {
  readonly name: string
  readonly shape: readonly number[]
  readonly type: number
  readonly offset: number
}

interface Placed {
  readonly info: TensorInfo
  readonly start: number
  readonly end: number
  readonly encoding: BlockEncoding | null
}

export const gguf: Format = {
  id: 'gguf',
  sniff: (head) => head[0] === 71 && head[1] === 71 && head[2] === 85 && head[3] === 70,
  open: async (source) => {
    const { placed, metadata, left } = await readHeader(source)
    const byName = new Map(placed.map((tensor) => [tensor.info.name, tensor]))
    const tensors = placed.map(({ info }) => info)
    const encodings = [...new Set(tensors.map(({ storedAs }) => storedAs).filter((name) => name !== undefined))]
    const notices = left.length > 0 ? [leftOut(left)] : []
    // The first file of a split model may hold nothing but the key-value pairs.
    if (tensors.length === 0 && !metadata.has('split.count')) throw nothingIn(source.name, 'tensors', notices)
    if (encodings.length > 0)
      notices.unshift(say('formats.quantized', { encodings: encodings.map((encoding) => foreign(encoding)) }))
    return {
      format: 'gguf',
      safety: 'safe',
      totalBytes: source.byteLength,
      tensors,
      metadata,
      notices,
      shards: [{ fileName: source.name, tensorNames: tensors.map(({ name }) => name) }],
      read: readByName(source.name, byName, (tensor, start, end) => readValues(source, tensor, start, end)),
      close: () => source.close(),
    } satisfies WeightFile
  },
}

async function readValues(source: ByteSource, tensor: Placed, start: number, end: number): Promise<Uint8Array> {
  const { info, encoding } = tensor
  const what = `tensor ${quoted(info.name)}`
  if (!encoding) return readRange(source, tensor.start + start, tensor.start + end, what)
  const blockValueBytes = encoding.values * 4
  const firstBlock = Math.floor(start / blockValueBytes)
  const lastBlock = Math.ceil(end / blockValueBytes)
  const blocks = await readRange(
    source,
    tensor.start + firstBlock * encoding.byteLength,
    tensor.start + lastBlock * encoding.byteLength,
    what,
  )
  const values = new Uint8Array(decodeBlocks(encoding, blocks).buffer)
  const from = firstBlock * blockValueBytes
  return values.subarray(start - from, end - from)
}

interface Header {
  readonly placed: readonly Placed[]
  readonly metadata: ReadonlyMap<string, string>
  readonly left: readonly LeftOut[]
}

async function readHeader(source: ByteSource): Promise<Header> {
  const where = source.name
  if (source.byteLength < 24) throw badFile(where, 'at least 24 bytes of GGUF header', `${source.byteLength} bytes`)
  const cursor = cursorOver(source, 0, Math.min(source.byteLength, maxHeaderBytes))
  await cursor.need(24)
  cursor.skip(4)
  const version = cursor.u32()
  if (version === 0x0200_0000 || version === 0x0300_0000) throw unsupported(where, say('unread.big-endian-gguf'))
  if (version !== 2 && version !== 3) throw unsupported(where, say('unread.gguf-version', { version }))
  const tensorCount = checkCount(where, 'tensors', cursor.u64(), maxTensors)
  const pairCount = checkCount(where, 'key-value pairs', cursor.u64(), maxPairs)
  const metadata = await readPairs(cursor, where, pairCount)
  const alignment = alignmentOf(where, metadata)
  const described: Described[] = []
  const names = new Set<string>()
  for (let i = 0; i < tensorCount; i++) {
    const tensor = await readDescription(cursor, where)
    if (names.has(tensor.name)) throw badFile(where, 'every tensor once', `${quoted(tensor.name)} twice`)
    names.add(tensor.name)
    described.push(tensor)
  }
  const dataStart = Math.ceil(cursor.position / alignment) * alignment
  return { ...place(where, described, dataStart, source.byteLength, alignment), metadata }
}

function checkCount(where: string, what: string, count: number, limit: number): number {
  if (count > limit) throw overLimit(where, what, limit, count, 'no published file comes near it')
  return count
}

/** Scalars and strings as text; arrays as their length. */
async function readPairs(cursor: Cursor, where: string, count: number): Promise<Map<string, string>> {
  const metadata = new Map<string, string>()
  const nested = { arrays: 0 }
  for (let i = 0; i < count; i++) {
    const key = await readText(cursor, where, maxNameBytes, 'key')
    await cursor.need(4)
    const type = cursor.u32()
    if (metadata.has(key)) throw badFile(where, 'every key once', `${quoted(key)} twice`)
    metadata.set(key, await readValue(cursor, `${where}: ${quoted(key)}`, type, nested))
  }
  return metadata
}

async function readText(cursor: Cursor, where: string, limit: number, what: string): Promise<string> {
  await cursor.need(8)
  const length = cursor.u64()
  if (length > limit) throw badFile(where, `a ${what} of at most ${limit} bytes`, `${length} bytes`)
  await cursor.need(length)
  const bytes = cursor.bytes(length)
  try {
    return utf8.decode(bytes)
  } catch {
    throw badFile(where, `a ${what} in UTF-8`, 'bytes that are not')
  }
}

/** Of one file. */
interface Nested {
  arrays: number
}

async function readValue(cursor: Cursor, where: string, type: number, nested: Nested): Promise<string> {
  const fixed = fixedBytes.get(type)
  if (fixed !== undefined) {
    await cursor.need(fixed)
    return scalarText(type, cursor.bytes(fixed))
  }
  if (type === stringType) {
    await cursor.need(8)
    const length = lengthOf(where, cursor.u64())
    const shown = Math.min(length, shownTextBytes)
    await cursor.need(shown)
    const text = new TextDecoder().decode(cursor.bytes(shown))
    cursor.skip(length - shown)
    return text
  }
  if (type === arrayType) return `${await skipArray(cursor, where, 1, nested)} values`
  throw badFile(where, 'a value type from 0 to 12', `${type}`)
}

function lengthOf(where: string, length: number): number {
  if (length > maxHeaderBytes) throw badFile(where, `a length of at most ${maxHeaderBytes}`, `${length}`)
  return length
}

/** @returns the number of its elements */
async function skipArray(cursor: Cursor, where: string, depth: number, nested: Nested): Promise<number> {
  if (depth > maxArrayDepth)
    throw overLimit(where, 'levels of arrays', maxArrayDepth, depth, 'nobody writes more than one')
  await cursor.need(12)
  const type = cursor.u32()
  const count = lengthOf(where, cursor.u64())
  const fixed = fixedBytes.get(type)
  if (fixed !== undefined) cursor.skip(count * fixed)
  else if (type === stringType)
    for (let i = 0; i < count; i++) {
      if (!cursor.has(8)) await cursor.need(8)
      cursor.skip(lengthOf(where, cursor.u64()))
    }
  else if (type === arrayType) {
    nested.arrays += count
    if (nested.arrays > maxNestedArrays)
      throw overLimit(where, 'arrays in arrays', maxNestedArrays, nested.arrays, 'nobody writes so many')
    for (let i = 0; i < count; i++) await skipArray(cursor, where, depth + 1, nested)
  } else throw badFile(where, 'an array of a type from 0 to 12', `${type}`)
  return count
}

function scalarText(type: number, bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const read: Record<number, () => number | bigint | boolean> = {
    0: () => view.getUint8(0),
    1: () => view.getInt8(0),
    2: () => view.getUint16(0, true),
    3: () => view.getInt16(0, true),
    4: () => view.getUint32(0, true),
    5: () => view.getInt32(0, true),
    6: () => view.getFloat32(0, true),
    7: () => view.getUint8(0) !== 0,
    10: () => view.getBigUint64(0, true),
    11: () => view.getBigInt64(0, true),
    12: () => view.getFloat64(0, true),
  }
  return String(read[type]!())
}

function alignmentOf(where: string, metadata: ReadonlyMap<string, string>): number {
  const text = metadata.get('general.alignment')
  if (text === undefined) return defaultAlignment
  const alignment = Number(text)
  // The specification asks for a multiple of 8; 64 KiB is the largest page.
  if (!Number.isInteger(alignment) || alignment < 8 || alignment > 65_536 || alignment % 8 !== 0)
    throw badFile(`${where}: general.alignment`, 'a multiple of 8 up to 65536', quoted(text))
  return alignment
}

async function readDescription(cursor: Cursor, where: string): Promise<Described> {
  const name = await readText(cursor, where, maxNameBytes, 'tensor name')
  const label = `${where}: tensor ${quoted(name)}`
  await cursor.need(4)
  const dimensions = cursor.u32()
  if (dimensions > maxDimensions)
    throw overLimit(label, 'dimensions', maxDimensions, dimensions, 'ggml itself has no more')
  await cursor.need(8 * dimensions + 12)
  // The fastest dimension comes first.
  const shape = Array.from({ length: dimensions }, () => cursor.u64()).reverse()
  const type = cursor.u32()
  const offset = cursor.u64()
  return { name, shape, type, offset }
}

/** Holds every description against the file: known type, whole blocks, aligned, inside, and no two on the same bytes. */
function place(
  where: string,
  described: readonly Described[],
  dataStart: number,
  fileBytes: number,
  alignment: number,
): Omit<Header, 'metadata'> {
  const placed: Placed[] = []
  const left: LeftOut[] = []
  const unread: { name: string; start: number }[] = []
  for (const { name, shape, type, offset } of described) {
    const label = `${where}: tensor ${quoted(name)}`
    if (!Number.isSafeInteger(offset) || offset % alignment !== 0)
      throw badFile(label, `an offset that is a multiple of ${alignment}`, `${offset}`)
    if (dataStart + offset > fileBytes)
      throw badFile(
        label,
        `data inside the file's ${fileBytes} bytes`,
        `data at ${dataStart + offset}: the file is cut short`,
      )
    const encoding = blockEncodings.get(type) ?? null
    const plain = plainTypes.get(type)
    if (!encoding && !plain) {
      if (type > highestType) throw badFile(label, `a ggml type of at most ${highestType}`, `type ${type}`)
      left.push({ name, why: unreadEncodings.get(type) ?? newerType(`ggml type ${type}`) })
      unread.push({ name, start: dataStart + offset })
      continue
    }
    const count = checkedElementCount(shape)
    if (count === null || !Number.isSafeInteger(count * 8))
      throw badFile(`${label}: shape`, 'whole numbers whose product is below 2^50', shapeText(shape))
    const blockValues = encoding?.values ?? 1
    if ((shape.at(-1) ?? 1) % blockValues !== 0)
      throw badFile(
        label,
        `rows of a multiple of ${blockValues} values (${encoding?.name})`,
        shape.length > 0 ? `rows of ${figure(shape.at(-1))}` : 'no rows',
      )
    const dtype = plain ?? 'F32'
    const stored = encoding ? (count / blockValues) * encoding.byteLength : (count * dtypeBits[dtype]) / 8
    const start = dataStart + offset
    if (start + stored > fileBytes)
      throw badFile(
        label,
        `data inside the file's ${fileBytes} bytes`,
        `data up to byte ${start + stored}: the file is cut short`,
      )
    const info: TensorInfo = {
      name,
      dtype,
      shape,
      byteLength: (count * dtypeBits[dtype]) / 8,
      ...(encoding ? { storedAs: encoding.name, storedBytes: stored } : {}),
    }
    placed.push({ info, start, end: start + stored, encoding })
  }
  let last: Placed | null = null
  for (const tensor of [...placed].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (last && tensor.start < last.end)
      throw badFile(
        `${where}: tensor ${quoted(tensor.info.name)}`,
        `data after ${quoted(last.info.name)}, which ends at ${last.end}`,
        `data at ${tensor.start}: they overlap`,
      )
    last = tensor
  }
  checkUnread(where, placed, unread)
  return { placed, left }
}

/** What is not read has no known end, but it may not begin inside what is. */
function checkUnread(
  where: string,
  placed: readonly Placed[],
  unread: readonly { name: string; start: number }[],
): void {
  const byStart = [...placed].sort((a, b) => a.start - b.start)
  let at = 0
  for (const { name, start } of [...unread].sort((a, b) => a.start - b.start)) {
    while (at < byStart.length && byStart[at]!.end <= start) at++
    const next = byStart[at]
    if (next && next.start < start)
      throw badFile(
        `${where}: tensor ${quoted(name)}`,
        `data outside ${quoted(next.info.name)}, which ends at ${next.end}`,
        `data at ${start}: they overlap`,
      )
  }
}
