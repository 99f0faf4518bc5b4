/**
 * A tensor among the initializers of a graph: dimensions, type, name, and its values as raw bytes.
 * Source: onnx/onnx.proto (TensorProto).
 */
import { dataTypes } from '../../formats/onnx/onnx.ts'
import { type DType, type TensorOutline, tensorBytes } from '../../tensor.ts'
import { bytes, concat, integer, lengthTag, message, text, varint } from './wire.ts'

const graphInitializer = 5
const tensor = { dims: 1, dataType: 2, name: 8, raw: 9, external: 13, location: 14 }
/** TensorProto.DataLocation.EXTERNAL. */
const externalValues = 1
const typeOf = new Map([...dataTypes].map(([type, dtype]) => [dtype, type]))

/** TensorProto.DataType of values of this dtype. */
export function dataTypeOf(dtype: DType): number {
  const type = typeOf.get(dtype)
  if (type === undefined) throw new Error(`${dtype} has no place in an ONNX model`)
  return type
}

/** What stands before the values; nothing stands behind them. */
export function initializerHead({ name, dtype, shape }: TensorOutline): Uint8Array {
  const byteLength = tensorBytes(dtype, shape)
  const head = concat([
    ...shape.map((size) => integer(tensor.dims, size)),
    integer(tensor.dataType, dataTypeOf(dtype)),
    text(tensor.name, name),
    lengthTag(tensor.raw),
    varint(byteLength),
  ])
  return concat([lengthTag(graphInitializer), varint(head.byteLength + byteLength), head])
}

/** One whose values lie in a file beside the model. */
export function externalInitializer(
  { name, dtype, shape }: TensorOutline,
  location: string,
  offset: number,
): Uint8Array {
  const where = { location, offset: String(offset), length: String(tensorBytes(dtype, shape)) }
  return message(
    graphInitializer,
    ...shape.map((size) => integer(tensor.dims, size)),
    integer(tensor.dataType, dataTypeOf(dtype)),
    text(tensor.name, name),
    ...Object.entries(where).map(([key, value]) => message(tensor.external, text(1, key), text(2, value))),
    integer(tensor.location, externalValues),
  )
}

export function initializer(outline: TensorOutline, values: Uint8Array): Uint8Array {
  return concat([initializerHead(outline), values])
}

/** A Constant node that gives an empty array of this type. */
export function emptyConstantNode(output: string, dataType: number): Uint8Array {
  const empty = concat([integer(tensor.dims, 0), integer(tensor.dataType, dataType)])
  const value = concat([text(1, 'value'), bytes(5, empty), integer(20, 4)])
  return message(1, text(2, output), text(4, 'Constant'), bytes(5, value))
}
