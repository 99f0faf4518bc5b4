/** One tensor of a compression: read -> factorize -> write -> measure, or copied byte for byte. One matrix at a time is in memory. */
import type { TensorOutcome } from '../contract.ts'
import { AppError } from '../errors.ts'
import type { WeightFile } from '../formats/format.ts'
import { type SafetensorsOutline, tensorBytes } from '../formats/safetensors.ts'
import { truncate } from '../svd/factorization.ts'
import type { TensorInfo } from '../tensor.ts'
import type { JobContext } from './context.ts'
import { factorizedMatrix } from './factorize-matrix.ts'
import { loadMatrix, matrixBytes, READ_BYTES } from './load.ts'
import type { OutputStyle } from './outputs/output.ts'
import { type FactorizedTensor, kept, type TensorPlan } from './plan.ts'
import type { SafetensorsOutput, TensorWriter } from './safetensors-output.ts'

/** What stays the same over a whole run. */
export interface Compression {
  readonly file: WeightFile
  readonly style: OutputStyle
  /** SHA-256 of the recipe. */
  readonly recipe: string
  readonly context: JobContext
}

/** Copied, or left to the base model by an adapter, which holds only what it changes. */
export async function keepTensor(
  compression: Compression,
  plan: TensorPlan,
  output: SafetensorsOutput,
): Promise<TensorOutcome> {
  if (compression.style.copiesKept) return copyTensor(compression, plan, output)
  const { info, reason } = plan
  const bytes = { bytesBefore: info.byteLength, bytesAfter: 0 }
  return {
    name: info.name,
    action: 'kept',
    reason: `${reason} Not part of the adapter.`,
    rank: null,
    relativeError: 0,
    ...bytes,
  }
}

async function copyTensor(
  { file, style, context }: Compression,
  { info, reason }: TensorPlan,
  output: SafetensorsOutput,
): Promise<TensorOutcome> {
  await copyValues(file, info, output, context)
  const bytes = { bytesBefore: info.byteLength, bytesAfter: storedBytes(style, info) }
  return { name: info.name, action: 'kept', reason, rank: null, relativeError: 0, ...bytes }
}

function storedBytes(style: OutputStyle, entry: SafetensorsOutline): number {
  const { dtype, shape } = style.stored?.(entry) ?? entry
  return tensorBytes(dtype, shape)
}

/** A tensor's bytes as they are, in pieces. */
export async function copyValues(
  file: WeightFile,
  info: TensorInfo,
  output: SafetensorsOutput,
  context: Pick<JobContext, 'checkCancelled'>,
): Promise<void> {
  const writer = output.begin([info])
  for (let start = 0; start < info.byteLength; start += READ_BYTES) {
    context.checkCancelled()
    await writer.write(0, await file.read(info, start, Math.min(info.byteLength, start + READ_BYTES)))
  }
  await writer.done()
}

/** What ends one tensor and not the run: it is kept as it is, and its reason says why. */
const perTensorFaults: readonly string[] = ['overflow', 'out-of-memory', 'internal-check']

/** Factorized, measured and written; kept where that cannot be done, with the reason. */
export async function compressOrKeep(
  compression: Compression,
  plan: FactorizedTensor,
  output: SafetensorsOutput,
): Promise<TensorOutcome> {
  const entries = compression.style.entries(plan)
  const writer = output.begin(entries)
  try {
    const relativeError = await compressTensor(compression, plan, writer)
    await writer.done()
    return {
      name: plan.info.name,
      action: 'factorized',
      reason: plan.reason,
      rank: plan.params.rank,
      relativeError,
      bytesBefore: plan.info.byteLength,
      bytesAfter: entries.reduce((sum, entry) => sum + storedBytes(compression.style, entry), 0),
    }
  } catch (error) {
    if (!(error instanceof AppError && perTensorFaults.includes(error.code))) throw error
    await writer.undo()
    return keepTensor(compression, kept(plan, `${error.message} It was kept unchanged.`), output)
  }
}

/** Every matrix of the tensor; the relative error of what was written, over all of them. */
async function compressTensor(
  { file, style, context }: Compression,
  plan: FactorizedTensor,
  writer: TensorWriter,
): Promise<number> {
  const { info, view, params } = plan
  const parts: { readonly norm: number; readonly error: number }[] = []
  for (let index = 0; index < view.count; index++) {
    const mark = context.kernels.mark()
    try {
      const loaded = await loadMatrix(file, info, view, index, context, params.memoryLimit)
      const factorization = truncate(await factorizedMatrix(plan, index, loaded, context), params.rank)
      const source = matrixBytes(file, info, view, index)
      const error = await style.write(plan, { ...loaded, factorization, source }, writer.write, context)
      parts.push({ norm: loaded.frobeniusNorm, error })
    } finally {
      context.kernels.release(mark)
    }
  }
  const relativeError = overParts(parts)
  if (!Number.isFinite(relativeError)) {
    throw new AppError('internal-check', `${info.name}: internal check failed: its error came out as ${relativeError}.`)
  }
  return relativeError
}

/** sqrt(sum ||W_i||^2 e_i^2 / sum ||W_i||^2), by ratios of norms: squares of norms near 1e200 would leave the range of f64. */
function overParts(parts: readonly { readonly norm: number; readonly error: number }[]): number {
  const largest = Math.max(...parts.map(({ norm }) => norm))
  if (largest === 0) return 0
  let lost = 0
  let whole = 0
  for (const { norm, error } of parts) {
    const share = (norm / largest) ** 2
    whole += share
    lost += share * error ** 2
  }
  return Math.sqrt(lost / whole)
}
