/** A protobuf message of a few bytes, in memory whole: its fields, whatever they mean. Longer ones are visited where they lie (protobuf.ts). */
import { badFile } from './refusal.ts'

export interface SmallField {
  readonly number: number
  /** Of a varint; beyond 2^53 rounded. */
  readonly value: number
  /** Of a length-delimited field; null for any other. */
  readonly bytes: Uint8Array | null
}

/** @throws AppError `bad-file` for what ends in the middle of a field */
export function smallMessage(data: Uint8Array, where: string): SmallField[] {
  const reader = varints(data, where)
  const found: SmallField[] = []
  while (reader.left() > 0) {
    const key = reader.next()
    const [number, wire] = [Math.floor(key / 8), key % 8]
    if (wire === 0) found.push({ number, value: reader.next(), bytes: null })
    else if (wire === 2) found.push({ number, value: 0, bytes: reader.take(reader.next()) })
    else {
      reader.take(wire === 5 ? 4 : 8)
      found.push({ number, value: 0, bytes: null })
    }
  }
  return found
}

/** Numbers one behind the other, as a packed field has them. */
export function packedNumbers(data: Uint8Array, where: string): number[] {
  const reader = varints(data, where)
  const found: number[] = []
  while (reader.left() > 0) found.push(reader.next())
  return found
}

function varints(data: Uint8Array, where: string) {
  let at = 0
  const cut = () => badFile(where, 'a whole message', `its first ${data.byteLength} bytes`)
  return {
    left: () => data.byteLength - at,
    next: (): number => {
      let [value, shift] = [0, 1]
      for (;;) {
        const byte = data[at++]
        if (byte === undefined) throw cut()
        value += (byte & 127) * shift
        shift *= 128
        if (byte < 128) return value
      }
    },
    take: (length: number): Uint8Array => {
      if (length > data.byteLength - at) throw cut()
      at += length
      return data.subarray(at - length, at)
    },
  }
}
