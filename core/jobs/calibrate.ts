/** Statistics of what flows into a model's layers, from running it (core/answers/): a file of sums in our own form (docs/formats.md). */
import { mostModelBytes } from '../answers/runner.ts'
import { samplesFrom } from '../answers/samples.ts'
import { tappedModel } from '../answers/tapped.ts'
import type { TapSums } from '../answers/taps.ts'
import type { CalibrationReport, JobOf } from '../contract.ts'
import { AppError } from '../errors.ts'
import { encode } from '../formats/dtype.ts'
import type { WeightFile } from '../formats/format.ts'
import { safetensorsHeader } from '../formats/safetensors.ts'
import type { JobContext } from '../matrix/context.ts'
import { say } from '../messages/english.ts'
import { fileName } from '../messages/text.ts'
import { refuseToReplace, whileHolding } from '../write/compression.ts'
import { contentOf } from '../write/encodings/onnx-output.ts'
import { writeChecked } from '../write/encodings/weights-output.ts'
import { concat, type Piece, piecesBytes } from '../write/onnx/wire.ts'
import type { FilesOf } from './files.ts'

/** @throws AppError `unsupported`, `bad-request`, `engine-died`, `cancelled`, `cannot-write`, `would-overwrite` */
export async function calibrateModel(
  { model: file, inputs, target, models }: FilesOf<'calibrate'>,
  { samples: count, seed, sizes, threads, force }: JobOf<'calibrate'>,
  context: JobContext,
): Promise<CalibrationReport> {
  const started = performance.now()
  const name = file.shards[0]?.fileName ?? ''
  await refuseToReplace(target, force)
  const tapped = await tappedModel(file)
  if (!tapped) throw new AppError('unsupported', say('answers.not-a-model', { name: fileName(name) }))
  if (tapped.taps.length === 0) throw new AppError('bad-request', say('answers.nothing-to-calibrate'))
  // Known before anything is read: values beside a model may have any size.
  const modelBytes = piecesBytes(tapped.pieces)
  if (modelBytes > mostModelBytes) {
    const values = { name: fileName(name), bytes: modelBytes, most: mostModelBytes }
    throw new AppError('over-limit', say('answers.model-too-large', values))
  }
  return whileHolding(target, async () => {
    const model = await models.ofBytes(name, await bytesOf(file, tapped.pieces), { threads })
    try {
      const samples = samplesFrom(model.inputs, inputs, { count, seed, sizes })
      for (let i = 0; i < samples.count; i++) {
        context.report({ type: 'progress', phase: 'run', tensor: null, done: i, total: samples.count })
        await model.observe(await samples.at(i), tapped.taps)
      }
      const from = inputs.length > 0 ? 'given' : 'drawn'
      const found = await model.sums()
      const finite = found.filter(hasNumbers)
      const sums = finite.filter(isHeard)
      const namesOf = (some: readonly TapSums[]) => some.flatMap(({ weights }) => weights)
      const notFinite = namesOf(found.filter((each) => !hasNumbers(each)))
      const allZero = namesOf(finite.filter((each) => !isHeard(each)))
      if (sums.length === 0 && found.length > 0) {
        const why = notFinite.length > 0 ? 'answers.calibration-not-finite' : 'answers.calibration-all-zero'
        throw new AppError('bad-request', say(why, { name: fileName(name) }))
      }
      const bytes = statisticsFile(sums, { inputs: from, samples: String(samples.count), model: name })
      const sink = await target.folder.create(target.name, bytes.byteLength)
      try {
        await writeChecked(sink, bytes)
        await sink.close()
      } catch (error) {
        await sink.abort()
        throw error
      }
      return {
        output: target.name,
        inputs: from,
        samples: samples.count,
        covered: new Set(sums.flatMap(({ weights }) => weights)).size,
        uncovered: [...tapped.uncovered],
        notFinite,
        allZero,
        fewestVectors: sums.length === 0 ? 0 : sums.reduce((least, { count }) => Math.min(least, count), Infinity),
        byteLength: bytes.byteLength,
        elapsedMs: performance.now() - started,
      }
    } finally {
      model.end()
    }
  })
}

async function bytesOf(file: WeightFile, pieces: readonly Piece[]): Promise<Uint8Array> {
  const whole = new Uint8Array(piecesBytes(pieces))
  let at = 0
  for (const piece of pieces)
    for await (const bytes of contentOf({ read: file.read, graph: file.graph! }, piece)) {
      whole.set(bytes, at)
      at += bytes.byteLength
    }
  return whole
}

/** Products are no larger than the squares they are between. */
function hasNumbers({ squares }: TapSums): boolean {
  return squares.every((square) => Number.isFinite(Math.fround(square)))
}

/** Where nothing but zeros flows into a layer, behind a ReLU that never opens, its outputs weigh no error at all. */
function isHeard({ squares }: TapSums): boolean {
  return squares.some((square) => Math.fround(square) > 0)
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
