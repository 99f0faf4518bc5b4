/**
 * ONNX models: their weights, wherever the graph has them (onnx-graph.ts). Values lie in the file (`raw_data`, or a typed field) or in files
 * beside it or in folders beside it (`external_data`).
 * Source: onnx/onnx.proto, docs/ExternalData.md.
 */

import { AppError } from '../../errors.ts'
import type { ByteSource, SourceFolder } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { foreign, quoted } from '../../messages/text.ts'
import {
  checkedElementCount,
  type DType,
  dtypeBits,
  type GraphUse,
  isComputable,
  type TensorInfo,
} from '../../tensor.ts'
import type { Format, WeightFile } from '../format.ts'
import type { Range } from '../reading/model-graph.ts'
import { openOnce } from '../reading/open-once.ts'
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
} from '../reading/refusal.ts'
import { readModel } from './onnx-graph.ts'
import type { Constant, TypedValues } from './onnx-tensors.ts'
import { graphUses } from './onnx-uses.ts'

/** Exporters write one file, or one for each initializer. */
const maxExternalFiles = 10_000
/** Folders in folders. */
const maxExternalDepth = 8
/** Of a message whose values stand in a field each; honest ones have a few numbers. All of it is read for any of them. */
const maxLooseBytes = 64_000_000

/** TensorProto.DataType; those that are missing here have no dtype of ours. */
export const dataTypes: ReadonlyMap<number, DType> = new Map([
  [1, 'F32'],
  [2, 'U8'],
  [3, 'I8'],
  [4, 'U16'],
  [5, 'I16'],
  [6, 'I32'],
  [7, 'I64'],
  [9, 'BOOL'],
  [10, 'F16'],
  [11, 'F64'],
  [12, 'U32'],
  [13, 'U64'],
  [14, 'C64'],
  [16, 'BF16'],
  [17, 'F8_E4M3'],
  [19, 'F8_E5M2'],
  [24, 'F8_E8M0'],
])
const unreadTypes: ReadonlyMap<number, string> = new Map([
  [0, 'UNDEFINED'],
  [8, 'STRING'],
  [15, 'COMPLEX128'],
  [18, 'FLOAT8E4M3FNUZ'],
  [20, 'FLOAT8E5M2FNUZ'],
  [21, 'UINT4'],
  [22, 'INT4'],
  [23, 'FLOAT4E2M1'],
  [25, 'UINT2'],
  [26, 'INT2'],
])
/** onnx has about 30; what lies far above is no type but damage. */
const highestType = 255
/** Which field of a TensorProto holds which data types: float_data, int32_data, int64_data, double_data, uint64_data. */
const tensorFields: ReadonlyMap<number, readonly DType[]> = new Map([
  [4, ['F32', 'C64']],
  [5, ['I32', 'I16', 'I8', 'U16', 'U8', 'BOOL', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2', 'F8_E8M0']],
  [7, ['I64']],
  [10, ['F64']],
  [11, ['U32', 'U64']],
])
/** And of an AttributeProto: f, i, floats, ints. */
const attributeFields: ReadonlyMap<number, readonly DType[]> = new Map([
  [2, ['F32']],
  [3, ['I64']],
  [7, ['F32']],
  [8, ['I64']],
])
const isVarint = ({ message, field }: TypedValues) =>
  message === 'tensor' ? [5, 7, 11].includes(field) : [3, 8].includes(field)

type ReadValues = (start: number, end: number) => Promise<Uint8Array>

export const onnx: Format = {
  id: 'onnx',
  // No magic: ir_version (field 1), then the producer (2, 3), the domain (4), a version (5), a text (6) or the graph (7).
  sniff: (head) =>
    head[0] === 8 && head[1]! > 0 && head[1]! < 32 && [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a].includes(head[2]!),
  open: async (source, folder) => {
    const { constants, metadata, left, graph } = await readModel(source)
    const files = openOnce()
    const external = await externalFiles(source, folder, constants)
    const readers = new Map<string, ReadValues>()
    const placed: TensorInfo[] = []
    for (const constant of constants) {
      const made = place(source, constant, external, files)
      if ('why' in made) {
        left.push({ name: constant.name, why: made.why })
        continue
      }
      readers.set(made.info.name, made.read)
      placed.push(made.info)
    }
    const { graph: whole, uses } = graphUses({ ...graph, tensors: new Map(placed.map((info) => [info.name, info])) })
    const tensors = placed.map((info): TensorInfo => withUse(info, uses.get(info.name)))
    const notices = left.length > 0 ? [leftOut(left)] : []
    if (tensors.length === 0) throw nothingIn(source.name, 'initializers or constants', notices)
    return {
      format: 'onnx',
      safety: 'safe',
      totalBytes: [...external.values()].reduce((sum, { byteLength }) => sum + byteLength, source.byteLength),
      tensors,
      metadata,
      notices,
      graph: whole,
      shards: [{ fileName: source.name, tensorNames: tensors.map(({ name }) => name) }],
      read: readByName(source.name, readers, (read, start, end) => read(start, end)),
      close: async () => {
        await files.close()
        await source.close()
      },
    } satisfies WeightFile
  },
}

/** What is no matrix has no factors: there is nothing to say of its place. */
function withUse(info: TensorInfo, use: GraphUse | undefined): TensorInfo {
  return use && (use.isInNode || (info.shape.length > 1 && isComputable(info.dtype))) ? { ...info, inGraph: use } : info
}

interface ExternalFile {
  readonly byteLength: number
  open(): Promise<ByteSource>
}

/** The files that weights name, by their location, each looked at once. They may only lie in the model's folder and in folders of it. */
async function externalFiles(
  source: ByteSource,
  folder: SourceFolder,
  constants: readonly Constant[],
): Promise<Map<string, ExternalFile>> {
  const found = new Map<string, ExternalFile>()
  const listed = new Map<string, Promise<ReadonlySet<string>>>()
  for (const { name, isExternal, external } of constants) {
    if (!isExternal) continue
    const location = plainLocation(external.get('location') ?? '')
    if (location !== null && found.has(location)) continue
    const where = `${source.name}: tensor ${quoted(name)}`
    if (location === null)
      throw badFile(
        where,
        'external data in a file beside the model',
        `${quoted(external.get('location') ?? '')}: a model cannot point outside its folder`,
      )
    if (found.size === maxExternalFiles)
      throw overLimit(source.name, 'external files', maxExternalFiles, maxExternalFiles + 1, 'each is looked at')
    const folders = location.split('/')
    const file = folders.pop()!
    if (folders.length > maxExternalDepth)
      throw overLimit(where, 'folders in folders', maxExternalDepth, folders.length, 'exporters write one at most')
    const holder = folders.reduce((at, each) => at.inside(each), folder)
    const key = folders.join('/')
    if (!listed.has(key)) listed.set(key, namesIn(holder))
    if (!(await listed.get(key)!).has(file))
      throw new AppError(
        'not-found',
        say('formats.external-missing', { where: foreign(where), name: quoted(location) }),
      )
    const opened = await holder.open(file)
    found.set(location, { byteLength: opened.byteLength, open: () => holder.open(file) })
    await opened.close()
  }
  return found
}

async function namesIn(folder: SourceFolder): Promise<ReadonlySet<string>> {
  try {
    return new Set(await folder.list())
  } catch (error) {
    if (error instanceof AppError && error.code === 'not-found') return new Set()
    throw error
  }
}

/** Without `./`; null for what could lead out of the folder. */
function plainLocation(location: string): string | null {
  const parts = location.split('/').filter((part, i) => part !== '.' && (part !== '' || i === 0))
  const isPlain = parts.length > 0 && !parts.includes('..') && !parts.includes('') && !/[\\:\0]/.test(location)
  return isPlain && !location.endsWith('/') ? parts.join('/') : null
}

/** Holds a weight against the bytes that are there and makes it readable. */
function place(
  source: ByteSource,
  { name, dims, dataType, raw, typed, isExternal, external }: Constant,
  files: ReadonlyMap<string, ExternalFile>,
  opened: ReturnType<typeof openOnce>,
): { info: TensorInfo; read: ReadValues } | { why: LeftOut['why'] } {
  const where = `${source.name}: tensor ${quoted(name)}`
  const dtype = dataTypes.get(dataType)
  if (dtype === undefined) {
    if (!(dataType <= highestType)) throw badFile(where, `a data type of at most ${highestType}`, figure(dataType))
    return { why: unreadTypes.get(dataType) ?? newerType(`data type ${dataType}`) }
  }
  const count = checkedElementCount(dims)
  const byteLength = ((count ?? Number.NaN) * dtypeBits[dtype]) / 8
  if (count === null || !Number.isSafeInteger(byteLength))
    throw badFile(`${where}: dims`, 'whole numbers whose product is below 2^53', shapeText(dims))
  const info: TensorInfo = { name, dtype, shape: dims, byteLength }
  const checked = (range: Range): Range => {
    if (range.end - range.start !== byteLength)
      throw badFile(where, `${byteLength} bytes (${dtype} ${shapeText(dims)})`, `${range.end - range.start} bytes`)
    return range
  }
  if ([raw, typed, isExternal || null].filter((each) => each !== null).length > 1)
    throw badFile(where, 'its values in one place', 'them in several')

  if (isExternal) {
    const location = plainLocation(external.get('location') ?? '')!
    const file = files.get(location)!
    const { start } = checked(externalRange(where, external, quoted(location), file.byteLength, byteLength))
    const open = () => opened.open({ id: location, open: file.open })
    return { info, read: async (from, to) => readRange(await open(), start + from, start + to, where) }
  }
  const fields = typed?.message === 'attribute' ? attributeFields : tensorFields
  if (typed && !fields.get(typed.field)?.includes(dtype))
    throw badFile(where, `${dtype} values in the field for them`, `values in field ${typed.field}`)
  if (typed?.loose) {
    if (typed.end - typed.start > maxLooseBytes)
      throw overLimit(
        where,
        'bytes in single fields',
        maxLooseBytes,
        typed.end - typed.start,
        'all of it is read at once',
      )
    return { info, read: async (from, to) => (await readLoose(source, typed, dtype, count, where)).slice(from, to) }
  }
  if (raw || (typed && !isVarint(typed)) || count === 0) {
    const { start } = checked(raw ?? typed ?? { start: 0, end: 0 })
    return { info, read: (from, to) => readRange(source, start + from, start + to, where) }
  }
  if (!typed) throw badFile(where, `${byteLength} bytes of values`, 'none')
  if (typed.end - typed.start < count)
    throw badFile(where, `${count} values`, `${typed.end - typed.start} bytes, too few for them`)
  return {
    info,
    read: async (from, to) => {
      const bytes = await readRange(source, typed.start, typed.end, where)
      const values = varintValues(bytes, dtype, count, where)
      if (values.end !== bytes.byteLength) throw badFile(where, `${count} values`, 'more')
      return values.bytes.slice(from, to)
    },
  }
}

function externalRange(
  where: string,
  pairs: ReadonlyMap<string, string>,
  location: string,
  size: number,
  byteLength: number,
): Range {
  const number = (key: string, otherwise: number): number => {
    const text = pairs.get(key)
    if (text === undefined) return otherwise
    if (!/^\d{1,16}$/.test(text)) throw badFile(`${where}: external ${key}`, 'a whole number', quoted(text))
    return Number(text)
  }
  const start = number('offset', 0)
  const end = start + number('length', byteLength)
  if (!(end <= size))
    throw badFile(where, `external data inside the ${size} bytes of ${location}`, `data up to byte ${end}`)
  return { start, end }
}

/** Integers, halves and bytes that are kept as numbers of varying length: all of them, because none has a place of its own. */
function varintValues(
  bytes: Uint8Array,
  dtype: DType,
  count: number,
  where: string,
  from = 0,
): { bytes: Uint8Array; end: number } {
  const size = dtypeBits[dtype] / 8
  const out = new DataView(new ArrayBuffer(count * size))
  let at = from
  for (let i = 0; i < count; i++) {
    let low = 0
    let high = 0
    let shift = 0
    for (;;) {
      const byte = bytes[at++]
      if (byte === undefined || shift > 63) throw badFile(where, `${count} values`, `${i}`)
      if (shift < 28) low |= (byte & 127) << shift
      else if (shift === 28) {
        low |= (byte & 15) << 28
        high |= (byte & 127) >> 4
      } else high |= (byte & 127) << (shift - 32)
      if (byte < 128) break
      shift += 7
    }
    if (size === 1) out.setUint8(i, low)
    else if (size === 2) out.setUint16(2 * i, low, true)
    else out.setUint32(size * i, low, true)
    if (size === 8) out.setUint32(8 * i + 4, high, true)
  }
  return { bytes: new Uint8Array(out.buffer), end: at }
}

/** Values that have a field each, or several packed ones: the whole message again, taking those fields and passing over the rest. */
async function readLoose(
  source: ByteSource,
  typed: TypedValues,
  dtype: DType,
  count: number,
  where: string,
): Promise<Uint8Array> {
  const bytes = await readRange(source, typed.start, typed.end, where)
  const out = new Uint8Array((count * dtypeBits[dtype]) / 8)
  let filled = 0
  const take = (values: Uint8Array) => {
    if (filled + values.byteLength > out.byteLength) throw badFile(where, `${count} values`, 'more')
    out.set(values, filled)
    filled += values.byteLength
  }
  const varint = (from: number) => varintValues(bytes, 'U64', 1, where, from)
  const numberAt = (from: number): number => Number(new DataView(varint(from).bytes.buffer).getBigUint64(0, true))
  for (let at = 0; at < bytes.byteLength; ) {
    const key = numberAt(at)
    at = varint(at).end
    const wire = key % 8
    const isValue = Math.floor(key / 8) === typed.field
    if (wire === 0) {
      if (isValue && isVarint(typed)) take(varintValues(bytes, dtype, 1, where, at).bytes)
      at = varint(at).end
      continue
    }
    const length = wire === 2 ? numberAt(at) : wire === 1 ? 8 : wire === 5 ? 4 : Number.NaN
    if (wire === 2) at = varint(at).end
    if (!(at + length <= bytes.byteLength))
      throw badFile(where, 'fields that end in their message', 'one that does not')
    if (isValue && !isVarint(typed)) take(bytes.subarray(at, at + length))
    else if (isValue)
      for (let each = at; each < at + length; ) {
        const value = varintValues(bytes, dtype, 1, where, each)
        take(value.bytes)
        each = value.end
      }
    at += length
  }
  if (filled !== out.byteLength) throw badFile(where, `${count} values`, 'fewer')
  return out
}
