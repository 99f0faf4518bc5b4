/**
 * Zip archives as PyTorch and NumPy write them: the directory at the end of the file, read and checked; then members in place. A member that
 * is stored is a range of the file and is read without touching the rest, which is what makes a 10 GB checkpoint open at once. A deflated
 * one is inflated forward; a range behind the last one read begins again.
 *
 * Why not a library: those at hand give a member's bytes from its beginning, not the range of the file it occupies, and their checks end
 * in their own words. Source: PKWARE APPNOTE 6.3.10, sections 4.3 (layout), 4.5.3 (zip64).
 *
 * What a hostile archive may not do: name paths outside itself, overlap its members (the 42.zip family of bombs), lie about sizes, hide
 * members behind two directories, or inflate without end.
 */

import { AppError } from '../../errors.ts'
import type { ByteSource } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { foreign, quoted } from '../../messages/text.ts'
import { refuseLongName } from '../reading/name-meter.ts'
import { readRange } from '../reading/range.ts'
import { badFile, overLimit, unsupported } from '../reading/refusal.ts'
import { inflatedSource } from './inflated-source.ts'
import { maxCommentBytes } from './zip-writer.ts'

/** A member for each tensor, and a few more; each costs about 200 bytes here. */
const maxMembers = 150_000
/** 150,000 members with names of 200 characters. The directory is read into memory whole. */
const maxDirectoryBytes = 40_000_000
/** Deflate reaches 1032:1 on zeros. Real weights stay below 20:1; an array of zeros below this size is let through whatever its ratio. */
const maxRatio = 200
const utf8 = new TextDecoder('utf-8', { fatal: true })
const maxBytesAtAnyRatio = 64_000_000

export interface ZipMember {
  readonly name: string
  /** Bytes when unpacked. */
  readonly byteLength: number
  readonly packedLength: number
  readonly deflated: boolean
  readonly crc: number
  /** Of its local header. */
  readonly headerOffset: number
  /** Of its name, here and there. */
  readonly nameBytes: number
  /** Where the next member or the directory begins: nothing of this one may lie beyond. */
  readonly limit: number
}

export interface ZipArchive {
  readonly members: ReadonlyMap<string, ZipMember>
  /** What stands behind the directory: up to 65,535 bytes of anything. */
  readonly comment: Uint8Array
  /** The member's unpacked bytes as a source of their own. Ranges of stored members are read in place. */
  open(member: ZipMember): Promise<ByteSource>
  /** The first bytes of a stored member, at most so many: for headers in archives of very many members, which are read by the hundred. */
  head(member: ZipMember, byteLength: number): Promise<Uint8Array>
}

const endSignature = 0x06054b50
const end64Signature = 0x06064b50
const locatorSignature = 0x07064b50
const directorySignature = 0x02014b50
const localSignature = 0x04034b50
const endBytes = 22

export function looksLikeZip(head: Uint8Array): boolean {
  return head[0] === 80 && head[1] === 75 && ((head[2] === 3 && head[3] === 4) || (head[2] === 5 && head[3] === 6))
}

/**
 * Reads and checks the directory; touches no member.
 * @throws AppError `bad-file`, `unsupported` (encrypted, split, other compressions), `over-limit`
 */
export async function openZip(source: ByteSource): Promise<ZipArchive> {
  const end = await findEnd(source)
  const { count, offset, byteLength, comment } = end
  if (count > maxMembers) throw overLimit(source.name, 'members', maxMembers, count, 'no published file comes near it')
  if (byteLength > maxDirectoryBytes)
    throw overLimit(source.name, 'bytes of directory', maxDirectoryBytes, byteLength, 'it is read into memory whole')
  if (offset + byteLength !== end.position)
    throw badFile(source.name, `a zip directory that ends at ${end.position}`, `${byteLength} bytes at ${offset}`)
  const directory = await readRange(source, offset, offset + byteLength, 'zip directory')
  const members = checkDirectory(source.name, directory, count, offset)
  return {
    members,
    comment,
    open: (member) => openMember(source, member),
    head: headReader(source),
  }
}

interface DirectoryEnd {
  readonly count: number
  readonly offset: number
  readonly byteLength: number
  /** Where the end records begin. */
  readonly position: number
  readonly comment: Uint8Array
}

async function findEnd(source: ByteSource): Promise<DirectoryEnd> {
  const where = source.name
  const tailStart = Math.max(0, source.byteLength - endBytes - maxCommentBytes)
  const tail = await readRange(source, tailStart, source.byteLength, 'end of the zip archive')
  const view = viewOf(tail)
  let at = tail.byteLength - endBytes
  // The comment must reach the end of the file, or a comment could hold an end record of its own.
  while (
    at >= 0 &&
    !(view.getUint32(at, true) === endSignature && at + endBytes + view.getUint16(at + 20, true) === tail.byteLength)
  )
    at--
  if (at < 0) throw new AppError('bad-file', say('formats.zip-cut-short', { where: foreign(where) }))
  const position = tailStart + at
  const disk = view.getUint16(at + 4, true)
  const count = view.getUint16(at + 10, true)
  const byteLength = view.getUint32(at + 12, true)
  const offset = view.getUint32(at + 16, true)
  if (
    disk !== view.getUint16(at + 6, true) ||
    (disk !== 0 && disk !== 0xffff) ||
    view.getUint16(at + 8, true) !== count
  )
    throw unsupported(where, say('unread.split-zip'))
  const comment = tail.slice(at + endBytes)
  const locator = position >= 20 ? viewOf(await readRange(source, position - 20, position, 'zip64 locator')) : null
  if (locator?.getUint32(0, true) !== locatorSignature) {
    if (count === 0xffff || byteLength === 0xffff_ffff || offset === 0xffff_ffff)
      throw badFile(where, 'a zip64 record for an archive of this size', 'none')
    return { count, byteLength, offset, position, comment }
  }
  const record = uint64(locator, 8)
  // The record is 56 bytes, and an honest writer puts the locator right behind it.
  if (record === null || record + 56 !== position - 20)
    throw badFile(where, `a zip64 record at ${position - 76}`, `one at ${locator.getBigUint64(8, true)}`)
  const end64 = viewOf(await readRange(source, record, record + 56, 'zip64 record'))
  const wide = [uint64(end64, 32), uint64(end64, 40), uint64(end64, 48)] as const
  if (end64.getUint32(0, true) !== end64Signature || wide[0] === null || wide[1] === null || wide[2] === null)
    throw badFile(where, 'a zip64 record', 'something else')
  return { count: wide[0], byteLength: wide[1], offset: wide[2], position: record, comment }
}

/** Its limit is known once all are. */
type Placed = Omit<ZipMember, 'limit'> & { limit: number }

function checkDirectory(
  where: string,
  directory: Uint8Array,
  count: number,
  directoryOffset: number,
): Map<string, ZipMember> {
  const view = viewOf(directory)
  const found: Placed[] = []
  let at = 0
  for (let i = 0; i < count; i++) {
    if (at + 46 > directory.byteLength || view.getUint32(at, true) !== directorySignature)
      throw badFile(where, `${count} members in the zip directory`, `${i}`)
    const flags = view.getUint16(at + 8, true)
    const method = view.getUint16(at + 10, true)
    const nameBytes = view.getUint16(at + 28, true)
    const extraBytes = view.getUint16(at + 30, true)
    const next = at + 46 + nameBytes + extraBytes + view.getUint16(at + 32, true)
    if (next > directory.byteLength)
      throw badFile(where, 'a zip directory that holds its members', 'one that ends inside one')
    const name = decodeName(where, directory.subarray(at + 46, at + 46 + nameBytes))
    refuseLongName(where, name.length)
    const label = () => `${where}: member ${quoted(name)}`
    checkName(label, name)
    if (flags & 0x2041) throw unsupported(label(), say('unread.encrypted'))
    if (method !== 0 && method !== 8) throw unsupported(label(), say('unread.zip-method', { method }))
    const extra = viewOf(directory.subarray(at + 46 + nameBytes, at + 46 + nameBytes + extraBytes))
    const [byteLength, packedLength, headerOffset] = sizes(label, view, at, extra)
    if (method === 0 && byteLength !== packedLength)
      throw badFile(label(), `${packedLength} bytes, as it is stored`, `${byteLength} bytes`)
    if (byteLength > maxBytesAtAnyRatio && byteLength > maxRatio * packedLength)
      throw overLimit(
        label(),
        'times its packed size',
        maxRatio,
        Math.round(byteLength / Math.max(1, packedLength)),
        `it would unpack to ${byteLength} bytes, as a zip bomb does`,
      )
    found.push({
      name,
      byteLength,
      packedLength,
      deflated: method === 8,
      crc: view.getUint32(at + 16, true),
      headerOffset,
      nameBytes,
      limit: directoryOffset,
    })
    at = next
  }
  if (at !== directory.byteLength)
    throw badFile(where, `a zip directory of ${at} bytes`, `${directory.byteLength} bytes`)
  return placeMembers(where, found, directoryOffset)
}

/** Members must follow one another without overlap and end before the directory. */
function placeMembers(where: string, found: readonly Placed[], directoryOffset: number): Map<string, ZipMember> {
  const order = [...found].sort((a, b) => a.headerOffset - b.headerOffset)
  for (const [i, member] of order.entries()) {
    const next = order[i + 1]
    member.limit = next ? next.headerOffset : directoryOffset
    if (member.headerOffset + 30 + member.nameBytes + member.packedLength > member.limit)
      throw badFile(
        `${where}: member ${quoted(member.name)}`,
        `it to end before ${next ? quoted(next.name) : 'the directory'} at ${member.limit}`,
        `${member.packedLength} bytes at ${member.headerOffset}: they overlap`,
      )
  }
  const members = new Map<string, ZipMember>()
  for (const member of found) {
    if (members.has(member.name)) throw badFile(where, 'every member once', `${quoted(member.name)} twice`)
    members.set(member.name, member)
  }
  return members
}

/** [unpacked, packed, offset], from the zip64 extra field where the plain ones are full. */
function sizes(where: () => string, view: DataView, at: number, extra: DataView): [number, number, number] {
  const plain = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)]
  if (!plain.includes(0xffff_ffff)) return plain as [number, number, number]
  let field = 0
  while (field + 4 <= extra.byteLength && extra.getUint16(field, true) !== 1)
    field += 4 + extra.getUint16(field + 2, true)
  let read = field + 4
  const end = field + 4 <= extra.byteLength ? read + extra.getUint16(field + 2, true) : 0
  const wide = plain.map((value) => {
    if (value !== 0xffff_ffff) return value
    const size = read + 8 <= Math.min(end, extra.byteLength) ? uint64(extra, read) : null
    if (size === null) throw badFile(where(), 'its sizes in a zip64 field', 'none')
    read += 8
    return size
  })
  return wide as [number, number, number]
}

function decodeName(where: string, bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw badFile(where, 'member names in UTF-8', 'one that is not')
  }
}

/** Whether a member may be called that: a name that stays inside the archive wherever it is unpacked. */
export function isMemberName(name: string): boolean {
  return !(name.startsWith('/') || /[\\\0]/.test(name) || /^[A-Za-z]:/.test(name) || name.split('/').includes('..'))
}

/** Nothing is ever unpacked to disk here, but a name like this has no honest reason. */
function checkName(where: () => string, name: string): void {
  if (!isMemberName(name)) throw badFile(where(), 'a name inside the archive', 'a path that leads out of it')
}

/** Where the bytes of a member begin, by its local header: `head` has it and the name. */
function startOfMember({ name: where }: ByteSource, member: ZipMember, head: Uint8Array): number {
  const label = () => `${where}: member ${quoted(member.name)}`
  const header = viewOf(head)
  if (header.getUint32(0, true) !== localSignature) throw badFile(label(), 'a zip member header', 'something else')
  const nameBytes = header.getUint16(26, true)
  const name = head.subarray(30, 30 + nameBytes)
  if (nameBytes !== member.nameBytes || decodeName(where, name) !== member.name)
    throw badFile(label(), 'the same name in the directory and at the member', 'two names')
  const start = member.headerOffset + 30 + nameBytes + header.getUint16(28, true)
  if (start + member.packedLength > member.limit)
    throw badFile(
      label(),
      `it to end before ${member.limit}`,
      `an end at ${start + member.packedLength}: it overlaps what follows`,
    )
  return start
}

/** Members that are no larger lie so close that the next ones are read with them. */
const smallMember = 4096
const windowBytes = 1 << 18

function headReader(source: ByteSource): ZipArchive['head'] {
  let window: { readonly start: number; readonly bytes: Uint8Array } = { start: 0, bytes: new Uint8Array(0) }
  return async (member, most) => {
    const { headerOffset, nameBytes, byteLength, limit } = member
    const enough = Math.min(limit, headerOffset + 30 + nameBytes + most)
    if (headerOffset < window.start || enough > window.start + window.bytes.byteLength) {
      const more = limit - headerOffset < smallMember ? windowBytes : 0
      const end = Math.min(source.byteLength, Math.max(enough, headerOffset + more))
      window = { start: headerOffset, bytes: await readRange(source, headerOffset, end, 'zip members') }
    }
    const head = window.bytes.subarray(headerOffset - window.start, enough - window.start)
    const start = startOfMember(source, member, head)
    const end = start + Math.min(most, byteLength)
    // What stands between header and bytes, for alignment, was not reckoned with.
    return end > enough
      ? readRange(source, start, end, 'zip member')
      : head.subarray(start - headerOffset, end - headerOffset)
  }
}

async function openMember(source: ByteSource, member: ZipMember): Promise<ByteSource> {
  const { headerOffset, nameBytes } = member
  const head = await readRange(source, headerOffset, headerOffset + 30 + nameBytes, 'zip member header')
  const start = startOfMember(source, member, head)
  const shown = `${source.name}: ${member.name}`
  return member.deflated
    ? inflatedSource(source, shown, member, start)
    : rangeSource(source, shown, start, member.byteLength)
}

/** A part of a source as a source. Closing it does nothing: the whole belongs to its opener. */
export function rangeSource(source: ByteSource, name: string, start: number, byteLength: number): ByteSource {
  return {
    name,
    byteLength,
    slice: (from, to) => readRange(source, start + from, start + to, name),
    close: async () => {},
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** null beyond 2^53. */
function uint64(view: DataView, at: number): number | null {
  const value = view.getBigUint64(at, true)
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : null
}
