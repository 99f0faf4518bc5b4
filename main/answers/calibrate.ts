/** Statistics of what flows into a model's layers, from running it (core/answers/): a file of sums in our own form (docs/formats.md). */
import { resolve } from 'node:path'
import { tappedModel } from '../../core/answers/tapped.ts'
import type { TapSums } from '../../core/answers/taps.ts'
import type { CalibrationReport } from '../../core/contract/answers.ts'
import { AppError } from '../../core/errors.ts'
import { encode } from '../../core/formats/dtype.ts'
import type { WeightFile } from '../../core/formats/format.ts'
import { openWeightFile } from '../../core/formats/opening/open.ts'
import { safetensorsHeader } from '../../core/formats/safetensors.ts'
import { say } from '../../core/messages/english.ts'
import { fileName } from '../../core/messages/text.ts'
import { contentOf } from '../../core/write/encodings/onnx-output.ts'
import { concat, type Piece } from '../../core/write/onnx/wire.ts'
import { pickSource } from '../files/files.ts'
import { runModel } from './runtime-process.ts'
import { nameOf, type SampleChoice, samplesFor } from './samples.ts'

export interface CalibrationChoice extends SampleChoice {
  readonly out: string
  readonly threads: number
  readonly signal?: AbortSignal
  readonly onSample?: (done: number, total: number) => void
  /** Writes the file, whole or not at all. */
  readonly write: (bytes: Uint8Array) => Promise<void>
}

/** @throws AppError `unsupported`, `bad-request`, `engine-died`, `cancelled`, `cannot-write`, `would-overwrite` */
export async function calibrate(path: string, choice: CalibrationChoice): Promise<CalibrationReport> {
  const started = performance.now()
  const file = await openWeightFile(await pickSource(resolve(path), 'file'))
  try {
    const tapped = await tappedModel(file)
    if (!tapped) throw new AppError('unsupported', say('answers.not-a-model', { name: fileName(nameOf(path)) }))
    if (tapped.taps.length === 0) throw new AppError('bad-request', say('answers.nothing-to-calibrate'))
    const { threads, signal } = choice
    const model = await runModel(nameOf(path), await bytesOf(file, tapped.pieces), {
      threads,
      ...(signal && { signal }),
    })
    try {
      const samples = await samplesFor(model.inputs, choice)
      for (const [i, feeds] of samples.entries()) {
        await model.observe(feeds, tapped.taps)
        choice.onSample?.(i + 1, samples.length)
      }
      const inputs = choice.files.length > 0 ? 'given' : 'drawn'
      const sums = await model.sums()
      const bytes = statisticsFile(sums, { inputs, samples: String(samples.length), model: nameOf(path) })
      await choice.write(bytes)
      return {
        output: nameOf(choice.out),
        inputs,
        samples: samples.length,
        covered: new Set(sums.flatMap(({ weights }) => weights)).size,
        uncovered: tapped.uncovered,
        fewestVectors: sums.reduce((fewest, { count }) => Math.min(fewest, count), Number.POSITIVE_INFINITY),
        byteLength: bytes.byteLength,
        elapsedMs: performance.now() - started,
      }
    } finally {
      model.end()
    }
  } finally {
    await file.close()
  }
}

async function bytesOf(file: WeightFile, pieces: readonly Piece[]): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (const piece of pieces)
    for await (const bytes of contentOf({ read: file.read, graph: file.graph! }, piece)) parts.push(bytes)
  return concat(parts)
}

/** F32: sums of thousands of products have no more digits that mean something. */
function statisticsFile(sums: readonly TapSums[], about: Readonly<Record<string, string>>): Uint8Array {
  const tensors = sums.flatMap(({ weights, width, count, gram, squares }) =>
    weights.flatMap((weight) => [
      {
        name: `${weight}.${gram ? 'gram' : 'sum2'}`,
        dtype: 'F32' as const,
        shape: gram ? [width, width] : [width],
        values: gram ?? squares,
      },
      { name: `${weight}.count`, dtype: 'F32' as const, shape: [1], values: Float64Array.of(count) },
    ]),
  )
  const metadata = new Map(Object.entries(about).map(([key, value]) => [`ghostsvd.calibration.${key}`, value]))
  return concat([
    safetensorsHeader(tensors, metadata),
    ...tensors.map(({ dtype, values }) => encode(dtype, values).bytes),
  ])
}
