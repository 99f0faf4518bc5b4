/**
 * What is kept of a source beside its finished sketches, under keys that tell this state of it from any other. Where nothing is kept,
 * everything is computed again.
 */
import type { JobContext } from './context.ts'

/** Raised whenever the meaning of a kept fact changes: those of earlier versions are then no longer found. */
const FACTS_VERSION = 5

/** The fact `what` of this source, found now where it is not known yet. It has to be JSON-safe. */
export async function findOnce<T>(context: JobContext, what: readonly unknown[], find: () => Promise<T>): Promise<T> {
  const seen = await recall<T>(context, what)
  if (seen !== undefined) return seen
  const found = await find()
  await remember(context, what, found)
  return found
}

/** undefined where it is not known. */
export async function recall<T>({ sketches }: JobContext, what: readonly unknown[]): Promise<T | undefined> {
  return (await sketches?.cache.facts.get(keyOf(sketches.sourceHash, what))) as T | undefined
}

export async function remember({ sketches }: JobContext, what: readonly unknown[], fact: unknown): Promise<void> {
  await sketches?.cache.facts.put(keyOf(sketches.sourceHash, what), fact)
}

function keyOf(sourceHash: string, what: readonly unknown[]): string {
  return JSON.stringify([FACTS_VERSION, sourceHash, ...what])
}
