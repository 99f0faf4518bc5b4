/** Tar archives, as NeMo packs checkpoints: their members by name, each a range of the file; nothing is unpacked. */
import { AppError } from '../../errors.ts'
import type { ByteSource, SourceFolder } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { fileName, quoted } from '../../messages/text.ts'
import { cursorOver } from '../reading/cursor.ts'
import { refuseLongName } from '../reading/name-meter.ts'
import { badFile, overLimit } from '../reading/refusal.ts'
import { rangeSource } from './zip.ts'

/** Archives of models have about ten members; those of zarr arrays up to 1e5. */
const maxMembers = 200_000
/** Of a long name, or of extended attributes. */
const maxNameBytes = 65_536
const blockBytes = 512
const utf8 = new TextDecoder()

export interface TarMember {
  readonly start: number
  readonly byteLength: number
}

/** Headers that say something of the member behind them: extended attributes, and long names of GNU tar (of the member, of what it links to). */
const extensions: readonly string[] = ['x', 'L', 'K']
/** 0, NUL and 7 are files; links, folders and devices hold nothing. */
const files: readonly string[] = ['0', '\0', '7']

/** What extensions say of the member behind them, instead of its own header. */
interface Extended {
  readonly name?: string
  readonly byteLength?: number
}

/** Members by name, without `./` in front. @throws AppError `bad-file`, `over-limit` */
export async function openTar(source: ByteSource): Promise<Map<string, TarMember>> {
  const where = source.name
  const members = new Map<string, TarMember>()
  const cursor = cursorOver(source, 0, source.byteLength)
  let extended: Extended = {}
  let headers = 0
  while (cursor.position + blockBytes <= source.byteLength) {
    const at = cursor.position
    if (!cursor.has(blockBytes)) await cursor.need(blockBytes)
    const header = cursor.bytes(blockBytes)
    if (header[0] === 0 && header.every((byte) => byte === 0)) break
    if (++headers > maxMembers) throw overLimit(where, 'members', maxMembers, headers, 'no published model has so many')
    checkSum(header, where, at)
    const type = String.fromCharCode(header[156]!)
    const isExtension = extensions.includes(type)
    const start = at + blockBytes
    const byteLength = (isExtension ? undefined : extended.byteLength) ?? numberIn(header, where, at)
    if (!(start + byteLength <= source.byteLength))
      throw badFile(
        where,
        `a member inside the file's ${source.byteLength} bytes`,
        `${byteLength} bytes at ${start}: the file is cut short`,
      )
    if (isExtension) {
      if (byteLength > maxNameBytes)
        throw overLimit(where, 'bytes of a long name', maxNameBytes, byteLength, 'none is that long')
      await cursor.need(byteLength)
      extended = { ...extended, ...extensionOf(type, cursor.bytes(byteLength), where, at) }
    } else {
      if (files.includes(type)) {
        const name = (extended.name ?? nameIn(header)).replace(/^(\.\/)+/, '')
        refuseLongName(where, name.length)
        if (members.has(name)) throw badFile(where, 'every member once', `${quoted(name)} twice`)
        members.set(name, { start, byteLength })
      }
      extended = {}
    }
    const next = start + Math.ceil(byteLength / blockBytes) * blockBytes
    // The last one may lack what it is padded with.
    cursor.skip(Math.min(next, source.byteLength) - cursor.position)
  }
  return members
}

function extensionOf(type: string, bytes: Uint8Array, where: string, at: number): Extended {
  if (type === 'L') return { name: textUntilNul(bytes) }
  // What a link points to.
  if (type === 'K') return {}
  const pairs = paxPairs(bytes)
  const [name, size] = [pairs.get('path'), pairs.get('size')]
  if (size !== undefined && !/^\d{1,15}$/.test(size))
    throw badFile(where, `the size of a member at byte ${at}`, quoted(size))
  return { ...(name !== undefined && { name }), ...(size !== undefined && { byteLength: Number(size) }) }
}

/** A folder of the archive as a reader sees a folder on a disk. */
export function tarFolder(source: ByteSource, members: ReadonlyMap<string, TarMember>, path: string): SourceFolder {
  const name = path.split('/').at(-2) ?? source.name
  return {
    name,
    list: async () => [
      ...new Set(
        [...members.keys()]
          .filter((each) => each.startsWith(path))
          .map((each) => each.slice(path.length).split('/')[0]!),
      ),
    ],
    open: async (file) => {
      const member = members.get(path + file)
      if (!member)
        throw new AppError(
          'not-found',
          say('formats.not-in-archive', { name: quoted(path + file), archive: fileName(source.name) }),
        )
      return rangeSource(source, file, member.start, member.byteLength)
    },
    inside: (folder) => tarFolder(source, members, `${path}${folder}/`),
  }
}

/** The sum of all bytes, those of the sum itself as spaces. */
function checkSum(header: Uint8Array, where: string, at: number): void {
  let sum = 8 * 32
  for (let i = 0; i < blockBytes; i++) if (i < 148 || i >= 156) sum += header[i]!
  const stated = Number.parseInt(textUntilNul(header.subarray(148, 156)).trim(), 8)
  if (sum !== stated) throw badFile(where, `a tar header at byte ${at}`, 'one whose checksum is wrong')
}

/** Octal digits, or a number in base 256 where the first bit is set. */
function numberIn(header: Uint8Array, where: string, at: number): number {
  const field = header.subarray(124, 136)
  const value =
    (field[0]! & 0x80) !== 0
      ? field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0)
      : Number.parseInt(textUntilNul(field).trim() || '0', 8)
  if (!Number.isSafeInteger(value) || value < 0) throw badFile(where, `the size of a member at byte ${at}`, 'no number')
  return value
}

function nameIn(header: Uint8Array): string {
  const prefix = textUntilNul(header.subarray(345, 500))
  const name = textUntilNul(header.subarray(0, 100))
  return header[257] === 117 && header[263] === 48 && prefix !== '' ? `${prefix}/${name}` : name
}

/** `length key=value\n`, as often as there are. */
function paxPairs(bytes: Uint8Array): Map<string, string> {
  const pairs = new Map<string, string>()
  for (const line of utf8.decode(bytes).split('\n')) {
    const [, key, value] = /^\d+ ([^=]+)=(.*)$/.exec(line) ?? []
    if (key !== undefined && value !== undefined) pairs.set(key, value)
  }
  return pairs
}

function textUntilNul(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end))
}
