/** The samples that models are run on: drawn from their inputs' shapes, or files of the user's, one sample each. */
import { basename } from 'node:path'
import { drawnInputs, type Feeds, givenInputs } from '../../core/answers/inputs.ts'
import type { Slot } from '../../core/answers/value.ts'
import { openWeightFile } from '../../core/formats/opening/open.ts'
import { pickSource } from '../files/files.ts'

export interface SampleChoice {
  /** Files of arrays, .npz or .npy; without any, inputs are drawn. */
  readonly files: readonly string[]
  /** How many are drawn. */
  readonly count: number
  readonly seed: number
  /** Of dimensions that the model leaves open, by their names or as input.axis. */
  readonly sizes: Readonly<Record<string, number>>
}

export async function samplesFor(
  slots: readonly Slot[],
  { files, count, seed, sizes }: SampleChoice,
): Promise<Feeds[]> {
  if (files.length === 0) return Array.from({ length: count }, (_, sample) => drawnInputs(slots, seed, sample, sizes))
  const samples: Feeds[] = []
  for (const path of files) {
    const file = await openWeightFile(await pickSource(path, 'file'))
    try {
      samples.push(await givenInputs(file, slots))
    } finally {
      await file.close()
    }
  }
  return samples
}

/** For sentences and reports. */
export function nameOf(path: string): string {
  return basename(path)
}
