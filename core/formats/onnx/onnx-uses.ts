/**
 * How a graph uses each of its weights, and so whether two factors can stand in its place: they can where every node that takes it is a
 * matrix product, a convolution of one group, or a look-up of rows.
 */

import { say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import { foreign } from '../../messages/text.ts'
import { type GraphUse, isComputable, type TensorInfo } from '../../tensor.ts'
import {
  type GraphNode,
  type KnownGraph,
  lastListed,
  type ModelGraph,
  marksOfOurs,
  type Scope,
  standInNames,
  type Taken,
} from '../reading/model-graph.ts'

/** Before it Gemm broadcasts by an attribute, and no runtime of today takes such a model. */
const oldestOpset = 7
/** Of the inputs of a node, the last in which a weight is looked for: the second of a recurrent layer. */
const lastRole = 2
/** Weights in one value that are followed: a hostile graph may join each to all before it. */
const mostMoved = 64

/** One node's use of a weight. */
interface Use {
  /** How its matrix meets the inputs; null where no factors can do that. */
  readonly fit: { readonly input: GraphUse['input']; readonly isConvolution: boolean } | null
  readonly opType: string
  readonly flops: GraphUse['flops']
  /** The axis of the node's outputs; null where the node may need the values as they are. */
  readonly outputs: number | null
  /** It only moves the values: what counts is where they go. */
  readonly moves: boolean
}

/** Nodes that move values, as exporters put the gates of a recurrent layer in order. */
const movers: ReadonlySet<string> = new Set([
  'Concat',
  'Identity',
  'Reshape',
  'Slice',
  'Split',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
])

interface Found {
  readonly takers: Map<GraphNode, Taken>
  readonly uses: Map<string, Use[]>
  /** Of weights that nodes have moved: the axis of the outputs of each layer that they come to, null for anything else. */
  readonly flows: Map<string, Set<number | null>>
  /** Weights that are results of a graph. */
  readonly results: Set<string>
  readonly ofFunctions: Set<string>
  readonly namesLikeOurs: Set<string>
}

/** Of each weight, by its name, and the graph with what was found on the way. */
export function graphUses(graph: ModelGraph): {
  readonly graph: KnownGraph
  readonly uses: ReadonlyMap<string, GraphUse>
} {
  const found: Found = {
    takers: new Map(),
    uses: new Map(),
    flows: new Map(),
    results: new Set(),
    ofFunctions: new Set(),
    namesLikeOurs: new Set(),
  }
  visitScope(graph, graph.main, [], found)
  for (const each of graph.functions) visitScope(graph, each, [], found)
  const listed = new Set(graph.main.inputs.map(({ name }) => name))
  const top = new Set(graph.main.tensors.flatMap(({ weight }) => weight ?? []))
  const uses = new Map<string, GraphUse>()
  for (const info of graph.tensors.values()) {
    const mine = found.uses.get(info.name) ?? []
    const fits = mine.flatMap(({ fit }) => fit ?? [])
    const isListed = top.has(info.name) && listed.has(graph.valueNames.get(info.name)!)
    const input = fits.every((fit) => fit.input === fits[0]!.input) ? (fits[0]?.input ?? null) : null
    uses.set(info.name, {
      unfit: whyUnfit(graph, info, mine, found, isListed),
      isInNode: !top.has(info.name),
      isConvolution: fits.length > 0 && fits.every(({ isConvolution }) => isConvolution),
      input,
      flops: mine.some(({ flops }) => flops === 'product') ? 'product' : 'none',
      int8Axis: int8Axis(graph, info, mine, found, isListed),
      opset: graph.opset,
    })
  }
  const axes = [...uses].flatMap(([name, { int8Axis: axis }]) => (axis === null ? [] : [[name, axis] as const]))
  const { takers, namesLikeOurs } = found
  return { graph: { ...graph, takers, namesLikeOurs, int8Axes: new Map(axes) }, uses }
}

/** Why no factors can stand in its place; null where they can, or it is no matrix. */
function whyUnfit(
  graph: ModelGraph,
  info: TensorInfo,
  uses: readonly Use[],
  { results, ofFunctions, namesLikeOurs }: Found,
  isListed: boolean,
): Message | null {
  if (!isComputable(info.dtype) || info.shape.length < 2) return null
  if (ofFunctions.has(info.name)) return say('graph.in-function')
  if (graph.opset < oldestOpset) return say('graph.old-opset', { opset: graph.opset, least: oldestOpset })
  if (results.has(info.name)) return say('graph.is-output')
  if (isListed && graph.irVersion > lastListed) return say('graph.is-input')
  if (uses.length === 0) return say('graph.unused')
  const other = uses.find(({ fit }) => fit === null)
  if (other) return say('graph.other-node', { operator: foreign(other.opType) })
  if (new Set(uses.map(({ fit }) => fit!.isConvolution)).size > 1) return say('graph.mixed')
  const { A, B, scaleOfA, scaleOfB } = standInNames(info.name)
  if ([A, B, scaleOfA, scaleOfB].some((name) => namesLikeOurs.has(name))) return say('graph.names-taken')
  return null
}

/** Weights of layers alone: rounding a table that other nodes compute with may cost more than an answer. */
function int8Axis(
  graph: ModelGraph,
  info: TensorInfo,
  uses: readonly Use[],
  { results, ofFunctions, namesLikeOurs, flows }: Found,
  isListed: boolean,
): number | null {
  if (!isComputable(info.dtype) || info.shape.length < 2 || graph.opset < oldestOpset) return null
  if (ofFunctions.has(info.name) || results.has(info.name) || (isListed && graph.irVersion > lastListed)) return null
  const { codes, scaleOfCodes } = standInNames(info.name)
  if (namesLikeOurs.has(codes) || namesLikeOurs.has(scaleOfCodes)) return null
  const axes = [...uses.flatMap(({ outputs, moves }) => (moves ? [] : [outputs])), ...(flows.get(info.name) ?? [])]
  return axes.every((axis) => axis !== null) ? (axes[0] ?? null) : null
}

/** What a name stands for in a graph: a weight, or what nodes have made of some by moving them; null for a value of another kind. */
type Names = ReadonlyMap<string, Origin | null>
interface Origin {
  readonly weights: readonly string[]
  readonly isMoved: boolean
}

/**
 * Records how the nodes of this graph, and of the graphs in their attributes, use each weight.
 * @param outer names of the graphs around it, the outermost first
 */
function visitScope(graph: ModelGraph, scope: Scope, outer: readonly Names[], found: Found): void {
  const names = declaredNames(scope, outer.length > 0, found)
  const scopes = [...outer, names]
  for (const node of scope.nodes) {
    const origins = node.inputs.map((name) => originIn(scopes, name))
    addUses(graph, node, origins, found)
    for (const { graphs } of node.attributes)
      for (const { scope: inner } of graphs) visitScope(graph, inner, scopes, found)
    const moved = weightsMoved(node, origins)
    if (moved.length > mostMoved) for (const weight of moved) addFlow(found, weight, null)
    else if (moved.length > 0) for (const name of node.outputs) names.set(name, { weights: moved, isMoved: true })
  }
  for (const { name } of scope.outputs) {
    const origin = originIn(scopes, name)
    if (origin?.isMoved) for (const weight of origin.weights) addFlow(found, weight, null)
    else if (origin) found.results.add(origin.weights[0]!)
  }
}

/** Names that a graph declares itself: inputs, weights, and what its nodes make. */
function declaredNames(scope: Scope, isInner: boolean, found: Found): Map<string, Origin | null> {
  const names = new Map<string, Origin | null>()
  const declare = (name: string, weight: string | null) => {
    // Values of the outermost graph need no entry: what is not found is no weight. Those of an inner one hide the weight of the same name around it.
    if (weight !== null) names.set(name, { weights: [weight], isMoved: false })
    else if (isInner) names.set(name, null)
    if (marksOfOurs.some((mark) => name.includes(mark))) found.namesLikeOurs.add(name)
  }
  for (const { name } of scope.inputs) declare(name, null)
  for (const { name, weight } of scope.tensors) declare(name, weight)
  for (const { outputs, weight } of scope.nodes) {
    for (const name of outputs) declare(name, null)
    if (weight !== null) declare(outputs[0] ?? '', weight)
    if (weight !== null && scope.kind === 'function') found.ofFunctions.add(weight)
  }
  return names
}

/** The innermost graph that knows the name says what it is. */
function originIn(scopes: readonly Names[], name: string): Origin | null {
  for (let i = scopes.length - 1; i >= 0; i--) {
    const origin = scopes[i]!.get(name)
    if (origin !== undefined) return origin
  }
  return null
}

/** @param origins of the node's inputs, in their order */
function addUses(graph: ModelGraph, node: GraphNode, origins: readonly (Origin | null)[], found: Found): void {
  const weights = origins.map((origin) => (origin && !origin.isMoved ? origin.weights[0]! : null))
  // One node may take a value a million times.
  const counted = new Set<Origin>()
  for (const [i, origin] of origins.entries()) {
    if (!origin || (i > lastRole && counted.has(origin))) continue
    if (i > lastRole) counted.add(origin)
    if (origin.isMoved && !movesInput(node, i))
      for (const each of origin.weights) addFlow(found, each, outputsOfRecurrent(node, i, graph.tensors.get(each)))
    const weight = weights[i]
    if (weight == null) continue
    const use = roleIn(node, i, graph.tensors.get(weight), weights, graph)
    if (use.fit) found.takers.set(node, { weight, index: i, input: use.fit.input })
    const uses = found.uses.get(weight)
    if (uses) uses.push(use)
    else found.uses.set(weight, [use])
  }
}

/** Weights whose values the node only moves. */
function weightsMoved(node: GraphNode, origins: readonly (Origin | null)[]): string[] {
  const sources = new Set(origins.filter((_, i) => movesInput(node, i)))
  return [...new Set([...sources].flatMap((origin) => origin?.weights ?? []))]
}

function addFlow({ flows }: Found, weight: string, axis: number | null): void {
  const known = flows.get(weight)
  if (known) known.add(axis)
  else flows.set(weight, new Set([axis]))
}

/** Whether what comes out holds these very values. */
function movesInput(node: GraphNode, index: number): boolean {
  return isStandard(node) && movers.has(node.opType) && (index === 0 || node.opType === 'Concat')
}

/** [directions, gates x hidden, inputs], of inputs and of what comes back; before a node has put the directions in front: [gates x hidden, inputs]. */
function outputsOfRecurrent(node: GraphNode, index: number, info: TensorInfo | undefined): number | null {
  const isLayer = isStandard(node) && ['LSTM', 'GRU', 'RNN'].includes(node.opType) && (index === 1 || index === 2)
  const size = info?.shape.length
  return isLayer && (size === 2 || size === 3) ? size - 2 : null
}

function roleIn(
  node: GraphNode,
  index: number,
  info: TensorInfo | undefined,
  weights: readonly (string | null)[],
  graph: ModelGraph,
): Use {
  const moves = movesInput(node, index)
  const none: Use = { fit: null, opType: node.opType, flops: 'none', outputs: null, moves }
  if (!info || !isStandard(node) || index > lastRole) return none
  const integer = (name: string, otherwise: number) => {
    const found = node.attributes.find((each) => each.name === name)
    return found ? found.integer : otherwise
  }
  const matrix = info.shape.length === 2
  /** Of a product of two weights neither is one that inputs meet. */
  const other = weights[1 - index]
  const alone = index < 2 && (other == null || graph.tensors.get(other)?.shape.length !== 2)
  const product = (input: 'rows' | 'cols'): Use => ({
    fit: { input, isConvolution: false },
    opType: node.opType,
    flops: 'product',
    outputs: input === 'cols' ? 0 : 1,
    moves,
  })
  switch (node.opType) {
    case 'MatMul':
      return matrix && alone ? product(index === 1 ? 'rows' : 'cols') : none
    case 'Gemm': {
      if (!matrix || !alone) return none
      const transposed = integer(index === 1 ? 'transB' : 'transA', 0) !== 0
      return product((index === 1) === transposed ? 'cols' : 'rows')
    }
    case 'Conv': {
      const grouped = integer('group', 1) !== 1
      const outputs = index === 1 && info.shape.length >= 3 ? 0 : null
      return outputs === 0 && !grouped
        ? { fit: { input: 'cols', isConvolution: true }, opType: node.opType, flops: 'product', outputs, moves }
        : { ...none, opType: grouped ? 'Conv (groups)' : node.opType, outputs }
    }
    case 'ConvTranspose':
      return { ...none, outputs: index === 1 && info.shape.length >= 3 ? 1 : null }
    case 'LSTM':
    case 'GRU':
    case 'RNN':
      return { ...none, outputs: info.shape.length === 3 ? outputsOfRecurrent(node, index, info) : null }
    case 'Gather':
      return index === 0 && matrix && integer('axis', 0) === 0
        ? { fit: { input: null, isConvolution: false }, opType: node.opType, flops: 'none', outputs: 0, moves }
        : none
    default:
      return none
  }
}

function isStandard({ domain }: Pick<GraphNode, 'domain'>): boolean {
  return domain === '' || domain === 'ai.onnx'
}
