/**
 * A model in several files: an index (`*.index.json`) says which file holds which tensor, or the names count them (`-00001-of-00030`).
 * The set is opened as one WeightFile. An index is hostile like the rest: its files are single names in its own folder, and every claim it
 * makes is held against what the files themselves say; where they differ the files are right.
 */

import { AppError } from '../../errors.ts'
import type { ByteSource, SourceFolder } from '../../io.ts'
import { distinct, say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import { fileName, foreign, quoted } from '../../messages/text.ts'
import { isIndexName } from '../../weight-formats.ts'
import { safetyOf, type WeightFile } from '../format.ts'
import { readRange } from '../reading/range.ts'
import { badFile, overLimit } from '../reading/refusal.ts'
import { type JsonLimits, visitStrictJson } from '../reading/strict-json.ts'

/** The largest published sets have 191 files (770 for one of pickles); each costs an open file, and systems allow about 1024. */
const maxShards = 1000
/** The largest published sets have 1.5e5; each tensor costs about 900 bytes. */
const maxTensorsInSet = 200_000
/** 200,000 tensors with names of 100 characters and the name of their file; an index is read into memory whole. */
const maxIndexBytes = 40_000_000

const indexLimits: JsonLimits = {
  maxDepth: 8,
  maxArrayLength: 10_000,
  maxElements: 100_000,
  maxKeys: 250_000,
  maxTextBytes: maxIndexBytes,
  opened: ['weight_map'],
}

export type OpenShard = (name: string) => Promise<WeightFile>

interface ShardName {
  readonly prefix: string
  readonly count: number
  readonly extension: string
  /** Digits of the numbers. */
  readonly width: number
}

/** `model-00003-of-00030.safetensors` taken apart; null for a name that does not count. */
export function parseShardName(name: string): ShardName | null {
  const [, prefix, , total, extension] = /^(.*)-(\d{1,6})-of-(\d{1,6})(\.\w+)$/.exec(name) ?? []
  if (prefix === undefined || total === undefined || extension === undefined || Number(total) === 0) return null
  return { prefix, count: Number(total), extension, width: total.length }
}

/**
 * The files of the set that a shard's name counts, in order.
 * @returns null where `present` has only that one: a part somebody downloaded alone can still be looked at
 * @throws AppError `not-found` when some of the set are there and some are not, `over-limit`
 */
export function shardSiblings(name: string, present: ReadonlySet<string>): string[] | null {
  const shard = parseShardName(name)
  if (!shard) return null
  if (shard.count > maxShards) throw overLimit(name, 'files in a set', maxShards, shard.count, 'each is an open file')
  const names = Array.from({ length: shard.count }, (_, i) => {
    const number = String(i + 1).padStart(shard.width, '0')
    return `${shard.prefix}-${number}-of-${String(shard.count).padStart(shard.width, '0')}${shard.extension}`
  })
  const found = names.filter((each) => present.has(each))
  if (found.length < names.length && found.length <= 1) return null
  const missing = names.find((each) => !present.has(each))
  if (missing !== undefined)
    throw new AppError(
      'not-found',
      say('formats.set-incomplete', {
        where: foreign(name),
        needs: names.length,
        has: found.length,
        missing: foreign(missing),
      }),
    )
  return names
}

/** The index that belongs to a shard, where the folder has it. */
export function indexOfShard(name: string, present: ReadonlySet<string>): string | null {
  const shard = parseShardName(name)
  if (!shard) return null
  const index = `${shard.prefix}${shard.extension}.index.json`
  return present.has(index) ? index : null
}

/** What an index says: which file has which tensor, and those files in order. */
export interface ShardIndex {
  readonly name: string
  readonly fileOfTensor: ReadonlyMap<string, string>
  readonly files: readonly string[]
}

/**
 * Reads an index, and makes sure that the files it names are there.
 * @throws AppError `bad-file` for an index that names files outside its folder, `not-found` for files that are missing, `over-limit`
 */
export async function readShardIndex(folder: SourceFolder, name: string): Promise<ShardIndex> {
  const source = await folder.open(name)
  let fileOfTensor: Map<string, string>
  try {
    fileOfTensor = await readIndex(source)
  } finally {
    await source.close()
  }
  const files = [...new Set(fileOfTensor.values())].sort()
  for (const file of files) checkShardName(name, file)
  if (files.length > maxShards) throw overLimit(name, 'files in a set', maxShards, files.length, 'each is an open file')
  const present = new Set(await folder.list())
  const missing = files.filter((file) => !present.has(file))
  if (missing.length > 0)
    throw new AppError(
      'not-found',
      say('formats.set-incomplete', {
        where: foreign(name),
        needs: files.length,
        has: files.length - missing.length,
        missing: quoted(missing[0]!),
      }),
    )
  return { name, fileOfTensor, files }
}

/** Opens the set an index describes. Where it errs about its tensors, the files are right, and a notice says what it says. */
export async function openIndexed(
  index: ShardIndex,
  openShard: OpenShard,
  present: ReadonlySet<string>,
): Promise<WeightFile> {
  const set = await openShards(index.files, openShard)
  const notices = wrongClaims(index, set)
  const has = new Set(set.tensors.map(({ name }) => name))
  if ([...index.fileOfTensor.keys()].every((tensor) => has.has(tensor))) return withNotices(set, notices)
  // What it misses may be in a file of the same count that it does not name.
  const counted = shardSiblings(index.files[0]!, present)
  if (!counted || counted.length <= index.files.length) return withNotices(set, notices)
  await set.close()
  const whole = await openShards(counted, openShard)
  return withNotices(whole, wrongClaims(index, whole))
}

/** The same file, with more to say. */
export function withNotices(file: WeightFile, notices: readonly Message[]): WeightFile {
  return notices.length === 0 ? file : { ...file, notices: [...file.notices, ...notices] }
}

async function readIndex(source: ByteSource): Promise<Map<string, string>> {
  if (source.byteLength > maxIndexBytes)
    throw overLimit(
      source.name,
      'bytes of index',
      maxIndexBytes,
      source.byteLength,
      'the index is read into memory whole',
    )
  const all = await readRange(source, 0, source.byteLength, 'index')
  // Editors of Windows put a byte order mark in front.
  const bytes = all[0] === 0xef && all[1] === 0xbb && all[2] === 0xbf ? all.subarray(3) : all
  const fileOfTensor = new Map<string, string>()
  visitStrictJson(bytes, source.name, indexLimits, (key, value, inside) => {
    if (inside === null) {
      if (key === 'weight_map') throw badFile(`${source.name}: weight_map`, 'an object', 'something else')
      return
    }
    if (typeof value !== 'string')
      throw badFile(`${source.name}: weight_map ${quoted(key)}`, 'the name of a file', 'something else')
    fileOfTensor.set(key, value)
  })
  if (fileOfTensor.size === 0)
    throw badFile(
      source.name,
      'a "weight_map" of tensors, as the index of a model in several files has',
      'JSON without one',
    )
  return fileOfTensor
}

/** An index may name its neighbours and nothing else. */
function checkShardName(indexName: string, name: string): void {
  if (name === '' || name === '.' || name === '..' || /[/\\:\0]/.test(name))
    throw badFile(
      indexName,
      'names of files in its own folder',
      `${quoted(name)}: an index cannot point outside its folder`,
    )
  if (isIndexName(name)) throw badFile(indexName, 'names of weight files', `the index ${quoted(name)}`)
}

/** What an index says of tensors that are not where it says. Those that it does not mention are shown like the others. */
function wrongClaims({ name, fileOfTensor }: ShardIndex, set: WeightFile): Message[] {
  const actual = new Map(set.shards.flatMap((shard) => shard.tensorNames.map((tensor) => [tensor, shard.fileName])))
  const ghosts = [...fileOfTensor.keys()].filter((tensor) => !actual.has(tensor))
  const moved = [...fileOfTensor].filter(([tensor, file]) => actual.has(tensor) && actual.get(tensor) !== file)
  const index = fileName(name)
  const notices: Message[] = []
  if (ghosts.length > 0)
    notices.push(say('formats.index-ghosts', { index, count: ghosts.length, some: ghosts.slice(0, 3).map(quoted) }))
  if (moved.length > 0) {
    const [tensor, file] = moved[0]!
    const places = { tensor: quoted(tensor), said: quoted(file), actual: quoted(actual.get(tensor)!) }
    notices.push(say('formats.index-misplaced', { index, ...places, more: moved.length - 1 }))
  }
  return notices
}

/**
 * Opens files one after another as one set, in the order given.
 * @throws AppError `bad-file` when two of them have a tensor of the same name; whatever opening one of them throws
 */
export async function openShards(names: readonly string[], openShard: OpenShard): Promise<WeightFile> {
  const files: WeightFile[] = []
  const closeAll = async () => {
    for (const file of files) await file.close()
  }
  try {
    let tensors = 0
    for (const name of names) {
      const file = await openShard(name)
      files.push(file)
      tensors += file.tensors.length
      if (tensors > maxTensorsInSet)
        throw overLimit(name, 'tensors in a set', maxTensorsInSet, tensors, 'no published set comes near it')
    }
    return combine(files, closeAll)
  } catch (error) {
    await closeAll()
    throw error
  }
}

/** Several files as one. @throws AppError `bad-file` when two of them have a tensor of the same name */
export function combine(files: readonly WeightFile[], closeAll: () => Promise<void>): WeightFile {
  const owners = new Map<string, WeightFile>()
  const metadata = new Map<string, string>()
  for (const file of files) {
    for (const { name } of file.tensors) {
      const other = owners.get(name)
      if (other)
        throw badFile(
          file.shards[0]!.fileName,
          'every tensor in one file of the set',
          `${quoted(name)}, which ${other.shards[0]!.fileName} has too`,
        )
      owners.set(name, file)
    }
    for (const [key, value] of file.metadata) if (!metadata.has(key)) metadata.set(key, value)
  }
  return {
    format: files[0]!.format,
    safety: safetyOf(files.map(({ safety }) => safety)),
    totalBytes: files.reduce((sum, file) => sum + file.totalBytes, 0),
    tensors: files.flatMap((file) => file.tensors),
    metadata,
    notices: distinct(files.flatMap((file) => file.notices)),
    shards: files.flatMap((file) => file.shards),
    read: (tensor, start, end) => {
      const owner = owners.get(tensor.name)
      if (!owner) throw new AppError('bad-request', say('formats.no-tensor-in-set', { name: quoted(tensor.name) }))
      return owner.read(tensor, start, end)
    },
    close: closeAll,
  }
}
