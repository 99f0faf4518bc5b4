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
