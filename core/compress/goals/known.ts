/**
 * What is kept of a source beside its finished sketches, under keys that tell this state of it from any other. Where nothing is kept,
 * everything is found anew.
 */
import { type ComputableTensor, storageName } from '../../tensor.ts'
import type { JobContext } from '../context.ts'
import type { NonFinite } from '../matrix/scan.ts'

/** Raised whenever the meaning of a kept fact changes: those of earlier versions are then no longer found. */
const FACTS_VERSION = 2

/** The fact `what` of this source, found now where it is not known yet. It has to be JSON-safe. */
export async function known<T>(context: JobContext, what: readonly unknown[], find: () => Promise<T>): Promise<T> {
  const seen = await recall<T>(context, what)
  if (seen !== undefined) return seen
  const found = await find()
  await remember(context, what, found)
  return found
}

/** undefined where it is not known. */
export async function recall<T>({ sketches }: JobContext, what: readonly unknown[]): Promise<T | undefined> {
  return (await sketches?.cache.facts.get(keyOf(sketches.source, what))) as T | undefined
}

async function remember({ sketches }: JobContext, what: readonly unknown[], fact: unknown): Promise<void> {
  await sketches?.cache.facts.put(keyOf(sketches.source, what), fact)
}

function keyOf(source: string, what: readonly unknown[]): string {
  return JSON.stringify([FACTS_VERSION, source, ...what])
}

const NON_FINITE = ['non-finite']

/** Counts of NaN and Inf by storage, as far as they are known. */
export async function knownCounts(context: JobContext): Promise<Map<string, NonFinite>> {
  return new Map(Object.entries((await recall<Record<string, NonFinite>>(context, NON_FINITE)) ?? {}))
}

export type CountNonFinite = (tensor: ComputableTensor) => Promise<NonFinite>

/**
 * Gives `use` a count of NaN and Inf that asks `count` once for each storage. One document holds those of a source: it is written when
 * `use` has ended, however that was.
 */
export async function withKnownCounts<T>(
  context: JobContext,
  count: CountNonFinite,
  use: (count: CountNonFinite) => Promise<T>,
): Promise<T> {
  const counts = await knownCounts(context)
  const before = counts.size
  try {
    return await use(async (tensor) => {
      const name = storageName(tensor)
      const found = counts.get(name) ?? (await count(tensor))
      counts.set(name, found)
      return found
    })
  } finally {
    if (counts.size > before) await remember(context, NON_FINITE, Object.fromEntries(counts))
  }
}
