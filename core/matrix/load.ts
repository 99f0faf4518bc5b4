/**
 * From a file's tensor to an operand of the algorithms: bytes in the kernels' memory at a precision they multiply, scaled by a power of
 * two where A(AtQ) would overflow or vanish in f32.
 *
 *   F32 F16 BF16   as they are            F8 E4M3, E5M2   as BF16, exactly
 *   F64            as F32, scaled while it is rounded, so that 1e300 and 1e-310 survive; sums in f64 are over the values themselves
 *   F8 with a scale tensor beside it: value x scale, as F32
 */

import { AppError } from '../errors.ts'
import { decodeFloat64, encode } from '../formats/dtype.ts'
import type { WeightFile } from '../formats/format.ts'
import { applyScale, readScale } from '../formats/quantized/fp8-scale.ts'
import { discard } from '../io.ts'
import type { Kernels, WeightDType, Weights } from '../kernels/kernels.ts'
import { say } from '../messages/english.ts'
import { foreign } from '../messages/text.ts'
import type { FittedParams } from '../params.ts'
import {
  mergeStatistics,
  noStatistics,
  type Operand,
  residentOperand,
  streamedOperand,
  sumBlockRows,
  type WidePanels,
  wideOperand,
} from '../svd/operand.ts'
import { type Weighting, weightedOperand } from '../svd/weighted-operand.ts'
import {
  type ComputableDType,
  type ComputableTensor,
  dtypeBits,
  type Magnitudes,
  type MatrixView,
  storageName,
} from '../tensor.ts'
import type { JobContext } from './context.ts'
import { findOnce } from './facts.ts'
import { subtractSides } from './sides.ts'

/** Read in pieces of this size: large enough for the disk, small enough for a prompt cancel. */
export const READ_BYTES = 4 << 20

const PANEL_BYTES = 256 << 20

type Limits = Pick<FittedParams, 'memoryLimit' | 'method'>

/** What is known of a matrix that is loaded, or is to be seen of it. */
export interface Pass {
  /** Where the pass that looked for NaN and Inf has found them: spares another. */
  readonly magnitudes?: Magnitudes | undefined
  /** Is shown the bytes of the matrix as they are stored, in order. Of a tensor that `isSeenWhole` alone. */
  readonly watch?: ((bytes: Uint8Array) => void) | undefined
}

export interface LoadedMatrix {
  /** Works on scale * W with `operand.scale` the whole power of two that was applied, so that results can be put back. Of a weighted matrix: on W C. */
  readonly operand: Operand
  /** ||W||_F in f64, in the units of the file; ||W C||_F. */
  readonly frobeniusNorm: number
  /** C, and the weights themselves, where errors are those of outputs. */
  readonly weighted?: { readonly weighting: Weighting; readonly plain: Omit<LoadedMatrix, 'weighted'> } | undefined
}

/**
 * Matrix `index` of the tensor. Allocates in the kernels' memory: the caller marks before and releases after.
 * The weights must be finite (scan.ts): NaN and Inf have no singular values.
 * Beyond `memoryLimit` bytes (0: `residentLimit`) it goes through in panels, with the same results; only the exact SVD of a wide matrix, whose Gram
 * matrix A At pairs every row with every other, always has it whole.
 * @throws AppError `bad-file`, `source-changed`, `out-of-memory`, `cancelled`
 */
export async function loadMatrix(
  file: WeightFile,
  tensor: ComputableTensor,
  view: MatrixView,
  index: number,
  context: JobContext,
  limits: Limits,
  pass: Pass = {},
): Promise<LoadedMatrix> {
  const plain = await loadPlain(file, tensor, view, index, context, limits, pass)
  const name = storageName(tensor)
  const weighting = await context.outputNorm?.of(name, index, context.kernels)
  if (!weighting) return plain
  const operand = weightedOperand(context.kernels, plain.operand, weighting)
  // Costs as much as a product with all inputs: once for each matrix.
  const norm = async () => Math.sqrt(await operand.squaredNorm()) / operand.scale
  const frobeniusNorm = await findOnce(context, ['output-norm', name, index], norm)
  return { operand, frobeniusNorm, weighted: { weighting, plain } }
}

async function loadPlain(
  file: WeightFile,
  tensor: ComputableTensor,
  view: MatrixView,
  index: number,
  context: JobContext,
  limits: Limits,
  { magnitudes, watch }: Pass,
): Promise<LoadedMatrix> {
  const { rows, cols } = view
  const weightBytes = await matrixBytes(file, tensor, view, index)
  const target = kernelDType(weightBytes.dtype)
  const known = magnitudes && { ...magnitudes, nanCount: 0, infCount: 0 }
  const wide = weightBytes.dtype === 'F64' ? await scaledValues(weightBytes, cols, context) : null
  const prescale = wide?.scale ?? 1
  const finished = (image: Operand, statistics: Magnitudes): LoadedMatrix =>
    wide
      ? {
          operand: wideOperand(context.kernels, { ...image, scale: prescale }, wide.panels),
          frobeniusNorm: wide.frobeniusNorm,
        }
      : { operand: image, frobeniusNorm: Math.sqrt(statistics.sumOfSquares) }
  const convert = converter(weightBytes.dtype, target, prescale)
  const rowBytes = (cols * dtypeBits[target]) / 8
  const limit = limitOf(context.kernels, view, limits)
  if (rows * rowBytes > limit) {
    if (comesWhole(view, limits)) {
      throw new AppError(
        'out-of-memory',
        say('memory.exact-too-wide', { name: foreign(tensor.name), needed: rows * rowBytes, limit }),
      )
    }
    const panelBytes = Math.min(PANEL_BYTES, limit / 4)
    const unscaled = { rows, cols, dtype: target, panelRows: Math.floor(panelBytes / rowBytes) }
    const readRows = async (start: number, end: number) => {
      context.checkCancelled()
      return convert(await weightBytes.rows(start, end))
    }
    const statistics = await streamedOperand(context.kernels, { ...unscaled, scale: 1, readRows }, known).statistics()
    const scale = wide ? 1 : scaleFor(statistics.maxAbs)
    return finished(streamedOperand(context.kernels, { ...unscaled, scale, readRows }, statistics), statistics)
  }

  const { kernels } = context
  const data = kernels.allocateBytes(rows * rowBytes)
  const weights = { rows, cols, dtype: target, data, scale: 1 }
  const sums = sumsOf(kernels, weights, watch)
  for (const [start, end] of rowPanels(view)) {
    context.checkCancelled()
    const panel = data.subarray(start * rowBytes, end * rowBytes)
    if (file.readSides) {
      const sides = await file.readSides(tensor, ...storedRows(tensor, view, index, [start, end]))
      subtractSides(kernels, sides, new Float32Array(panel.buffer, panel.byteOffset, panel.byteLength / 4))
    } else {
      const bytes = await weightBytes.rows(start, end)
      const place = () => {
        panel.set(convert(bytes))
        discard(bytes)
      }
      if (known) place()
      else sums.upTo(start, place)
    }
    context.report({ type: 'progress', phase: 'read', tensor: tensor.name, done: end, total: rows })
  }
  const statistics = known ?? sums.upTo(rows)
  const scale = wide ? 1 : scaleFor(statistics.maxAbs)
  return finished(residentOperand(kernels, { ...weights, scale }, statistics), statistics)
}

/** A matrix that comes in row by row is summed by the blocks of an operand; `watch` is shown each. */
function sumsOf(kernels: Kernels, weights: Weights, watch: Pass['watch']) {
  const { rows, cols, data } = weights
  const height = sumBlockRows(kernels)
  const rowBytes = data.byteLength / rows
  let found = noStatistics
  let summed = 0
  return {
    /** Of whole blocks up to row `end`, or all, while this thread does `meanwhile`. */
    upTo: (end: number, meanwhile = () => {}) => {
      let rest = meanwhile
      for (; summed < end && (summed + height <= end || end === rows); summed += height) {
        const block = data.subarray(summed * rowBytes, Math.min(summed + height, rows) * rowBytes)
        const beside = () => {
          watch?.(block)
          rest()
          rest = () => {}
        }
        const part = { ...weights, rows: block.byteLength / rowBytes, cols, data: block }
        found = mergeStatistics(found, kernels.statistics(part, beside))
      }
      rest()
      return found
    },
  }
}

/** The exact SVD of a wide matrix pairs all rows. */
function comesWhole({ rows, cols }: MatrixView, { method }: Limits): boolean {
  return method === 'exact' && rows < cols
}

function limitOf(kernels: Pick<Kernels, 'memory'>, view: MatrixView, limits: Limits): number {
  return residentLimit(kernels, comesWhole(view, limits) ? 0 : limits.memoryLimit)
}

/**
 * Whether loading the matrices of a tensor passes over all its bytes as they are stored, once and in order, and sums them: then what a scan would find is
 * found there.
 */
export function isSeenWhole(
  { readSides }: Pick<WeightFile, 'readSides'>,
  { dtype, scale, byteLength }: ComputableTensor,
  view: MatrixView,
  { kernels, outputNorm }: Pick<JobContext, 'kernels' | 'outputNorm'>,
  limits: Limits,
): boolean {
  if (readSides || outputNorm || scale || !isWeightDType(dtype)) return false
  const bytes = (view.rows * view.cols * dtypeBits[dtype]) / 8
  return bytes * view.count === byteLength && bytes <= limitOf(kernels, view, limits)
}

/**
 * Most bytes of weights in memory at a time: half of what the kernels can have (2 GiB of their 4 on most machines), since sketches are there
 * too, or less where the user says so. Larger matrices go through in panels of rows.
 */
export function residentLimit({ memory }: Pick<Kernels, 'memory'>, memoryLimit: number): number {
  const most = memory.limitBytes / 2
  return memoryLimit > 0 ? Math.min(memoryLimit, most) : most
}

/** The rows [start, end) that are read at a time: as many as READ_BYTES hold in f32. */
export function* rowPanels({ rows, cols }: MatrixView): Generator<readonly [start: number, end: number]> {
  const height = Math.max(1, Math.floor(READ_BYTES / (4 * cols)))
  for (let start = 0; start < rows; start += height) yield [start, Math.min(rows, start + height)]
}

/** Where rows [start, end) of matrix `index` lie among the tensor's bytes. */
export function storedRows(
  { dtype }: ComputableTensor,
  { rows, cols }: MatrixView,
  index: number,
  [start, end]: readonly [number, number],
): [from: number, to: number] {
  const rowBytes = (cols * dtypeBits[dtype]) / 8
  return [(index * rows + start) * rowBytes, (index * rows + end) * rowBytes]
}

/** Rows of one matrix of the tensor: straight from the file, or multiplied by the scale that lies beside an F8 tensor. */
export interface MatrixBytes {
  readonly rowCount: number
  readonly rowBytes: number
  /** Of what `rows` gives. */
  readonly dtype: ComputableDType
  rows(start: number, end: number): Promise<Uint8Array>
  /** From values of the matrix, beginning at row `start`, to those the tensor's dtype is to hold, in place: divided by the scale. */
  unscale(values: Float64Array, start: number): Float64Array
  /** And back. */
  rescale(values: Float64Array, start: number): Float64Array
}

export async function matrixBytes(
  file: WeightFile,
  tensor: ComputableTensor,
  view: MatrixView,
  index: number,
): Promise<MatrixBytes> {
  const storedRowBytes = (view.cols * dtypeBits[tensor.dtype]) / 8
  const firstRow = index * view.rows
  const stored = (start: number, end: number) => file.read(tensor, ...storedRows(tensor, view, index, [start, end]))
  const grid = await readScale(file, tensor)
  const unchanged = (values: Float64Array) => values
  if (!grid) {
    const { dtype } = tensor
    return {
      rowCount: view.rows,
      rowBytes: storedRowBytes,
      dtype,
      rows: stored,
      unscale: unchanged,
      rescale: unchanged,
    }
  }
  const scaled = (values: Float64Array, start: number, inverse: boolean) => {
    applyScale(values, (firstRow + start) * view.cols, grid, inverse)
    return values
  }
  return {
    rowCount: view.rows,
    rowBytes: 4 * view.cols,
    dtype: 'F32',
    rows: async (start, end) =>
      encode('F32', scaled(decodeFloat64(tensor.dtype, await stored(start, end)), start, false)).bytes,
    unscale: (values, start) => scaled(values, start, true),
    rescale: (values, start) => scaled(values, start, false),
  }
}

/** Whether kernels read values of this dtype as they are stored. */
export function isWeightDType(dtype: ComputableDType): dtype is WeightDType {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16'
}

/** The dtype a source is multiplied at. Every F8 value is a BF16 value: fewer bits of fraction, smaller exponents. */
export function kernelDType(stored: ComputableDType): WeightDType {
  if (stored === 'F64') return 'F32'
  return stored === 'F8_E4M3' || stored === 'F8_E5M2' ? 'BF16' : stored
}

function converter(stored: ComputableDType, target: WeightDType, prescale: number): (bytes: Uint8Array) => Uint8Array {
  if (stored === target) return (bytes) => bytes
  return (bytes) => {
    const values = decodeFloat64(stored, bytes)
    if (prescale === 1) return encode(target, values).bytes
    const scaled = new Float64Array(values.length)
    for (let i = 0; i < values.length; i++) scaled[i] = values[i]! * prescale
    return encode(target, scaled).bytes
  }
}

/** An F64 source times the power of two that brings its largest magnitude into [1, 2), as far as f64 has such powers. Two passes over its bytes. */
async function scaledValues(weightBytes: MatrixBytes, cols: number, context: JobContext) {
  const { kernels } = context
  const step = Math.max(1, Math.floor(READ_BYTES / weightBytes.rowBytes))
  const overRows = async (height: number, use: (values: Float64Array, start: number) => void) => {
    for (let start = 0; start < weightBytes.rowCount; start += height) {
      context.checkCancelled()
      use(decodeFloat64('F64', await weightBytes.rows(start, Math.min(weightBytes.rowCount, start + height))), start)
    }
  }
  let maxAbs = 0
  await overRows(step, (values) => {
    for (let i = 0; i < values.length; i++) maxAbs = Math.max(maxAbs, Math.abs(values[i]!))
  })
  const scale = 2 ** -clampedExponent(maxAbs, 1023)
  let sum = 0
  await overRows(step, (values) => {
    for (let i = 0; i < values.length; i++) sum += (values[i]! * scale) ** 2
  })
  // Always as many rows: sums over panels then have the same bits whatever the memory limit.
  const height = Math.ceil(256 / kernels.panelRows) * kernels.panelRows
  const panels: WidePanels = async (use) => {
    const mark = kernels.mark()
    try {
      const panel = kernels.allocateFloat64(Math.min(height, weightBytes.rowCount) * cols)
      const data = new Uint8Array(panel.buffer, panel.byteOffset, panel.byteLength)
      await overRows(height, (values, start) => {
        for (let i = 0; i < values.length; i++) panel[i] = values[i]! * scale
        use({ rows: values.length / cols, cols, dtype: 'F64', data, scale: 1 }, start)
      })
    } finally {
      kernels.release(mark)
    }
  }
  return { scale, frobeniusNorm: Math.sqrt(sum) / scale, panels }
}

/**
 * Ordinary weights keep scale 1. Beyond 2^+-16 the largest magnitude is brought into [1, 2): squares, and sums of 2^30 of them, then stay
 * well inside f32 from both sides.
 */
function scaleFor(maxAbs: number): number {
  if (maxAbs === 0 || (maxAbs >= 2 ** -16 && maxAbs <= 2 ** 16)) return 1
  // The scale itself has to be a normal f32.
  return 2 ** -clampedExponent(maxAbs, 126)
}

function clampedExponent(magnitude: number, limit: number): number {
  if (magnitude === 0) return 0
  let exponent = Math.floor(Math.log2(magnitude))
  // Math.log2 may be off by one next to a power of two.
  if (2 ** exponent > magnitude) exponent--
  else if (2 ** (exponent + 1) <= magnitude) exponent++
  return Math.max(-limit, Math.min(limit, exponent))
}
