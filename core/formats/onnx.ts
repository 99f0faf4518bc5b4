/**
 * ONNX models: the initializers of the top graph, whose values lie in the file (`raw_data` or a typed field) or in files beside it
 * (`external_data`). Everything else of the model is passed over unread, so subgraphs inside nodes cannot nest.
 * Source: onnx/onnx.proto, docs/ExternalData.md.
 */
import { AppError } from '../errors.ts'
import type { ByteSource, SourceFolder } from '../io.ts'
import { quoted } from '../messages/text.ts'
import { checkedElementCount, type DType, dtypeBits, type TensorInfo } from '../tensor.ts'
import { type Cursor, cursorOver } from './cursor.ts'
import type { Format, WeightFile } from './format.ts'
import { openOnce } from './open-once.ts'
import { type Field, type FieldBudget, varint, visitFields } from './protobuf.ts'
import { readRange } from './range.ts'
import { badFile, leftOut, overLimit, unsupported } from './refusal.ts'

/** Nodes, initializers and their parts; the largest exported models have about 1e5. */
export const maxFields = 1_000_000
/** The largest exported models have about 1e4. */
export const maxTensors = 150_000
export const maxDimensions = 64
/** Of a name, a location, a number as text. */
export const maxTextBytes = 4096
/** Exporters write one file, or one for each initializer. */
export const maxExternalFiles = 10_000

/** TensorProto.DataType; those that are missing here have no dtype of ours. */
const dataTypes: ReadonlyMap<number, DType> = new Map([
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
])
const unreadTypes: ReadonlyMap<number, string> = new Map([
  [8, 'STRING'],
  [15, 'COMPLEX128'],
  [18, 'FLOAT8E4M3FNUZ'],
  [20, 'FLOAT8E5M2FNUZ'],
  [21, 'UINT4'],
  [22, 'INT4'],
  [23, 'FLOAT4E2M1'],
  [24, 'FLOAT8E8M0'],
])
/** Which typed field holds which data types: float_data, int32_data, int64_data, double_data, uint64_data. */
const typedFields: ReadonlyMap<number, readonly DType[]> = new Map([
  [4, ['F32', 'C64']],
  [5, ['I32', 'I16', 'I8', 'U16', 'U8', 'BOOL', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2']],
  [7, ['I64']],
  [10, ['F64']],
  [11, ['U32', 'U64']],
])
const varintFields = new Set([5, 7, 11])

interface Range {
  readonly start: number
  readonly end: number
}

/** A TensorProto as it stands in the file. */
interface Initializer {
  name: string
  dims: number[]
  dataType: number
  raw: Range | null
  typed: (Range & { readonly field: number }) | null
  external: Map<string, string>
  isExternal: boolean
}

type ReadValues = (start: number, end: number) => Promise<Uint8Array>

export const onnx: Format = {
  id: 'onnx',
  label: 'ONNX',
  extensions: ['.onnx'],
  // No magic: ir_version (field 1), then the producer (2, 3), the domain (4), a version (5), a text (6) or the graph (7).
  sniff: (head) =>
    head[0] === 8 && head[1]! > 0 && head[1]! < 32 && [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a].includes(head[2]!),
  open: async (source, folder) => {
    const { initializers, metadata, left } = await readModel(source)
    const files = openOnce()
    const external = await externalSizes(source, folder, initializers)
    const readers = new Map<string, ReadValues>()
    const tensors: TensorInfo[] = []
    for (const initializer of initializers) {
      const made = place(source, folder, initializer, external, files)
      if ('why' in made) {
        left.push({ name: initializer.name, why: made.why })
        continue
      }
      if (readers.has(made.info.name))
        throw badFile(source.name, 'every initializer once', `${quoted(made.info.name)} twice`)
      readers.set(made.info.name, made.read)
      tensors.push(made.info)
    }
    const notices = left.length > 0 ? [leftOut(left)] : []
    if (tensors.length === 0) throw badFile(source.name, 'initializers', ['none', ...notices].join('. '))
    return {
      format: 'onnx',
      safety: 'safe',
      totalBytes: [...external.values()].reduce((sum, size) => sum + size, source.byteLength),
      tensors,
      metadata,
      notices,
      shards: [{ fileName: source.name, tensorNames: tensors.map(({ name }) => name) }],
      read: async (tensor, start = 0, end = tensor.byteLength) => {
        const read = readers.get(tensor.name)
        if (!read) throw new AppError('bad-request', `${source.name}: has no tensor ${quoted(tensor.name)}`)
        if (!(start >= 0 && start <= end && end <= tensor.byteLength))
          throw new RangeError(`${tensor.name}: ${start}..${end} is outside its ${tensor.byteLength} bytes`)
        return read(start, end)
      },
      close: async () => {
        await files.close()
        await source.close()
      },
    } satisfies WeightFile
  },
}

interface Model {
  readonly initializers: readonly Initializer[]
  readonly metadata: ReadonlyMap<string, string>
  readonly left: { name: string; why: string }[]
}

async function readModel(source: ByteSource): Promise<Model> {
  const where = source.name
  const cursor = cursorOver(source, 0, source.byteLength)
  const budget: FieldBudget = { left: maxFields, limit: maxFields }
  const metadata = new Map<string, string>()
  const initializers: Initializer[] = []
  const left: { name: string; why: string }[] = []
  let graphs = 0

  const visitGraph = (field: Field): Promise<void> | undefined => {
    if (field.number === 15) left.push({ name: `sparse initializer ${left.length + 1}`, why: 'sparse' })
    if (field.number !== 5 || field.wire !== 'bytes') return undefined
    if (initializers.length === maxTensors)
      throw overLimit(where, 'initializers', maxTensors, maxTensors + 1, 'no published model comes near it')
    return readInitializer(cursor, field.end, where, budget).then((initializer) => void initializers.push(initializer))
  }
  await visitFields(cursor, source.byteLength, where, budget, (field) => {
    if (field.number === 2 && field.wire === 'bytes')
      return readText(cursor, field, where).then((text) => void metadata.set('producer', text))
    if (field.number === 1 && field.wire === 'varint') metadata.set('ir_version', String(field.value))
    if (field.number !== 7 || field.wire !== 'bytes') return undefined
    if (++graphs > 1) throw badFile(where, 'one graph', 'a second one')
    return visitFields(cursor, field.end, `${where}: graph`, budget, visitGraph)
  })
  if (graphs === 0) throw badFile(where, 'an ONNX model with a graph', 'none')
  return { initializers, metadata, left }
}

async function readText(cursor: Cursor, field: Field, where: string): Promise<string> {
  if (field.wire !== 'bytes' || field.value > maxTextBytes)
    throw badFile(where, `text of at most ${maxTextBytes} bytes in field ${field.number}`, `${field.value} bytes`)
  await cursor.need(field.value)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(cursor.bytes(field.value))
  } catch {
    throw badFile(where, `UTF-8 in field ${field.number}`, 'bytes that are not')
  }
}

async function readInitializer(cursor: Cursor, end: number, where: string, budget: FieldBudget): Promise<Initializer> {
  const tensor: Initializer = {
    name: '',
    dims: [],
    dataType: 0,
    raw: null,
    typed: null,
    external: new Map(),
    isExternal: false,
  }
  const addDim = (size: number) => {
    if (tensor.dims.length === maxDimensions)
      throw overLimit(where, 'dimensions', maxDimensions, maxDimensions + 1, 'no framework has more')
    tensor.dims.push(size)
  }
  await visitFields(cursor, end, where, budget, (field) => {
    switch (field.number) {
      case 1:
        if (field.wire === 'varint') return void addDim(field.value)
        return packedDims(cursor, field, where, addDim)
      case 2:
        tensor.dataType = field.value
        return undefined
      case 8:
        return readText(cursor, field, where).then((name) => {
          tensor.name = name
        })
      case 9:
        tensor.raw = field
        return undefined
      case 13:
        return readPair(cursor, field, where, budget, tensor.external)
      case 14:
        tensor.isExternal = field.value === 1
        return undefined
    }
    if (!typedFields.has(field.number)) return undefined
    if (tensor.typed || field.wire !== 'bytes')
      throw unsupported(
        where,
        `an initializer keeps its values in single fields instead of one packed field; save the model again with a current exporter`,
      )
    tensor.typed = { field: field.number, start: field.start, end: field.end }
    return undefined
  })
  return tensor
}

async function packedDims(cursor: Cursor, field: Field, where: string, add: (size: number) => void): Promise<void> {
  if (field.wire !== 'bytes' || field.value > 10 * maxDimensions)
    throw badFile(where, `at most ${maxDimensions} dimensions`, `${field.value} bytes of them`)
  await cursor.need(field.value)
  while (cursor.position < field.end) add(varint(cursor, field.end, where))
}

/** A StringStringEntryProto: key, value. */
async function readPair(
  cursor: Cursor,
  field: Field,
  where: string,
  budget: FieldBudget,
  pairs: Map<string, string>,
): Promise<void> {
  const texts = new Map<number, string>()
  await visitFields(cursor, field.end, where, budget, (part) => {
    if (part.number > 2) return undefined
    return readText(cursor, part, where).then((text) => void texts.set(part.number, text))
  })
  // location, offset, length, checksum; more is nobody's.
  if (pairs.size < 16) pairs.set(texts.get(1) ?? '', texts.get(2) ?? '')
}
/** Sizes of the files that initializers name, each looked at once. They may only lie beside the model. */
async function externalSizes(
  source: ByteSource,
  folder: SourceFolder,
  initializers: readonly Initializer[],
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>()
  const present = initializers.some((each) => each.isExternal) ? new Set(await folder.list()) : new Set<string>()
  for (const { name, isExternal, external } of initializers) {
    if (!isExternal) continue
    const where = `${source.name}: tensor ${quoted(name)}`
    const location = external.get('location') ?? ''
    if (
      location === '' ||
      location === '.' ||
      location.startsWith('/') ||
      /[\\:\0]/.test(location) ||
      location.split('/').includes('..')
    )
      throw badFile(
        where,
        'external data in a file beside the model',
        `${quoted(location)}: a model cannot point outside its folder`,
      )
    if (location.includes('/'))
      throw unsupported(
        where,
        `its external data is in a sub-folder (${quoted(location)}); put the file beside the model`,
      )
    if (sizes.has(location)) continue
    if (sizes.size === maxExternalFiles)
      throw overLimit(source.name, 'external files', maxExternalFiles, maxExternalFiles + 1, 'each is looked at')
    if (!present.has(location))
      throw new AppError('not-found', `${where}: its external data ${quoted(location)} is not in this folder`)
    const file = await folder.open(location)
    sizes.set(location, file.byteLength)
    await file.close()
  }
  return sizes
}

/** Holds an initializer against the bytes that are there and makes it readable. */
function place(
  source: ByteSource,
  folder: SourceFolder,
  initializer: Initializer,
  external: ReadonlyMap<string, number>,
  files: ReturnType<typeof openOnce>,
): { info: TensorInfo; read: ReadValues } | { why: string } {
  const { name, dims, dataType, raw, typed, isExternal } = initializer
  const where = `${source.name}: tensor ${quoted(name)}`
  const dtype = dataTypes.get(dataType)
  if (dtype === undefined) {
    const unread = unreadTypes.get(dataType)
    if (unread === undefined) throw badFile(where, 'a data type of ONNX', `${dataType}`)
    return { why: unread }
  }
  const count = checkedElementCount(dims)
  const byteLength = ((count ?? Number.NaN) * dtypeBits[dtype]) / 8
  if (!Number.isSafeInteger(byteLength))
    throw badFile(`${where}: dims`, 'whole numbers whose product is below 2^53', `[${dims.slice(0, 8).join(', ')}]`)
  const info: TensorInfo = { name, dtype, shape: dims, byteLength }
  const checked = (range: Range): Range => {
    if (range.end - range.start !== byteLength)
      throw badFile(where, `${byteLength} bytes (${dtype} [${dims.join(', ')}])`, `${range.end - range.start} bytes`)
    return range
  }
  if ([raw, typed, isExternal || null].filter((each) => each !== null).length > 1)
    throw badFile(where, 'its values in one place', 'them in several')

  if (isExternal) {
    const { location, range } = externalRange(where, initializer.external, external, byteLength)
    const { start } = checked(range)
    const open = () => files.open({ id: location, open: () => folder.open(location) })
    return { info, read: async (from, to) => readRange(await open(), start + from, start + to, where) }
  }
  if (raw || (typed && !varintFields.has(typed.field)) || count === 0) {
    const { start } = checked(raw ?? typed ?? { start: 0, end: 0 })
    if (typed) checkTypedField(where, typed.field, dtype)
    return { info, read: (from, to) => readRange(source, start + from, start + to, where) }
  }
  if (!typed) throw badFile(where, `${byteLength} bytes of values`, 'none')
  checkTypedField(where, typed.field, dtype)
  if (typed.end - typed.start < count!)
    throw badFile(where, `${count} values`, `${typed.end - typed.start} bytes, too few for them`)
  return { info, read: async (from, to) => (await readVarints(source, typed, dtype, count!, where)).slice(from, to) }
}

function checkTypedField(where: string, field: number, dtype: DType): void {
  if (!typedFields.get(field)!.includes(dtype))
    throw badFile(where, `${dtype} values in the field for them`, `values in field ${field}`)
}

function externalRange(
  where: string,
  pairs: ReadonlyMap<string, string>,
  sizes: ReadonlyMap<string, number>,
  byteLength: number,
): { location: string; range: Range } {
  const location = pairs.get('location')!
  const number = (key: string, otherwise: number): number => {
    const text = pairs.get(key)
    if (text === undefined) return otherwise
    if (!/^\d{1,16}$/.test(text)) throw badFile(`${where}: external ${key}`, 'a whole number', quoted(text))
    return Number(text)
  }
  const start = number('offset', 0)
  const end = start + number('length', byteLength)
  const size = sizes.get(location)!
  if (!(end <= size))
    throw badFile(where, `external data inside the ${size} bytes of ${quoted(location)}`, `data up to byte ${end}`)
  return { location, range: { start, end } }
}

/** Integers, halves and bytes that are kept as numbers of varying length: all of them, because none has a place of its own. */
async function readVarints(
  source: ByteSource,
  range: Range,
  dtype: DType,
  count: number,
  where: string,
): Promise<Uint8Array> {
  const bytes = await readRange(source, range.start, range.end, where)
  const size = dtypeBits[dtype] / 8
  const out = new DataView(new ArrayBuffer(count * size))
  let at = 0
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
  if (at !== bytes.byteLength) throw badFile(where, `${count} values`, 'more')
  return new Uint8Array(out.buffer)
}
