/**
 * A model's graph with factors in the place of weights. Every field stands as the source has it, in its order, but for the nodes that take a
 * factorized weight, the Constant nodes that were one, and what names them; initializers come first, since they are what is written first.
 *
 *   start   the model's fields before its graph, and how long the graph is
 *   tensors initializers: kept ones, and factors (initializer.ts frames their values)
 *   rest    the graph's other fields
 *   end     the model's fields after its graph
 *
 * Factors are values of the outermost graph, which all graphs in it see; where they are stored in fewer bits than the graph computes with,
 * nodes at its beginning widen them.
 */

import { scaleLayout } from '../../curves/size.ts'
import {
  type GraphNode,
  type KnownGraph,
  lastListed,
  type NodeAttribute,
  type Scope,
  standInNames,
} from '../../formats/reading/model-graph.ts'
import type { DType, TensorInfo, TensorOutline } from '../../tensor.ts'
import { uniqueNames } from '../../unique-names.ts'
import { dataTypeOf, initializer } from './initializer.ts'
import { type Factored, factoredNodes, integerAttribute, newNode } from './nodes.ts'
import {
  inPieces,
  integer,
  lengthTag,
  message,
  type Piece,
  rewritten,
  type Splice,
  spliced,
  text,
  wideVarint,
} from './wire.ts'

const modelFields = { graph: 7 }
const graphFields = { input: 11 }
const tensorFields = { raw: 9 }
/** From here on: a sum may leave out what is added; DequantizeLinear knows an axis. */
export const opsetOf = { optionalAddend: 11, axis: 13 } as const

export interface GraphPieces {
  readonly start: readonly Piece[]
  readonly rest: readonly Piece[]
  readonly end: readonly Piece[]
}

/** What comes before the tensors; the length of the graph is filled in when it is known. */
export function graphStart({ source, field, properties }: KnownGraph): Pick<GraphPieces, 'start' | 'end'> {
  const own = properties
    .filter(({ name }) => name.startsWith('ghostsvd.'))
    .map(({ whole }) => ({ at: whole, with: [] }))
  const { start, end } = field.whole
  return {
    start: [
      ...spliced(
        { start: 0, end: start },
        own.filter(({ at }) => at.end <= start),
      ),
      lengthTag(modelFields.graph),
      wideVarint(0),
    ],
    end: spliced(
      { start: end, end: source.byteLength },
      own.filter(({ at }) => at.start >= end),
    ),
  }
}

/** @param written the entries of the output, whichever of the planned tensors were factorized in the end */
export function graphPieces(graph: KnownGraph, written: readonly TensorOutline[]): GraphPieces {
  const { main } = graph
  const entries = new Map(written.map((entry) => [entry.name, entry]))
  const surgery: Surgery = {
    graph,
    factored: new Map(),
    inInt8: new Map(),
    outermost: new Set([...main.tensors, ...main.nodes].flatMap(({ weight }) => weight ?? [])),
    front: { nodes: [], tensors: [] },
    unique: uniqueNames(new Set(graph.namesLikeOurs)),
    zeros: new Map(),
  }
  for (const info of graph.tensors.values()) {
    const names = standInNames(info.name)
    const codes = entries.get(names.codes)
    if (codes) surgery.inInt8.set(info.name, widenedWhole(surgery, info, codes, entries))
    const [A, B] = [entries.get(names.A), entries.get(names.B)]
    if (!A || !B) continue
    surgery.factored.set(info.name, {
      A: widened(surgery, info, A, entries, { shape: kernelOf(info, A, B), axis: scaleAxis(A) }),
      B: widened(surgery, info, B, entries, { shape: B.shape, axis: scaleAxis(B) }),
      spatial: info.shape.length - 2,
    })
  }
  const splices = scopeSplices(surgery, graph.main)
  const { nodes, tensors } = surgery.front
  const listed =
    graph.irVersion > lastListed
      ? []
      : [...tensors, ...written.filter(({ name }) => !graph.tensors.has(name))].map((entry) => declared(entry))
  const front = [...listed, ...tensors.flatMap(({ piece }) => [piece]), ...nodes]
  const { content } = graph.main
  const at = { start: content.start, end: content.start }
  return { ...graphStart(graph), rest: spliced(content, [{ at, with: front }, ...splices]) }
}

interface Surgery {
  readonly graph: KnownGraph
  readonly factored: Map<string, Factored>
  /** Kept weights that are stored in INT8: the value of the outermost graph that each is. */
  readonly inInt8: Map<string, string>
  /** Weights that stand in the outermost graph. */
  readonly outermost: ReadonlySet<string>
  /** What stands before everything else of the graph. */
  readonly front: { readonly nodes: Piece[]; readonly tensors: (TensorOutline & { readonly piece: Uint8Array })[] }
  /** A name that no value has. */
  readonly unique: ReturnType<typeof uniqueNames>
  /** The scalar zero of each dtype, once it is needed. */
  readonly zeros: Map<DType, string>
}

/** r channels of the kernel that the weight is: its factor may be stored as a matrix. */
function kernelOf({ shape }: TensorInfo, A: TensorOutline, B: TensorOutline): readonly number[] {
  return shape.length > 2 ? [B.shape[1]!, ...shape.slice(1)] : A.shape
}

/** A kept weight in the graph's own dtype: under its own name where it stands in the outermost graph, which then needs no other change. */
function widenedWhole(
  surgery: Surgery,
  info: TensorInfo,
  codes: TensorOutline,
  entries: ReadonlyMap<string, TensorOutline>,
): string {
  const { valueNames, int8Axes } = surgery.graph
  const name = valueNames.get(info.name) ?? info.name
  const how = { shape: codes.shape, axis: int8Axes.get(info.name) ?? 0 }
  return widened(surgery, info, codes, entries, surgery.outermost.has(info.name) ? { ...how, name } : how)
}

interface Widening {
  /** What nodes take. */
  readonly shape: readonly number[]
  /** Of the scales. */
  readonly axis: number
  /** Of the value; one of its own where absent. */
  readonly name?: string
}

/** The value that a stored tensor is in the graph's own dtype and of this shape: itself, or what nodes make of it. */
function widened(
  surgery: Surgery,
  { dtype }: TensorInfo,
  stored: TensorOutline,
  entries: ReadonlyMap<string, TensorOutline>,
  { shape, axis, name }: Widening,
): string {
  const { graph, front } = surgery
  const steps: { readonly opType: string; readonly more: readonly string[]; readonly own: readonly Uint8Array[] }[] = []
  const step = (opType: string, more: readonly string[] = [], ...own: readonly Uint8Array[]) =>
    void steps.push({ opType, more, own })
  let has = stored.dtype
  const scale = stored.dtype === 'I8' ? entries.get(`${stored.name}_scale`) : undefined
  if (scale && graph.opset >= opsetOf.axis) {
    // One scale for each index of the axis that has as many.
    step('DequantizeLinear', [scale.name], integerAttribute('axis', axis))
    has = 'F32'
  } else if (scale) {
    step('Cast', [], integerAttribute('to', dataTypeOf('F32')))
    step('Mul', [scale.name])
    has = 'F32'
  }
  if (has !== dtype) step('Cast', [], integerAttribute('to', dataTypeOf(dtype)))
  if (shape.length !== stored.shape.length) {
    const sizes = { name: surgery.unique(`${stored.name}.shape`), dtype: 'I64' as const, shape: [shape.length] }
    front.tensors.push({ ...sizes, piece: initializer(sizes, int64(shape)) })
    step('Reshape', [sizes.name])
  }
  return steps.reduce((at, { opType, more, own }, i) => {
    const isLast = i === steps.length - 1
    const output = isLast && name !== undefined ? name : surgery.unique(`${stored.name}.value`)
    front.nodes.push(...newNode({ opType, name: output, inputs: [at, ...more], output, own }))
    return output
  }, stored.name)
}

/** Scales of directions go along the first axis of A and the second of B, those of rows of B and columns of A along the others. */
function scaleAxis({ name, shape }: TensorOutline): number {
  const isA = name.endsWith('_A')
  const byRow = scaleLayout(isA ? shape[0]! : shape[1]!) === 'row'
  return isA === byRow ? 1 : 0
}

function scopeSplices(surgery: Surgery, scope: Scope): Splice[] {
  const { graph, factored, inInt8 } = surgery
  const splices: Splice[] = []
  const gone = new Set<string>()
  /** Nodes at the beginning of this graph. */
  const front: Piece[] = []
  const drop = (at: Splice['at']) => void splices.push({ at, with: [] })
  /** In a graph within, the value of the outermost one takes the place of a weight under its name there. */
  const standIn = (name: string, value: string | undefined): Piece[] =>
    value === undefined || value === name
      ? []
      : newNode({ opType: 'Identity', name: '', inputs: [value], output: name })
  for (const { name, weight, whole, external } of scope.tensors) {
    const isEntry = scope.kind === 'model' && weight !== null && graph.tensors.has(weight)
    const isReplaced = weight !== null && (factored.has(weight) || inInt8.has(weight))
    if (isReplaced) gone.add(name)
    if (isReplaced) front.push(...standIn(name, inInt8.get(weight)))
    if (isEntry || isReplaced) drop(whole)
    else if (external) splices.push(inlined(surgery, external))
  }
  for (const node of scope.nodes) {
    if (node.weight !== null && (factored.has(node.weight) || inInt8.has(node.weight))) {
      const name = node.outputs[0] ?? ''
      gone.add(name)
      splices.push({ at: node.whole, with: standIn(name, inInt8.get(node.weight)) })
      continue
    }
    const taken = graph.takers.get(node)
    const factors = taken && factored.get(taken.weight)
    if (taken && factors) splices.push({ at: node.whole, with: rewrittenNode(surgery, node, taken, factors) })
    else splices.push(...innerSplices(surgery, node))
  }
  const { start } = scope.content
  if (front.length > 0) splices.unshift({ at: { start, end: start }, with: front })
  if (gone.size > 0) for (const { name, whole } of [...scope.inputs, ...scope.values]) if (gone.has(name)) drop(whole)
  return splices
}

function rewrittenNode(
  surgery: Surgery,
  node: GraphNode,
  { weight, index }: { readonly weight: string; readonly index: number },
  factors: Factored,
): Piece[] {
  const { graph } = surgery
  const needsAddend = node.opType === 'Gemm' && graph.opset < opsetOf.optionalAddend
  return factoredNodes({
    node,
    index,
    factors,
    between: surgery.unique(`${node.outputs[0]}.lowrank`),
    zero: needsAddend ? zeroOf(surgery, graph.tensors.get(weight)!) : null,
  })
}

/** A scalar zero of this dtype, one for all nodes. */
function zeroOf(surgery: Surgery, { dtype }: TensorInfo): string {
  const { front, zeros } = surgery
  const known = zeros.get(dtype)
  if (known !== undefined) return known
  // An output of ours that is compressed again has one already.
  const outline = { name: surgery.unique(`zero.lowrank_${dtype}`), dtype, shape: [1] }
  zeros.set(dtype, outline.name)
  front.tensors.push({
    ...outline,
    piece: initializer(outline, new Uint8Array(dtype === 'F64' ? 8 : dtype === 'F32' ? 4 : 2)),
  })
  return outline.name
}

/** What changes in the attributes of a node: graphs in it, and constants whose values stand in another file. */
function innerSplices(surgery: Surgery, { attributes, whole, content, field }: GraphNode): Splice[] {
  const inner = attributes.flatMap((attribute) => {
    const changes = attributeSplices(surgery, attribute)
    return changes.length > 0 ? [rewritten(attribute.field, attribute, changes)] : []
  })
  return inner.length > 0 ? [rewritten(field, { field, whole, content }, inner)] : []
}

function attributeSplices(surgery: Surgery, { graphs, external }: NodeAttribute): Splice[] {
  const changed = graphs.flatMap((each) => {
    const changes = scopeSplices(surgery, each.scope)
    return changes.length > 0 ? [rewritten(each.field, each, changes)] : []
  })
  return external ? [...changed, inlined(surgery, external)] : changed
}

/** A tensor with its values in the model: beside the output there is no other file. */
function inlined({ graph }: Surgery, external: NonNullable<NodeAttribute['external']>): Splice {
  const { field, whole, content, weight, pointers } = external
  const values = inPieces(tensorFields.raw, [{ values: graph.tensors.get(weight)! }])
  const without = spliced(
    content,
    pointers.map((at) => ({ at, with: [] })),
  )
  return { at: whole, with: inPieces(field, [...without, ...values]) }
}

/** An input of the graph: a ValueInfoProto with a TypeProto of a tensor. */
function declared({ name, dtype, shape }: TensorOutline): Uint8Array {
  const sizes = shape.map((size) => message(1, integer(1, size)))
  const type = message(1, integer(1, dataTypeOf(dtype)), message(2, ...sizes))
  return message(graphFields.input, text(1, name), message(2, type))
}

function int64(values: readonly number[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
}

/** Changes inside the main graph that bring all values beside the model into it. */
export function externalSplices(graph: KnownGraph): Splice[] {
  const surgery: Surgery = {
    graph,
    factored: new Map(),
    inInt8: new Map(),
    outermost: new Set(),
    front: { nodes: [], tensors: [] },
    unique: uniqueNames(),
    zeros: new Map(),
  }
  const listed = graph.main.tensors.flatMap(({ external }) => (external ? [inlined(surgery, external)] : []))
  return [...listed, ...graph.main.nodes.flatMap((node) => innerSplices(surgery, node))]
}

/** A tensor whose values lie beside the model and cannot be taken over: of a type that is not read, or in a function. null where there is none. */
export function unreadExternal({ main, functions, tensors }: KnownGraph): string | null {
  const inScope = (scope: Scope): string | null => {
    for (const { name, external } of scope.tensors)
      if (external && (scope.kind === 'function' || !tensors.has(external.weight))) return name
    for (const { attributes, outputs } of scope.nodes)
      for (const { external, graphs } of attributes) {
        if (external && (scope.kind === 'function' || !tensors.has(external.weight))) return outputs[0] ?? ''
        for (const { scope: inner } of graphs) {
          const found = inScope(inner)
          if (found !== null) return found
        }
      }
    return null
  }
  for (const scope of [main, ...functions]) {
    const found = inScope(scope)
    if (found !== null) return found
  }
  return null
}
