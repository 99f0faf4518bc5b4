/**
 * Keras models: HDF5 (.h5, .weights.h5), and the archives of Keras 3 (.keras), which have such a file inside. Every contiguous dataset of numbers is a
 * tensor under its path; what is in chunks, compressed, of strings or big-endian is named and left out.
 */
import { AppError } from '../../errors.ts'
import type { ByteSource } from '../../io.ts'
import { say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import { fileName } from '../../messages/text.ts'
import { checkedElementCount, type DType, dtypeBits } from '../../tensor.ts'
import { uniqueNames } from '../../unique-names.ts'
import { looksLikeZip, openZip } from '../archives/zip.ts'
import type { Format } from '../format.ts'
import { nameMeter } from '../reading/name-meter.ts'
import { readRange } from '../reading/range.ts'
import { type ReadableTensor, weightFileOf } from '../reading/readable.ts'
import { badFile, type LeftOut, leftOut, nothingIn, overLimit } from '../reading/refusal.ts'
import type { Fields } from './fields.ts'
import { maxObjects } from './groups.ts'
import { type HeaderMessage, isHdf5, isUndefined, maxDepth, openHdf5 } from './headers.ts'

const weightsMember = 'model.weights.h5'
const maxDimensions = 32

export const keras: Format = {
  id: 'keras',
  sniff: (head, source) => isHdf5(head) || (looksLikeZip(head) && source.name.toLowerCase().endsWith('.keras')),
  open: async (source) => {
    const start = await readRange(source, 0, Math.min(8, source.byteLength), 'first bytes')
    const { tensors, left } = await datasets(looksLikeZip(start) ? await weightsIn(source) : source)
    const notices = left.length > 0 ? [leftOut(left)] : []
    if (tensors.length === 0) throw nothingIn(source.name, 'datasets of numbers', notices)
    return weightFileOf(source.name, tensors, {
      format: 'keras',
      safety: 'code-passed-over',
      totalBytes: source.byteLength,
      metadata: new Map(),
      notices,
      close: () => source.close(),
    })
  },
}

async function weightsIn(source: ByteSource): Promise<ByteSource> {
  const archive = await openZip(source)
  const member = archive.members.get(weightsMember)
  if (!member) throw new AppError('bad-file', say('lookalike.keras', { name: fileName(source.name) }))
  return archive.open(member)
}

async function datasets(source: ByteSource): Promise<{ tensors: ReadableTensor[]; left: LeftOut[] }> {
  const hdf5 = await openHdf5(source)
  const tensors: ReadableTensor[] = []
  const left: LeftOut[] = []
  const unique = uniqueNames()
  const meter = nameMeter(source.name)
  // A hard link may lead back to a group above: each object once.
  const seen = new Set<number>()
  const open: { path: string; address: number; depth: number }[] = [{ path: '', address: hdf5.root, depth: 0 }]
  for (const { path, address, depth } of open) {
    if (seen.has(address)) continue
    seen.add(address)
    if (seen.size > maxObjects) throw overLimit(source.name, 'objects', maxObjects, seen.size, 'no model comes near it')
    if (depth > maxDepth)
      throw overLimit(source.name, 'groups in groups', maxDepth, depth, "Keras' nest about ten deep")
    const messages = await hdf5.messagesOf(address)
    const links = await hdf5.linksOf(messages)
    if (links === null) {
      const found = datasetOf(source, path || '/', messages)
      if ('why' in found) left.push({ name: path, why: found.why })
      else tensors.push(found.at(unique(path)))
      continue
    }
    for (const { name, address } of links) {
      meter([path, name])
      const inner = path === '' ? name : `${path}/${name}`
      if (address === null) left.push({ name: inner, why: say('left-out.link') })
      else open.push({ path: inner, address, depth: depth + 1 })
    }
  }
  return { tensors, left }
}

/** What its header says of a dataset's place, shape and numbers. */
function datasetOf(
  source: ByteSource,
  path: string,
  messages: readonly HeaderMessage[],
): { at(name: string): ReadableTensor } | { why: Message } {
  const of = (wanted: number) => messages.find(({ type }) => type === wanted)?.data
  const [space, type, layout] = [of(0x1), of(0x3), of(0x8)]
  if (!space || !type || !layout) return { why: say('left-out.no-dataset') }
  const dtype = dtypeOf(type)
  if (typeof dtype !== 'string') return dtype
  const where = `${source.name}: ${path}`
  const shape = shapeOf(space, where)
  const count = shape && checkedElementCount(shape)
  if (shape === null || count === null) return { why: say('left-out.no-array') }
  const byteLength = (count * dtypeBits[dtype]) / 8
  const place = placeOf(layout)
  if ('why' in place) return place
  if (place.inline) {
    const { inline } = place
    if (inline.byteLength !== byteLength) throw badFile(where, `${byteLength} bytes`, `${inline.byteLength}`)
    return {
      at: (name) => ({ info: { name, dtype, shape, byteLength }, read: async (from, to) => inline.slice(from, to) }),
    }
  }
  const { start, length } = place
  if (byteLength > 0 && isUndefined(start)) return { why: say('left-out.never-written') }
  if (byteLength > 0 && (length !== byteLength || start + length > source.byteLength))
    throw badFile(where, `${byteLength} bytes inside the file's ${source.byteLength}`, `${length} at ${start}`)
  const read = (from: number, to: number) =>
    byteLength === 0 ? Promise.resolve(new Uint8Array(0)) : readRange(source, start + from, start + to, path)
  return { at: (name) => ({ info: { name, dtype, shape, byteLength }, read }) }
}

/** Simple extents; null for none. */
function shapeOf(data: Fields, where: string): number[] | null {
  const [version, rank] = [data.u8(0), data.u8(1)]
  if (version > 2 || (version === 2 && data.u8(3) === 2)) return null
  if (rank > maxDimensions) throw overLimit(where, 'dimensions', maxDimensions, rank, 'HDF5 has no more')
  const first = version === 2 ? 4 : 8
  return Array.from({ length: rank }, (_, i) => data.u64(first + 8 * i))
}

const floats: Readonly<Record<string, DType>> = { '8 52': 'F64', '4 23': 'F32', '2 10': 'F16', '2 7': 'BF16' }
const integers: Readonly<Record<number, readonly [DType, DType]>> = {
  1: ['U8', 'I8'],
  2: ['U16', 'I16'],
  4: ['U32', 'I32'],
  8: ['U64', 'I64'],
}

function dtypeOf(data: Fields): DType | { why: Message } {
  const kind = data.u8(0) & 15
  const bits = data.u8(1)
  const size = data.u32(4)
  if (kind > 1) return { why: say('left-out.no-numbers') }
  if (bits & 1) return { why: say('left-out.big-endian') }
  const [offset, precision] = [data.u16(8), data.u16(10)]
  if (offset !== 0 || precision !== 8 * size) return { why: say('left-out.unused-bits') }
  const found = kind === 0 ? integers[size]?.[bits & 8 ? 1 : 0] : floats[`${size} ${data.u8(15)}`]
  return found ?? { why: say('left-out.number-bytes', { size }) }
}

type Place =
  | { readonly inline: Uint8Array }
  | { readonly inline?: undefined; readonly start: number; readonly length: number }

function placeOf(data: Fields): Place | { why: Message } {
  const [version, kind] = [data.u8(0), data.u8(1)]
  if (version !== 3 && version !== 4) return { why: say('left-out.layout', { version }) }
  if (kind === 1) return { start: data.u64(2), length: data.u64(10) }
  if (kind !== 0) return { why: say('left-out.chunks') }
  const size = data.u16(2)
  return { inline: data.bytes(4, size).slice() }
}
