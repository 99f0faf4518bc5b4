/**
 * Opens what the user picked. Around the format that the bytes choose (../registry.ts) stands what no single file says: the set that a shard
 * or an index belongs to, the one model of a folder, and scales, packed values and stacks that make up tensors together.
 */
import { AppError } from '../../errors.ts'
import type { ByteSource, PickedSource, SourceFolder } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { fileName } from '../../messages/text.ts'
import { isIndexName } from '../../weight-formats.ts'
import type { OpenWeightFile, WeightFile } from '../format.ts'
import { metadataName } from '../pytorch/distributed.ts'
import { withScales } from '../quantized/fp8-scale.ts'
import { declaredBlock, declaredExperts } from '../quantized/model-config.ts'
import { withPacked } from '../quantized/packed.ts'
import { withStackedExperts } from '../quantized/stacked-experts.ts'
import { openSource } from '../registry.ts'
import { hessiansIn, openHessians } from '../shards/hessians.ts'
import { newestSnapshot } from '../shards/hub-cache.ts'
import { openJoined, partsOfWhole, wholeOfPart } from '../shards/joined.ts'
import {
  indexOfShard,
  type OpenShard,
  openIndexed,
  openShards,
  parseShardName,
  readShardIndex,
  type ShardIndex,
  shardSiblings,
  withNotices,
} from '../shards/sharded.ts'
import { indexOfData } from '../tensorflow.ts'
import { withFactorNotice } from './factor-notice.ts'
import { onlyModel } from './only-model.ts'

/**
 * Opens what the user picked: a file, the set that a shard or an index belongs to, or a folder with one of these.
 * @throws AppError with a sentence that names the file, what was expected and what is there
 */
export const openWeightFile: OpenWeightFile = async (picked) => {
  const place = picked.entry === null ? await placeOfWeights(picked.folder) : picked
  const packed = withPacked(await openPicked(place))
  const file = await withStackedExperts(packed, () => declaredExperts(place.folder))
  const whole = withFactorNotice(await withScales(file, () => declaredBlock(place.folder)))
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
  const hessians = entry === null ? hessiansIn(present) : null
  if (hessians) return openHessians(hessians, openShard)
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
