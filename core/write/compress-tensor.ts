/** One tensor of a compression: read -> factorize -> write -> measure, or copied byte for byte. One matrix at a time is in memory. */

import type { TensorOutcome } from '../contract.ts'
import { errorOver } from '../curves/model-error.ts'
import { errorResolution, type Precision } from '../curves/resolution.ts'
import { AppError } from '../errors.ts'
import type { WeightFile } from '../formats/format.ts'
import { type ReadingContext, scaleChecksum, tensorChecksum } from '../matrix/checksum.ts'
import type { JobContext } from '../matrix/context.ts'
import { factorizedMatrix } from '../matrix/factorize-matrix.ts'
import { type LoadedMatrix, loadMatrix, matrixBytes, type Pass, READ_BYTES } from '../matrix/load.ts'
import { hasNonFinite, type Scan } from '../matrix/scan.ts'
import { checkError } from '../measure/check.ts'
import { truncationCurve } from '../measure/residual.ts'
import { say } from '../messages/english.ts'
import { foreign } from '../messages/text.ts'
import { outputEntries, staysInNode } from '../plan/entries.ts'
import { type FactorizedTensor, keepAsIs, type TensorPlan } from '../plan/plan.ts'
import { reasonKept, reasonOfScale, worthless } from '../plan/verdict.ts'
import { writtenDType } from '../styles.ts'
import { type Factorization, truncate } from '../svd/factorization.ts'
import { type Lifted, liftToWeights } from '../svd/lift-weighted.ts'
import { gaussianKey } from '../svd/random.ts'
import {
  bytesInFile,
  hasSharers,
  type Magnitudes,
  storageName,
  type TensorInfo,
  type TensorOutline,
  tensorBytes,
} from '../tensor.ts'
import { type Compression, FoundNonFinite } from './compression.ts'
import { type DenseInt8Plan, denseInt8Scales, isDenseInt8, writeCodes } from './dense-int8.ts'
import type { TensorWriter, WeightsOutput } from './encodings/weights-output.ts'
import { sourceChecksum } from './resume/trust.ts'
import type { MeasuredError, OutputStyle } from './styles/style.ts'

/** A tensor that is whole in the output. */
export interface Finished {
  readonly outcome: TensorOutcome
  /** CRC-32 of the source's values; null where the output leaves them out. */
  readonly sourceCrc: number | null
}

/** Copied, or left out by an output of factors alone. */
export async function keepTensor(compression: Compression, plan: TensorPlan, output: WeightsOutput): Promise<Finished> {
  if (compression.style.copiesKept) return copyTensor(compression, plan, output)
  const { info, reason, crc = null } = plan
  const whole = compression.style.kept?.(plan)
  if (whole) return keepWhole(compression, plan, whole, output)
  const bytes = { bytesBefore: bytesInFile(info), bytesAfter: 0 }
  return {
    outcome: {
      name: info.name,
      action: 'kept',
      reason: reasonKept(compression.style, reason),
      rank: null,
      relativeError: 0,
      ...bytes,
    },
    sourceCrc: crc,
  }
}

/** A difference that is no matrix, written as it is under the name that loaders know it by. */
async function keepWhole(
  { file, context }: Compression,
  { info, reason }: TensorPlan,
  entry: TensorOutline,
  output: WeightsOutput,
): Promise<Finished> {
  const sourceCrc = await copyValues(file, info, output, context, 0, entry)
  const bytes = { bytesBefore: bytesInFile(info), bytesAfter: tensorBytes(entry.dtype, entry.shape) }
  return { outcome: { name: info.name, action: 'kept', reason, rank: null, relativeError: 0, ...bytes }, sourceCrc }
}

async function copyTensor(compression: Compression, plan: TensorPlan, output: WeightsOutput): Promise<Finished> {
  const { file, style, context } = compression
  const { info, reason, scale } = plan
  if (isDenseInt8(plan)) return keepInInt8(compression, plan, output)
  if (staysInNode(plan, style)) {
    const outcome = { name: info.name, action: 'kept', reason, rank: null, relativeError: 0 } as const
    const bytes = { bytesBefore: bytesInFile(info), bytesAfter: storedBytes(style, info) }
    return { outcome: { ...outcome, ...bytes }, sourceCrc: await sourceChecksum(compression, plan) }
  }
  // The scale first, as in `outputEntries`: its elements are the wider ones.
  if (scale) await copyValues(file, scale, output, context)
  const sourceCrc = await copyValues(file, info, output, context, await scaleChecksum(file, info, context))
  const bytes = { bytesBefore: bytesInFile(info), bytesAfter: storedBytes(style, info) }
  return {
    outcome: { name: info.name, action: 'kept', reason, rank: null, relativeError: 0, ...bytes },
    sourceCrc,
  }
}

/** A kept weight as codes and scales, measured as it is written. */
async function keepInInt8(
  { file, style, context }: Compression,
  plan: DenseInt8Plan,
  output: WeightsOutput,
): Promise<Finished> {
  const { info, reason } = plan
  const entries = outputEntries(plan, style)
  const scales = await denseInt8Scales(file, plan, context)
  const writer = output.begin(entries)
  await writer.write(0, new Uint8Array(scales.buffer))
  let sourceCrc = await scaleChecksum(file, info, context)
  const error = await writeCodes(file, plan, scales, context, async (codes, source) => {
    sourceCrc = context.crc32(source, sourceCrc)
    await writer.write(1, codes)
  })
  await writer.done()
  const bytesAfter = entries.reduce((sum, entry) => sum + storedBytes(style, entry), 0)
  const outcome = { name: info.name, action: 'kept', reason, rank: null, factorDType: 'INT8', ...error } as const
  return { outcome: { ...outcome, bytesBefore: bytesInFile(info), bytesAfter }, sourceCrc }
}

/** The outcome of the scale attached to a tensor, after the tensor itself. */
export function scaleOutcome(
  { style }: Compression,
  { info, scale }: TensorPlan,
  { action }: TensorOutcome,
): TensorOutcome[] {
  if (!scale) return []
  const inFactors = action === 'factorized'
  return [
    {
      name: scale.name,
      action: 'kept',
      reason: reasonOfScale(info.name, inFactors ? 'factorize' : 'keep'),
      rank: null,
      relativeError: 0,
      bytesBefore: bytesInFile(scale),
      bytesAfter: inFactors ? 0 : storedBytes(style, scale),
    },
  ]
}

function storedBytes(style: OutputStyle, entry: TensorOutline): number {
  return tensorBytes(writtenDType(style, entry.dtype), entry.shape)
}

/** A tensor's bytes as they are, in pieces, as `entry`. Their CRC-32, after `previous`. */
export async function copyValues(
  file: WeightFile,
  info: TensorInfo,
  output: WeightsOutput,
  context: ReadingContext,
  previous = 0,
  entry: TensorOutline = info,
): Promise<number> {
  let crc = previous
  const writer = output.begin([entry])
  for (let start = 0; start < info.byteLength; start += READ_BYTES) {
    context.checkCancelled()
    const bytes = await file.read(info, start, Math.min(info.byteLength, start + READ_BYTES))
    crc = context.crc32(bytes, crc)
    await writer.write(0, bytes)
  }
  await writer.done()
  return crc
}

/** What ends one tensor and not the run: it is kept as it is, and its reason says why. */
const perTensorFaults: readonly string[] = ['overflow', 'out-of-memory', 'internal-check']

/** Factorized, measured and written; kept where that cannot be done, with the reason. */
export async function compressOrKeep(
  compression: Compression,
  plan: FactorizedTensor,
  output: WeightsOutput,
): Promise<Finished> {
  const entries = compression.style.entries(plan)
  const writer = output.begin(entries)
  const source = sourceOf(compression, plan)
  try {
    const { split, ...measured } = await compressTensor(compression, plan, source, writer)
    await writer.done()
    const outcome: TensorOutcome = {
      name: plan.info.name,
      action: 'factorized',
      reason: plan.reason,
      rank: plan.params.rank,
      factorDType: plan.factorDType,
      ...measured,
      split,
      ...(compression.style.isGraph && { inGraph: costsInGraph(plan) }),
      bytesBefore: bytesInFile(plan.info),
      bytesAfter: entries.reduce((sum, entry) => sum + storedBytes(compression.style, entry), 0),
    }
    return { outcome, sourceCrc: source.scan().crc }
  } catch (error) {
    if (!(error instanceof AppError && perTensorFaults.includes(error.code))) throw error
    await writer.undo()
    const { crc = await tensorChecksum(compression.file, plan.info, compression.context) } = plan
    return keepTensor(compression, keepAsIs({ ...plan, crc }, say('plan.kept-unchanged', { why: error.said })), output)
  }
}

/** The values of a tensor as they are loaded, matrix after matrix. */
interface SourcePass {
  /** For loading its matrix `index`. */
  pass(index: number): Pass
  /** It was loaded. @throws FoundNonFinite */
  add(loaded: LoadedMatrix): Promise<void>
  /** What was found of it: by the scan before, or once all of it was loaded. */
  scan(): Scan
}

function sourceOf({ context, seen }: Compression, plan: FactorizedTensor): SourcePass {
  const { info, crc: known, magnitudes } = plan
  if (known !== undefined) {
    const scan = { nanCount: 0, infCount: 0, crc: known, ...(magnitudes && { magnitudes }) }
    return { pass: (index) => ({ magnitudes: magnitudes?.[index] }), add: async () => {}, scan: () => scan }
  }
  let crc = 0
  const found: Magnitudes[] = []
  return {
    pass: () => ({
      watch: (bytes) => {
        crc = context.crc32(bytes, crc)
      },
    }),
    add: async ({ operand }) => {
      const { sumOfSquares, maxAbs, ...counted } = await operand.statistics()
      if (hasNonFinite(counted)) throw new FoundNonFinite(info.name)
      found.push({ sumOfSquares, maxAbs })
    },
    scan: () => {
      const scan = { nanCount: 0, infCount: 0, crc, magnitudes: found }
      seen?.set(storageName(info), scan)
      return scan
    },
  }
}

/** W x and its factors B (A x): two operations an entry. Looking a row up costs none, multiplying it by A does. */
function costsInGraph({ info, view: { rows, cols }, params: { rank } }: FactorizedTensor): TensorOutcome['inGraph'] {
  const parameters = { before: rows * cols, after: rank * (rows + cols) }
  const isProduct = info.inGraph?.flops === 'product'
  const flops = isProduct
    ? { before: 2 * parameters.before, after: 2 * parameters.after }
    : { before: 0, after: 2 * rank * cols }
  return { parameters, flops }
}

interface TensorError {
  readonly relativeError: number
  readonly resolution: number
  readonly frobeniusNorm: number
  readonly weightError?: number
  /** Where it comes from: what the rank leaves out, what rounding to the stored dtype adds, what a sparse part takes away. */
  readonly split: NonNullable<TensorOutcome['split']>
  /** The device that made products of its matrices, or of some: one that failed has not made the others'. */
  readonly device?: string
}

/** Every matrix of the tensor; the relative error of what was written, over all of them. */
async function compressTensor(
  { file, ahead, style, context }: Compression,
  plan: FactorizedTensor,
  source: SourcePass,
  writer: TensorWriter,
): Promise<TensorError> {
  const { info, view, params } = plan
  const isShared = hasSharers(file.tensors, info.name)
  const norms: number[] = []
  const devices = new Set<string>()
  const plainNorms: number[] = []
  const truncation: number[] = []
  const measured: MeasuredError[] = []
  let precision: Precision = 'f32'
  for (let index = 0; index < view.count; index++) {
    const mark = context.kernels.mark()
    try {
      const loaded = await loadMatrix(file, info, view, index, context, plan.sketch, source.pass(index))
      await source.add(loaded)
      ahead?.loaded(info, index)
      const { operand, frobeniusNorm, weighted } = loaded
      const { spectrum, ...whole } = await factorizedMatrix(plan, index, loaded, context, isShared)
      if (whole.device !== undefined) devices.add(whole.device)
      const factorization = truncate(whole, params.rank)
      const found = spectrum ? { ...factorization, spectrum } : factorization
      precision = factorization.U instanceof Float64Array ? 'f64' : 'f32'
      const weightBytes = await matrixBytes(file, info, view, index)
      // Factors are those of the weights: of the matrix that is nearest to them in the norm of outputs.
      const lifted = weighted && (await lifting(plan, factorization, weighted, context))
      const matrix = { ...loaded, factorization, ...lifted, weightBytes, index }
      const written = await style.write(plan, matrix, writer.write, context)
      const total = written.withoutSparse
      const { squared } = await truncationCurve(context.kernels, operand, found, frobeniusNorm, { total, ...written })
      const truncated = Math.sqrt(squared[params.rank]!)
      const why = worthless(plan.factorDType, { total, truncation: truncated, rounding: written.rounding })
      if (why) throw new AppError('overflow', say('tensor.unfit', { name: foreign(info.name), why }))
      checkError({
        tensor: info.name,
        relativeError: written.withoutSparse,
        // What a dense copy is rounded to may lie nearer to the source than any matrix of this rank.
        floor: spectrum && !style.multipliesOut ? truncated : null,
        frobeniusNorm,
        smallest: Math.min(view.rows, view.cols),
        precision,
      })
      truncation.push(truncated)
      measured.push(written)
      norms.push(frobeniusNorm)
      if (weighted) plainNorms.push(weighted.plain.frobeniusNorm)
    } finally {
      context.kernels.release(mark)
    }
  }
  const over = (errors: readonly number[]) => errorOver(norms, errors)
  const relativeError = over(measured.map((each) => each.relativeError))
  const withoutSparse = over(measured.map((each) => each.withoutSparse))
  const split = {
    truncation: over(truncation),
    rounding: over(measured.map((each) => each.rounding)),
    sparseGain: Math.sqrt(Math.max(0, withoutSparse ** 2 - relativeError ** 2)),
  }
  // A stack may have more matrices than a call takes arguments.
  const largest = norms.reduce((most, norm) => Math.max(most, norm), 0)
  const frobeniusNorm = largest === 0 ? 0 : largest * Math.sqrt(sumOfSquares(norms, largest))
  const resolution = errorResolution(relativeError, 'measured', precision, Math.min(view.rows, view.cols))
  const [device] = devices
  const weightError = () =>
    errorOver(
      plainNorms,
      measured.map((each) => each.weightError ?? 0),
    )
  return {
    relativeError,
    resolution,
    frobeniusNorm,
    split,
    ...(device !== undefined && { device }),
    ...(plainNorms.length > 0 && { weightError: weightError() }),
  }
}

function lifting(
  { info, sketch }: FactorizedTensor,
  found: Factorization,
  { weighting, plain }: NonNullable<LoadedMatrix['weighted']>,
  { kernels, sha256 }: JobContext,
): Promise<Lifted> {
  const key = gaussianKey(sha256, sketch.seed, storageName(info))
  return liftToWeights(kernels, plain.operand, found, weighting.side, key)
}

/** sum (norm / largest)^2, compensated as Math.hypot's is (Kahan). */
function sumOfSquares(norms: readonly number[], largest: number): number {
  let [sum, lost] = [0, 0]
  for (const norm of norms) {
    const square = (norm / largest) ** 2 - lost
    const next = sum + square
    lost = next - sum - square
    sum = next
  }
  return sum
}
