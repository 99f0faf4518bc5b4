/**
 * HDF5 as far as weights need it: the superblock, object headers and their messages, groups by symbol tables (h5py's default) or by links in their
 * header. All numbers are little-endian; offsets and lengths have 8 bytes, as every writer of this century has them.
 * Source: HDF5 File Format Specification 3.0, sections II.A, III.A.1, III.B, III.D, IV.A.
 */
import type { ByteSource } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { quoted } from '../../messages/text.ts'
import { readRange } from '../reading/range.ts'
import { badFile, overLimit, unsupported } from '../reading/refusal.ts'

/** Groups and datasets; the largest models have some thousand, and each costs 5 KB and 20 microseconds here. */
export const maxObjects = 20_000
/** Of one object's header with all that continues it. */
const maxHeaderBytes = 4_000_000
/** Groups in groups; Keras' nest about ten deep. */
export const maxDepth = 64
/** Nodes of the trees of one file: an honest one has one for eight names. */
const maxNodes = 300_000
/** Of all headers together; an honest object has about eight. */
const maxMessages = 400_000
const maxNameBytes = 4096
const utf8 = new TextDecoder()
/** Where nothing was written yet. */
const undefinedAddress = 2 ** 64

export interface HeaderMessage {
  readonly type: number
  readonly data: Fields
}
/** A name in a group and where what it stands for has its header; null for links that lead elsewhere. */
interface Link {
  readonly name: string
  readonly address: number | null
}

export interface Hdf5 {
  readonly root: number
  messagesOf(address: number): Promise<HeaderMessage[]>
  /** null for what is no group. */
  linksOf(messages: readonly HeaderMessage[]): Promise<Link[] | null>
}

export const isHdf5 = (head: Uint8Array): boolean =>
  head[0] === 0x89 && head[1] === 72 && head[2] === 68 && head[3] === 70 && head[4] === 13

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

function fieldsOf(bytes: Uint8Array, where: string): Fields {
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

/** Whether a place in the file was never given. */
export function isUndefined(address: number): boolean {
  return address === undefinedAddress
}

export async function openHdf5(source: ByteSource): Promise<Hdf5> {
  const where = source.name
  const read = async (start: number, length: number, what: string) => {
    return fieldsOf(await readRange(source, start, start + length, what), `${where}: ${what}`)
  }
  let nodes = 0
  let messages = 0
  const countMessage = () => {
    if (++messages > maxMessages)
      throw overLimit(where, 'messages', maxMessages, messages, 'an honest object has about eight')
  }
  const tag = (view: Fields, expected: string, at: number) => {
    if (++nodes > maxNodes) throw overLimit(where, 'nodes', maxNodes, nodes, 'each name has a fraction of one')
    const found = String.fromCharCode(...view.bytes(0, 4))
    if (found !== expected) throw badFile(where, `${expected} at ${at}`, quoted(found))
  }

  const headerV1 = async (address: number): Promise<HeaderMessage[]> => {
    const prefix = await read(address, 16, 'object header')
    const found: HeaderMessage[] = []
    let total = 0
    const blocks: [number, number][] = [[address + 16, prefix.u32(8)]]
    for (const [start, length] of blocks) {
      total += length
      if (total > maxHeaderBytes)
        throw overLimit(where, 'bytes of header', maxHeaderBytes, total, 'honest ones have a few KB')
      const view = await read(start, length, 'object header')
      for (let at = 0; at + 8 <= length; ) {
        const [type, size] = [view.u16(at), view.u16(at + 2)]
        at += 8
        if (at + size > length)
          throw badFile(where, `a message inside its header's ${length} bytes`, `${size} bytes at ${at}`)
        const data = fieldsOf(view.bytes(at, size), where)
        if (type === 0x10 && size >= 16) blocks.push([data.u64(0), data.u64(8)])
        else found.push({ type, data })
        countMessage()
        at += size
      }
    }
    return found
  }

  const headerV2 = async (address: number): Promise<HeaderMessage[]> => {
    const prefix = await read(address, Math.min(48, source.byteLength - address), 'object header')
    const flags = prefix.u8(5)
    let at = 6 + (flags & 32 ? 16 : 0) + (flags & 16 ? 4 : 0)
    const width = 1 << (flags & 3)
    const first =
      width === 8 ? prefix.u64(at) : width === 4 ? prefix.u32(at) : width === 2 ? prefix.u16(at) : prefix.u8(at)
    at += width
    const found: HeaderMessage[] = []
    let total = 0
    const head = flags & 4 ? 6 : 4
    const blocks: [number, number][] = [[address + at, first]]
    for (const [start, length] of blocks) {
      total += length
      if (total > maxHeaderBytes)
        throw overLimit(where, 'bytes of header', maxHeaderBytes, total, 'honest ones have a few KB')
      const view = await read(start, length, 'object header')
      for (let place = 0; place + head <= length; ) {
        const [type, size] = [view.u8(place), view.u16(place + 1)]
        place += head
        if (place + size > length)
          throw badFile(where, `a message inside its header's ${length} bytes`, `${size} bytes at ${place}`)
        const data = fieldsOf(view.bytes(place, size), where)
        // A block that continues begins with OCHK and ends with its checksum.
        if (type === 0x10 && size >= 16) blocks.push([data.u64(0) + 4, Math.max(0, data.u64(8) - 8)])
        else found.push({ type, data })
        countMessage()
        place += size
      }
    }
    return found
  }

  /** A name in a local heap, up to its NUL. */
  const nameIn = (heap: Fields, offset: number): string => {
    if (!(offset < heap.byteLength))
      throw badFile(where, `a name inside the heap's ${heap.byteLength} bytes`, `${offset}`)
    const rest = heap.bytes(offset, Math.min(maxNameBytes, heap.byteLength - offset))
    const end = rest.indexOf(0)
    if (end < 0) throw badFile(where, `a name of at most ${maxNameBytes} bytes`, 'no end of it')
    return utf8.decode(rest.subarray(0, end))
  }

  const symbolTable = async (tree: number, heapAt: number): Promise<Link[]> => {
    const head = await read(heapAt, 32, 'local heap')
    tag(head, 'HEAP', heapAt)
    const size = head.u64(8)
    if (size > maxHeaderBytes)
      throw overLimit(where, 'bytes of names in a group', maxHeaderBytes, size, 'they are read at once')
    const heap = await read(head.u64(24), size, 'local heap')
    const links: Link[] = []
    const open: [number, number][] = [[tree, 0]]
    for (const [address, depth] of open) {
      if (depth > 16) throw overLimit(where, 'levels of a tree', 16, depth, 'each holds 32 times the one below')
      const node = await read(address, 24, 'tree')
      tag(node, 'TREE', address)
      const used = node.u16(6)
      const entries = await read(address + 24, 16 * used + 8, 'tree')
      const level = node.u8(5)
      for (let i = 0; i < used; i++) {
        const child = entries.u64(16 * i + 8)
        if (level > 0) {
          open.push([child, depth + 1])
          continue
        }
        const leaf = await read(child, 8, 'symbols')
        tag(leaf, 'SNOD', child)
        const count = leaf.u16(6)
        const symbols = await read(child + 8, 40 * count, 'symbols')
        for (let j = 0; j < count; j++) {
          const hard = symbols.u32(40 * j + 16) !== 2
          links.push({ name: nameIn(heap, symbols.u64(40 * j)), address: hard ? symbols.u64(40 * j + 8) : null })
        }
        if (links.length > maxObjects)
          throw overLimit(where, 'objects', maxObjects, links.length, 'no model comes near it')
      }
    }
    return links
  }

  const link = (data: Fields): Link => {
    const flags = data.u8(1)
    let at = 2
    const type = flags & 8 ? data.u8(at++) : 0
    at += (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0)
    const width = 1 << (flags & 3)
    const length = width === 1 ? data.u8(at) : width === 2 ? data.u16(at) : data.u32(at)
    at += width
    if (length > maxNameBytes)
      throw overLimit(where, 'bytes of a name', maxNameBytes, length, 'names are parts of a path')
    const name = utf8.decode(data.bytes(at, length))
    return { name, address: type === 0 ? data.u64(at + length) : null }
  }

  const start = await read(0, Math.min(96, source.byteLength), 'superblock')
  const version = start.u8(8)
  const sizes = version < 2 ? [start.u8(13), start.u8(14)] : [start.u8(9), start.u8(10)]
  if (version > 3) throw unsupported(where, say('unread.hdf5-version', { version }))
  if (sizes.some((size) => size !== 8))
    throw unsupported(where, say('unread.hdf5-offsets', { bytes: Math.min(sizes[0]!, sizes[1]!) }))
  const base = version < 2 ? start.u64(version === 0 ? 24 : 28) : start.u64(12)
  if (base !== 0) throw unsupported(where, say('unread.hdf5-user-block'))
  // Of the root's entry in a symbol table the second field.
  const root = version < 2 ? start.u64((version === 0 ? 56 : 60) + 8) : start.u64(36)

  return {
    root,
    messagesOf: async (address) => {
      const kind = await read(address, 4, 'object header')
      return String.fromCharCode(...kind.bytes(0, 4)) === 'OHDR' ? headerV2(address) : headerV1(address)
    },
    linksOf: async (messages) => {
      const table = messages.find(({ type }) => type === 0x11)
      if (table) return symbolTable(table.data.u64(0), table.data.u64(8))
      const info = messages.find(({ type }) => type === 0x2)
      if (!info) return null
      if (!isUndefined(info.data.u64(info.data.u8(1) & 1 ? 10 : 2))) throw unsupported(where, say('unread.hdf5-heaps'))
      const links = messages.filter(({ type }) => type === 0x6)
      if (links.length > maxObjects)
        throw overLimit(where, 'objects', maxObjects, links.length, 'no model comes near it')
      return links.map(({ data }) => link(data))
    },
  }
}
