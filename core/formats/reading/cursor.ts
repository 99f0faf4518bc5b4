/**
 * Reads a header whose length is not known before it was read: forward, through a window of the file, with everything that is taken checked
 * against the file's end. `await cursor.need(n)`, then take up to n bytes.
 */
import type { ByteSource } from '../../io.ts'
import { readRange } from './range.ts'
import { badFile } from './refusal.ts'

/** Reading on takes larger windows, up to this; after a jump over values it begins small again. */
const largestWindow = 262_144
const smallestWindow = 4096

export interface Cursor {
  /** File offset of the next byte. */
  readonly position: number
  /** Whether the next `length` bytes are available already: a loop over a million strings must not wait a million times. */
  has(length: number): boolean
  /** Makes the next `length` bytes available. @throws AppError `bad-file` beyond `end` */
  need(length: number): Promise<void>
  /** The next byte, which stays the next. */
  peek(): number
  u8(): number
  u32(): number
  f32(): number
  /** Exact below 2^53; larger numbers are only ever refused. */
  u64(): number
  bytes(length: number): Uint8Array
  /** Moves on without reading. @throws AppError `bad-file` beyond `end` */
  skip(length: number): void
}

/** A cursor over bytes [start, end) of `source`. */
export function cursorOver(source: ByteSource, start: number, end: number): Cursor {
  let window: Uint8Array = new Uint8Array(0)
  let view = new DataView(window.buffer)
  let base = start
  let at = 0
  let windowBytes = smallestWindow

  const fill = async (length: number): Promise<void> => {
    base += at
    at = 0
    window = await readRange(source, base, Math.min(end, base + Math.max(length, windowBytes)), 'header')
    view = new DataView(window.buffer, window.byteOffset, window.byteLength)
    windowBytes = Math.min(2 * windowBytes, largestWindow)
  }
  const take = (length: number): number => {
    const from = at
    at += length
    return from
  }
  const refuse = (length: number) =>
    badFile(
      source.name,
      `${length} more bytes at ${base + at}`,
      `the end at ${end}: the file is cut short or its header is wrong`,
    )

  return {
    get position() {
      return base + at
    },
    has: (length) => at + length <= window.byteLength,
    need: async (length) => {
      if (base + at + length > end) throw refuse(length)
      if (at + length > window.byteLength) await fill(length)
    },
    peek: () => window[at]!,
    u8: () => window[take(1)]!,
    u32: () => view.getUint32(take(4), true),
    f32: () => view.getFloat32(take(4), true),
    u64: () => {
      const from = take(8)
      return view.getUint32(from, true) + view.getUint32(from + 4, true) * 2 ** 32
    },
    bytes: (length) => {
      const from = take(length)
      return window.subarray(from, from + length)
    },
    skip: (length) => {
      if (base + at + length > end) throw refuse(length)
      at += length
      if (at > window.byteLength) {
        base += at
        at = 0
        window = new Uint8Array(0)
        if (length > largestWindow) windowBytes = smallestWindow
      }
    },
  }
}
