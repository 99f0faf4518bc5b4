/** What passes over the values of a source have found, kept as one document beside its sketches. */
import { type ComputableTensor, storageName } from '../tensor.ts'
import type { JobContext } from './context.ts'
import { recall, remember } from './facts.ts'
import type { Scan } from './scan.ts'

const SCANS = ['scans']

/** What passes over the values have found, by storage, as far as it is known. */
export async function knownScans(context: JobContext): Promise<Map<string, Scan>> {
  return new Map(Object.entries((await recall<Record<string, Scan>>(context, SCANS)) ?? {}))
}

/** Adds what a pass has found. */
export async function rememberScans(context: JobContext, found: ReadonlyMap<string, Scan>): Promise<void> {
  if (found.size > 0) await remember(context, SCANS, Object.fromEntries([...(await knownScans(context)), ...found]))
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
