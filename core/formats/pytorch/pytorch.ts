/**
 * PyTorch checkpoints: a zip archive with `data.pkl` and a member for each storage (since 1.6), or five pickles followed by the storages
 * (before), or a bare pickle. The pickle is read by the machine in pickle.ts, which runs nothing; tensors are strided views of storages and
 * are read in place.
 *
 * Source: torch/serialization.py (`_save`, `_legacy_save`), caffe2/serialize/inline_container.cc.
 */

import { AppError } from '../../errors.ts'
import { type ByteSource, memorySource } from '../../io.ts'
import { say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import { foreign, quoted } from '../../messages/text.ts'
import { dtypeBits } from '../../tensor.ts'
import { endsLikeWeights, weightEndings } from '../../weight-formats.ts'
import { looksLikeZip, openZip, rangeSource, type ZipArchive } from '../archives/zip.ts'
import type { Format, WeightFile } from '../format.ts'
import { readRange } from '../reading/range.ts'
import { badFile, type LeftOut, leftOut, nothingIn, unsupported } from '../reading/refusal.ts'
import { type PickleHost, runPickle } from './pickle.ts'
import { torchHost } from './pickle-globals.ts'
import { type PickleBudget, pickleBudget } from './pickle-limits.ts'
import { namedTensors } from './pickle-tree.ts'
import { type BytesNode, isNode, type PickleValue, type StorageNode, sequenceItems } from './pickle-values.ts'
import { type LocatedStorage, type LocatedTensor, type LocateStorage, tensorReaders } from './torch-tensors.ts'

const legacyMagic = 0x1950a86a20f9469cfc6cn
const legacyProtocol = 1001

export const pytorch: Format = {
  id: 'pytorch',
  sniff: (head, source) =>
    looksLikeZip(head) ||
    startsPickle(head) ||
    (endsLikeWeights(source.name, weightEndings.pytorch) && startsOldPickle(head)),
  open: async (source) => {
    const file = await checkpointFile(source)
    if (file.tensors.length === 0) throw nothingIn(source.name, 'tensors', file.notices)
    return file
  },
}

/** The same of a checkpoint inside another file, which may have no tensors. */
export async function checkpointFile(source: ByteSource): Promise<WeightFile> {
  const start = await readRange(source, 0, Math.min(4, source.byteLength), 'first bytes')
  const budget = pickleBudget()
  try {
    const content = looksLikeZip(start) ? await readArchive(source, budget) : await readPickles(source, budget)
    await lookIntoNested(budget)
    return await weightFile(source, content)
  } catch (error) {
    throw withCode(error, budget)
  }
}

/** Code that was seen before a file turned out to be damaged is the more important of the two: such a file is not to be downloaded again. */
function withCode(error: unknown, budget: PickleBudget): unknown {
  if (!(error instanceof AppError) || budget.unknownGlobals.size === 0) return error
  return new AppError(error.code, [...codeNotices(budget, false), ...error.said], error.details)
}

/** PROTO with its number, and an opcode behind it: zeros would be the length of a safetensors header. */
function startsPickle(head: Uint8Array): boolean {
  return head[0] === 0x80 && head[1]! <= 5 && head[2] !== 0
}

/** Protocols 0 and 1 have no mark of their own: a container, an empty one, or the name of a global begins them. */
function startsOldPickle(head: Uint8Array): boolean {
  const start = new TextDecoder('latin1').decode(head.subarray(0, 256))
  return /^(\(|[\]})]|c[\w.]+\r?\n[\w.]+\r?\n)/.test(start)
}

interface Root extends Pick<LocatedTensor, 'locate' | 'pickle'> {
  readonly value: PickleValue
  readonly prefix: string
}

interface Content {
  readonly roots: readonly Root[]
  readonly budget: PickleBudget
  readonly torchScript: boolean
}

async function weightFile(source: ByteSource, { roots, budget, torchScript }: Content): Promise<WeightFile> {
  const notices = codeNotices(budget, torchScript)
  const found: LocatedTensor[] = []
  const absent: LeftOut[] = []
  for (const root of roots) {
    const tree = namedTensors(root.value, source.name)
    for (const { name, why } of tree.left) absent.push({ name: root.prefix + name, why })
    for (const prefix of tree.stripped) notices.push(say('formats.prefix', { prefix: quoted(prefix) }))
    const { prefix, locate, pickle } = root
    for (const tensor of tree.tensors) found.push({ ...tensor, name: prefix + tensor.name, locate, pickle })
  }
  const { tensors, read, left, close } = await tensorReaders(source, found)
  const shards = tensors.filter(({ remark }) => remark !== undefined)
  if (shards.length > 0) {
    const counts = { shards: shards.length, tensors: tensors.length }
    notices.push(say('formats.process-shards', { ...counts, some: quoted(shards[0]!.name) }))
  }
  if (left.length + absent.length > 0) notices.push(leftOut([...left, ...absent]))
  return {
    format: 'pytorch',
    safety: 'opened-without-running',
    totalBytes: source.byteLength,
    tensors,
    metadata: new Map(),
    notices,
    shards: [{ fileName: source.name, tensorNames: tensors.map((tensor) => tensor.name) }],
    read,
    close: async () => {
      await close()
      await source.close()
    },
  }
}

const namesShown = 5

/** "This file would run posix.system when loaded with torch.load. GhostSVD did not run it." */
export function codeNotices({ unknownGlobals }: PickleBudget, torchScript: boolean): Message[] {
  const notices: Message[] = []
  if (unknownGlobals.size > 0) {
    const names = [...unknownGlobals].slice(0, namesShown).map((name) => foreign(quoted(name).slice(1, -1)))
    notices.push(say('formats.code', { names, more: unknownGlobals.size - names.length }))
  }
  if (torchScript) notices.push(say('formats.torchscript'))
  return notices
}

// --- The zip form -----------------------------------------------------------------------------------------------------------------

async function readArchive(source: ByteSource, budget: PickleBudget): Promise<Content> {
  const archive = await openZip(source)
  const names = [...archive.members.keys()]
  const main = names.filter((name) => /^(?:[^/]+\/)?data\.pkl$/.test(name))
  if (main.length !== 1)
    throw badFile(
      source.name,
      'a zip archive with one data.pkl, as PyTorch writes it',
      `${main.length} among ${names.length} members${names.length > 0 ? ` such as ${quoted(names[0]!)}` : ''}`,
    )
  const folder = main[0]!.slice(0, -'data.pkl'.length)
  await refuseBigEndian(source, archive, `${folder}byteorder`)

  const torchScript = names.some((name) => name.startsWith(`${folder}code/`))
  const host = torchHost({ torchScript })
  const roots: Root[] = []
  // Every pickle of the archive is read, so that code in any of them is named; two of them hold tensors.
  for (const name of names.filter((each) => each.endsWith('.pkl') && !each.startsWith('__MACOSX/'))) {
    const pickle = { id: name, open: () => archive.open(archive.members.get(name)!) }
    const member = await pickle.open()
    const [value = null] = await everyPickle(member, host, budget)
    await member.close()
    if (name === main[0])
      roots.unshift({ value, prefix: '', locate: memberStorages(archive, `${folder}data/`), pickle })
    else if (name === `${folder}constants.pkl`)
      roots.push({ value, prefix: 'constants.', locate: memberStorages(archive, `${folder}constants/`), pickle })
  }
  return { roots, budget, torchScript }
}

async function refuseBigEndian(source: ByteSource, archive: ZipArchive, name: string): Promise<void> {
  const member = archive.members.get(name)
  if (!member) return
  const order = await archive.open(member)
  const text = new TextDecoder('latin1').decode(await readRange(order, 0, Math.min(16, order.byteLength), 'byte order'))
  if (text.trim() !== 'little') throw unsupported(source.name, say('unread.byte-order', { order: quoted(text.trim()) }))
}

function memberStorages(archive: ZipArchive, folder: string): LocateStorage {
  return async (storage, where) => {
    const member = archive.members.get(folder + storage.key)
    if (!member) throw badFile(where, `its values in the member ${quoted(folder + storage.key)}`, 'no such member')
    return { id: folder + storage.key, byteLength: member.byteLength, open: () => archive.open(member) }
  }
}

// --- Bare pickles and the form before 1.6 -----------------------------------------------------------------------------------------

/** Every pickle of the source, to its last byte. */
async function everyPickle(
  source: ByteSource,
  host: PickleHost,
  budget: PickleBudget,
  start = 0,
): Promise<PickleValue[]> {
  const values: PickleValue[] = []
  let at = start
  do {
    const { value, end } = await runPickle(source, at, host, budget)
    values.push(value)
    at = end
  } while (at < source.byteLength)
  return values
}

async function readPickles(source: ByteSource, budget: PickleBudget): Promise<Content> {
  // Not to be closed before the file is.
  const pickle = { id: 'pickle', open: async () => rangeSource(source, source.name, 0, source.byteLength) }
  const host = torchHost({ torchScript: false })
  const first = await runPickle(source, 0, host, budget)
  if (first.value === legacyMagic) {
    const { value, locate } = await readLegacy(source, first.end, host, budget)
    return { roots: [{ value, prefix: '', locate, pickle }], budget, torchScript: false }
  }
  const values = [first.value]
  if (first.end < source.byteLength)
    for (const value of await everyPickle(source, host, budget, first.end)) values.push(value)
  const locate = nestedStorages(source, host, budget)
  // Values after the first STOP are another pickle's; each gets a number.
  const roots = values.map((value, i) => ({ value, prefix: i === 0 ? '' : `${i}.`, locate, pickle }))
  return { roots, budget, torchScript: false }
}

/** After the magic: protocol, system, the object, the keys of its storages, and the storages in that order. */
async function readLegacy(
  source: ByteSource,
  start: number,
  host: PickleHost,
  budget: PickleBudget,
): Promise<{ value: PickleValue; locate: LocateStorage }> {
  const storages = new Map<string, StorageNode>()
  const collecting: PickleHost = {
    ...host,
    persistent: (id, where) => {
      const value = host.persistent(id, where)
      if (isNode(value, 'storage')) storages.set(value.key, value)
      return value
    },
  }
  const protocol = await runPickle(source, start, host, budget)
  if (protocol.value !== legacyProtocol)
    throw unsupported(source.name, say('unread.old-pytorch', { version: legacyProtocol }))
  const system = await runPickle(source, protocol.end, host, budget)
  if (isNode(system.value, 'dict') && system.value.values[system.value.keys.indexOf('little_endian')] === false)
    throw unsupported(source.name, say('unread.big-endian'))
  const object = await runPickle(source, system.end, collecting, budget)
  const keys = await runPickle(source, object.end, host, budget)
  const located = await placeStorages(source, keys.end, sequenceItems(keys.value), storages)
  return {
    value: object.value,
    locate: async (storage, where) => {
      const found = located.get(storage.key)
      if (!found) throw badFile(where, `storage ${quoted(storage.key)} among those of the file`, 'none')
      return found
    },
  }
}

/** Each storage: a count of elements, then the elements. */
async function placeStorages(
  source: ByteSource,
  start: number,
  keys: readonly PickleValue[] | null,
  storages: ReadonlyMap<string, StorageNode>,
): Promise<Map<string, LocatedStorage>> {
  if (!keys) throw badFile(source.name, 'a list of storages after the object', 'something else')
  const located = new Map<string, LocatedStorage>()
  let at = start
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined
    if (typeof key !== 'string' || !storage)
      throw badFile(source.name, 'storages that its tensors use', `${quoted(String(key))}, which none does`)
    const where = `${source.name}: storage ${quoted(key)}`
    if (located.has(key)) throw badFile(where, 'it once', 'it twice')
    const field = await readRange(source, at, at + 8, `size of storage ${quoted(key)}`)
    const count = new DataView(field.buffer, field.byteOffset).getBigInt64(0, true)
    if (count !== BigInt(storage.length)) throw badFile(where, `${storage.length} elements`, `${count}`)
    const itemBytes = storageItemBytes(storage)
    if (itemBytes === null) throw unsupported(where, say('unread.storage-type', { type: quoted(storage.typeName) }))
    const begin = at + 8
    const byteLength = storage.length * itemBytes
    if (begin + byteLength > source.byteLength)
      throw badFile(
        where,
        `${byteLength} bytes at ${begin}`,
        `the end of the file at ${source.byteLength}: the file is cut short`,
      )
    located.set(key, {
      id: key,
      byteLength,
      open: async () => rangeSource(source, source.name, begin, byteLength),
    })
    at = begin + byteLength
  }
  if (at !== source.byteLength)
    throw badFile(source.name, `${at} bytes, the end of its last storage`, `${source.byteLength}`)
  return located
}

function storageItemBytes(storage: StorageNode): number | null {
  if (storage.dtype !== null) return dtypeBits[storage.dtype] / 8
  if (/ComplexDoubleStorage$/.test(storage.typeName)) return 16
  return /Q(UInt8|Int8)Storage$/.test(storage.typeName) ? 1 : /QInt32Storage$/.test(storage.typeName) ? 4 : null
}

/** Tensors pickled without torch.save carry a little file of the old form for each storage. */
function nestedStorages(source: ByteSource, host: PickleHost, budget: PickleBudget): LocateStorage {
  const known = new Map<BytesNode, LocatedStorage>()
  return async (storage, where) => {
    if (!storage.nested) throw badFile(where, 'its values in this file', 'a reference to a storage outside it')
    const done = known.get(storage.nested)
    if (done) return done
    const found = await nestedStorage(source, storage.nested, where, host, budget)
    const located = { ...found, id: `nested ${known.size}` }
    known.set(storage.nested, located)
    return located
  }
}

async function nestedStorage(
  source: ByteSource,
  { offset, length, inline }: BytesNode,
  where: string,
  host: PickleHost,
  budget: PickleBudget,
): Promise<LocatedStorage> {
  const part = inline ? memorySource(where, inline) : rangeSource(source, where, offset, length)
  const magic = await runPickle(part, 0, host, budget)
  if (magic.value !== legacyMagic) throw badFile(where, "a storage in PyTorch's old form", 'something else')
  const { value, locate } = await readLegacy(part, magic.end, host, budget)
  if (!isNode(value, 'storage') || value.nested) throw badFile(where, 'a storage', 'something else')
  return { ...(await locate(value, where)), storage: value }
}

/**
 * torch.load would load every file in the pickle with all that it names, also one whose result nothing uses: names of code in any of them are
 * collected. One that is no plain storage counts as code itself: it would be loaded, and nothing is known of it here.
 */
export async function lookIntoNested(budget: PickleBudget): Promise<void> {
  const host = torchHost({ torchScript: false })
  // What is found in them is looked into as well: a Map visits what is added to it.
  for (const [file, source] of budget.nested) {
    try {
      await nestedStorage(source, file, source.name, host, budget)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      budget.unknownGlobals.add('torch.storage._load_from_bytes')
    }
  }
}
