/**
 * A model's graph as its file has it: which nodes there are, what they take and give, and where each of its messages stands, so that a
 * changed copy can take over byte for byte whatever it does not change. Formats of weights alone have none.
 */
import type { ByteSource } from '../../io.ts'
import type { TensorInfo } from '../../tensor.ts'

/** Bytes [start, end) of the file. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** A field of a message with its tag and length, and what it holds. */
export interface Placed {
  /** Its number. */
  readonly field: number
  readonly whole: Range
  readonly content: Range
}

export interface NodeAttribute extends Placed {
  readonly name: string
  /** Of one integer; null for all others. */
  readonly integer: number | null
  readonly graphs: readonly (Placed & { readonly scope: Scope })[]
  /** The tensor of a Constant node that is read as a weight, with its values beside the model. */
  readonly external: ExternalTensor | null
}

/** A tensor whose values lie in another file: where its message stands, and the fields of it that say so. */
export interface ExternalTensor extends Placed {
  readonly weight: string
  readonly pointers: readonly Range[]
}

export interface GraphNode extends Placed {
  readonly opType: string
  readonly domain: string
  readonly name: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: readonly NodeAttribute[]
  /** The weight that this node is, as the tensors of the file are called; null for what is no constant. */
  readonly weight: string | null
}

/** A value that a graph declares: an input, an output, or one in between. */
export interface DeclaredValue extends Placed {
  readonly name: string
}

/** Weights that a graph lists beside its nodes. */
export interface ListedTensor extends DeclaredValue {
  /** As the tensors of the file are called; null where they leave it out. */
  readonly weight: string | null
  readonly external: ExternalTensor | null
}

/** A graph, or the body of a function: where names are looked up first. Names it does not have are those of the graph around it. */
export interface Scope {
  readonly kind: 'model' | 'subgraph' | 'function'
  readonly content: Range
  readonly nodes: readonly GraphNode[]
  readonly tensors: readonly ListedTensor[]
  readonly inputs: readonly DeclaredValue[]
  readonly outputs: readonly DeclaredValue[]
  readonly values: readonly DeclaredValue[]
}

export interface ModelGraph {
  readonly source: Pick<ByteSource, 'name' | 'byteLength' | 'slice'>
  readonly irVersion: number
  /** Of the standard operators. */
  readonly opset: number
  /** The field of the model that holds it. */
  readonly field: Placed
  readonly main: Scope
  readonly functions: readonly Scope[]
  /** Entries of the model's own metadata, by key. */
  readonly properties: readonly DeclaredValue[]
  /** By the name a weight has among the tensors of the file: what its values are called in the graph. */
  readonly valueNames: ReadonlyMap<string, string>
  /** Weights by their name. */
  readonly tensors: ReadonlyMap<string, TensorInfo>
}

/** Until this IR version every initializer is an input of the graph too; since then one that is may be replaced by whoever runs the model. */
export const lastListed = 3

/** Where a weight goes into a node. */
export interface Taken {
  readonly weight: string
  /** Among the node's inputs. */
  readonly index: number
  /** The axis of its matrix along which the node's inputs go; null where rows are looked up. */
  readonly input: 'rows' | 'cols' | null
}

/** A graph with what was found out about its weights. */
export interface KnownGraph extends ModelGraph {
  /** Nodes that take a weight in a way that factors allow. */
  readonly takers: ReadonlyMap<GraphNode, Taken>
  /** Of values whose names look like those of `standInNames`: an output of ours, or chance. */
  readonly namesLikeOurs: ReadonlySet<string>
  /** By weight, the axis of its outputs (GraphUse.int8Axis), of those that INT8 codes may stand for. */
  readonly int8Axes: ReadonlyMap<string, number>
}

/** Names of the entries that stand in the place of a weight: its factors, or the INT8 codes of one that is kept whole. */
export function standInNames(weight: string) {
  const [A, B, codes] = [`${weight}.lowrank_A`, `${weight}.lowrank_B`, `${weight}.int8`]
  return { A, B, scaleOfA: `${A}_scale`, scaleOfB: `${B}_scale`, codes, scaleOfCodes: `${codes}_scale` } as const
}

/** In every name of ours, those of values between two factors included. */
export const marksOfOurs = ['.lowrank', '.int8'] as const
