/**
 * NPZ: a zip archive of NPY files, stored or deflated (numpy.savez, savez_compressed). Each array's header is read when the file is opened;
 * stored arrays are then read in place. Source: numpy/lib/npyio.py.
 */

import { AppError } from '../../errors.ts'
import { say } from '../../messages/english.ts'
import { type DType, type TensorInfo, tensorBytes } from '../../tensor.ts'
import { crc32 } from '../archives/crc32.ts'
import { isMemberName, looksLikeZip, openZip, type ZipArchive, type ZipMember } from '../archives/zip.ts'
import { maxCommentBytes, planZip, type ZipPlan } from '../archives/zip-writer.ts'
import type { Format } from '../format.ts'
import { openOnce } from '../reading/open-once.ts'
import { readRange } from '../reading/range.ts'
import { readByName } from '../reading/readable.ts'
import { type LeftOut, leftOut, nothingIn, overLimit } from '../reading/refusal.ts'
import { type JsonLimits, visitStrictJson } from '../reading/strict-json.ts'
import {
  looksLikeNpy,
  type NpyHeader,
  npyArray,
  npyHeadBytes,
  npyHeader,
  npyHeaderIn,
  readNpyHeader,
  readNpyValues,
} from './npy.ts'

const suffix = '.npy'

const commentLimits: JsonLimits = {
  maxDepth: 2,
  maxArrayLength: 0,
  maxElements: 0,
  maxKeys: 1000,
  maxTextBytes: 65_536,
}

/** Each has a header of its own, which is read when the file is opened. No published archive comes near it, and none is written that has more. */
const maxArrays = 65_536

function refuseMany(where: string, count: number): void {
  if (count > maxArrays) throw overLimit(where, 'arrays', maxArrays, count, 'the header of each is read to open it')
}

export const npz: Format = {
  id: 'npz',
  // Each member has a header of its own, and an honest archive of factors as many members as there are.
  maxReads: 3 * maxArrays,
  sniff: (head, source) =>
    looksLikeZip(head) && (source.name.toLowerCase().endsWith('.npz') || firstMemberName(head).endsWith(suffix)),
  open: async (source) => {
    const archive = await openZip(source)
    const arrays = new Map<string, { readonly member: ZipMember; readonly header: NpyHeader }>()
    const left: LeftOut[] = []
    refuseMany(source.name, archive.members.size)
    refuseDeflated(source.name, archive)
    for (const member of archive.members.values()) {
      if (!member.name.endsWith(suffix)) {
        left.push({ name: member.name, why: say('left-out.no-array') })
        continue
      }
      const name = member.name.slice(0, -suffix.length)
      try {
        const header = await headerOf(source.name, archive, member)
        // macOS puts a file of its own beside each: `__MACOSX/._w.npy`.
        if (header) arrays.set(name, { member, header })
        else left.push({ name: member.name, why: say('left-out.no-array') })
      } catch (error) {
        // Text and Python objects beside the weights are no reason to refuse the weights.
        if (!(error instanceof AppError) || error.code !== 'unsupported') throw error
        left.push({ name, why: say('left-out.no-numbers') })
      }
    }
    if (arrays.size === 0) throw nothingIn(source.name, 'arrays', left.length > 0 ? [leftOut(left)] : [])
    const tensors: TensorInfo[] = [...arrays].map(([name, { header }]) => ({
      name,
      dtype: header.dtype,
      shape: header.shape,
      byteLength: header.byteLength,
    }))
    const sources = openOnce()
    return {
      format: 'npz',
      safety: 'safe',
      totalBytes: source.byteLength,
      tensors,
      metadata: metadataOf(archive.comment),
      notices: left.length > 0 ? [leftOut(left)] : [],
      shards: [{ fileName: source.name, tensorNames: [...arrays.keys()] }],
      read: readByName(source.name, arrays, async ({ member, header }, start, end) => {
        const values = await sources.open({ id: member.name, open: () => archive.open(member) })
        return readNpyValues(npyArray(header), start, end, (from, to) =>
          readRange(values, header.dataOffset + from, header.dataOffset + to, 'values'),
        )
      }),
      close: async () => {
        await sources.close()
        await source.close()
      },
    }
  },
}

/** Beginning to inflate takes a third of a millisecond, and each of them has a header. Published archives that are deflated have some hundreds. */
const maxDeflated = 2500

function refuseDeflated(where: string, { members }: ZipArchive): void {
  let deflated = 0
  for (const member of members.values()) if (member.deflated) deflated++
  if (deflated > maxDeflated)
    throw overLimit(where, 'deflated members', maxDeflated, deflated, 'the header of each is inflated to open it')
}

/** What its first bytes say; null where they are those of no array. */
async function headerOf(where: string, archive: ZipArchive, member: ZipMember): Promise<NpyHeader | null> {
  if (!member.deflated) {
    const head = await archive.head(member, npyHeadBytes)
    if (!looksLikeNpy(head)) return null
    const found = npyHeaderIn(`${where}: ${member.name}`, head, member.byteLength)
    if (typeof found !== 'number') return found
  }
  const values = await archive.open(member)
  try {
    if (!looksLikeNpy(await readRange(values, 0, Math.min(6, values.byteLength), 'first bytes'))) return null
    return await readNpyHeader(values)
  } finally {
    await values.close()
  }
}

/** JSON of strings by name, as this product writes it into the archive's comment, where numpy does not look; anything else is no metadata. */
function metadataOf(comment: Uint8Array): Map<string, string> {
  const metadata = new Map<string, string>()
  if (comment[0] !== 123) return metadata
  try {
    visitStrictJson(comment, 'comment', commentLimits, (key, value) => {
      if (typeof value === 'string') metadata.set(key, value)
    })
  } catch (error) {
    if (error instanceof AppError) return new Map()
    throw error
  }
  return metadata
}

/** A comment of these strings. Where it would become too long for the format, what `optional` names is left out, first name first. */
export function npzComment(
  metadata: ReadonlyMap<string, string>,
  optional: readonly string[],
): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(JSON.stringify(Object.fromEntries(metadata)))
  const [first, ...others] = optional
  if (bytes.byteLength <= maxCommentBytes || first === undefined) return bytes
  return npzComment(new Map([...metadata].filter(([key]) => key !== first)), others)
}

function firstMemberName(head: Uint8Array): string {
  const length = (head[26] ?? 0) | ((head[27] ?? 0) << 8)
  return new TextDecoder().decode(head.subarray(30, 30 + length))
}

/** Whether an array of this name can be written, and found again. */
export function isArrayName(name: string): boolean {
  return isMemberName(name + suffix)
}

export interface NpzOutline {
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly number[]
}

export interface NpzPlan {
  /** Of the whole file. */
  readonly byteLength: number
  /** What goes before the values of array `index`, and the checksum that continues over the values. */
  before(index: number): { readonly bytes: Uint8Array; readonly crc: number }
  /** What goes behind them; `crc` is the checksum up to the last value. */
  after: ZipPlan['after']
  /** What goes behind the last array. */
  directory: ZipPlan['directory']
}

/**
 * Lays out an NPZ file: every byte but the values and checksums is known before the first value is. Values are little-endian, in C order.
 * @throws AppError `unsupported` for a dtype numpy has not, `bad-request` for a name twice, `over-limit`
 */
export function planNpz(arrays: readonly NpzOutline[], comment?: Uint8Array<ArrayBuffer>): NpzPlan {
  refuseMany('NPZ', arrays.length)
  const headers = arrays.map(({ dtype, shape }) => npyHeader(dtype, shape))
  const plan = planZip(
    arrays.map(({ name, dtype, shape }, i) => ({
      name: name + suffix,
      byteLength: headers[i]!.byteLength + tensorBytes(dtype, shape),
    })),
    comment,
  )
  return {
    byteLength: plan.byteLength,
    before: (i) => {
      const member = plan.before(i)
      const bytes = new Uint8Array(member.byteLength + headers[i]!.byteLength)
      bytes.set(member)
      bytes.set(headers[i]!, member.byteLength)
      return { bytes, crc: crc32(headers[i]!) }
    },
    after: plan.after,
    directory: plan.directory,
  }
}
