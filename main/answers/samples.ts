/** The samples that models are run on, from files by their paths. */
import { basename } from 'node:path'
import type { Feeds } from '../../core/answers/inputs.ts'
import { type DrawnSamples, samplesFrom } from '../../core/answers/samples.ts'
import type { Slot } from '../../core/answers/value.ts'
import type { WeightFile } from '../../core/formats/format.ts'
import { openWeightFile } from '../../core/formats/opening/open.ts'
import { pickSource } from '../files/files.ts'

export interface SampleChoice extends DrawnSamples {
  /** Files of arrays, .npz or .npy; without any, inputs are drawn. */
  readonly files: readonly string[]
}

export async function samplesFor(slots: readonly Slot[], { files, ...drawn }: SampleChoice): Promise<Feeds[]> {
  const opened: WeightFile[] = []
  try {
    for (const path of files) opened.push(await openWeightFile(await pickSource(path, 'file')))
    return await samplesFrom(slots, opened, drawn)
  } finally {
    for (const file of opened) await file.close()
  }
}

/** For sentences and reports. */
export function nameOf(path: string): string {
  return basename(path)
}
