/** A structure of HDF5 whose numbers are read at their places, and what a file has read of them so far. */
import type { ByteSource } from '../../io.ts'
import { quoted } from '../../messages/text.ts'
import { readRange } from '../reading/range.ts'
import { badFile, overLimit } from '../reading/refusal.ts'

/** Nodes of the trees of one file: an honest one has one for eight names. */
export const maxNodes = 300_000
/** Of all headers together; an honest object has about eight. */
const maxMessages = 400_000

/** Numbers at places of a structure, each held against its end. */
export interface Fields {
  readonly byteLength: number
  u8(at: number): number
  u16(at: number): number
  u32(at: number): number
  /** Exact below 2^53; what is larger lies outside every file. */
  u64(at: number): number
  bytes(at: number, length: number): Uint8Array
}

/** @param where of refusals */
export function fieldsOf(bytes: Uint8Array, where: string): Fields {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const inside = (at: number, length: number) => {
    if (!(at >= 0 && at + length <= bytes.byteLength))
      throw badFile(where, `${length} bytes inside a structure of ${bytes.byteLength}`, `them at ${at}`)
    return at
  }
  const u32 = (at: number) => view.getUint32(inside(at, 4), true)
  return {
    byteLength: bytes.byteLength,
    u8: (at) => view.getUint8(inside(at, 1)),
    u16: (at) => view.getUint16(inside(at, 2), true),
    u32,
    u64: (at) => u32(at) + u32(at + 4) * 2 ** 32,
    bytes: (at, length) => bytes.subarray(inside(at, length), at + length),
  }
}

/** Reads structures of one file, and bounds how many of them there may be. */
export interface Structures {
  /** The file, for refusals. */
  readonly where: string
  readonly fileBytes: number
  /** @param what the structure, for refusals */
  read(start: number, byteLength: number, what: string): Promise<Fields>
  /** Counts a message of an object header. */
  countMessage(): void
  /** Counts a node of a tree, which begins with these four letters. */
  checkSignature(view: Fields, expected: string, at: number): void
}

export function structuresOf(source: ByteSource): Structures {
  const where = source.name
  let [nodes, messages] = [0, 0]
  return {
    where,
    fileBytes: source.byteLength,
    read: async (start, byteLength, what) =>
      fieldsOf(await readRange(source, start, start + byteLength, what), `${where}: ${what}`),
    countMessage: () => {
      if (++messages > maxMessages)
        throw overLimit(where, 'messages', maxMessages, messages, 'an honest object has about eight')
    },
    checkSignature: (view, expected, at) => {
      if (++nodes > maxNodes) throw overLimit(where, 'nodes', maxNodes, nodes, 'each name has a fraction of one')
      const found = String.fromCharCode(...view.bytes(0, 4))
      if (found !== expected) throw badFile(where, `${expected} at ${at}`, quoted(found))
    },
  }
}
