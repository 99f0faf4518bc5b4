/**
 * TensorFlow checkpoints: `NAME.index`, a sorted table of names with where their values lie, and `NAME.data-00000-of-00001` and so on with the
 * values. The table is LevelDB's: blocks of entries whose keys share prefixes, an index of blocks, a footer.
 * Source: tensorflow/core/util/tensor_bundle, tensorflow/core/lib/io/table_format.txt.
 */

import { AppError } from '../errors.ts'
import { type ByteSource, memorySource, type SourceFolder } from '../io.ts'
import { say } from '../messages/english.ts'
import { foreign, quoted } from '../messages/text.ts'
import { checkedElementCount, type DType, dtypeBits } from '../tensor.ts'
import type { Format } from './format.ts'
import { cursorOver } from './reading/cursor.ts'
import { openOnce } from './reading/open-once.ts'
import { after, type FieldBudget, visitFields } from './reading/protobuf.ts'
import { readRange } from './reading/range.ts'
import { type ReadableTensor, weightFileOf } from './reading/readable.ts'
import {
  badFile,
  figure,
  type LeftOut,
  leftOut,
  nothingIn,
  overLimit,
  shapeText,
  unsupported,
} from './reading/refusal.ts'

/** A table of 150,000 names of 200 bytes; read into memory whole. */
const maxIndexBytes = 64_000_000
/** With the slots of optimizers the largest have about 1e4. */
const maxTensors = 40_000
const maxNameBytes = 48_000_000
/** Files of values; published ones have up to 64. */
const maxDataFiles = 1000
const maxFields = 4_000_000
const utf8 = new TextDecoder('utf-8', { fatal: true })

const footerBytes = 48
const magic = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]
/** A byte for the compression and a checksum behind each block. */
const trailerBytes = 5
/** What the object-based form puts behind the name of a variable. */
const objectSuffix = '/.ATTRIBUTES/VARIABLE_VALUE'

/** DataType; references to variables are 100 more. */
const dtypes: ReadonlyMap<number, DType> = new Map([
  [1, 'F32'],
  [2, 'F64'],
  [3, 'I32'],
  [4, 'U8'],
  [5, 'I16'],
  [6, 'I8'],
  [8, 'C64'],
  [9, 'I64'],
  [10, 'BOOL'],
  [14, 'BF16'],
  [17, 'U16'],
  [19, 'F16'],
  [22, 'U32'],
  [23, 'U64'],
  [24, 'F8_E5M2'],
  [25, 'F8_E4M3'],
])
/** What is no number: names of the object graph, save counters. */
const STRING = 7

interface Entry {
  readonly name: string
  dtype: number
  shape: number[]
  shard: number
  offset: number
  size: number
  sliced: boolean
}

export const tensorflow: Format = {
  id: 'tensorflow',
  sniff: (_, source) => source.name.endsWith('.index') && source.byteLength >= footerBytes,
  open: async (source, folder) => {
    const table = await readTable(source)
    const budget: FieldBudget = { left: maxFields, limit: maxFields }
    const header = table.get('')
    if (!header) throw badFile(source.name, 'a header under the empty name', 'none')
    const count = await readHeader(header, source.name, budget)
    const base = source.name.slice(0, -'.index'.length)
    const files = Array.from({ length: count }, (_, i) => `${base}.data-${numbered(i)}-of-${numbered(count)}`)
    const sizes = await sizesOf(folder, source.name, files)
    const left: LeftOut[] = []
    const readables: ReadableTensor[] = []
    const opened = openOnce()
    for (const [key, bytes] of table) {
      if (key === '') continue
      const entry = await readEntry(key, bytes, source.name, budget)
      if (entry.dtype === STRING) continue
      const made = place(entry, source.name, files, sizes, (file) =>
        opened.open({ id: file, open: () => folder.open(file) }),
      )
      if ('why' in made) left.push({ name: entry.name, why: made.why })
      else readables.push(made)
    }
    const notices = left.length > 0 ? [leftOut(left)] : []
    if (readables.length === 0) throw nothingIn(source.name, 'variables', notices)
    return weightFileOf(source.name, readables, {
      format: 'tensorflow',
      safety: 'safe',
      totalBytes: sizes.reduce((sum, size) => sum + size, source.byteLength),
      metadata: new Map(),
      notices,
      close: async () => {
        await opened.close()
        await source.close()
      },
    })
  },
}

const numbered = (i: number) => String(i).padStart(5, '0')

/** The `.index` that a file of values belongs to; null for any other name. */
export function indexOfData(name: string): string | null {
  const [, base] = /^(.+)\.data-\d{5}-of-\d{5}$/.exec(name) ?? []
  return base === undefined ? null : `${base}.index`
}

async function sizesOf(folder: SourceFolder, where: string, files: readonly string[]): Promise<number[]> {
  const present = new Set(await folder.list())
  const missing = files.find((file) => !present.has(file))
  if (missing !== undefined)
    throw new AppError('not-found', say('formats.values-missing', { where: foreign(where), name: quoted(missing) }))
  const sizes: number[] = []
  for (const file of files) {
    const source = await folder.open(file)
    sizes.push(source.byteLength)
    await source.close()
  }
  return sizes
}

// --- The table --------------------------------------------------------------------------------------------------------------------

interface Handle {
  readonly offset: number
  readonly size: number
}

/** Every key with its value. */
async function readTable(source: ByteSource): Promise<Map<string, Uint8Array>> {
  const where = source.name
  if (source.byteLength > maxIndexBytes)
    throw overLimit(where, 'bytes of index', maxIndexBytes, source.byteLength, 'it is read into memory whole')
  const file = await readRange(source, 0, source.byteLength, 'index')
  const footer = file.subarray(file.byteLength - footerBytes)
  if (!magic.every((byte, i) => footer[footerBytes - 8 + i] === byte))
    throw badFile(where, 'the footer of a TensorFlow checkpoint index', 'other bytes')
  const reader = varints(footer, where)
  reader.handle()
  const index = reader.handle()
  const entries = new Map<string, Uint8Array>()
  let nameBytes = 0
  let last = -1
  for (const { value } of blockEntries(block(file, index, where), where)) {
    const handle = varints(value, where).handle()
    // Blocks follow one another, so that a small file cannot be read many times over.
    if (handle.offset <= last) throw badFile(where, 'blocks in their order', `one at ${handle.offset}`)
    last = handle.offset
    for (const { key, value } of blockEntries(block(file, handle, where), where)) {
      if (entries.size > maxTensors)
        throw overLimit(where, 'entries', maxTensors, entries.size + 1, 'no published model comes near it')
      // Keys share prefixes: three bytes of the file can make a name of thousands.
      nameBytes += key.byteLength
      if (nameBytes > maxNameBytes)
        throw overLimit(where, 'bytes of names', maxNameBytes, nameBytes, 'no published model has so many')
      const name = textOf(key, where)
      if (entries.has(name)) throw badFile(where, 'every name once', `${quoted(name)} twice`)
      entries.set(name, value)
    }
  }
  return entries
}

function block(file: Uint8Array, { offset, size }: Handle, where: string): Uint8Array {
  if (!(offset + size + trailerBytes <= file.byteLength - footerBytes))
    throw badFile(where, 'a block inside the file', `${size} bytes at ${offset}`)
  const compression = file[offset + size]
  if (compression === undefined || compression > 4)
    throw badFile(where, 'a block with its compression', `type ${compression}`)
  if (compression !== 0) throw unsupported(where, say('unread.compressed-index', { type: compression }))
  return file.subarray(offset, offset + size)
}

/** Entries of a block: bytes shared with the key before, bytes of its own, bytes of the value. */
function* blockEntries(bytes: Uint8Array, where: string): Generator<{ key: Uint8Array; value: Uint8Array }> {
  if (bytes.byteLength < 4) throw badFile(where, 'a block with its restarts', `${bytes.byteLength} bytes`)
  const restarts = new DataView(bytes.buffer, bytes.byteOffset + bytes.byteLength - 4).getUint32(0, true)
  const end = bytes.byteLength - 4 - 4 * restarts
  if (end < 0) throw badFile(where, 'restarts inside their block', `${restarts}`)
  const reader = varints(bytes.subarray(0, end), where)
  let key: Uint8Array = new Uint8Array(0)
  while (reader.at < end) {
    const shared = reader.next()
    const own = reader.next()
    const length = reader.next()
    const rest = reader.take(own)
    if (shared > key.byteLength || shared + own > 4096)
      throw badFile(where, 'a key that continues the one before', `${shared} shared bytes, ${own} of its own`)
    const next: Uint8Array = new Uint8Array(shared + own)
    next.set(key.subarray(0, shared))
    next.set(rest, shared)
    key = next
    yield { key, value: reader.take(length) }
  }
}

function varints(bytes: Uint8Array, where: string) {
  let at = 0
  const next = (): number => {
    let value = 0
    for (let i = 0; i < 10; i++) {
      const byte = bytes[at++]
      if (byte === undefined) throw badFile(where, 'the end of a number', 'the end of its block')
      value += (byte & 127) * 2 ** (7 * i)
      if (byte < 128) return value
    }
    throw badFile(where, 'a number of at most 10 bytes', 'a longer one')
  }
  return {
    get at() {
      return at
    },
    next,
    handle: (): Handle => ({ offset: next(), size: next() }),
    take: (length: number): Uint8Array => {
      if (!(at + length <= bytes.byteLength)) throw badFile(where, `${length} bytes in its block`, 'fewer')
      at += length
      return bytes.subarray(at - length, at)
    },
  }
}

function textOf(bytes: Uint8Array, where: string): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw badFile(where, 'names in UTF-8', 'bytes that are not')
  }
}

// --- Its entries ------------------------------------------------------------------------------------------------------------------

/** BundleHeaderProto: files, byte order. @returns the number of files of values */
async function readHeader(bytes: Uint8Array, where: string, budget: FieldBudget): Promise<number> {
  let files = 1
  let bigEndian = false
  const cursor = cursorOver(memorySource(where, bytes), 0, bytes.byteLength)
  await visitFields(cursor, bytes.byteLength, `${where}: header`, budget, (field) => {
    if (field.number === 1) files = field.value
    if (field.number === 2) bigEndian = field.value === 1
    return undefined
  })
  if (bigEndian) throw unsupported(where, say('unread.big-endian'))
  if (!(files >= 1 && files <= maxDataFiles)) throw badFile(where, `1 to ${maxDataFiles} files of values`, `${files}`)
  return files
}

/** BundleEntryProto: dtype, shape, file, offset, size, checksum, slices. */
async function readEntry(key: string, bytes: Uint8Array, where: string, budget: FieldBudget): Promise<Entry> {
  const name = key.endsWith(objectSuffix) ? key.slice(0, -objectSuffix.length) : key
  const entry: Entry = { name, dtype: 0, shape: [], shard: 0, offset: 0, size: 0, sliced: false }
  const label = `${where}: ${quoted(name)}`
  const cursor = cursorOver(memorySource(where, bytes), 0, bytes.byteLength)
  await visitFields(cursor, bytes.byteLength, label, budget, (field) => {
    switch (field.number) {
      case 1:
        entry.dtype = field.value
        return undefined
      case 2:
        return visitFields(cursor, field.end, label, budget, (dim) => {
          if (dim.number !== 2 || dim.wire !== 'bytes') return undefined
          let size = 0
          const sizes = visitFields(cursor, dim.end, label, budget, (part) => {
            if (part.number === 1) size = part.value
            return undefined
          })
          return after(sizes, () => {
            entry.shape.push(size)
            return undefined
          })
        })
      case 3:
        entry.shard = field.value
        return undefined
      case 4:
        entry.offset = field.value
        return undefined
      case 5:
        entry.size = field.value
        return undefined
      case 7:
        entry.sliced = true
    }
    return undefined
  })
  return entry
}

function place(
  { name, dtype: code, shape, shard, offset, size, sliced }: Entry,
  where: string,
  files: readonly string[],
  sizes: readonly number[],
  open: (file: string) => Promise<ByteSource>,
): ReadableTensor | { why: LeftOut['why'] } {
  const label = `${where}: ${quoted(name)}`
  if (sliced) return { why: say('left-out.partitioned') }
  const dtype = dtypes.get(code > 100 ? code - 100 : code)
  if (!dtype) return { why: `DataType ${code}` }
  const count = checkedElementCount(shape)
  const byteLength = ((count ?? Number.NaN) * dtypeBits[dtype]) / 8
  if (shape.length > 64 || !Number.isSafeInteger(byteLength))
    throw badFile(`${label}: shape`, 'whole numbers whose product is below 2^53', shapeText(shape))
  if (size !== byteLength) throw badFile(label, `${byteLength} bytes (${dtype} ${shapeText(shape)})`, figure(size))
  const file = files[shard]
  if (file === undefined) throw badFile(label, `one of ${files.length} files of values`, `file ${shard}`)
  if (!(offset + size <= sizes[shard]!))
    throw badFile(
      label,
      `values inside the ${sizes[shard]} bytes of ${quoted(file)}`,
      `values up to byte ${offset + size}`,
    )
  return {
    info: { name, dtype, shape, byteLength },
    read: async (start, end) => readRange(await open(file), offset + start, offset + end, label),
  }
}
