/**
 * A kept weight in INT8 (core/plan/dense-int8.ts): codes round(w / scale), the scale of each index of an axis its largest magnitude / 127, to nearest;
 * nothing is clamped. Two passes over the values, in panels of rows; what is written is measured as it is made.
 */
import type { TensorOutcome } from '../contract.ts'
import { errorResolution } from '../curves/resolution.ts'
import { decodeFloat64 } from '../formats/dtype.ts'
import type { WeightFile } from '../formats/format.ts'
import type { JobContext } from '../matrix/context.ts'
import { findOnce } from '../matrix/facts.ts'
import { loadMatrix, READ_BYTES } from '../matrix/load.ts'
import { type OutputSquares, outputSquares } from '../measure/output-error.ts'
import type { TensorPlan } from '../plan/plan.ts'
import { type ComputableTensor, dtypeBits, elementCount, hasComputableDType, storageName } from '../tensor.ts'

/** A kept weight that is written so. */
export type DenseInt8Plan = TensorPlan & { readonly info: ComputableTensor; readonly denseInt8: number }

export function isDenseInt8(plan: TensorPlan): plan is DenseInt8Plan {
  return plan.action === 'keep' && plan.denseInt8 !== undefined && hasComputableDType(plan.info)
}

export interface DenseInt8Error extends Pick<TensorOutcome, 'weightError'> {
  /** ||W - What|| / ||W||, of outputs where there are statistics of the tensor's inputs. */
  readonly relativeError: number
  readonly frobeniusNorm: number
  readonly resolution: number
}

/** What rounding it will cost, found once. */
export function denseInt8Error(file: WeightFile, plan: DenseInt8Plan, context: JobContext): Promise<DenseInt8Error> {
  const fact = ['dense-int8', storageName(plan.info), plan.denseInt8]
  return findOnce(context, fact, async () => {
    const scales = await denseInt8Scales(file, plan, context)
    return writeCodes(file, plan, scales, context, async () => {})
  })
}

/** One for each index of its axis; 0 where all values are 0. */
export async function denseInt8Scales(
  file: WeightFile,
  plan: DenseInt8Plan,
  context: JobContext,
): Promise<Float32Array> {
  const groupOf = groups(plan)
  const scales = new Float32Array(plan.info.shape[plan.denseInt8]!)
  const largest = new Float64Array(scales.length)
  for await (const { values, start } of panels(file, plan, context))
    for (let i = 0; i < values.length; i++) {
      const group = groupOf(start + i)
      largest[group] = Math.max(largest[group]!, Math.abs(values[i]!))
    }
  for (let group = 0; group < scales.length; group++) scales[group] = largest[group]! / 127
  return scales
}

/** @param write takes the codes, in the order of the values, and the bytes of the source that they stand for */
export async function writeCodes(
  file: WeightFile,
  plan: DenseInt8Plan,
  scales: Float32Array,
  context: JobContext,
  write: (codes: Uint8Array, source: Uint8Array) => Promise<void>,
): Promise<DenseInt8Error> {
  const { view } = plan
  const { kernels } = context
  const groupOf = groups(plan)
  const mark = kernels.mark()
  try {
    const meter = await outputMeter(file, plan, context)
    let [squares, lost] = [0, 0]
    for await (const { values, start, bytes } of panels(file, plan, context)) {
      const codes = new Int8Array(values.length)
      const missed = new Float64Array(values.length)
      for (let i = 0; i < values.length; i++) {
        const [value, scale] = [values[i]!, scales[groupOf(start + i)]!]
        // The f32 scale may be a hair below the largest / 127.
        codes[i] = scale > 0 ? Math.max(-127, Math.min(127, Math.round(value / scale))) : 0
        missed[i] = value - codes[i]! * scale
        squares += value ** 2
        lost += missed[i]! ** 2
      }
      meter?.add(missed, start)
      await write(new Uint8Array(codes.buffer), bytes)
    }
    const norm = Math.sqrt(squares)
    const weightError = norm === 0 ? 0 : Math.sqrt(lost) / norm
    const smallest = Math.min(view?.rows ?? 1, view?.cols ?? 1)
    const measured = (relativeError: number, frobeniusNorm: number) => ({
      relativeError,
      frobeniusNorm,
      resolution: errorResolution(relativeError, 'measured', 'f32', smallest),
    })
    if (!meter) return measured(weightError, norm)
    return { ...measured(meter.relative(), meter.frobeniusNorm), weightError }
  } finally {
    kernels.release(mark)
  }
}

/** Adds up errors of outputs; null where nothing is known of what flows into the tensor. */
async function outputMeter(file: WeightFile, { info, view }: DenseInt8Plan, context: JobContext) {
  if (view?.count !== 1 || !context.outputNorm?.statistics.of(storageName(info))) return null
  const limits = { memoryLimit: 0, method: 'randomized' } as const
  const { weighted, operand, frobeniusNorm } = await loadMatrix(file, info, view, 0, context, limits)
  if (!weighted) return null
  const { rows, cols, scale } = weighted.plain.operand
  const squares: OutputSquares = outputSquares(context.kernels, weighted.weighting, rows, cols)
  return {
    frobeniusNorm,
    add: (missed: Float64Array, start: number) => {
      const mark = context.kernels.mark()
      const D = context.kernels.allocateFloat32(missed.length)
      for (let i = 0; i < D.length; i++) D[i] = missed[i]! * scale
      squares.add(D, start / cols, missed.length / cols)
      context.kernels.release(mark)
    },
    relative: () => (frobeniusNorm === 0 ? 0 : Math.sqrt(squares.total()) / operand.scale / frobeniusNorm),
  }
}

/** Which scale the value at a flat index has. */
function groups({ info: { shape }, denseInt8 }: DenseInt8Plan): (at: number) => number {
  const inner = elementCount(shape.slice(denseInt8 + 1))
  const size = shape[denseInt8]!
  return (at) => Math.floor(at / inner) % size
}

/** Whole rows of its matrix at a time. */
async function* panels(file: WeightFile, { info, view }: DenseInt8Plan, context: JobContext) {
  const total = elementCount(info.shape)
  const row = view?.cols ?? total / info.shape[0]!
  const step = row * Math.max(1, Math.floor(READ_BYTES / (8 * row)))
  const width = dtypeBits[info.dtype] / 8
  for (let start = 0; start < total; start += step) {
    context.checkCancelled()
    const end = Math.min(total, start + step)
    const bytes = await file.read(info, start * width, end * width)
    yield { start, bytes, values: decodeFloat64(info.dtype, bytes) }
  }
}
