/**
 * FP8 weights are kept with factors beside them: one for the tensor, one a row, or one a block. What the model computes with is value x
 * factor, so the factors belong to the weight. Conventions read here, all of which multiply:
 *
 *   X.weight_scale_inv   blocks of 128 x 128          (DeepSeek-V3, Hugging Face fine-grained FP8)
 *   X.weight_scale       one, one a row, or blocks    (compressed-tensors, ModelOpt, FBGEMM)
 *   X.scale_weight       one                          (ComfyUI)
 */
import { AppError } from '../errors.ts'
import { isComputable, type TensorInfo } from '../tensor.ts'
import { decodeFloat64 } from './dtype.ts'
import type { WeightFile } from './format.ts'
import { quoted } from './refusal.ts'

/** The block of DeepSeek-V3 and those that follow it; a grid that does not divide the shape is tried with it. */
const customaryBlock = 128

/** The same file with `scale` on every F8 tensor that has factors beside it, and a notice where they do not fit. */
export function withScales(file: WeightFile): WeightFile {
  const byName = new Map(file.tensors.map((tensor) => [tensor.name, tensor]))
  const unfit: string[] = []
  let found = false
  const tensors = file.tensors.map((tensor) => {
    if (tensor.dtype !== 'F8_E4M3' && tensor.dtype !== 'F8_E5M2') return tensor
    const factors = scaleNames(tensor.name)
      .map((name) => byName.get(name))
      .find((each) => each !== undefined)
    if (!factors) return tensor
    const blocks = isComputable(factors.dtype) ? blocksOf(tensor.shape, factors.shape) : null
    if (!blocks) {
      unfit.push(tensor.name)
      return tensor
    }
    found = true
    // With factors of its own it is another weight than one that shares its codes.
    const { sharesStorageWith, ...own } = tensor
    return { ...own, scale: { tensor: factors.name, blocks } }
  })
  if (!found && unfit.length === 0) return file
  const notice = `The scale factors beside ${unfit.slice(0, 3).map(quoted).join(', ')}${unfit.length > 3 ? ` and ${unfit.length - 3} more` : ''} fit no known layout; the F8 values are shown without them.`
  return { ...file, tensors, notices: unfit.length > 0 ? [...file.notices, notice] : file.notices }
}

function scaleNames(name: string): string[] {
  const names = [`${name}_scale_inv`, `${name}_scale`]
  if (name.endsWith('.weight')) names.push(`${name.slice(0, -'weight'.length)}scale_weight`)
  return names
}

/** Elements of each axis that share a factor; null where no layout explains the shapes. */
function blocksOf(shape: readonly number[], factors: readonly number[]): number[] | null {
  if (factors.length > shape.length && factors.some((size) => size !== 1)) return null
  const blocks = shape.map((size, axis) => {
    const count = factors[axis] ?? 1
    if (count === 1) return size
    if (count === Math.ceil(size / customaryBlock)) return customaryBlock
    return count > 0 && size % count === 0 ? size / count : 0
  })
  return blocks.includes(0) && !shape.includes(0) ? null : blocks
}

/** Factors in memory, ready to be multiplied with. */
export interface ScaleGrid {
  readonly factors: Float64Array
  readonly blocks: readonly number[]
  readonly shape: readonly number[]
}

/**
 * Reads the factors of `tensor`; null where it has none.
 * @throws AppError `bad-file`, `source-changed`
 */
export async function readScale(file: WeightFile, tensor: TensorInfo): Promise<ScaleGrid | null> {
  const { scale } = tensor
  if (!scale) return null
  const info = file.tensors.find(({ name }) => name === scale.tensor)
  if (!info || !isComputable(info.dtype))
    throw new AppError('bad-request', `${tensor.name}: its scale ${quoted(scale.tensor)} is not in this file`)
  return { factors: decodeFloat64(info.dtype, await file.read(info)), blocks: scale.blocks, shape: tensor.shape }
}

/**
 * Multiplies values by their factors, in place; `inverse` divides.
 * @param values elements of the tensor in C order, from element `start` on
 */
export function applyScale(values: Float64Array, start: number, grid: ScaleGrid, inverse = false): void {
  const { factors, blocks, shape } = grid
  // All axes but the last two are rare and short; the last axis is walked block by block.
  const cols = shape.at(-1) ?? 1
  const blockCols = blocks.at(-1) ?? 1
  const perRow = Math.ceil(cols / blockCols)
  for (let at = 0; at < values.length; ) {
    const element = start + at
    const row = Math.floor(element / cols)
    const col = element % cols
    const block = Math.floor(col / blockCols)
    const end = Math.min(values.length, at + Math.min((block + 1) * blockCols, cols) - col)
    const factor = factors[gridRow(row, shape, blocks) * perRow + block]!
    for (; at < end; at++) values[at] = inverse ? values[at]! / factor : values[at]! * factor
  }
}

/** The row of the grid (all its axes but the last, in C order) that row `row` of the tensor falls in. */
function gridRow(row: number, shape: readonly number[], blocks: readonly number[]): number {
  let rest = row
  let place = 0
  let step = 1
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    place += Math.floor((rest % shape[axis]!) / blocks[axis]!) * step
    rest = Math.floor(rest / shape[axis]!)
    step *= Math.ceil(shape[axis]! / blocks[axis]!)
  }
  return place
}
