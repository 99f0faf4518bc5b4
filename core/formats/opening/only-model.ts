/** Which file of a folder is its model, by names alone. */
import { AppError } from '../../errors.ts'
import { say } from '../../messages/english.ts'
import { fileName, foreign } from '../../messages/text.ts'
import {
  allWeightEndings,
  endsLikeWeights,
  isIndexName,
  weightEndings,
  withoutIndexEnding,
} from '../../weight-formats.ts'
import { wholeOfPart } from '../shards/joined.ts'
import { parseShardName } from '../shards/sharded.ts'

/** What trainers leave beside a model, in the model's own formats. */
const companions =
  /^(training_args|optimizer|scheduler|scaler|rng_state(_\d+)?|random_states(_\d+)?)\.(bin|pt|pth|pkl)$/i

/**
 * The one model of a folder: its index, its one set or its one file. Where a model is there twice, safetensors is taken before the rest,
 * as published models keep both.
 */
export function onlyModel(folderName: string, present: ReadonlySet<string>): string {
  for (const group of [weightEndings.safetensors, allWeightEndings]) {
    const ofGroup = (name: string) => endsLikeWeights(wholeOfPart(name) ?? name, group) && !companions.test(name)
    const indexes = [...present].filter((name) => isIndexName(name) && ofGroup(withoutIndexEnding(name)))
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
