/**
 * Two models as one file of differences: each tensor is tuned - base in F32, computed as it is read from the rows that pairs.ts says, from
 * whatever dtypes the two have. Never more than what is asked for is in memory.
 */
import { decodeFloat32, decodeFloat64 } from '../formats/dtype.ts'
import type { WeightFile } from '../formats/format.ts'
import { applyScale, readScale, type ScaleGrid } from '../formats/quantized/fp8-scale.ts'
import type { Message } from '../messages/message.ts'
import { type ComputableDType, dtypeBits, elementCount, type TensorInfo } from '../tensor.ts'
import { isDifferent, type Pair, type Run } from './pairs.ts'

export interface Difference {
  readonly file: WeightFile
  readonly pairs: readonly Pair[]
  /** Values [start, end) of both, in the order of the difference. */
  values(pair: Pair, start: number, end: number): Promise<BothValues>
}

export interface BothValues {
  readonly base: Float32Array | Float64Array
  readonly tuned: Float32Array | Float64Array
}

/** @param unfit why a pair is no matrix to factorize, where it is known from its values */
export function differenceFile(
  base: WeightFile,
  tuned: WeightFile,
  pairs: readonly Pair[],
  unfit: (pair: Pair) => Message | null = () => null,
): Difference {
  const byName = new Map(pairs.map((pair) => [pair.name, pair]))
  const tensors = pairs.map((pair): TensorInfo => {
    const why = pair.unfit ?? unfit(pair)
    const byteLength = 4 * elementCount(pair.shape)
    return { name: pair.name, dtype: 'F32', shape: pair.shape, byteLength, ...(why && { unfit: why }) }
  })
  const sides = { base: reader(base), tuned: reader(tuned) }
  const values = async (pair: Pair, start: number, end: number): Promise<BothValues> => {
    const [left, right] = await Promise.all([
      sides.base(pair.base, pair.shape, start, end),
      sides.tuned(pair.tuned, pair.shape, start, end),
    ])
    return { base: left, tuned: right }
  }
  const file: WeightFile = {
    format: tuned.format,
    safety: base.safety === 'safe' ? tuned.safety : base.safety,
    totalBytes: tuned.totalBytes,
    tensors,
    metadata: new Map(),
    notices: [],
    shards: [{ fileName: tuned.shards[0]?.fileName ?? '', tensorNames: tensors.map(({ name }) => name) }],
    read: async ({ name, byteLength }, start = 0, end = byteLength) => {
      const pair = byName.get(name)
      if (!pair || !isDifferent(pair)) throw new Error(`${name} has no difference`)
      // Pieces of a file end at whole values of F32.
      const both = await values(pair, start / 4, end / 4)
      return subtracted(both)
    },
    close: async () => {},
  }
  return { file, pairs, values }
}

/** tuned - base, rounded to F32 once. What was handed in is used up. */
function subtracted({ base, tuned }: BothValues): Uint8Array {
  if (base instanceof Float32Array && tuned instanceof Float32Array) {
    const out = new Float32Array(tuned.length)
    for (let i = 0; i < out.length; i++) out[i] = tuned[i]! - base[i]!
    return new Uint8Array(out.buffer)
  }
  const out = new Float32Array(tuned.length)
  for (let i = 0; i < out.length; i++) out[i] = tuned[i]! - base[i]!
  return new Uint8Array(out.buffer)
}

type ReadValues = (
  runs: readonly Run[],
  shape: readonly number[],
  start: number,
  end: number,
) => Promise<Float32Array | Float64Array>

function reader(file: WeightFile): ReadValues {
  const scales = new Map<string, Promise<ScaleGrid | null>>()
  const scaleOf = (tensor: TensorInfo) => {
    const found = scales.get(tensor.name) ?? readScale(file, tensor)
    scales.set(tensor.name, found)
    return found
  }
  const piece = async (tensor: TensorInfo, from: number, to: number) => {
    const dtype = tensor.dtype as ComputableDType
    const size = dtypeBits[dtype] / 8
    const bytes = await file.read(tensor, from * size, to * size)
    const grid = tensor.scale ? await scaleOf(tensor) : null
    if (!grid && dtype !== 'F64') return decodeFloat32(dtype, bytes)
    const values = decodeFloat64(dtype, bytes)
    if (grid) applyScale(values, from, grid)
    return values
  }
  return async (runs, shape, start, end) => {
    const [rows = 1] = shape
    const cols = elementCount(shape) / rows
    const pieces: { readonly at: number; readonly values: Float32Array | Float64Array }[] = []
    let row = 0
    for (const run of runs) {
      const [from, to] = [Math.max(start, row * cols), Math.min(end, (row + run.rows) * cols)]
      if (from < to) {
        const shift = (run.start - row) * cols
        pieces.push({ at: from - start, values: await piece(run.tensor, from + shift, to + shift) })
      }
      row += run.rows
      if (row * cols >= end) break
    }
    const [only] = pieces
    if (only && pieces.length === 1) return only.values
    const wide = pieces.some(({ values }) => values instanceof Float64Array)
    const whole = wide ? new Float64Array(end - start) : new Float32Array(end - start)
    for (const { at, values } of pieces) whole.set(values, at)
    return whole
  }
}
