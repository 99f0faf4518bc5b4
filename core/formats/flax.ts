/**
 * Flax checkpoints: MessagePack, maps in maps down to arrays, which are an extension of their own: the shape, the dtype's name and the bytes,
 * packed once more. Arrays above 1 GB come as a map of chunks. Names are the keys on the way, joined by `/`.
 * Source: flax/serialization.py; the MessagePack specification.
 */

import type { ByteSource } from '../io.ts'
import { quoted } from '../messages/text.ts'
import { checkedElementCount, type DType, dtypeBits } from '../tensor.ts'
import { uniqueNames } from '../unique-names.ts'
import type { Format } from './format.ts'
import { type Cursor, cursorOver } from './reading/cursor.ts'
import { length, sizeOf, startsList, startsMap } from './reading/message-pack.ts'
import { pathNames } from './reading/name-meter.ts'
import { readRange } from './reading/range.ts'
import { type ReadableTensor, weightFileOf } from './reading/readable.ts'
import { badFile, type LeftOut, leftOut, nothingIn, overLimit, shapeText } from './reading/refusal.ts'

/** Values of all kinds; each costs a call. */
const maxValues = 4_000_000
/** Of all maps together; each is kept until its map ends. */
const maxKeys = 500_000
/** The largest published models have about 10,000; each costs 1.5 KB. */
const maxTensors = 65_536
/** Maps in maps; modules nest about ten deep. */
const maxDepth = 64
const maxDimensions = 64
/** Of a key or of a name of a dtype. */
const maxKeyBytes = 4096
const utf8 = new TextDecoder('utf-8', { fatal: true })

const chunkedMark = '__msgpack_chunked_array__'
/** Extension types: an array, a complex number, a scalar of NumPy's. */
const ndarray = 1
const nativeComplex = 2
const scalar = 3

const dtypeOfName: ReadonlyMap<string, DType> = new Map([
  ['float64', 'F64'],
  ['float32', 'F32'],
  ['float16', 'F16'],
  ['bfloat16', 'BF16'],
  ['float8_e4m3fn', 'F8_E4M3'],
  ['float8_e5m2', 'F8_E5M2'],
  ['int8', 'I8'],
  ['int16', 'I16'],
  ['int32', 'I32'],
  ['int64', 'I64'],
  ['uint8', 'U8'],
  ['uint16', 'U16'],
  ['uint32', 'U32'],
  ['uint64', 'U64'],
  ['bool', 'BOOL'],
  ['complex64', 'C64'],
])

export const flax: Format = {
  id: 'flax',
  // A map has no mark that nothing else has: the name decides.
  sniff: (head, source) => source.name.toLowerCase().endsWith('.msgpack') && startsMap(head[0] ?? 0),
  open: async (source) => {
    const walk: Walk = {
      source,
      cursor: cursorOver(source, 0, source.byteLength),
      arrays: [],
      left: [],
      unique: uniqueNames(),
      nameOf: pathNames(source.name, '/'),
      values: 0,
      keys: 0,
      depth: 0,
    }
    await readValue(walk, [])
    if (walk.cursor.position !== source.byteLength)
      throw badFile(source.name, `${walk.cursor.position} bytes, the end of its map`, `${source.byteLength}`)
    const notices = walk.left.length > 0 ? [leftOut(walk.left)] : []
    if (walk.arrays.length === 0) throw nothingIn(source.name, 'arrays', notices)
    return weightFileOf(source.name, walk.arrays, {
      format: 'flax',
      safety: 'safe',
      totalBytes: source.byteLength,
      metadata: new Map(),
      notices,
      close: () => source.close(),
    })
  },
}

interface Walk {
  readonly source: ByteSource
  readonly cursor: Cursor
  readonly arrays: ReadableTensor[]
  readonly left: LeftOut[]
  readonly unique: ReturnType<typeof uniqueNames>
  readonly nameOf: ReturnType<typeof pathNames>
  values: number
  keys: number
  /** Of the value that is being read, whether it is one of a map or list, a key, or a part of an array. */
  depth: number
}

/** An array as it stands in the file. */
interface Stored {
  readonly shape: readonly number[]
  readonly dtypeName: string
  readonly start: number
  readonly byteLength: number
}

type Value =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'other' }

const other: Value = { kind: 'other' }

/** Longer than any value that `quickValue` takes. */
const quickBytes = 40

/** A small value that is in the cursor's window: millions of them cannot all be waited for. undefined for any other, which stays the next. */
function quickValue(walk: Walk): Value | undefined {
  const { cursor } = walk
  if (!cursor.has(quickBytes)) return undefined
  const code = cursor.peek()
  const isShortText = (code & 0xe0) === 0xa0
  if (!(code < 0x80 || code >= 0xe0 || code === 0xc0 || code === 0xc2 || code === 0xc3 || isShortText)) return undefined
  cursor.u8()
  count(walk)
  if (isShortText) return { kind: 'text', text: textOf(walk, code & 31) }
  return code < 0x80 ? { kind: 'number', number: code } : code >= 0xe0 ? { kind: 'number', number: code - 256 } : other
}

function count(walk: Walk): void {
  if (++walk.values > maxValues)
    throw overLimit(walk.source.name, 'values', maxValues, walk.values, 'no honest model has so many')
}

/** Reads one value; arrays below it are added under `path`. */
async function readValue(walk: Walk, path: readonly string[]): Promise<Value> {
  const { cursor, source } = walk
  const where = source.name
  const quick = quickValue(walk)
  if (quick !== undefined) return quick
  count(walk)
  await cursor.need(1)
  const at = cursor.position
  const code = cursor.u8()
  if (code < 0x80) return { kind: 'number', number: code }
  if (code >= 0xe0) return { kind: 'number', number: code - 256 }
  if (startsMap(code)) return nested(walk, readMap, await sizeOf(cursor, code), path)
  if (startsList(code)) return nested(walk, readList, await sizeOf(cursor, code), path)
  if ((code & 0xe0) === 0xa0) return readText(walk, code & 31)
  switch (code) {
    case 0xc0: // nil, false, true
    case 0xc2:
    case 0xc3:
      return other
    case 0xd9:
    case 0xda:
    case 0xdb:
      return readText(walk, await length(cursor, 1 << (code - 0xd9)))
    case 0xc4:
    case 0xc5:
    case 0xc6:
      cursor.skip(await length(cursor, 1 << (code - 0xc4)))
      return other
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      return { kind: 'number', number: await length(cursor, 1 << (code - 0xcc)) }
    case 0xca:
    case 0xcb:
      cursor.skip(code === 0xca ? 4 : 8)
      return other
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      cursor.skip(1 << (code - 0xd0))
      return other
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return nested(walk, readExtension, 1 << (code - 0xd4), path)
    case 0xc7:
    case 0xc8:
    case 0xc9:
      return nested(walk, readExtension, await length(cursor, 1 << (code - 0xc7)), path)
    default:
      throw badFile(where, `a value of MessagePack at byte ${at}`, `byte 0x${code.toString(16)}`)
  }
}

async function readText(walk: Walk, byteLength: number): Promise<Value> {
  const { cursor } = walk
  if (byteLength > maxKeyBytes) {
    cursor.skip(byteLength)
    return other
  }
  await cursor.need(byteLength)
  return { kind: 'text', text: textOf(walk, byteLength) }
}

function textOf({ cursor, source }: Walk, byteLength: number): string {
  try {
    return utf8.decode(cursor.bytes(byteLength))
  } catch {
    throw badFile(source.name, `UTF-8 text at byte ${cursor.position - byteLength}`, 'bytes that are not')
  }
}

async function readMap(walk: Walk, count: number, path: readonly string[]): Promise<Value> {
  const keys = new Set<string>()
  for (let i = 0; i < count; i++) {
    const key = quickValue(walk) ?? (await readValue(walk, path))
    const label = key.kind === 'text' ? key.text : key.kind === 'number' ? String(key.number) : null
    if (label === null) throw badFile(walk.source.name, 'keys that are text', 'another')
    if (keys.has(label)) throw badFile(walk.source.name, 'every key once', `${quoted(label)} twice`)
    keys.add(label)
    if (++walk.keys > maxKeys)
      throw overLimit(walk.source.name, 'keys', maxKeys, walk.keys, 'no honest model has so many')
    if (label === chunkedMark) return readChunked(walk, count - 1, path)
    if (quickValue(walk) === undefined) await readValue(walk, [...path, label])
  }
  return other
}

async function readList(walk: Walk, length: number, path: readonly string[]): Promise<Value> {
  for (let i = 0; i < length; i++) if (quickValue(walk) === undefined) await readValue(walk, [...path, String(i)])
  return other
}

/** What may hold values that hold values. Those that the specification has no place for, such as maps as keys, nest as deep as any. */
async function nested(
  walk: Walk,
  read: (walk: Walk, size: number, path: readonly string[]) => Promise<Value>,
  size: number,
  path: readonly string[],
): Promise<Value> {
  if (++walk.depth > maxDepth)
    throw overLimit(walk.source.name, 'levels of maps', maxDepth, walk.depth, 'no honest model nests so deep')
  const value = await read(walk, size, path)
  walk.depth--
  return value
}

async function readExtension(walk: Walk, byteLength: number, path: readonly string[]): Promise<Value> {
  const { cursor } = walk
  await cursor.need(1)
  const type = cursor.u8()
  const end = cursor.position + byteLength
  if (type === ndarray || type === scalar) add(walk, path, [await readArray(walk, end)], null)
  else if (type !== nativeComplex) walk.left.push({ name: walk.nameOf(path) || 'value', why: `extension ${type}` })
  cursor.skip(end - cursor.position)
  return other
}

/** (shape, name of the dtype, bytes), packed; the bytes are not read. */
async function readArray(walk: Walk, end: number): Promise<Stored> {
  const { cursor, source } = walk
  const where = `${source.name}: array at byte ${cursor.position}`
  const item = async (what: string): Promise<number> => {
    await cursor.need(1)
    if (cursor.position >= end) throw badFile(where, what, 'its end')
    return cursor.u8()
  }
  if ((await item('a list of three')) !== 0x93)
    throw badFile(where, 'a list of shape, dtype and bytes', 'another value')
  const head = await item('a shape')
  const count = (head & 0xf0) === 0x90 ? head & 15 : head === 0xdc ? await length(cursor, 2) : Number.NaN
  if (!(count <= maxDimensions))
    throw badFile(
      where,
      `a shape of at most ${maxDimensions} sizes`,
      Number.isNaN(count) ? 'another value' : `${count}`,
    )
  const shape: number[] = []
  for (let i = 0; i < count; i++) {
    const size = await readValue(walk, [])
    if (size.kind !== 'number' || size.number < 0) throw badFile(where, 'sizes that are whole numbers', 'another value')
    shape.push(size.number)
  }
  const name = await readValue(walk, [])
  if (name.kind !== 'text') throw badFile(where, 'the name of a dtype', 'another value')
  const code = await item('the bytes of the values')
  if (code < 0xc4 || code > 0xc6) throw badFile(where, 'the bytes of the values', `byte 0x${code.toString(16)}`)
  const byteLength = await length(cursor, 1 << (code - 0xc4))
  const start = cursor.position
  if (start + byteLength !== end) throw badFile(where, `values up to byte ${end}`, `${byteLength} bytes at ${start}`)
  if (end > source.byteLength)
    throw badFile(where, `values inside the file's ${source.byteLength} bytes`, `up to ${end}`)
  return { shape, dtypeName: name.text, start, byteLength }
}

/** The rest of a map that stands for one large array: `shape` and `chunks`, both maps by number. */
async function readChunked(walk: Walk, count: number, path: readonly string[]): Promise<Value> {
  const { source } = walk
  const where = `${source.name}: ${quoted(path.join('/'))}`
  await readValue(walk, path)
  const shape: number[] = []
  const parts: Stored[] = []
  for (let i = 0; i < count; i++) {
    const key = await readValue(walk, path)
    const name = key.kind === 'text' ? key.text : ''
    if (name !== 'shape' && name !== 'chunks') throw badFile(where, 'shape and chunks of an array', quoted(name))
    const inner: Walk = { ...walk, arrays: [], left: [], unique: uniqueNames() }
    await walk.cursor.need(1)
    const code = walk.cursor.u8()
    if (!startsMap(code)) throw badFile(where, `a map of ${name}`, 'another value')
    const size = await sizeOf(walk.cursor, code)
    if (name === 'shape' && size > maxDimensions) throw badFile(where, `at most ${maxDimensions} dimensions`, `${size}`)
    for (let each = 0; each < size; each++) {
      const place = await readValue(inner, path)
      if (place.kind !== 'text' || place.text !== String(each))
        throw badFile(where, `number ${each} of ${name}`, 'another')
      if (name === 'shape') {
        const value = await readValue(inner, path)
        if (value.kind !== 'number') throw badFile(where, 'sizes that are whole numbers', 'another value')
        shape.push(value.number)
      } else parts.push(await readChunk(inner, where))
    }
    walk.values = inner.values
  }
  add(walk, path, parts, shape)
  return other
}

async function readChunk(walk: Walk, where: string): Promise<Stored> {
  const { cursor } = walk
  await cursor.need(1)
  const code = cursor.u8()
  const byteLength =
    code >= 0xd4 && code <= 0xd8
      ? 1 << (code - 0xd4)
      : code >= 0xc7 && code <= 0xc9
        ? await length(cursor, 1 << (code - 0xc7))
        : Number.NaN
  const isArray = !Number.isNaN(byteLength) && (await length(cursor, 1)) === ndarray
  if (!isArray) throw badFile(where, 'arrays as its chunks', 'another value')
  const end = cursor.position + byteLength
  const stored = await readArray(walk, end)
  cursor.skip(end - cursor.position)
  return stored
}

/** Holds an array against its bytes; `whole` is the shape of one that comes in parts. */
function add(walk: Walk, path: readonly string[], parts: readonly Stored[], whole: readonly number[] | null): void {
  const { source } = walk
  const [first] = parts
  const wanted = walk.nameOf(path) || 'array'
  const where = () => `${source.name}: ${quoted(wanted)}`
  if (walk.arrays.length === maxTensors)
    throw overLimit(source.name, 'arrays', maxTensors, maxTensors + 1, 'no published model comes near it')
  if (!first) throw badFile(where(), 'chunks', 'none')
  const dtype = dtypeOfName.get(first.dtypeName)
  if (!dtype || parts.some(({ dtypeName }) => dtypeName !== first.dtypeName)) {
    walk.left.push({ name: wanted, why: quoted(first.dtypeName) })
    return
  }
  const shape = whole ?? first.shape
  const count = checkedElementCount(shape)
  const byteLength = parts.reduce((sum, part) => sum + part.byteLength, 0)
  const due = count === null ? null : (count * dtypeBits[dtype]) / 8
  if (due !== byteLength) {
    const values = `${dtype} ${shapeText(shape)}`
    throw badFile(where(), due === null ? `the bytes of ${values}` : `${due} bytes (${values})`, `${byteLength}`)
  }
  walk.arrays.push({
    info: { name: walk.unique(wanted), dtype, shape, byteLength },
    read: (start, end) => readParts(source, parts, start, end, where()),
  })
}

async function readParts(
  source: ByteSource,
  parts: readonly Stored[],
  start: number,
  end: number,
  where: string,
): Promise<Uint8Array> {
  if (parts.length === 1) return readRange(source, parts[0]!.start + start, parts[0]!.start + end, where)
  const out = new Uint8Array(end - start)
  let before = 0
  for (const part of parts) {
    const from = Math.max(start, before)
    const to = Math.min(end, before + part.byteLength)
    if (from < to)
      out.set(await readRange(source, part.start + from - before, part.start + to - before, where), from - start)
    before += part.byteLength
  }
  return out
}
