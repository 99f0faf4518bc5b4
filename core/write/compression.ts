/** What a run is to all that writes it: the constants of the run, and the lock it holds on its target. */
import { existsAlready } from '../errors.ts'
import type { WeightFile } from '../formats/format.ts'
import type { OutputFolder } from '../io.ts'
import type { JobContext } from '../matrix/context.ts'
import type { ReadAhead } from '../matrix/read-ahead.ts'
import type { Scan } from '../matrix/scan.ts'
import type { Part } from '../plan/parts.ts'
import type { OutputStyle } from './styles/style.ts'

/** What stays the same over a whole run. */
export interface Compression {
  readonly file: WeightFile
  /** What reads for `file` ahead of its use; absent where only sizes are asked for. */
  readonly ahead?: ReadAhead
  readonly style: OutputStyle
  /** SHA-256 of the recipe. */
  readonly recipe: string
  /** Which source this is (source-hash.ts). */
  readonly sourceHash: string
  /** Whether an earlier run is resumed, and finished tensors outlive a cancel. */
  readonly resume: boolean
  readonly part: Part
  readonly context: JobContext
  /** What is found of tensors, by storage, that no scan has passed over before they are loaded (steps/planned-run.ts). */
  readonly seen?: Map<string, Scan>
}

/** A tensor that was planned without a scan has NaN or Inf: the plan is another. */
export class FoundNonFinite extends Error {}

/**
 * The same of a run that is only planned, for its bytes. Hashes take part in those with their length alone: 64 digits, whatever they say.
 */
export function plannedCompression(file: WeightFile, style: OutputStyle, part: Part, context: JobContext): Compression {
  const hash = '0'.repeat(64)
  return { file, style, recipe: hash, sourceHash: hash, resume: false, part, context }
}

/** Where it goes. */
export interface CompressionTarget {
  readonly folder: OutputFolder
  readonly name: string
}

/** @throws AppError `would-overwrite` where there is such a file and it may not be replaced */
export async function refuseToReplace({ folder, name }: CompressionTarget, force: boolean): Promise<void> {
  if (force || !(await folder.list()).includes(name)) return
  throw existsAlready(name)
}

/** Writes to the target under its lock. @throws AppError `would-overwrite` while another run writes there */
export async function whileHolding<T>({ folder, name }: CompressionTarget, write: () => Promise<T>): Promise<T> {
  const hold = await folder.hold(name)
  try {
    return await write()
  } finally {
    await hold.release()
  }
}
