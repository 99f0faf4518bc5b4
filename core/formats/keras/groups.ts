/** What the groups of an HDF5 file hold: symbol tables, which are a tree over a heap of names, and links in headers. */
import { badFile, overLimit } from '../reading/refusal.ts'
import { type Fields, maxNodes, type Structures } from './fields.ts'

/** Groups and datasets; the largest models have some thousand, and each costs 5 KB and 20 microseconds here. */
export const maxObjects = 20_000
/** Each holds 32 times the one below. */
const maxTreeDepth = 16
/** Of the names of one group. */
const maxHeapBytes = 4_000_000
const maxNameBytes = 4096
const utf8 = new TextDecoder()

/** A name in a group and where what it stands for has its header; null for links that lead elsewhere. */
export interface Link {
  readonly name: string
  readonly address: number | null
}

/** Of a group by symbol table: `tree` and `heapAt` are where its tree and its heap of names begin. */
export async function symbolTable(structures: Structures, tree: number, heapAt: number): Promise<Link[]> {
  const { where, read, checkSignature } = structures
  const heap = await namesOf(structures, heapAt)
  const links: Link[] = []
  const open: [address: number, depth: number][] = [[tree, 0]]
  for (const [address, depth] of open) {
    if (depth > maxTreeDepth)
      throw overLimit(where, 'levels of a tree', maxTreeDepth, depth, 'each holds 32 times the one below')
    const node = await read(address, 24, 'tree')
    checkSignature(node, 'TREE', address)
    const used = node.u16(6)
    const entries = await read(address + 24, 16 * used + 8, 'tree')
    const isLeaf = node.u8(5) === 0
    // A node may name itself as its child as often as it has any.
    if (!isLeaf && open.length + used > maxNodes)
      throw overLimit(where, 'nodes', maxNodes, open.length + used, 'each name has a fraction of one')
    for (let i = 0; i < used; i++) {
      const child = entries.u64(16 * i + 8)
      if (isLeaf) links.push(...(await symbolsAt(structures, child, heap)))
      else open.push([child, depth + 1])
      if (links.length > maxObjects)
        throw overLimit(where, 'objects', maxObjects, links.length, 'no model comes near it')
    }
  }
  return links
}

/** A local heap of names. */
async function namesOf({ where, read, checkSignature }: Structures, at: number): Promise<Fields> {
  const head = await read(at, 32, 'local heap')
  checkSignature(head, 'HEAP', at)
  const size = head.u64(8)
  if (size > maxHeapBytes)
    throw overLimit(where, 'bytes of names in a group', maxHeapBytes, size, 'they are read at once')
  return read(head.u64(24), size, 'local heap')
}

/** The leaf of a tree. */
async function symbolsAt({ where, read, checkSignature }: Structures, at: number, heap: Fields): Promise<Link[]> {
  const leaf = await read(at, 8, 'symbols')
  checkSignature(leaf, 'SNOD', at)
  const count = leaf.u16(6)
  const symbols = await read(at + 8, 40 * count, 'symbols')
  return Array.from({ length: count }, (_, i) => {
    const isHard = symbols.u32(40 * i + 16) !== 2
    return { name: nameIn(heap, symbols.u64(40 * i), where), address: isHard ? symbols.u64(40 * i + 8) : null }
  })
}

/** Up to its NUL. */
function nameIn(heap: Fields, offset: number, where: string): string {
  if (!(offset < heap.byteLength))
    throw badFile(where, `a name inside the heap's ${heap.byteLength} bytes`, `${offset}`)
  const rest = heap.bytes(offset, Math.min(maxNameBytes, heap.byteLength - offset))
  const end = rest.indexOf(0)
  if (end < 0) throw badFile(where, `a name of at most ${maxNameBytes} bytes`, 'no end of it')
  return utf8.decode(rest.subarray(0, end))
}

/** The link that a message of a header is. */
export function linkOf({ where }: Structures, data: Fields): Link {
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
