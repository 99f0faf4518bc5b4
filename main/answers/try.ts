/** Two models on the same inputs, each in a process of its own: how far their outputs are apart, and how long each takes. */
import { stat } from 'node:fs/promises'
import { differenceOf, spreadOf } from '../../core/answers/compare.ts'
import type { Feeds } from '../../core/answers/inputs.ts'
import type { RunningModel } from '../../core/answers/runner.ts'
import type { TryReport } from '../../core/contract/answers.ts'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { fileName, quoted } from '../../core/messages/text.ts'
import { openSource } from '../files/files.ts'
import { runModel } from './runtime-process.ts'
import { nameOf, type SampleChoice, samplesFor } from './samples.ts'

export interface TryChoice extends SampleChoice {
  /** Each sample is run so many times, after once that is not timed. */
  readonly rounds: number
  readonly threads: number
  readonly signal?: AbortSignal
  /** After each sample. */
  readonly onSample?: (done: number, total: number) => void
}

/** @throws AppError `unsupported`, `bad-request`, `engine-died`, `cancelled`, each with a sentence */
export async function tryModels(originalPath: string, compressedPath: string, choice: TryChoice): Promise<TryReport> {
  const { threads, signal, rounds } = choice
  const how = { threads, ...(signal && { signal }) }
  const models: RunningModel[] = []
  try {
    for (const path of [originalPath, compressedPath]) {
      // The runtime would wait for a pipe, and read a device to its end.
      await (await openSource(path)).close()
      models.push(await runModel(nameOf(path), path, how))
    }
    const [original, compressed] = models as [RunningModel, RunningModel]
    refuseOthers(original, compressed, originalPath, compressedPath)
    const samples = await samplesFor(original.inputs, choice)
    const found = await measure(original, compressed, samples, rounds, choice.onSample)
    const model = async (path: string, times: readonly number[], peakBytes: number) => ({
      name: nameOf(path),
      byteLength: (await stat(path)).size,
      latencyMs: spreadOf(times),
      peakBytes,
    })
    return {
      original: await model(originalPath, found.times[0], found.peaks[0]),
      compressed: await model(compressedPath, found.times[1], found.peaks[1]),
      latencyRatio: spreadOf(found.times[1].map((time, i) => time / found.times[0][i]!)),
      inputs: choice.files.length > 0 ? 'given' : 'drawn',
      samples: samples.length,
      runs: found.times[0].length,
      threads,
      outputs: found.outputs,
    }
  } finally {
    for (const model of models) model.end()
  }
}

function refuseOthers(a: RunningModel, b: RunningModel, original: string, compressed: string): void {
  const namesOf = ({ inputs, outputs }: RunningModel) =>
    JSON.stringify([inputs.map(({ name, type }) => [name, type]), outputs])
  if (namesOf(a) === namesOf(b)) return
  const names = { original: fileName(nameOf(original)), compressed: fileName(nameOf(compressed)) }
  throw new AppError('bad-request', say('answers.inputs-changed', names))
}

async function measure(
  original: RunningModel,
  compressed: RunningModel,
  samples: readonly Feeds[],
  rounds: number,
  onSample?: (done: number, total: number) => void,
): Promise<{ outputs: TryReport['outputs']; times: [number[], number[]]; peaks: [number, number] }> {
  const differences = new Map(original.outputs.map((name) => [name, differenceOf(name)]))
  const times: [number[], number[]] = [[], []]
  const peaks: [number, number] = [0, 0]
  for (const [i, feeds] of samples.entries()) {
    // The first run of a shape finds its memory; its outputs are compared, its time is not.
    const [a, b] = [await original.run(feeds), await compressed.run(feeds)]
    for (const [name, difference] of differences) {
      const [of, with_] = [a.outputs[name], b.outputs[name]]
      if (!of || !with_) continue
      if (of.bytes.byteLength !== with_.bytes.byteLength)
        throw new AppError('bad-request', say('answers.outputs-differ', { output: quoted(name) }))
      difference.add(of, with_)
    }
    for (let round = 0; round < rounds; round++)
      for (const [at, model] of [original, compressed].entries()) {
        const ran = await model.run(feeds)
        times[at]!.push(ran.elapsedMs)
        peaks[at] = Math.max(peaks[at]!, ran.peakBytes)
      }
    onSample?.(i + 1, samples.length)
  }
  return { outputs: [...differences.values()].map((each) => each.result()), times, peaks }
}
