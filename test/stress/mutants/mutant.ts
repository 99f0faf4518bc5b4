/** Mutants of the files of one reader by number: each is some honest file with one to six edits, and follows from the seed and its number alone. */
import { crc32 } from '../../../core/formats/archives/crc32.ts'
import { openZip } from '../../../core/formats/archives/zip.ts'
import { memorySource } from '../../../core/io.ts'
import { type MemberSpec, zip } from '../../core/formats/archives/archives.ts'
import { concat } from '../../core/formats/corpus.ts'
import { damage, type Edit } from '../../core/formats/damage.ts'
import type { Seed } from '../../core/formats/seeds.ts'
import { drawer } from '../draw.ts'
import { readers } from './readers.ts'

/** A seed, and its file where that is an archive: behind a checksum damage would never reach a reader. */
interface Parts extends Seed {
  readonly archive: Archive | null
}

/** An archive of stored members, of which one at a time is exchanged. */
interface Archive {
  readonly members: readonly Uint8Array[]
  /** The archive with these bytes for that member. */
  withMember(index: number, data: Uint8Array): Uint8Array
}

export interface Mutants {
  /** Opens number `index` and reads all of it. Whether it opened: else it was refused in a sentence. @throws whatever a reader owes to nobody */
  read(index: number): Promise<boolean>
}

/** @throws where an honest file of the format is not taken */
export async function mutantsOf(format: string, seed: number): Promise<Mutants> {
  const reader = readers[format]!
  const parts = await Promise.all(reader.seeds.map(partsOf))
  for (const { name, files } of parts) if (!(await reader.read(files, name))) throw new Error(`${name} is refused`)
  return {
    read: (index) => {
      const { name, files } = mutant(parts, seed, index)
      return reader.read(files, name)
    },
  }
}

async function partsOf(each: Seed): Promise<Parts> {
  const bytes = each.files[each.name]!
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b) return { ...each, archive: null }
  // torch's own archives in parts are none that stand for themselves.
  const archive = await openZip(memorySource(each.name, bytes)).catch(() => null)
  if (!archive) return { ...each, archive: null }
  const members: MemberSpec[] = []
  for (const member of archive.members.values()) {
    const source = await archive.open(member)
    members.push({ name: member.name, data: await source.slice(0, source.byteLength) })
  }
  return { ...each, archive: members.length === 0 ? null : archiveOf(members) }
}

/** Made once, and patched: to make it again for each mutant would take longer than the readers do. */
function archiveOf(members: readonly MemberSpec[]): Archive {
  const whole = zip(members)
  const view = new DataView(whole.buffer)
  const directory = view.getUint32(whole.byteLength - 6, true)
  const places: { readonly header: number; readonly start: number; readonly entry: number }[] = []
  let [header, entry] = [0, directory]
  for (const { data } of members) {
    const start = header + 30 + view.getUint16(header + 26, true)
    places.push({ header, start, entry })
    header = start + data.byteLength
    entry += 46 + view.getUint16(entry + 28, true)
  }
  return {
    members: members.map(({ data }) => data),
    withMember: (index, data) => {
      const { start } = places[index]!
      const end = start + members[index]!.data.byteLength
      const grown = data.byteLength - (end - start)
      const changed = concat(whole.subarray(0, start), data, whole.subarray(end))
      const to = new DataView(changed.buffer)
      const crc = crc32(data)
      for (const at of [places[index]!.header + 14, places[index]!.entry + grown + 16]) {
        to.setUint32(at, crc, true)
        to.setUint32(at + 4, data.byteLength, true)
        to.setUint32(at + 8, data.byteLength, true)
      }
      for (const { header, entry } of places.slice(index + 1)) to.setUint32(entry + grown + 42, header + grown, true)
      to.setUint32(changed.byteLength - 6, directory + grown, true)
      return changed
    },
  }
}

function mutant(
  parts: readonly Parts[],
  seed: number,
  index: number,
): { name: string; files: Record<string, Uint8Array> } {
  const draw = drawer(seed, index)
  const nat = (below: number) => Math.floor(draw() * below)
  const { name, files, archive } = parts[nat(parts.length)]!
  const edits: Edit[] = Array.from({ length: 1 + nat(6) }, () => ({
    at: draw(),
    length: nat(41),
    kind: nat(8),
    value: nat(256),
  }))
  if (!archive || index % 2 === 0) return { name, files: { ...files, [name]: damage(files[name]!, edits) } }
  const chosen = nat(archive.members.length)
  return { name, files: { ...files, [name]: archive.withMember(chosen, damage(archive.members[chosen]!, edits)) } }
}
