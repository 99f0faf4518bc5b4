/** A model and compressed forms of it on the same inputs, each in a process of its own: how far the outputs are apart, and how long each takes. */
import { spreadOf } from '../answers/compare.ts'
import { measureModels, refuseOthers } from '../answers/measure.ts'
import type { RunningModel } from '../answers/runner.ts'
import { samplesFrom } from '../answers/samples.ts'
import type { JobOf, TryReport } from '../contract.ts'
import { AppError } from '../errors.ts'
import type { WeightFile } from '../formats/format.ts'
import type { JobContext } from '../matrix/context.ts'
import { say } from '../messages/english.ts'
import { fileName } from '../messages/text.ts'
import type { FilesOf } from './files.ts'

/** @throws AppError `unsupported`, `bad-request`, `out-of-memory`, `engine-died`, `cancelled`, each with a sentence */
export async function tryCompressed(
  { model: file, compressed, inputs, models }: FilesOf<'try'>,
  { samples: count, seed, sizes, rounds, threads }: JobOf<'try'>,
  context: JobContext,
): Promise<TryReport> {
  const started = performance.now()
  const files = [file, ...compressed]
  for (const each of files)
    if (!each.graph) throw new AppError('unsupported', say('answers.not-a-model', { name: fileName(nameOf(each)) }))
  const running: RunningModel[] = []
  const total = files.length
  const progress = (done: number, of: number) =>
    context.report({ type: 'progress', phase: 'run', tensor: null, done, total: of })
  try {
    for (const i of files.keys()) {
      progress(i, total)
      running.push(
        i === 0
          ? await models.file('model', undefined, { threads })
          : await models.file('compressed', i - 1, { threads }),
      )
    }
    const named = running.map((model, i) => ({ model, name: nameOf(files[i]!) }))
    refuseOthers(named[0]!, named.slice(1))
    const samples = samplesFrom(named[0]!.model.inputs, inputs, { count, seed, sizes })
    progress(0, samples.count)
    const found = await measureModels(running, samples, rounds, progress)
    const original = found[0]!.times
    const tried = found.map(({ times, peakBytes }, i) => ({
      name: nameOf(files[i]!),
      byteLength: files[i]!.totalBytes,
      latencyMs: spreadOf(times),
      peakBytes,
    }))
    return {
      original: tried[0]!,
      compressed: found.slice(1).map(({ times, outputs }, i) => ({
        ...tried[i + 1]!,
        latencyRatio: spreadOf(times.map((time, at) => time / original[at]!)),
        outputs: [...outputs],
      })),
      inputs: inputs.length > 0 ? 'given' : 'drawn',
      samples: samples.count,
      runs: original.length,
      threads,
      elapsedMs: performance.now() - started,
    }
  } finally {
    for (const model of running) model.end()
  }
}

function nameOf({ shards }: WeightFile): string {
  return shards[0]?.fileName ?? ''
}
