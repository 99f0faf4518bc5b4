/**
 * What is kept of a source beside its finished sketches, under keys that tell this state of it from any other. Where nothing is kept,
 * everything is computed again.
 */
import { type ComputableTensor, storageName } from '../tensor.ts'
import type { JobContext } from './context.ts'
import type { Scan } from './scan.ts'

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

async function remember({ sketches }: JobContext, what: readonly unknown[], fact: unknown): Promise<void> {
  await sketches?.cache.facts.put(keyOf(sketches.sourceHash, what), fact)
}

function keyOf(sourceHash: string, what: readonly unknown[]): string {
  return JSON.stringify([FACTS_VERSION, sourceHash, ...what])
}

const SCANS = ['scans']

/** What passes over the values have found, by storage, as far as it is known. */
export async function knownScans(context: JobContext): Promise<Map<string, Scan>> {
  return new Map(Object.entries((await recall<Record<string, Scan>>(context, SCANS)) ?? {}))
}

export type ScanTensor = (tensor: ComputableTensor) => Promise<Scan>

/**
 * Gives `use` a scan that asks `scan` once for each storage. One document holds those of a source: it is written when `use` has ended,
 * however that was.
 */
export async function withKnownScans<T>(
  context: JobContext,
  scan: ScanTensor,
  use: (scan: ScanTensor) => Promise<T>,
): Promise<T> {
  const scans = await knownScans(context)
  const before = scans.size
  try {
    return await use(async (tensor) => {
      const name = storageName(tensor)
      const found = scans.get(name) ?? (await scan(tensor))
      scans.set(name, found)
      return found
    })
  } finally {
    if (scans.size > before) await remember(context, SCANS, Object.fromEntries(scans))
  }
}
