/** ONNX files made by hand, field by field of their wire format. */
import { concat, text } from '../corpus.ts'

export const varint = (value: number | bigint): Uint8Array => {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return Uint8Array.from(bytes)
}
export const number = (field: number, value: number | bigint) => concat(varint(field * 8), varint(value))
export const bytes = (field: number, value: Uint8Array | string) => {
  const data = typeof value === 'string' ? text(value) : value
  return concat(varint(field * 8 + 2), varint(data.byteLength), data)
}

interface TensorSpec {
  name?: string
  dims?: (number | bigint)[]
  type?: number
  fields?: Uint8Array[]
}
export const tensor = ({
  name = 'w',
  dims = [2, 3],
  type = 1,
  fields = [bytes(9, new Uint8Array(24))],
}: TensorSpec = {}) =>
  bytes(5, concat(...dims.map((size) => number(1, size)), number(2, type), bytes(8, name), ...fields))
export const model = (...graph: Uint8Array[]) => concat(number(1, 8), bytes(2, 'test'), bytes(7, concat(...graph)))
export const external = (pairs: Record<string, string>) => [
  ...Object.entries(pairs).map(([key, value]) => bytes(13, concat(bytes(1, key), bytes(2, value)))),
  number(14, 1),
]

export const opset = (version: number) => bytes(8, number(2, version))
export const attribute = (name: string, ...fields: Uint8Array[]) => bytes(5, concat(bytes(1, name), ...fields))
export const integer = (name: string, value: number) => attribute(name, number(3, value))
/** A node of a graph; `attributes` are those of the message. */
export const node = (opType: string, inputs: string[], outputs: string[], ...attributes: Uint8Array[]) =>
  bytes(
    1,
    concat(
      ...inputs.map((each) => bytes(1, each)),
      ...outputs.map((each) => bytes(2, each)),
      bytes(4, opType),
      ...attributes,
    ),
  )
/** A value that a graph declares: an input (11), an output (12), one in between (13). */
export const declared = (field: number, name: string) => bytes(field, bytes(1, name))
export const property = (key: string, value: string) => bytes(14, concat(bytes(1, key), bytes(2, value)))
/** An input (11) or an output (12) as runtimes want it: F32 (1) or another type, with its sizes. */
export const slot = (field: number, name: string, sizes: (number | string)[], type = 1) => {
  const dims = sizes.map((size) => bytes(1, typeof size === 'number' ? number(1, size) : bytes(2, size)))
  return bytes(field, concat(bytes(1, name), bytes(2, bytes(1, concat(number(1, type), bytes(2, concat(...dims)))))))
}
