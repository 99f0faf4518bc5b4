/**
 * Two models as one file of differences: each tensor is tuned - base in F32, computed as it is read from the rows that pairs.ts says, from
 * whatever dtypes the two have. Never more than what is asked for is in memory.
 */
import { decodeFloat32, decodeFloat64 } from '../formats/dtype.ts'
import { type Side, type Sides, safetyOf, type WeightFile } from '../formats/format.ts'
import { applyScale, readScale, type ScaleGrid } from '../formats/quantized/fp8-scale.ts'
import type { Message } from '../messages/message.ts'
import { type ComputableDType, dtypeBits, elementCount, type TensorInfo } from '../tensor.ts'
import { isDifferent, type Pair, type Run } from './pair.ts'

/** @param unfit why a pair is no matrix to factorize, where it is known from its values */
export function differenceFile(
  base: WeightFile,
  tuned: WeightFile,
  pairs: readonly Pair[],
  unfit: (pair: Pair) => Message | null = () => null,
): WeightFile {
  const byName = new Map(pairs.map((pair) => [pair.name, pair]))
  const tensors = pairs.map((pair): TensorInfo => {
    const why = pair.unfit ?? unfit(pair)
    const byteLength = 4 * elementCount(pair.shape)
    const { name, shape, stacked } = pair
    return { name, dtype: 'F32', shape, byteLength, ...(stacked && { stacked }), ...(why && { unfit: why }) }
  })
  const of = { base: reader(base), tuned: reader(tuned) }
  const readSides = async ({ name, byteLength }: TensorInfo, start = 0, end = byteLength): Promise<Sides> => {
    const pair = byName.get(name)
    if (!pair || !isDifferent(pair)) throw new Error(`${name} has no difference`)
    // Pieces of a file end at whole values of F32.
    const [left, right] = await Promise.all([
      of.base(pair.base, start / 4, end / 4),
      of.tuned(pair.tuned, start / 4, end / 4),
    ])
    return { base: left, tuned: right }
  }
  return {
    format: tuned.format,
    safety: safetyOf([base.safety, tuned.safety]),
    totalBytes: tuned.totalBytes,
    tensors,
    metadata: new Map(),
    notices: [],
    shards: [{ fileName: tuned.shards[0]?.fileName ?? '', tensorNames: tensors.map(({ name }) => name) }],
    readSides,
    read: async (tensor, start, end) => {
      const { byteLength } = tensor
      const D = new Float32Array(((end ?? byteLength) - (start ?? 0)) / 4)
      subtractValues(await readSides(tensor, start, end), D)
      return new Uint8Array(D.buffer)
    },
    close: async () => {},
  }
}

/** D <- tuned - base, rounded to F32 once. For F64 sides too, and where there are no kernels: those are ten times as fast. */
export function subtractValues({ base, tuned }: Sides, D: Float32Array): void {
  const [b, t] = [valuesOf(base), valuesOf(tuned)]
  // One loop for two kinds of arrays would be compiled for neither.
  if (b instanceof Float32Array && t instanceof Float32Array) for (let i = 0; i < D.length; i++) D[i] = t[i]! - b[i]!
  else for (let i = 0; i < D.length; i++) D[i] = t[i]! - b[i]!
}

export function valuesOf({ dtype, bytes }: Side): Float32Array | Float64Array {
  return dtype === 'F64' ? decodeFloat64(dtype, bytes) : decodeFloat32(dtype, bytes)
}

/** Values [start, end) of all these rows. */
type ReadSide = (runs: readonly Run[], start: number, end: number) => Promise<Side>

function reader(file: WeightFile): ReadSide {
  const scales = new Map<string, Promise<ScaleGrid | null>>()
  const scaleOf = (tensor: TensorInfo) => {
    const found = scales.get(tensor.name) ?? readScale(file, tensor)
    scales.set(tensor.name, found)
    return found
  }
  const piece = async (tensor: TensorInfo, from: number, to: number): Promise<Side> => {
    const dtype = tensor.dtype as ComputableDType
    const size = dtypeBits[dtype] / 8
    const bytes = await file.read(tensor, from * size, to * size)
    const grid = tensor.scale ? await scaleOf(tensor) : null
    if (grid) {
      const values = decodeFloat64(dtype, bytes)
      applyScale(values, from, grid)
      return sideOf(values)
    }
    return dtype === 'F8_E4M3' || dtype === 'F8_E5M2' ? sideOf(decodeFloat32(dtype, bytes)) : { dtype, bytes }
  }
  return async (runs, start, end) => {
    const pieces: { readonly at: number; readonly side: Side }[] = []
    let first = 0
    for (const run of runs) {
      const cols = elementCount(run.tensor.shape.slice(1))
      const [from, to] = [Math.max(start, first), Math.min(end, first + run.rows * cols)]
      const shift = run.start * cols - first
      if (from < to) pieces.push({ at: from - start, side: await piece(run.tensor, from + shift, to + shift) })
      first += run.rows * cols
      if (first >= end) break
    }
    const [only] = pieces
    if (only && pieces.length === 1) return only.side
    const decoded = pieces.map(({ at, side }) => ({ at, values: valuesOf(side) }))
    const wide = decoded.some(({ values }) => values instanceof Float64Array)
    const whole = wide ? new Float64Array(end - start) : new Float32Array(end - start)
    for (const { at, values } of decoded) whole.set(values, at)
    return sideOf(whole)
  }
}

function sideOf(values: Float32Array | Float64Array): Side {
  const bytes = new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength)
  return { dtype: values instanceof Float64Array ? 'F64' : 'F32', bytes }
}
