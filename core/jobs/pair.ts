/** Two models side by side, in one pass over both: the verdict, and how far apart each of their matrices is. */
import { pairOf } from '../adapters/difference-model.ts'
import type { JobOf, PairReport } from '../contract.ts'
import type { JobContext } from '../matrix/context.ts'
import { all } from '../messages/english.ts'
import type { FilesOf } from './files.ts'
import { ofThisCut, pairFacts } from './steps/pair-facts.ts'
import { leftOut } from './steps/pair-pieces.ts'
import { differencesOf, verdictOf } from './steps/pair-verdict.ts'

export async function comparePair({ model }: FilesOf<'pair'>, _: JobOf<'pair'>, host: JobContext): Promise<PairReport> {
  const started = performance.now()
  const file = pairOf(model)
  const { pairs, onlyBase, onlyTuned } = file.difference
  const compared = await pairFacts(file, ofThisCut(host, file))
  const { cosine, differenceShare, identical, said } = verdictOf(pairs, compared)
  return {
    cosine,
    differenceShare,
    identical,
    verdict: [all(said)],
    notices: leftOut({ pairs, compared, onlyBase, onlyTuned, written: new Map() }),
    differences: differencesOf(pairs, compared),
    elapsedMs: performance.now() - started,
  }
}
