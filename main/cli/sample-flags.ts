/** Which inputs a model is run on, as flags. */
import type { Command } from 'commander'
import { mostSamples } from '../../core/contract.ts'
import { say } from '../../core/messages/english.ts'
import { collect, wholeNumber } from './flags.ts'
import type { CommandEngine } from './job.ts'
import { wrongUsage } from './usage.ts'

export interface SampleOptions {
  readonly inputs: string[]
  readonly samples: number
  readonly seed: number
  readonly size: Record<string, number>
  readonly threads: number
}

export function addSampleFlags(command: Command, samples: number): Command {
  return command
    .option(
      '--inputs <file>',
      'samples: an .npz with an array for each input (x.0, x.1, ... for several), or an .npy for the only one; repeatable',
      collect,
      [],
    )
    .option('--samples <number>', 'how many to draw where none are given', wholeNumber(1, mostSamples), samples)
    .option('--seed <number>', 'of what is drawn', wholeNumber(0, Number.MAX_SAFE_INTEGER), 1)
    .option(
      '--size <name=number>',
      'of a dimension that the model leaves open, by its name or as input.axis; repeatable',
      sizeOf,
      {},
    )
    .option('--threads <number>', 'that onnxruntime computes with', wholeNumber(1, 1024), 1)
}

/** `name=size`, several of them collected. */
export function sizeOf(text: string, before: Readonly<Record<string, number>>): Record<string, number> {
  const [, name, digits] = /^(.+)=(\d+)$/.exec(text) ?? []
  const size = Number(digits)
  if (name === undefined || !(size >= 1)) throw wrongUsage(say('request.size-form'))
  return { ...before, [name]: size }
}

/** As jobs take them. */
export function samplesOf({ samples, seed, size, threads }: SampleOptions) {
  return { samples, seed, sizes: size, threads }
}

/** Files of a role that has several, opened. */
export async function openAll(engine: Pick<CommandEngine, 'open'>, paths: readonly string[]): Promise<string[]> {
  const ids: string[] = []
  for (const path of paths) ids.push((await engine.open(path)).fileId)
  return ids
}
