/** What goes into a model and comes out of it: an array with its type, as bytes, so that it crosses processes as it is. */
import { decodeFloat32 } from '../formats/dtype.ts'
import type { DType } from '../tensor.ts'

/** onnxruntime's names of the types that are passed on, with our dtypes. */
export const valueTypes = {
  float32: 'F32',
  float16: 'F16',
  float64: 'F64',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
} as const satisfies Readonly<Record<string, DType>>

/** Bytes of all that goes into a model or comes out of it. Node's channel takes less than 2 GiB of a message; more than that ends the program that reads it. */
export const mostValueBytes = 2 ** 30

export type ValueType = keyof typeof valueTypes

export interface Value {
  readonly type: ValueType
  readonly dims: readonly number[]
  /** Little-endian, in C order. */
  readonly bytes: Uint8Array
}

/** The name of a value, its type, and its sizes: a number, or what the model calls one that is open. */
export interface Slot {
  readonly name: string
  readonly type: string
  readonly shape: readonly (number | string)[]
}

export function isValueType(type: string): type is ValueType {
  return Object.hasOwn(valueTypes, type)
}

/** The value of a name that a model chose: it may be what every object has, and a model may say nothing under it. */
export function namedValue(values: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined
}

/** Its numbers; whole ones beyond 2^53 are rounded. The array is the caller's own. */
export function numbersOf({ type, bytes }: Value): Float64Array {
  if (type === 'float16') return Float64Array.from(decodeFloat32('F16', bytes))
  // What came over a channel may begin anywhere.
  const { buffer } = bytes.slice()
  switch (type) {
    case 'float32':
      return Float64Array.from(new Float32Array(buffer))
    case 'float64':
      return new Float64Array(buffer)
    case 'int64':
      return Float64Array.from(new BigInt64Array(buffer), Number)
    case 'uint64':
      return Float64Array.from(new BigUint64Array(buffer), Number)
    case 'int32':
      return Float64Array.from(new Int32Array(buffer))
    case 'uint32':
      return Float64Array.from(new Uint32Array(buffer))
    case 'int16':
      return Float64Array.from(new Int16Array(buffer))
    case 'uint16':
      return Float64Array.from(new Uint16Array(buffer))
    case 'int8':
      return Float64Array.from(new Int8Array(buffer))
    default:
      return Float64Array.from(new Uint8Array(buffer))
  }
}
