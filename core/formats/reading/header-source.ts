/**
 * A source while its headers are read. Small reads come out of pages that are kept: structures that refer to each other in a few bytes each,
 * such as HDF5's, would ask the system for every one of them, 80 microseconds each. What opening may cost is counted: a reader that follows
 * references is led by a hostile file through all of it, in any order.
 */
import type { ByteSource } from '../../io.ts'
import { overLimit } from './refusal.ts'

/** Not quite a second of them. Pages hold the headers of some hundred objects each, and values are passed over. */
export const maxReads = 10_000
/** What members of archives may be unpacked to meanwhile, read from their beginning again wherever a reader goes back. */
export const maxUnpackedBytes = 128_000_000

const pageBytes = 8192
/** Together 4 MB. */
const mostPages = 512

export interface HeaderSource extends ByteSource {
  /** From now on reads are those of the file itself, and nothing is counted. */
  opened(): void
}

const unpackedBytes = new WeakMap<ByteSource, number>()

/** @param reads how many a format's reader may need */
export function headerSource(file: ByteSource, reads = maxReads): HeaderSource {
  const { name, byteLength } = file
  let left = reads
  let pages: Map<number, Uint8Array> | null = new Map()
  const counted = (start: number, end: number): Promise<Uint8Array> => {
    if (--left < 0)
      throw overLimit(name, 'reads of its headers', reads, reads + 1, 'its parts are scattered all over it')
    return file.slice(start, end)
  }
  const page = async (kept: Map<number, Uint8Array>, number: number): Promise<Uint8Array> => {
    const known = kept.get(number)
    if (known) return known
    const start = number * pageBytes
    const bytes = await counted(start, Math.min(byteLength, start + pageBytes))
    // The oldest goes: what refers to it has mostly been read by then.
    if (kept.size === mostPages) kept.delete(kept.keys().next().value!)
    kept.set(number, bytes)
    return bytes
  }
  const source: HeaderSource = {
    name,
    byteLength,
    slice: async (start, end) => {
      if (pages === null) return file.slice(start, end)
      const number = Math.floor(start / pageBytes)
      if (end > (number + 1) * pageBytes) return counted(start, end)
      const offset = number * pageBytes
      return (await page(pages, number)).slice(start - offset, end - offset)
    },
    close: () => file.close(),
    opened: () => {
      pages = null
      unpackedBytes.delete(source)
    },
  }
  unpackedBytes.set(source, 0)
  return source
}

/** Counts what a member of `source` was unpacked to, while its headers are read. @throws AppError `over-limit` */
export function countUnpacked(source: ByteSource, byteLength: number): void {
  const before = unpackedBytes.get(source)
  if (before === undefined) return
  unpackedBytes.set(source, before + byteLength)
  if (before + byteLength > maxUnpackedBytes)
    throw overLimit(
      source.name,
      'bytes unpacked for its headers',
      maxUnpackedBytes,
      before + byteLength,
      'its members are read from their beginning again and again',
    )
}
