/**
 * HDF5 as far as weights need it: the superblock, object headers and their messages, groups by symbol tables (h5py's default) or by links in their
 * header. All numbers are little-endian; offsets and lengths have 8 bytes, as every writer of this century has them.
 * Source: HDF5 File Format Specification 3.0, sections II.A, III.A.1, III.B, III.D, IV.A.
 */
import type { ByteSource } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { badFile, overLimit, unsupported } from '../reading/refusal.ts'
import { type Fields, fieldsOf, type Structures, structuresOf } from './fields.ts'
import { type Link, linkOf, maxObjects, symbolTable } from './groups.ts'

/** Groups in groups; Keras' nest about ten deep. */
export const maxDepth = 64
/** Of one object's header with all that continues it. */
const maxHeaderBytes = 4_000_000
/** Where nothing was written yet. */
const undefinedAddress = 2 ** 64

/** Types of messages. */
const linkInfo = 0x2
const linkMessage = 0x6
const continuation = 0x10
const symbolTableMessage = 0x11

export interface HeaderMessage {
  readonly type: number
  readonly data: Fields
}

export interface Hdf5 {
  readonly root: number
  messagesOf(address: number): Promise<HeaderMessage[]>
  /** null for what is no group. */
  linksOf(messages: readonly HeaderMessage[]): Promise<Link[] | null>
}

export const isHdf5 = (head: Uint8Array): boolean =>
  head[0] === 0x89 && head[1] === 72 && head[2] === 68 && head[3] === 70 && head[4] === 13

/** Whether a place in the file was never given. */
export function isUndefined(address: number): boolean {
  return address === undefinedAddress
}

export async function openHdf5(source: ByteSource): Promise<Hdf5> {
  const structures = structuresOf(source)
  const root = await rootOf(structures)
  return {
    root,
    messagesOf: async (address) => {
      const kind = await structures.read(address, 4, 'object header')
      const isSecond = String.fromCharCode(...kind.bytes(0, 4)) === 'OHDR'
      return isSecond ? messagesOfSecond(structures, address) : messagesOfFirst(structures, address)
    },
    linksOf: (messages) => linksOf(structures, messages),
  }
}

/** Where the root group has its header, by the superblock. */
async function rootOf({ where, fileBytes, read }: Structures): Promise<number> {
  const start = await read(0, Math.min(96, fileBytes), 'superblock')
  const version = start.u8(8)
  const sizes = version < 2 ? [start.u8(13), start.u8(14)] : [start.u8(9), start.u8(10)]
  if (version > 3) throw unsupported(where, say('unread.hdf5-version', { version }))
  if (sizes.some((size) => size !== 8))
    throw unsupported(where, say('unread.hdf5-offsets', { bytes: Math.min(sizes[0]!, sizes[1]!) }))
  const base = version < 2 ? start.u64(version === 0 ? 24 : 28) : start.u64(12)
  if (base !== 0) throw unsupported(where, say('unread.hdf5-user-block'))
  // Of the root's entry in a symbol table the second field.
  return version < 2 ? start.u64((version === 0 ? 56 : 60) + 8) : start.u64(36)
}

/** How messages stand in the blocks of an object header. */
interface MessageLayout {
  /** Bytes before the data of each. */
  readonly headBytes: number
  readonly typeOf: (block: Fields, at: number) => number
  readonly sizeOf: (block: Fields, at: number) => number
  /** Bytes at either end of a block that continues the header. */
  readonly around: number
}

async function messagesOfFirst(structures: Structures, address: number): Promise<HeaderMessage[]> {
  const prefix = await structures.read(address, 16, 'object header')
  const layout = {
    headBytes: 8,
    typeOf: (block: Fields, at: number) => block.u16(at),
    sizeOf: (block: Fields, at: number) => block.u16(at + 2),
    around: 0,
  }
  return messagesIn(structures, layout, [address + 16, prefix.u32(8)])
}

async function messagesOfSecond(structures: Structures, address: number): Promise<HeaderMessage[]> {
  const prefix = await structures.read(address, Math.min(48, structures.fileBytes - address), 'object header')
  const flags = prefix.u8(5)
  const at = 6 + (flags & 32 ? 16 : 0) + (flags & 16 ? 4 : 0)
  const width = 1 << (flags & 3)
  const byteLength =
    width === 8 ? prefix.u64(at) : width === 4 ? prefix.u32(at) : width === 2 ? prefix.u16(at) : prefix.u8(at)
  const layout = {
    headBytes: flags & 4 ? 6 : 4,
    typeOf: (block: Fields, place: number) => block.u8(place),
    sizeOf: (block: Fields, place: number) => block.u16(place + 1),
    // It begins with OCHK and ends with its checksum.
    around: 4,
  }
  return messagesIn(structures, layout, [address + at + width, byteLength])
}

async function messagesIn(
  { where, read, countMessage }: Structures,
  { headBytes, typeOf, sizeOf, around }: MessageLayout,
  first: [start: number, byteLength: number],
): Promise<HeaderMessage[]> {
  const found: HeaderMessage[] = []
  let total = 0
  const blocks = [first]
  for (const [start, byteLength] of blocks) {
    total += byteLength
    if (total > maxHeaderBytes)
      throw overLimit(where, 'bytes of header', maxHeaderBytes, total, 'honest ones have a few KB')
    const block = await read(start, byteLength, 'object header')
    for (let at = 0; at + headBytes <= byteLength; ) {
      const [type, size] = [typeOf(block, at), sizeOf(block, at)]
      at += headBytes
      if (at + size > byteLength)
        throw badFile(where, `a message inside its header's ${byteLength} bytes`, `${size} bytes at ${at}`)
      const data = fieldsOf(block.bytes(at, size), where)
      if (type === continuation && size >= 16)
        blocks.push([data.u64(0) + around, Math.max(0, data.u64(8) - 2 * around)])
      else found.push({ type, data })
      countMessage()
      at += size
    }
  }
  return found
}

async function linksOf(structures: Structures, messages: readonly HeaderMessage[]): Promise<Link[] | null> {
  const { where } = structures
  const table = messages.find(({ type }) => type === symbolTableMessage)
  if (table) return symbolTable(structures, table.data.u64(0), table.data.u64(8))
  const info = messages.find(({ type }) => type === linkInfo)
  if (!info) return null
  if (!isUndefined(info.data.u64(info.data.u8(1) & 1 ? 10 : 2))) throw unsupported(where, say('unread.hdf5-heaps'))
  const links = messages.filter(({ type }) => type === linkMessage)
  if (links.length > maxObjects) throw overLimit(where, 'objects', maxObjects, links.length, 'no model comes near it')
  return links.map(({ data }) => linkOf(structures, data))
}
