/**
 * The samples that models are run on: drawn from their inputs' shapes, or taken from files of arrays. A file is one sample, an array under the name of
 * each input, or several: `x.0`, `x.1`, ... for the input `x`. One sample is in memory at a time: a few of the largest would fill it.
 */
import type { WeightFile } from '../formats/format.ts'
import { drawnInputs, type Feeds, givenInputs } from './inputs.ts'
import type { Slot } from './value.ts'

/** What is drawn where no files are given. */
export interface DrawnSamples {
  readonly count: number
  readonly seed: number
  /** Of dimensions that the model leaves open, by their names or as input.axis. */
  readonly sizes: Readonly<Record<string, number>>
}

export interface Samples {
  readonly count: number
  /** Drawn or read again at each call: never held together. @throws AppError `unsupported`, `over-limit` for what is drawn; of reading */
  at(index: number): Promise<Feeds>
}

/** @throws AppError `bad-request` for a file that has no array for an input, or one of another type or shape */
export function samplesFrom(
  slots: readonly Slot[],
  files: readonly WeightFile[],
  { count, seed, sizes }: DrawnSamples,
): Samples {
  if (files.length === 0) return { count, at: async (sample) => drawnInputs(slots, seed, sample, sizes) }
  const all = files.flatMap((file) => givenInputs(file, slots))
  return { count: all.length, at: (sample) => all[sample]!() }
}

/** Those of them at these places. */
export function someOf({ count, at }: Samples, keep: (index: number) => boolean): Samples {
  const kept = Array.from({ length: count }, (_, i) => i).filter(keep)
  return { count: kept.length, at: (index) => at(kept[index]!) }
}
