/**
 * What a tensor is before anything is computed with it: name, dtype, shape, and how it is seen as matrices.
 * Dtype names and sizes are those of the safetensors specification.
 */

import { AppError } from './errors.ts'
import { say } from './messages/english.ts'
import type { Message } from './messages/message.ts'
import { foreign } from './messages/text.ts'
import { axesOf } from './roles.ts'

/** Bits per element. F4 and F6 are packed, so a byte length is ceil(elements * bits / 8) and must come out whole. */
export const dtypeBits = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const

export type DType = keyof typeof dtypeBits

/** Dtypes that can be factorized; all others are copied through. */
export const computableDTypes = ['F64', 'F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2'] as const satisfies readonly DType[]
export type ComputableDType = (typeof computableDTypes)[number]

/** Of their fractions, the leading one included. */
export const significantBits = {
  F64: 53,
  F32: 24,
  F16: 11,
  BF16: 8,
  F8_E4M3: 4,
  F8_E5M2: 3,
} as const satisfies Record<ComputableDType, number>

/**
 * Squared relative error that rounding takes of factors at most: a number in the range of its dtype is off by at most 2^-p of itself; two
 * factors, and the singular values where they are apart. What lost more has fallen among the subnormals or to zero.
 */
export function mostLost(dtype: ComputableDType): number {
  return 3 * 2 ** (-2 * significantBits[dtype])
}

export function isComputable(dtype: DType): dtype is ComputableDType {
  return (computableDTypes as readonly DType[]).includes(dtype)
}

export interface TensorInfo {
  readonly name: string
  /** The dtype of the bytes that `WeightFile.read` returns. */
  readonly dtype: DType
  readonly shape: readonly number[]
  /** Length of what `read` returns: little-endian, C order, tightly packed. */
  readonly byteLength: number
  /** The file's own encoding where it differs from `dtype`, such as Q4_K. */
  readonly storedAs?: string
  /** Rank of the factors the file has in its place. */
  readonly storedRank?: number
  /** Bytes that encoding takes in the file. */
  readonly storedBytes?: number
  /** Factors that multiply the values of an F8 tensor: what the model computes with is value x factor. `read` gives the values alone. */
  readonly scale?: TensorScale
  /**
   * Why these values are not a matrix of weights, where the rest of the file says so: codes whose scale is not understood, the scale of
   * packed integers. A sentence.
   */
  readonly unfit?: Message
  /** What a reader of this tensor's numbers should know of its values: one shard of a larger one, factors multiplied. */
  readonly remark?: Message
  /** So many matrices one below the other, a stack of experts: the model's configuration says how many, where names and shapes do not. */
  readonly stacked?: number
  /** How the graph beside it in the file uses it; absent for formats of weights alone. */
  readonly inGraph?: GraphUse
  /** Another tensor of this file with the very same storage (tied weights): counted once. */
  readonly sharesStorageWith?: string
}

/** How a model's graph uses one of its weights. */
export interface GraphUse {
  /** Why no factors can stand in its place there; null where they can. */
  readonly unfit: Message | null
  /** Whether it stands in a node, or in a graph in one: there it stays where it is kept. */
  readonly isInNode: boolean
  /** Whether it is the kernel of a convolution, so that its first axis is the outputs, whatever its name says. */
  readonly isConvolution: boolean
  /** The axis of its matrix along which a layer's inputs go; null where rows are looked up, or where nodes differ. */
  readonly input: 'rows' | 'cols' | null
  /** Whether it costs two operations an entry for each row of inputs or place of a convolution; a look-up costs none. */
  readonly flops: 'product' | 'none'
  /** The axis of its outputs, for which INT8 codes have a scale each; null where a node may need it as it is. */
  readonly int8Axis: number | null
  /** Version of the standard operators. */
  readonly opset: number
}

/** What a writer knows of a tensor before its values exist. */
export interface TensorOutline {
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly number[]
}

/** What a plan needs of an opened model: its tensors, and which files they lie in. */
export interface TensorSet {
  /** Bytes of all files on disk. */
  readonly totalBytes: number
  /** In file order. Names are unique; any string is a valid name, `__proto__` too. */
  readonly tensors: readonly TensorInfo[]
  /** The files of the set in order, with the tensors each one holds: what a dense output reproduces. */
  readonly shards: readonly { readonly fileName: string; readonly tensorNames: readonly string[] }[]
}

export interface ComputableTensor extends TensorInfo {
  readonly dtype: ComputableDType
}

export function hasComputableDType(tensor: TensorInfo): tensor is ComputableTensor {
  return isComputable(tensor.dtype)
}

/** Factors that another tensor of the file holds, one for each block of this many elements along each axis. */
interface TensorScale {
  readonly tensor: string
  readonly blocks: readonly number[]
}

/** A tensor seen as `count` matrices of rows x cols, row-major one after another. */
export interface MatrixView {
  readonly kind: 'linear' | 'conv' | 'experts'
  readonly count: number
  readonly rows: number
  readonly cols: number
}

/** Of the values of a matrix as they are stored, all of them finite. */
export interface Magnitudes {
  /** In f64. */
  readonly sumOfSquares: number
  readonly maxAbs: number
}

/**
 * The matrix view of a tensor: [m, n] as it is, or as the experts that are stacked in it; a stack of experts [e, o, i] as e matrices where its
 * name says so; a convolution [...k, i, o] as all others by the last; every other of 3 to 5 dimensions, such as a convolution [o, i, ...k], as
 * the first by all others. null for scalars, vectors, more than 5 dimensions and empty tensors.
 */
export function matrixView({
  name,
  shape,
  stacked,
  inGraph,
}: Pick<TensorInfo, 'name' | 'shape' | 'stacked' | 'inGraph'>): MatrixView | null {
  if (shape.length < 2 || shape.length > 5 || shape.includes(0)) return null
  const [first = 1, ...rest] = shape
  if (stacked !== undefined) return { kind: 'experts', count: stacked, rows: first / stacked, cols: rest[0]! }
  const axes = shape.length > 2 ? axesOfTensor({ name, shape, inGraph }) : 'matrix'
  if (axes === 'experts') return { kind: 'experts', count: first, rows: rest[0]!, cols: rest[1]! }
  if (axes === 'taps first') {
    const last = shape.at(-1)!
    return { kind: 'conv', count: 1, rows: elementCount(shape) / last, cols: last }
  }
  const cols = rest.reduce((product, size) => product * size, 1)
  return { kind: shape.length === 2 ? 'linear' : 'conv', count: 1, rows: first, cols }
}

/** Whether it is a convolution that sees more than one point: one of 1 x 1 is a linear layer. */
export function hasKernel({ shape }: Pick<TensorInfo, 'shape'>): boolean {
  return shape.length > 2 && shape.slice(2).some((size) => size > 1)
}

/** What its axes are: the graph knows of a convolution what names only suggest. */
export function axesOfTensor({
  name,
  shape,
  inGraph,
}: {
  readonly name: string
  readonly shape: readonly number[]
  readonly inGraph?: GraphUse | undefined
}): ReturnType<typeof axesOf> {
  return inGraph?.isConvolution ? 'matrix' : axesOf(name, shape)
}

/** Bytes of this tensor as the file encodes it: what its factors have to be smaller than. */
export function encodedBytes({ byteLength, storedBytes }: TensorInfo): number {
  return storedBytes ?? byteLength
}

/** Bytes of the source that this tensor accounts for: none where another tensor has the same storage. */
export function bytesInFile(info: TensorInfo): number {
  return info.sharesStorageWith === undefined ? encodedBytes(info) : 0
}

/** The tensor that stands for this one's storage: itself, or the first of those that share it. */
export function storageName({ name, sharesStorageWith }: TensorInfo): string {
  return sharesStorageWith ?? name
}

const byName = new WeakMap<readonly TensorInfo[], ReadonlyMap<string, TensorInfo>>()
const sharers = new WeakMap<readonly TensorInfo[], ReadonlySet<string | undefined>>()

/** The tensor of that name among those of a file, without a look at each of them: a model may have a hundred thousand. */
export function tensorNamed(tensors: readonly TensorInfo[], name: string): TensorInfo | undefined {
  let known = byName.get(tensors)
  if (!known) {
    // Of several the first.
    known = new Map([...tensors].reverse().map((tensor) => [tensor.name, tensor]))
    byName.set(tensors, known)
  }
  return known.get(name)
}

/** Whether others of the file share the storage of the tensor of that name. */
export function hasSharers(tensors: readonly TensorInfo[], name: string): boolean {
  let known = sharers.get(tensors)
  if (!known) {
    known = new Set(tensors.map(({ sharesStorageWith }) => sharesStorageWith))
    sharers.set(tensors, known)
  }
  return known.has(name)
}

/** The first item of each storage. */
export function oncePerStorage<T extends { readonly info: TensorInfo }>(items: readonly T[]): T[] {
  const seen = new Set<string>()
  return items.filter(({ info }) => !seen.has(storageName(info)) && seen.add(storageName(info)))
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** Number of elements of a shape out of a file, or null where a dimension is no whole number >= 0 or the product is no safe integer. */
export function checkedElementCount(shape: readonly unknown[]): number | null {
  let product = 1
  let zero = false
  for (const size of shape) {
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return null
    if (size === 0) zero = true
    else product *= size
    // Zero-size tensors are held to the same rule, so that no later product of dimensions can overflow either.
    if (!Number.isSafeInteger(product)) return null
  }
  return zero ? 0 : product
}

/** Length of a tensor's values, tightly packed. */
export function tensorBytes(dtype: DType, shape: readonly number[]): number {
  const bits = (checkedElementCount(shape) ?? Number.NaN) * dtypeBits[dtype]
  if (!Number.isSafeInteger(bits) || bits % 8 !== 0)
    throw new AppError('bad-request', say('tensor.no-whole-bytes', { dtype: foreign(dtype), shape }))
  return bits / 8
}
