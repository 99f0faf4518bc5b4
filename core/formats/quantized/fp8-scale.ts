/**
 * FP8 weights are kept with factors beside them: one for the tensor, one a row, or one a block. What the model computes with is value x
 * factor, so the factors belong to the weight. All conventions below multiply, whatever their name says. Codes whose factors are not
 * understood are kept: factorizing raw codes would give a different model.
 */

import { AppError } from '../../errors.ts'
import { say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import { foreign, quoted } from '../../messages/text.ts'
import {
  type ComputableDType,
  type DType,
  elementCount,
  isComputable,
  type TensorInfo,
  tensorNamed,
} from '../../tensor.ts'
import { decodeFloat64 } from '../dtype.ts'
import type { WeightFile } from '../format.ts'

export interface ScaleConvention {
  readonly writers: string
  /** How the name of the weight ends, and what its factors have instead. */
  readonly weight: string
  readonly scale: string
  /** Whether its blocks are the customary ones: settles what shapes leave open. */
  readonly customary?: boolean
}

export const scaleConventions: readonly ScaleConvention[] = [
  { writers: 'DeepSeek-V3, transformers, unsloth', weight: '', scale: '_scale_inv', customary: true },
  { writers: 'compressed-tensors, ModelOpt, FBGEMM, Quark, unsloth', weight: '', scale: '_scale' },
  { writers: 'DeepSeek', weight: 'weight', scale: 'scale', customary: true },
  { writers: 'ComfyUI', weight: 'weight', scale: 'scale_weight' },
  { writers: 'TensorRT-LLM', weight: 'weight', scale: 'weights_scaling_factor' },
  { writers: 'Mistral', weight: 'weight', scale: 'qscale_weight', customary: true },
  { writers: 'torchao', weight: '_weight_qdata', scale: '_weight_scale' },
  { writers: 'torchao (pickle)', weight: 'float8_data', scale: 'scale' },
  { writers: 'torchao (pickle)', weight: 'qdata', scale: 'scale' },
  { writers: 'quanto', weight: '._data', scale: '._scale' },
]

/** Factors of what goes in and comes out, which change no weight. */
const ACTIVATION = /(^|_)(input|inputs|output|outputs|act|activation|activations|kv|[kqv]|prob|softmax|bmm\d?)(_|$)/i
const SCALE_LIKE = /scale|scaling|amax/i

/**
 * The same file with `scale` on every F8 tensor that has factors beside it, and `unfit` on those whose factors are not understood.
 * @param declaredBlock the block the model's configuration declares, asked for where shapes leave it open
 */
export async function withScales(
  file: WeightFile,
  declaredBlock: () => Promise<readonly number[] | null> = async () => null,
): Promise<WeightFile> {
  if (!file.tensors.some(({ dtype }) => isCodes(dtype))) return file
  const byName = new Map(file.tensors.map((tensor) => [tensor.name, tensor]))
  const beside = scaleLikeByModule(file.tensors)
  const unfit: string[] = []
  const changed = new Map<string, TensorInfo>()
  let declared: readonly number[] | null | undefined
  for (const tensor of file.tensors) {
    if (!isCodes(tensor.dtype) || tensor.unfit !== undefined) continue
    const owned = scalesOf(tensor, byName, beside)
    if (owned.length === 0) continue
    const { info, customary } = owned[0]!
    let layout = owned.length === 1 && customary !== undefined ? layoutOf(tensor.shape, info, customary, null) : 'none'
    if (layout !== 'none' && info.shape.length === tensor.shape.length && elementCount(info.shape) > 1) {
      // What the model's configuration says outweighs what its shapes suggest.
      if (declared === undefined) declared = await declaredBlock()
      if (declared) layout = layoutOf(tensor.shape, info, customary ?? false, declared)
    }
    if (layout === 'none' || layout === 'ambiguous') {
      unfit.push(tensor.name)
      changed.set(tensor.name, {
        ...tensor,
        unfit: notUnderstood(
          tensor,
          owned.map((each) => each.info),
          layout,
        ),
      })
      for (const each of owned)
        changed.set(each.info.name, { ...each.info, unfit: say('plan.scale', { owner: foreign(tensor.name) }) })
      continue
    }
    // With factors of its own it is another weight than one that shares its codes.
    const { sharesStorageWith, ...own } = tensor
    changed.set(tensor.name, { ...own, scale: { tensor: info.name, blocks: layout } })
  }
  if (changed.size === 0) return file
  const tensors = file.tensors.map((tensor) => changed.get(tensor.name) ?? tensor)
  if (unfit.length === 0) return { ...file, tensors }
  const some = unfit.slice(0, 3).map(quoted)
  const notice = say('formats.scales', { some, more: unfit.length - some.length })
  return { ...file, tensors, notices: [...file.notices, notice] }
}

function isCodes(dtype: DType): boolean {
  return dtype === 'F8_E4M3' || dtype === 'F8_E5M2'
}

interface Owned {
  readonly info: TensorInfo
  /** undefined where no convention has this name. */
  readonly customary: boolean | undefined
}

/** The factors beside a tensor, by the conventions, and what else there is of that kind in its module. */
function scalesOf(
  { name }: TensorInfo,
  byName: ReadonlyMap<string, TensorInfo>,
  beside: ReadonlyMap<string, readonly TensorInfo[]>,
): Owned[] {
  const owned = new Map<string, Owned>()
  for (const { weight, scale, customary = false } of scaleConventions) {
    if (!name.endsWith(weight)) continue
    const info = byName.get(name.slice(0, name.length - weight.length) + scale)
    if (info && info.name !== name && !owned.has(info.name)) owned.set(info.name, { info, customary })
  }
  const module = moduleOf(name)
  const leaf = name.slice(module.length)
  for (const info of beside.get(module) ?? []) {
    const other = info.name.slice(module.length)
    if (info.name === name || owned.has(info.name)) continue
    // Of a module with several weights, those that carry this one's name.
    if (leaf === 'weight' || other.startsWith(leaf)) owned.set(info.name, { info, customary: undefined })
  }
  return [...owned.values()]
}

function scaleLikeByModule(tensors: readonly TensorInfo[]): Map<string, TensorInfo[]> {
  const modules = new Map<string, TensorInfo[]>()
  for (const info of tensors) {
    const module = moduleOf(info.name)
    const leaf = info.name.slice(module.length)
    if (module === '' || !SCALE_LIKE.test(leaf) || ACTIVATION.test(leaf.replace(SCALE_LIKE, ''))) continue
    const others = modules.get(module)
    if (others) others.push(info)
    else modules.set(module, [info])
  }
  return modules
}

function moduleOf(name: string): string {
  return name.slice(0, Math.max(name.lastIndexOf('.'), name.lastIndexOf('/')) + 1)
}

function notUnderstood(tensor: TensorInfo, scales: readonly TensorInfo[], layout: 'none' | 'ambiguous'): Message {
  const codes = foreign(tensor.dtype)
  const [first] = scales
  if (!first || scales.length > 1)
    return say('formats.scales-unknown', { scales: scales.map(({ name }) => quoted(name)), codes })
  const { name, dtype, shape } = first
  const scale = { scale: quoted(name), dtype: foreign(dtype), shape }
  return say('formats.scale-unknown', { ...scale, codes, ambiguous: layout === 'ambiguous' })
}

type Layout = readonly number[] | 'none' | 'ambiguous'

/**
 * Elements of each axis that share a factor.
 * @param customary whether the convention's blocks are the customary ones
 * @param declared the blocks of the last axes by the model's configuration
 */
function layoutOf(
  shape: readonly number[],
  { shape: grid, dtype }: TensorInfo,
  customary: boolean,
  declared: readonly number[] | null,
): Layout {
  if (!isComputable(dtype) && dtype !== 'F8_E8M0' && dtype !== 'U8') return 'none'
  const layout = gridLayout(shape, grid, customary, declared)
  if (dtype !== 'U8' || typeof layout === 'string') return layout
  // Bytes are exponents where they come as the MX formats have them: one for 32 neighbors of a row.
  const isMx = layout.every((size, axis) => size === (axis === shape.length - 1 ? 32 : 1))
  return isMx ? layout : 'none'
}

function gridLayout(
  shape: readonly number[],
  grid: readonly number[],
  customary: boolean,
  declared: readonly number[] | null,
): Layout {
  if (elementCount(grid) === 1) return [...shape]
  if (shape.includes(0) || grid.includes(0) || grid.length > shape.length) return 'none'
  if (grid.length < shape.length)
    return grid.every((count, axis) => count === shape[axis])
      ? shape.map((size, axis) => (axis < grid.length ? 1 : size))
      : 'none'
  const blocks: number[] = []
  for (const [axis, size] of shape.entries()) {
    const count = grid[axis]!
    const asDeclared = declared?.[axis - shape.length + declared.length]
    const sizes =
      asDeclared !== undefined && Math.ceil(size / asDeclared) === count ? [asDeclared] : blockSizes(size, count)
    if (sizes.length === 0) return 'none'
    if (sizes.length > 1 && !customary) return 'ambiguous'
    blocks.push(sizes.at(-1)!)
  }
  return blocks
}

/** The block of all published models whose sizes it does not divide. */
const customaryBlock = 128

/** The sizes of `count` blocks that an axis may be cut into: equal ones, or the customary ones with a smaller one at the end. */
function blockSizes(size: number, count: number): number[] {
  if (count === 1) return [size]
  if (count === size) return [1]
  const sizes = new Set<number>()
  if (size % count === 0) sizes.add(size / count)
  if (Math.ceil(size / customaryBlock) === count) sizes.add(customaryBlock)
  return [...sizes]
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
  // A stack asks for them with each of its matrices.
  const last = lastRead.get(file)
  if (last?.of === tensor.name) return last.grid
  const info = tensorNamed(file.tensors, scale.tensor)
  if (!info)
    throw new AppError(
      'bad-request',
      say('formats.scale-missing', { tensor: foreign(tensor.name), scale: quoted(scale.tensor) }),
    )
  const factors = decodeFactors(info.dtype, await file.read(info))
  const grid = { factors, blocks: scale.blocks, shape: tensor.shape }
  lastRead.set(file, { of: tensor.name, grid })
  return grid
}

const lastRead = new WeakMap<WeightFile, { readonly of: string; readonly grid: ScaleGrid }>()

/** The MX formats keep the exponent alone: 2^(x - 127), 255 for NaN. */
function decodeFactors(dtype: DType, bytes: Uint8Array): Float64Array {
  if (dtype !== 'F8_E8M0' && dtype !== 'U8') return decodeFloat64(dtype as ComputableDType, bytes)
  return Float64Array.from(bytes, (x) => (x === 255 ? Number.NaN : 2 ** (x - 127)))
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
