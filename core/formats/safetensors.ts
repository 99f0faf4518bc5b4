/**
 * safetensors: 8 bytes of header length (u64, little-endian), a JSON header `name -> {dtype, shape, data_offsets}`, then the values.
 * Source: huggingface/safetensors, README "Format" and the checks of its reference implementation, which are all made here too: no
 * duplicate keys, ranges that tile the data without gap or overlap, shape x dtype = range.
 *
 * Nothing in it can run. What it can do is lie about sizes; so nothing is allocated but the header, and that only after its length was
 * held against the file's.
 */

import { AppError } from '../errors.ts'
import type { ByteSource } from '../io.ts'
import { say } from '../messages/english.ts'
import { foreign, quoted } from '../messages/text.ts'
import {
  checkedElementCount,
  type DType,
  dtypeBits,
  type TensorInfo,
  type TensorOutline,
  tensorBytes,
} from '../tensor.ts'
import type { Format, WeightFile } from './format.ts'
import { readRange } from './reading/range.ts'
import { readByName } from './reading/readable.ts'
import { badFile, figure, type LeftOut, leftOut, nothingIn, overLimit } from './reading/refusal.ts'
import { type Json, type JsonLimits, visitStrictJson } from './reading/strict-json.ts'

/** The reference implementation's cap. A header is read into memory whole; a file of a terabyte may not ask for a terabyte. */
export const maxHeaderBytes = 100_000_000
/** The largest published sets have 1.5e5 in all their files together; each costs about 900 bytes while it is checked. */
const maxTensors = 150_000
/** numpy's limit is 64, torch's too; a shape of a million ones is an attack on code that multiplies or prints it. */
const maxDimensions = 64

/** Honest ones have a few hundred. */
const maxMetadataKeys = 100_000
const metadataKey = '__metadata__'

const headerLimits: JsonLimits = {
  maxDepth: 8,
  // The longest array of a header is a shape.
  maxArrayLength: maxDimensions,
  // Two offsets and a shape of two to four sizes each.
  maxElements: 10 * maxTensors,
  maxKeys: 4 * maxTensors + maxMetadataKeys,
  maxTextBytes: 32_000_000,
  opened: [metadataKey],
}

const lengthBytes = 8

/** A tensor's header entry with where its values lie in the file. */
interface SafetensorsEntry extends TensorInfo {
  readonly fileOffset: number
}

interface SafetensorsHeader {
  /** In the order of the data. */
  readonly tensors: readonly SafetensorsEntry[]
  readonly metadata: ReadonlyMap<string, string>
  /** Tensors of dtypes that are newer than this reader; their bytes have a place and no known meaning. */
  readonly left: readonly LeftOut[]
}

export const safetensors: Format = {
  id: 'safetensors',
  sniff: (head) => head.byteLength > lengthBytes && head[8] === 123 && head[5] === 0 && head[6] === 0 && head[7] === 0,
  open: async (source) => {
    const { tensors, metadata, left } = await readSafetensorsHeader(source)
    if (tensors.length === 0 && left.length > 0)
      throw nothingIn(source.name, 'tensors that are read', [leftOut(left)], 'unsupported')
    const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
    return {
      format: 'safetensors',
      safety: 'safe',
      totalBytes: source.byteLength,
      tensors,
      metadata,
      notices: left.length > 0 ? [leftOut(left)] : [],
      shards: [{ fileName: source.name, tensorNames: tensors.map((tensor) => tensor.name) }],
      read: readByName(source.name, byName, ({ name, fileOffset }, start, end) =>
        readRange(source, fileOffset + start, fileOffset + end, `tensor ${quoted(name)}`),
      ),
      close: () => source.close(),
    } satisfies WeightFile
  },
}

/**
 * Reads and checks the header; touches nothing else of the file.
 * @throws AppError `bad-file`, `over-limit`
 */
async function readSafetensorsHeader(source: ByteSource): Promise<SafetensorsHeader> {
  const where = source.name
  if (source.byteLength < lengthBytes)
    throw badFile(where, 'at least 8 bytes with the length of the header', `${source.byteLength} bytes`)
  const lengthField = await readRange(source, 0, lengthBytes, 'header length')
  const length = new DataView(lengthField.buffer, lengthField.byteOffset).getBigUint64(0, true)
  if (length > BigInt(source.byteLength - lengthBytes))
    throw new AppError(
      'bad-file',
      say('formats.header-beyond', { where: foreign(where), bytes: source.byteLength, header: Number(length) }),
    )
  const headerBytes = Number(length)
  if (headerBytes > maxHeaderBytes)
    throw overLimit(where, 'bytes of header', maxHeaderBytes, headerBytes, 'the header is read into memory whole')
  const header = await readRange(source, lengthBytes, lengthBytes + headerBytes, 'header')
  return checkHeader(where, header, lengthBytes + headerBytes, source.byteLength)
}

function checkHeader(where: string, header: Uint8Array, dataStart: number, fileBytes: number): SafetensorsHeader {
  const metadata = new Map<string, string>()
  const tensors: SafetensorsEntry[] = []
  const unread: (Placed & LeftOut)[] = []
  visitStrictJson(header, `${where}: header`, headerLimits, (name, entry, inside) => {
    if (inside === metadataKey) {
      if (typeof entry !== 'string') throw badFile(`${where}: __metadata__ ${quoted(name)}`, 'a string', kindOf(entry))
      if (metadata.size === maxMetadataKeys)
        throw overLimit(where, 'keys of metadata', maxMetadataKeys, maxMetadataKeys + 1, 'no tool writes so many')
      metadata.set(name, entry)
    } else if (name === metadataKey) throw badFile(`${where}: __metadata__`, 'an object of strings', kindOf(entry))
    else {
      if (tensors.length + unread.length === maxTensors)
        throw overLimit(where, 'tensors', maxTensors, maxTensors + 1, 'no published file comes near it')
      const checked = checkEntry(where, name, entry, dataStart)
      if ('why' in checked) unread.push(checked)
      else tensors.push(checked)
    }
  })
  const inOrder = (a: Placed, b: Placed) => a.fileOffset - b.fileOffset || a.byteLength - b.byteLength
  tensors.sort(inOrder)
  checkTiling(where, unread.length === 0 ? tensors : [...tensors, ...unread].sort(inOrder), dataStart, fileBytes)
  return { tensors, metadata, left: unread }
}

/**
 * The beginning of a file of so many bytes as its reader would take it, before its values are written: names get suffixes, and a header has limits.
 * @throws AppError as its reader
 */
export function checkSafetensorsHeader(where: string, start: Uint8Array, fileBytes: number): void {
  const header = start.subarray(lengthBytes)
  if (header.byteLength > maxHeaderBytes)
    throw overLimit(where, 'bytes of header', maxHeaderBytes, header.byteLength, 'the header is read into memory whole')
  checkHeader(where, header, start.byteLength, fileBytes)
}

interface Placed {
  readonly name: string
  readonly fileOffset: number
  readonly byteLength: number
}

function checkEntry(file: string, name: string, entry: Json, dataStart: number): SafetensorsEntry | (Placed & LeftOut) {
  // Made only when a sentence needs it: there may be 200,000 entries.
  const where = () => `${file}: tensor ${quoted(name)}`
  if (!(entry instanceof Map)) throw badFile(where(), 'an object with dtype, shape and data_offsets', kindOf(entry))
  const dtype = entry.get('dtype')
  if (typeof dtype !== 'string') throw badFile(`${where()}: dtype`, 'a string', kindOf(dtype))
  const shape = entry.get('shape')
  if (!Array.isArray(shape)) throw badFile(`${where()}: shape`, 'an array', kindOf(shape))
  const count = checkedElementCount(shape)
  if (count === null)
    throw badFile(
      `${where()}: shape`,
      'whole numbers whose product is below 2^53',
      `[${shape.slice(0, 8).map(printValue).join(', ')}]`,
    )
  const offsets = entry.get('data_offsets')
  if (!Array.isArray(offsets) || offsets.length !== 2)
    throw badFile(`${where()}: data_offsets`, 'two numbers', kindOf(offsets))
  const [begin, end] = offsets
  if (!isOffset(begin) || !isOffset(end) || begin > end)
    throw badFile(
      `${where()}: data_offsets`,
      'begin <= end, both whole numbers below 2^53',
      `[${offsets.map(printValue).join(', ')}]`,
    )
  const place = { name, fileOffset: dataStart + begin, byteLength: end - begin }
  // A dtype that came after this reader: how many bytes it needs is not known here, but those it has are a place among the others.
  if (!Object.hasOwn(dtypeBits, dtype)) return { ...place, why: `dtype ${quoted(dtype)}` }
  const bits = count * dtypeBits[dtype as DType]
  if (!Number.isSafeInteger(bits) || bits % 8 !== 0)
    throw badFile(`${where()}: shape`, 'a whole number of bytes below 2^53', `${count} elements of ${dtype}`)
  if (end - begin !== bits / 8)
    throw badFile(
      where(),
      `${bits / 8} bytes (${dtype} [${shape.join(', ')}])`,
      `${end - begin} bytes (data_offsets [${begin}, ${end}])`,
    )
  return { ...place, dtype: dtype as DType, shape: shape as number[] }
}

/** Sorted by offset, the ranges must follow one another from the first byte of data to the last of the file. */
function checkTiling(where: string, tensors: readonly Placed[], dataStart: number, fileBytes: number): void {
  let at = dataStart
  for (const [index, tensor] of tensors.entries()) {
    const end = tensor.fileOffset + tensor.byteLength
    if (tensor.fileOffset === at && end <= fileBytes) {
      at = end
      continue
    }
    const label = `${where}: tensor ${quoted(tensor.name)}`
    if (end > fileBytes)
      throw new AppError(
        'bad-file',
        say('formats.cut-short', {
          where: foreign(where),
          tensor: quoted(tensor.name),
          needs: end - dataStart,
          has: fileBytes - dataStart,
        }),
      )
    if (tensor.fileOffset < at)
      throw badFile(
        label,
        `data that begins where ${quoted(tensors[index - 1]!.name)} ends, at ${at - dataStart}`,
        `${tensor.fileOffset - dataStart}: they overlap`,
      )
    throw badFile(
      label,
      `data that begins at ${at - dataStart}, where the data before it ends`,
      `${tensor.fileOffset - dataStart}: ${tensor.fileOffset - at} bytes belong to no tensor`,
    )
  }
  if (at !== fileBytes)
    throw badFile(
      where,
      `${at} bytes, the end of its last tensor`,
      `${fileBytes} bytes: ${fileBytes - at} belong to no tensor`,
    )
}

function isOffset(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function kindOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'no value'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (value instanceof Map) return 'an object'
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return 'a number'
  return `the ${typeof value} ${printValue(value)}`
}

function printValue(value: Json): string {
  if (typeof value === 'number') return figure(value)
  return typeof value === 'string' ? quoted(value) : typeof value === 'object' ? '...' : String(value)
}

/**
 * The bytes before the values: length and header, padded with spaces so that the values begin at a multiple of 8. The values then follow
 * in the order of `tensors`, tightly packed, so every byte's place is known before the first is computed.
 * @throws AppError `bad-request` for a name used twice, the name `__metadata__`, or a tensor that is no whole number of bytes
 */
export function safetensorsHeader(
  tensors: readonly TensorOutline[],
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
  const parts: string[] = []
  if (metadata.size > 0) {
    const pairs = [...metadata].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
    parts.push(`"__metadata__":{${pairs.join(',')}}`)
  }
  const names = new Set(['__metadata__'])
  let offset = 0
  for (const { name, dtype, shape } of tensors) {
    if (names.has(name)) throw new AppError('bad-request', say('formats.name-twice', { name: quoted(name) }))
    names.add(name)
    const byteLength = tensorBytes(dtype, shape)
    const entry = { dtype, shape, data_offsets: [offset, offset + byteLength] }
    parts.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`)
    offset += byteLength
  }
  const json = new TextEncoder().encode(`{${parts.join(',')}}`)
  const padded = Math.ceil(json.byteLength / 8) * 8
  const bytes = new Uint8Array(lengthBytes + padded).fill(32, lengthBytes)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true)
  bytes.set(json, lengthBytes)
  return bytes
}
