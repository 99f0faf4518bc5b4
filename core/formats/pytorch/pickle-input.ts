/**
 * The arguments of opcodes, read through a window of the file. An opcode that the window cuts off throws WindowEnd and is read again from a
 * larger one, so reading itself never waits. Long byte strings are passed over: they stay in the file as ranges.
 */
import type { ByteSource } from '../../io.ts'
import { readRange } from '../reading/range.ts'
import type { PickleMeter } from './pickle-limits.ts'
import { maxIntegerBytes, maxLineBytes, maxStringBytes } from './pickle-limits.ts'
import { latin1, longestByteText, shortened } from './pickle-text.ts'
import type { BytesNode, PickleValue } from './pickle-values.ts'

const windowBytes = 262_144
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Caught by the machine's loop, never seen outside. */
export class WindowEnd extends Error {
  /** Bytes the window has to hold from its present beginning on. */
  readonly needed: number
  constructor(needed: number) {
    super('window end')
    this.needed = needed
  }
}

export interface PickleInput {
  /** File offset of the next byte. */
  position(): number
  u8(): number
  u16(): number
  i32(): number
  u32(): number
  float64(): number
  /** A length of 8 bytes, checked against the file's. */
  length64(): number
  /** A little-endian integer in two's complement. */
  integer(length: number): PickleValue
  /** Up to the next line feed, which is consumed; a character for each byte. */
  line(): string
  /** The two lines of a global's module and name. */
  twoLines(): [string, string]
  text(length: number): string
  bytes(length: number): BytesNode
  /** Python 2's str: text where it is short and UTF-8, else bytes. */
  byteString(length: number): PickleValue
  /** Whether the window is used up. */
  isSpent(): boolean
  /** Moves the window to file offset `position` and makes it hold at least `needed` bytes, or all that are left. */
  refill(position: number, needed: number): Promise<void>
  /** Bytes the window has to grow to so that an opcode at `position` can be read after `end`. */
  neededFrom(position: number, end: WindowEnd): number
}

export function pickleInput(source: ByteSource, start: number, meter: PickleMeter): PickleInput {
  let window: Uint8Array = new Uint8Array(0)
  /** File offset of the window's first byte. */
  let base = start
  let at = 0

  const cutOff = (length: number) => meter.fail(`${length} more bytes`, `the end of the file at ${source.byteLength}`)
  /** Index in the window of `length` bytes that are consumed. */
  const take = (length: number): number => {
    if (at + length > window.byteLength) {
      if (base + at + length > source.byteLength) throw cutOff(length)
      throw new WindowEnd(at + length)
    }
    const from = at
    at += length
    return from
  }
  const view = (length: number) => {
    const from = take(length)
    return new DataView(window.buffer, window.byteOffset + from, length)
  }
  const i32 = () => {
    const i = take(4)
    return window[i]! | (window[i + 1]! << 8) | (window[i + 2]! << 16) | (window[i + 3]! << 24)
  }
  const line = (): string => {
    const end = window.indexOf(10, at)
    if (end < 0) {
      const length = window.byteLength - at
      if (length > maxLineBytes) throw meter.over('bytes in a line', maxLineBytes, length, 'it has no end')
      if (base + window.byteLength >= source.byteLength) throw meter.fail('the end of a line', 'the end of the file')
      throw new WindowEnd(window.byteLength + Math.max(windowBytes, window.byteLength))
    }
    const text = latin1(window.subarray(at, end))
    at = end + 1
    return text
  }
  const bytes = (length: number): BytesNode => {
    const offset = base + at
    if (offset + length > source.byteLength) throw cutOff(length)
    meter.objects(1)
    at += length
    return { kind: 'bytes', offset, length }
  }

  return {
    position: () => base + at,
    u8: () => window[take(1)]!,
    u16: () => {
      const i = take(2)
      return window[i]! | (window[i + 1]! << 8)
    },
    i32,
    u32: () => i32() >>> 0,
    float64: () => view(8).getFloat64(0, false),
    length64: () => {
      const length = view(8).getBigUint64(0, true)
      if (length > BigInt(source.byteLength))
        throw meter.fail(`a length within the file's ${source.byteLength} bytes`, `${length}`)
      return Number(length)
    },
    integer: (length) => {
      if (length > maxIntegerBytes)
        throw meter.over('bytes in an integer', maxIntegerBytes, length, 'no count is that long')
      // Hundreds of thousands of long ones would take seconds; an honest file has a handful, such as its magic number.
      if (length > 8) meter.text(length)
      const digits = view(length)
      const words = length >>> 3
      let value = 0n
      for (let i = length - 1; i >= 8 * words; i--) value = (value << 8n) | BigInt(digits.getUint8(i))
      for (let i = words - 1; i >= 0; i--) value = (value << 64n) | digits.getBigUint64(8 * i, true)
      return shortened(BigInt.asIntN(length * 8, value))
    },
    line,
    twoLines: () => {
      const names: [string, string] = [line(), line()]
      const length = names[0].length + names[1].length
      if (length > 2000) throw meter.fail('the name of a global', `${length} characters`)
      meter.text(length)
      return names
    },
    text: (length) => {
      if (length > maxStringBytes)
        throw meter.over('bytes in one string', maxStringBytes, length, 'no name or setting is that long')
      const from = take(length)
      meter.text(length)
      try {
        return utf8.decode(window.subarray(from, from + length))
      } catch {
        throw meter.fail('UTF-8 text', 'a string that is not UTF-8')
      }
    },
    bytes,
    byteString: (length) => {
      if (length > longestByteText) return bytes(length)
      const from = take(length)
      meter.text(length)
      try {
        return utf8.decode(window.subarray(from, from + length))
      } catch {
        return { kind: 'bytes', offset: base + from, length }
      }
    },
    isSpent: () => at >= window.byteLength,
    refill: async (position, needed) => {
      base = position
      at = 0
      const length = Math.min(Math.max(windowBytes, needed), source.byteLength - base)
      window = await readRange(source, base, base + length, 'pickle')
    },
    neededFrom: (position, { needed }) => base + needed - position,
  }
}
