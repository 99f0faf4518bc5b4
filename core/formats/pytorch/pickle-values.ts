/**
 * What the pickle machine builds: plain data and named nodes, never an object of a class the file chose. Tensors refer to their storage;
 * large byte strings are ranges of the file, not copies.
 */
import type { DType } from '../../tensor.ts'

export type PickleValue = null | boolean | number | bigint | string | PickleNode
export type PickleNode =
  | BytesNode
  | SequenceNode<'list'>
  | SequenceNode<'tuple'>
  | SequenceNode<'set'>
  | DictNode
  | GlobalNode
  | OpaqueNode
  | StorageNode
  | TensorNode
  | ArrayNode
  | ElementTypeNode
  | WrapperNode

/** Bytes [offset, offset + length) of the source the pickle was read from, or `inline` where an escape had to be undone. */
export interface BytesNode {
  readonly kind: 'bytes'
  readonly offset: number
  readonly length: number
  readonly inline?: Uint8Array
}

export interface SequenceNode<Kind extends 'list' | 'tuple' | 'set' = 'list' | 'tuple' | 'set'> {
  readonly kind: Kind
  readonly items: PickleValue[]
}

/** In the order of insertion; a key set twice stands twice, and the later one counts. */
export interface DictNode {
  readonly kind: 'dict'
  readonly keys: PickleValue[]
  readonly values: PickleValue[]
}

/** A name of Python's. `build` is there for the few that are known to build data; it builds ours, it calls nothing of Python's. */
export interface GlobalNode {
  readonly kind: 'global'
  /** `module.name`, as the file says it. */
  readonly name: string
  readonly build?: (args: readonly PickleValue[], where: string) => PickleValue
  /** For names that are values themselves: `torch.float32`. */
  readonly dtype?: DType | null
}

/** What calling an unknown global would have made. Nothing was called; what it would have been given is kept, for it may hold tensors. */
export interface OpaqueNode {
  readonly kind: 'opaque'
  readonly name: string
  readonly args: readonly PickleValue[]
  state: PickleValue
  readonly items: PickleValue[]
  readonly keys: PickleValue[]
  readonly values: PickleValue[]
}

/** A tensor of a class of its own that is made of others (DTensor, torchao): they are in its state, by the names of its attributes. */
export interface WrapperNode {
  readonly kind: 'wrapper'
  /** The class, as the file says it. */
  readonly name: string
  /** Of the tensor it stands for; null where the file does not say. */
  readonly shape: readonly number[] | null
  /** null for a tensor that has no values at all. */
  readonly state: PickleValue
}

/** A run of values of one dtype that tensors are views of. */
export interface StorageNode {
  readonly kind: 'storage'
  readonly key: string
  /** null for a dtype that is not one of ours; `typeName` says which. */
  readonly dtype: DType | null
  readonly typeName: string
  /** Elements, as the file claims; held against the bytes that are there before anything is read. */
  readonly length: number
  /** Elements of the root storage before this view of it (legacy files). */
  readonly viewOffset: number
  /** A file inside the pickle that holds this storage alone. */
  readonly nested?: BytesNode
}

/** Everything in elements. */
export interface TensorNode {
  readonly kind: 'tensor'
  readonly storage: StorageNode
  readonly dtype: DType | null
  readonly typeName: string
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
}

/** A NumPy array; filled in by its BUILD. */
export interface ArrayNode {
  readonly kind: 'array'
  content: {
    readonly shape: readonly number[]
    readonly fortran: boolean
    readonly elementType: ElementTypeNode
    readonly data: BytesNode
  } | null
}

/** A numpy.dtype: its code such as `f4`, and the byte order its BUILD gave. */
export interface ElementTypeNode {
  readonly kind: 'element-type'
  readonly code: string
  order: string
}

export function isNode<K extends PickleNode['kind']>(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<PickleNode, { kind: K }> {
  return typeof value === 'object' && value !== null && value.kind === kind
}

/** The items of a list or a tuple; null for anything else. */
export function sequenceItems(value: PickleValue | undefined): readonly PickleValue[] | null {
  return isNode(value, 'list') || isNode(value, 'tuple') ? value.items : null
}

/** Far more than any tensor has. */
const mostSizes = 1000

export function isCount(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** Sizes, strides or offsets; null for anything else. A list of a million may be those of a hundred thousand tensors: it is not looked through for each. */
export function sizesOf(value: PickleValue | undefined): readonly number[] | null {
  const items = sequenceItems(value)
  return items && items.length <= mostSizes && items.every(isCount) ? (items as readonly number[]) : null
}

/** For sentences. */
export function kindOf(value: PickleValue): string {
  return value === null ? 'None' : typeof value === 'object' ? `a ${value.kind}` : `a ${typeof value}`
}
