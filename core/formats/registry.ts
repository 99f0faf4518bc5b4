/**
 * The list of formats, and the choice among them by content: a name decides only where the bytes cannot. A file that no reader takes gets a
 * sentence that says what it looks like.
 */

import { AppError } from '../errors.ts'
import type { ByteSource, PickedSource, SourceFolder } from '../io.ts'
import { say } from '../messages/english.ts'
import { fileName, foreign } from '../messages/text.ts'
import { allWeightEndings, endsLikeWeights, weightEndings } from '../weight-formats.ts'
import { withAdapters } from './adapters.ts'
import { aguf } from './aguf.ts'
import { flax } from './flax.ts'
import type { Format, OpenWeightFile, WeightFile } from './format.ts'
import { gguf } from './gguf/gguf.ts'
import { llamafile } from './gguf/llamafile.ts'
import { keras } from './keras/keras.ts'
import { looksLike } from './lookalikes.ts'
import { npy } from './numpy/npy.ts'
import { npz } from './numpy/npz.ts'
import { onnx } from './onnx/onnx.ts'
import { metadataName, torchDistributed } from './pytorch/distributed.ts'
import { torchExport } from './pytorch/exported.ts'
import { nemo } from './pytorch/nemo.ts'
import { pytorch } from './pytorch/pytorch.ts'
import { withScales } from './quantized/fp8-scale.ts'
import { declaredBlock, declaredExperts } from './quantized/model-config.ts'
import { withPacked } from './quantized/packed.ts'
import { withStackedExperts } from './quantized/stacked-experts.ts'
import { readRange } from './reading/range.ts'
import { safetensors } from './safetensors.ts'
import { newestSnapshot } from './shards/hub-cache.ts'
import { openJoined, partsOfWhole, wholeOfPart } from './shards/joined.ts'
import {
  indexOfShard,
  isIndexName,
  type OpenShard,
  openIndexed,
  openShards,
  parseShardName,
  readShardIndex,
  type ShardIndex,
  shardSiblings,
  withNotices,
} from './shards/sharded.ts'
import { indexOfData, tensorflow } from './tensorflow.ts'

/** In the order in which they are asked. */
export const formats: readonly Format[] = [
  ...[safetensors, npy, npz, gguf, aguf],
  ...[keras, torchExport, torchDistributed, nemo, pytorch, onnx, tensorflow, flax, llamafile],
]

const headBytes = 4096

/**
 * Opens what the user picked: a file, the set that a shard or an index belongs to, or a folder with one of these.
 * @throws AppError with a sentence that names the file, what was expected and what is there
 */
export const openWeightFile: OpenWeightFile = async (picked) => {
  const place = picked.entry === null ? await placeOfWeights(picked.folder) : picked
  const packed = withPacked(await openPicked(place))
  const file = await withStackedExperts(packed, () => declaredExperts(place.folder))
  const whole = withAdapters(await withScales(file, () => declaredBlock(place.folder)))
  return { ...whole, beside: (name, maxBytes) => readBeside(place.folder, name, maxBytes) }
}

async function readBeside(folder: SourceFolder, name: string, maxBytes: number): Promise<Uint8Array | null> {
  if (!(await folder.list()).includes(name)) return null
  const source = await folder.open(name)
  try {
    return source.byteLength > maxBytes ? null : await source.slice(0, source.byteLength)
  } finally {
    await source.close()
  }
}

/** The folder itself, or the one in it that has the weights: the snapshot of a hub's cache, the variables of a SavedModel. */
async function placeOfWeights(folder: SourceFolder): Promise<PickedSource> {
  const present = new Set(await folder.list())
  const snapshot = await newestSnapshot(folder, present)
  const inner = present.has('saved_model.pb') && present.has('variables') ? folder.inside('variables') : null
  return { folder: snapshot ?? inner ?? folder, entry: null }
}

async function openPicked({ folder, entry }: PickedSource): Promise<WeightFile> {
  const openShard = (shard: string) => openNamed(folder, shard)
  const index = entry === null ? null : entry.endsWith('.distcp') ? metadataName : indexOfData(entry)
  if (index !== null) return openCompanion(folder, entry!, index)
  // A file that belongs to no set needs no look at its neighbours, of which there may be very many.
  if (entry !== null && !isIndexName(entry) && !parseShardName(entry) && !wholeOfPart(entry)) return openShard(entry)
  const present = new Set(await folder.list())
  const name = entry ?? onlyModel(folder.name, present)
  const whole = wholeOfPart(name)
  if (whole !== null) return openOne(await openJoined(folder, whole, partsOfWhole(name, present)), folder)
  if (isIndexName(name))
    return entry === null
      ? openByIndex(folder, name, present, openShard)
      : openIndexed(await readShardIndex(folder, name), openShard, present)
  const indexName = indexOfShard(name, present)
  if (indexName !== null) {
    try {
      return await openIndexed(await readShardIndex(folder, indexName), openShard, present)
    } catch (error) {
      // An index that is wrong about its files is no reason not to open the one that was named.
      if (!(error instanceof AppError) || error.code === 'source-changed') throw error
      return withNotices(await openShard(name), [
        say('formats.opened-alone', { name: fileName(name), why: error.said }),
      ])
    }
  }
  const shards = shardSiblings(name, present)
  return shards ? openShards(shards, openShard) : openShard(name)
}

/** The file that says what lies where in this one, and all that belongs to it. */
async function openCompanion(folder: SourceFolder, name: string, companion: string): Promise<WeightFile> {
  try {
    return await openNamed(folder, companion)
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'not-found')) throw error
    const present = new Set(await folder.list())
    if (present.has(companion)) throw error
    const missing = { name: fileName(name), missing: fileName(companion) }
    throw new AppError('not-found', say('formats.companion-missing', missing))
  }
}

/** The set of a folder. Where its index names files that are not there, a whole set whose names count its files is opened instead. */
async function openByIndex(
  folder: SourceFolder,
  name: string,
  present: ReadonlySet<string>,
  openShard: OpenShard,
): Promise<WeightFile> {
  let index: ShardIndex
  try {
    index = await readShardIndex(folder, name)
  } catch (error) {
    const shard = [...present].sort().find((each) => indexOfShard(each, present) === name)
    const counted = error instanceof AppError && error.code === 'not-found' && shard ? countedSet(shard, present) : null
    if (!counted) throw error
    return withNotices(await openShards(counted, openShard), [
      say('formats.counted-instead', { index: fileName(name), count: counted.length }),
    ])
  }
  return openIndexed(index, openShard, present)
}

function countedSet(shard: string, present: ReadonlySet<string>): string[] | null {
  try {
    return shardSiblings(shard, present)
  } catch (error) {
    if (error instanceof AppError) return null
    throw error
  }
}

async function openNamed(folder: SourceFolder, name: string): Promise<WeightFile> {
  return openOne(await folder.open(name), folder)
}

async function openOne(source: ByteSource, folder: SourceFolder): Promise<WeightFile> {
  try {
    return await openSource(source, folder)
  } catch (error) {
    await source.close()
    throw error
  }
}

async function openSource(source: ByteSource, folder: SourceFolder): Promise<WeightFile> {
  const head = await readRange(source, 0, Math.min(headBytes, source.byteLength), 'first bytes')
  const format = formats.find((each) => each.sniff(head, source))
  if (format) return format.open(source, folder)
  const name = fileName(source.name)
  const look = looksLike(name, head)
  if (look !== null) throw new AppError('bad-file', look, { byteLength: source.byteLength })
  const named = formats.find((each) => endsLikeWeights(source.name, weightEndings[each.id]))
  // Its own reader says best what is wrong with it.
  if (named) return named.open(source, folder)
  const first = [...head.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
  throw new AppError('bad-file', say('lookalike.unknown', { name, first: foreign(first) }))
}

/** What trainers leave beside a model, in the model's own formats. */
const companions =
  /^(training_args|optimizer|scheduler|scaler|rng_state(_\d+)?|random_states(_\d+)?)\.(bin|pt|pth|pkl)$/i

/**
 * The one model of a folder: its index, its one set or its one file. Where a model is there twice, safetensors is taken before the rest,
 * as published models keep both.
 */
function onlyModel(folderName: string, present: ReadonlySet<string>): string {
  for (const group of [weightEndings.safetensors, allWeightEndings]) {
    const ofGroup = (name: string) => endsLikeWeights(wholeOfPart(name) ?? name, group) && !companions.test(name)
    const indexes = [...present].filter(
      (name) => isIndexName(name) && ofGroup(name.replace(/\.index(\.[\w-]+)?\.json$/i, '')),
    )
    const candidates = indexes.length > 0 ? indexes : onePerSet([...present].filter(ofGroup))
    const [name, ...others] = candidates.sort()
    if (name === undefined) continue
    if (others.length === 0) return name
    const some = candidates.slice(0, 3).map(fileName)
    const found = { name: fileName(folderName), count: candidates.length, some }
    throw new AppError('bad-request', say('formats.several-models', found))
  }
  const looked = foreign(allWeightEndings.join(' '))
  throw new AppError('not-found', say('formats.no-weight-file', { name: fileName(folderName), looked }))
}

/** The first file of each counted set, and every file that counts nothing. */
function onePerSet(names: readonly string[]): string[] {
  const sets = new Map<string, string>()
  for (const name of [...names].sort()) {
    const shard = parseShardName(name)
    const key = shard ? `${shard.prefix}-of-${shard.count}${shard.extension}` : (wholeOfPart(name) ?? name)
    if (!sets.has(key)) sets.set(key, name)
  }
  return [...sets.values()]
}
