/**
 * A tensor of an ONNX model as its message says it: dimensions, type, and where the values stand. Nothing of the values is read.
 * Source: onnx/onnx.proto (TensorProto, StringStringEntryProto).
 */

import type { Cursor } from '../reading/cursor.ts'
import type { Range } from '../reading/model-graph.ts'
import { type Field, type FieldBudget, varint, visitFields } from '../reading/protobuf.ts'
import { badFile, overLimit } from '../reading/refusal.ts'

const maxDimensions = 64
/** Of a name, a location, a number as text. */
const maxTextBytes = 4096

/** Values in a typed field of their message. `loose`: one field for each instead of one for all, so the whole message is read again. */
export interface TypedValues extends Range {
  readonly message: 'tensor' | 'attribute'
  readonly field: number
  readonly loose: boolean
}

/** A TensorProto as it stands in the file, or a list of numbers that an attribute holds. */
export interface Constant {
  name: string
  dims: number[]
  dataType: number
  raw: Range | null
  typed: TypedValues | null
  external: ReadonlyMap<string, string>
  isExternal: boolean
  /** The fields that point to values in another file, each with its tag. */
  pointers: readonly Range[]
}

const tensorProto = { dims: 1, dataType: 2, name: 8, raw: 9, external: 13, location: 14 }
/** float_data, int32_data, int64_data, double_data, uint64_data. */
const typedFields = new Set([4, 5, 7, 10, 11])

/** Of all that have none: a map and a list each would cost more than the rest of a constant. */
const nothingExternal: ReadonlyMap<string, string> = new Map()
const noPointers: readonly Range[] = []

export function emptyConstant(): Constant {
  return {
    name: '',
    dims: [],
    dataType: 0,
    raw: null,
    typed: null,
    external: nothingExternal,
    isExternal: false,
    pointers: noPointers,
  }
}

export async function readTensor(
  cursor: Cursor,
  where: string,
  budget: FieldBudget,
  message: Field,
): Promise<Constant> {
  const tensor = emptyConstant()
  const addDim = (size: number) => {
    if (tensor.dims.length === maxDimensions)
      throw overLimit(where, 'dimensions', maxDimensions, maxDimensions + 1, 'no framework has more')
    tensor.dims.push(size)
  }
  await visitFields(cursor, message.end, where, budget, (field) => {
    switch (field.number) {
      case tensorProto.dims:
        if (field.wire === 'varint') return void addDim(field.value)
        return packedDims(cursor, field, where, addDim)
      case tensorProto.dataType:
        tensor.dataType = field.value
        return undefined
      case tensorProto.name:
        return withText(cursor, field, where, (name) => {
          tensor.name = name
        })
      case tensorProto.raw:
        tensor.raw = field
        return undefined
      case tensorProto.external:
        point(tensor, field, where)
        return readPair(cursor, field, where, budget, tensor)
      case tensorProto.location:
        point(tensor, field, where)
        tensor.isExternal = field.value === 1
        return undefined
    }
    if (!typedFields.has(field.number)) return undefined
    tensor.typed =
      tensor.typed || field.wire !== 'bytes'
        ? { message: 'tensor', field: field.number, start: message.start, end: message.end, loose: true }
        : { message: 'tensor', field: field.number, start: field.start, end: field.end, loose: false }
    return undefined
  })
  return tensor
}

/** location, offset, length, checksum, and that they count; there are no others. */
function point(tensor: Constant, { at, end }: Field, where: string): void {
  if (tensor.pointers.length === 16)
    throw badFile(where, 'at most 16 fields that point to values in another file', 'more')
  tensor.pointers = [...tensor.pointers, { start: at, end }]
}

async function packedDims(cursor: Cursor, field: Field, where: string, add: (size: number) => void): Promise<void> {
  if (field.wire !== 'bytes' || field.value > 10 * maxDimensions)
    throw badFile(where, `at most ${maxDimensions} dimensions`, lengthOf(field))
  await cursor.need(field.value)
  while (cursor.position < field.end) add(varint(cursor, field.end, where))
}

/** A StringStringEntryProto: key, value. */
async function readPair(
  cursor: Cursor,
  field: Field,
  where: string,
  budget: FieldBudget,
  tensor: Constant,
): Promise<void> {
  const texts = new Map<number, string>()
  await visitFields(cursor, field.end, where, budget, (part) =>
    part.number > 2 ? undefined : withText(cursor, part, where, (text) => void texts.set(part.number, text)),
  )
  tensor.external = new Map([...tensor.external, [texts.get(1) ?? '', texts.get(2) ?? '']])
}

const decoder = new TextDecoder('utf-8', { fatal: true })

/** What a field of a length in bytes has instead of the one that was expected. */
const lengthOf = ({ wire, value }: Field) => (wire === 'bytes' ? `${value} bytes` : 'a number')

/** Hands over the text of a field, at once where its bytes are at hand: a graph has a million names. @throws AppError `bad-file` */
export function withText(
  cursor: Cursor,
  field: Field,
  where: string,
  take: (text: string) => void,
  most = maxTextBytes,
): Promise<void> | undefined {
  if (field.wire !== 'bytes' || field.value > most)
    throw badFile(where, `text of at most ${most} bytes in field ${field.number}`, lengthOf(field))
  const read = () => {
    try {
      take(decoder.decode(cursor.bytes(field.value)))
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      throw badFile(where, `UTF-8 in field ${field.number}`, 'bytes that are not')
    }
  }
  if (cursor.has(field.value)) return void read()
  return cursor.need(field.value).then(read)
}
