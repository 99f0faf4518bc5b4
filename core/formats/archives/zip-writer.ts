/**
 * Zip archives of stored members, laid out before the first byte is known: a member's length is, its checksum is not, so the checksum
 * follows the bytes (bit 3, a data descriptor) and stands in the directory. The same members give the same bytes: dates are 1980-01-01.
 * Source: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3 (zip64, used for a member or an archive only where 32 bits are too few).
 */

import { AppError } from '../../errors.ts'
import { say } from '../../messages/english.ts'
import { quoted } from '../../messages/text.ts'
import { refuseLongName } from '../reading/name-meter.ts'

export interface ZipOutline {
  readonly name: string
  readonly byteLength: number
}

export interface ZipPlan {
  /** Of the whole archive. */
  readonly byteLength: number
  /** What goes before the bytes of member `index`. */
  before(index: number): Uint8Array
  /** What goes behind them. */
  after(index: number, crc: number): Uint8Array
  /** What goes behind the last member. */
  directory(crcs: readonly number[]): Uint8Array
}

const full = 0xffff_ffff
const storedUtf8WithDescriptor = 0x0808
const firstOfJanuary1980 = 0x21

/** Of an archive's comment: its length is 16 bits. */
export const maxCommentBytes = 0xffff

/**
 * Lays out an archive of these members in this order, with a comment at its end.
 * @throws AppError `bad-request` for a name used twice, empty, or longer than 65,535 bytes
 */
export function planZip(members: readonly ZipOutline[], comment = new Uint8Array(0)): ZipPlan {
  if (comment.byteLength > maxCommentBytes) throw new RangeError(`a comment of ${comment.byteLength} bytes`)
  const names = members.map(({ name }) => new TextEncoder().encode(name))
  const seen = new Set<string>()
  for (const [i, { name }] of members.entries()) {
    if (seen.has(name) || names[i]!.byteLength === 0 || names[i]!.byteLength > 0xffff)
      throw new AppError('bad-request', say('formats.zip-member', { name: quoted(name), twice: seen.has(name) }))
    // Of one that is longer no reader of ours would open the archive.
    refuseLongName('ZIP', name.length)
    seen.add(name)
  }
  const isWide = (i: number) => members[i]!.byteLength >= full
  const offsets: number[] = []
  let at = 0
  for (const [i, { byteLength }] of members.entries()) {
    offsets.push(at)
    at += 30 + names[i]!.byteLength + (isWide(i) ? 20 : 0) + byteLength + (isWide(i) ? 24 : 16)
  }
  const directoryStart = at
  const entryWide = (i: number) => isWide(i) || offsets[i]! >= full
  const directoryBytes = names.reduce((sum, name, i) => sum + 46 + name.byteLength + (entryWide(i) ? 28 : 0), 0)
  const archiveWide = members.length >= 0xffff || directoryStart >= full || directoryBytes >= full
  const endBytes = (archiveWide ? 76 : 0) + 22 + comment.byteLength

  return {
    byteLength: directoryStart + directoryBytes + endBytes,
    before: (i) => {
      const out = field(30 + names[i]!.byteLength + (isWide(i) ? 20 : 0))
      out
        .u32(0x04034b50)
        .u16(isWide(i) ? 45 : 20)
        .u16(storedUtf8WithDescriptor)
        .u16(0)
        .u16(0)
        .u16(firstOfJanuary1980)
        .u32(0)
      out.u32(isWide(i) ? full : 0).u32(isWide(i) ? full : 0)
      out
        .u16(names[i]!.byteLength)
        .u16(isWide(i) ? 20 : 0)
        .bytes(names[i]!)
      if (isWide(i)) out.u16(1).u16(16).u64(0).u64(0)
      return out.done()
    },
    after: (i, crc) => {
      const out = field(isWide(i) ? 24 : 16)
        .u32(0x08074b50)
        .u32(crc)
      const { byteLength } = members[i]!
      return (isWide(i) ? out.u64(byteLength).u64(byteLength) : out.u32(byteLength).u32(byteLength)).done()
    },
    directory: (crcs) => {
      const out = field(directoryBytes + endBytes)
      for (const [i, { byteLength }] of members.entries()) {
        const wide = entryWide(i)
        out
          .u32(0x02014b50)
          .u16(wide ? 45 : 20)
          .u16(wide ? 45 : 20)
          .u16(storedUtf8WithDescriptor)
          .u16(0)
          .u16(0)
        out
          .u16(firstOfJanuary1980)
          .u32(crcs[i]!)
          .u32(wide ? full : byteLength)
          .u32(wide ? full : byteLength)
        out
          .u16(names[i]!.byteLength)
          .u16(wide ? 28 : 0)
          .u16(0)
          .u16(0)
          .u16(0)
          .u32(0)
          .u32(wide ? full : offsets[i]!)
        out.bytes(names[i]!)
        if (wide) out.u16(1).u16(24).u64(byteLength).u64(byteLength).u64(offsets[i]!)
      }
      if (archiveWide) {
        out.u32(0x06064b50).u64(44).u16(45).u16(45).u32(0).u32(0).u64(members.length).u64(members.length)
        out.u64(directoryBytes).u64(directoryStart)
        out
          .u32(0x07064b50)
          .u32(0)
          .u64(directoryStart + directoryBytes)
          .u32(1)
      }
      const count = archiveWide ? 0xffff : members.length
      out.u32(0x06054b50).u16(0).u16(0).u16(count).u16(count)
      return out
        .u32(archiveWide ? full : directoryBytes)
        .u32(archiveWide ? full : directoryStart)
        .u16(comment.byteLength)
        .bytes(comment)
        .done()
    },
  }
}

/** Little-endian fields one after another into exactly `byteLength` bytes. */
function field(byteLength: number) {
  const bytes = new Uint8Array(byteLength)
  const view = new DataView(bytes.buffer)
  let at = 0
  const writer = {
    u16: (value: number) => {
      view.setUint16(at, value, true)
      at += 2
      return writer
    },
    u32: (value: number) => {
      view.setUint32(at, value, true)
      at += 4
      return writer
    },
    u64: (value: number) => {
      view.setBigUint64(at, BigInt(value), true)
      at += 8
      return writer
    },
    bytes: (value: Uint8Array) => {
      bytes.set(value, at)
      at += value.byteLength
      return writer
    },
    done: () => {
      if (at !== byteLength) throw new RangeError(`${at} bytes of ${byteLength} written`)
      return bytes
    },
  }
  return writer
}
