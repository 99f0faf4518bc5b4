/**
 * A model in several files: an index (`*.index.json`) says which file holds which tensor, or the names count them (`-00001-of-00030`).
 * The set is opened as one WeightFile. An index is hostile like the rest: its files are single names in its own folder, and every claim it
 * makes is held against what the files themselves say.
 */
import { AppError } from '../errors.ts'
import type { ByteSource, SourceFolder } from '../io.ts'
import { quoted } from '../messages/text.ts'
import type { WeightFile } from './format.ts'
import { readRange } from './range.ts'
import { badFile, overLimit } from './refusal.ts'
import { type JsonLimits, visitStrictJson } from './strict-json.ts'

/** The largest published sets have 191 files (770 for one of pickles); each costs an open file, and systems allow about 1024. */
export const maxShards = 1000
/** 200,000 tensors with names of 100 characters and the name of their file; an index is read into memory whole. */
export const maxIndexBytes = 40_000_000

const indexLimits: JsonLimits = { maxDepth: 8, maxArrayLength: 10_000, maxKeys: 250_000 }

export type OpenShard = (name: string) => Promise<WeightFile>

/** Whether a name says that a file is an index. */
export function isIndexName(name: string): boolean {
  return /\.index(\.[\w-]+)?\.json$/i.test(name)
}

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
  if (prefix === undefined || total === undefined || extension === undefined) return null
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
      `${name}: expected ${names.length} files in this set, got ${found.length}: ${missing} is missing`,
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

/**
 * Opens the set an index describes.
 * @throws AppError `bad-file` for an index that names files outside its folder or tensors its files have not, `not-found`, `over-limit`
 */
export async function openIndexed(folder: SourceFolder, indexName: string, openShard: OpenShard): Promise<WeightFile> {
  const source = await folder.open(indexName)
  let fileOfTensor: Map<string, string>
  try {
    fileOfTensor = await readIndex(source)
  } finally {
    await source.close()
  }
  const names = [...new Set(fileOfTensor.values())].sort()
  if (names.length === 0) throw badFile(indexName, 'at least one tensor', 'an empty weight_map')
  for (const name of names) checkShardName(indexName, name)
  if (names.length > maxShards)
    throw overLimit(indexName, 'files in a set', maxShards, names.length, 'each is an open file')
  const present = new Set(await folder.list())
  const missing = names.filter((name) => !present.has(name))
  if (missing.length > 0)
    throw new AppError(
      'not-found',
      `${indexName}: expected ${names.length} files in this set, got ${names.length - missing.length}: ${quoted(missing[0]!)} is missing`,
    )
  const set = await openShards(names, openShard)
  try {
    checkClaims(indexName, fileOfTensor, set)
  } catch (error) {
    await set.close()
    throw error
  }
  return set
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
  const bytes = await readRange(source, 0, source.byteLength, 'index')
  const fileOfTensor = new Map<string, string>()
  let found = false
  visitStrictJson(bytes, source.name, indexLimits, (key, value) => {
    if (key !== 'weight_map') return
    if (!(value instanceof Map)) throw badFile(`${source.name}: weight_map`, 'an object', 'something else')
    found = true
    for (const [tensor, file] of value) {
      if (typeof file !== 'string')
        throw badFile(`${source.name}: weight_map ${quoted(tensor)}`, 'the name of a file', 'something else')
      fileOfTensor.set(tensor, file)
    }
  })
  if (!found)
    throw badFile(source.name, 'a "weight_map", as the index of a model in several files has', 'JSON without one')
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

/** Every tensor the index places must be in that file. Tensors it does not mention are shown all the same. */
function checkClaims(indexName: string, fileOfTensor: ReadonlyMap<string, string>, set: WeightFile): void {
  const actual = new Map(set.shards.flatMap((shard) => shard.tensorNames.map((tensor) => [tensor, shard.fileName])))
  for (const [tensor, file] of fileOfTensor) {
    const holder = actual.get(tensor)
    if (holder !== file)
      throw badFile(
        `${indexName}: ${quoted(tensor)}`,
        `it in ${quoted(file)}`,
        holder === undefined ? 'it nowhere' : `it in ${quoted(holder)}`,
      )
  }
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
    for (const name of names) files.push(await openShard(name))
    return combine(files, closeAll)
  } catch (error) {
    await closeAll()
    throw error
  }
}

function combine(files: readonly WeightFile[], closeAll: () => Promise<void>): WeightFile {
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
    safety: files.some((file) => file.safety !== 'safe') ? 'opened-without-running' : 'safe',
    totalBytes: files.reduce((sum, file) => sum + file.totalBytes, 0),
    tensors: files.flatMap((file) => file.tensors),
    metadata,
    notices: [...new Set(files.flatMap((file) => file.notices))],
    shards: files.flatMap((file) => file.shards),
    read: (tensor, start, end) => {
      const owner = owners.get(tensor.name)
      if (!owner) throw new AppError('bad-request', `This set has no tensor ${quoted(tensor.name)}.`)
      return owner.read(tensor, start, end)
    },
    close: closeAll,
  }
}
