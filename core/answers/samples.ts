/**
 * The samples that models are run on: drawn from their inputs' shapes, or taken from files of arrays. A file is one sample, an array under the name of
 * each input, or several: `x.0`, `x.1`, ... for the input `x`.
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

/** @throws AppError `bad-request` for a file that has no array for an input, or one of another type or shape; `unsupported`, `over-limit` */
export async function samplesFrom(
  slots: readonly Slot[],
  files: readonly WeightFile[],
  { count, seed, sizes }: DrawnSamples,
): Promise<Feeds[]> {
  if (files.length === 0) return Array.from({ length: count }, (_, sample) => drawnInputs(slots, seed, sample, sizes))
  const samples: Feeds[] = []
  for (const file of files) samples.push(...(await givenInputs(file, slots)))
  return samples
}
