/**
 * A model that gives away what flows into its layers: the same graph with those values as outputs. A value in a branch of an If comes out through
 * both of its branches, the other one giving an empty array; one in the body of a Loop or a Scan stays inside, and its weights are counted.
 */

import type { WeightFile } from '../formats/format.ts'
import type { GraphNode, KnownGraph, NodeAttribute, Placed, Scope } from '../formats/reading/model-graph.ts'
import { readRange } from '../formats/reading/range.ts'
import { packedNumbers, smallMessage } from '../formats/reading/small-message.ts'
import { elementCount, type TensorInfo } from '../tensor.ts'
import { dataTypeOf, emptyConstantNode } from '../write/onnx/initializer.ts'
import { newNode } from '../write/onnx/nodes.ts'
import { externalSplices } from '../write/onnx/surgery.ts'
import { concat, integer, message, type Piece, rewritten, type Splice, spliced, text } from '../write/onnx/wire.ts'
import type { Tap, VectorLayout } from './taps.ts'

const fields = { graph: 7, graphOutput: 12, nodeOutput: 2 }

export interface TappedModel {
  readonly taps: readonly Tap[]
  /** Weights whose inputs cannot be seen. */
  readonly uncovered: readonly string[]
  /** The model with its new outputs. */
  readonly pieces: readonly Piece[]
}

/** A value with those who take it, and where it is made. */
interface Found {
  readonly scope: Scope
  readonly value: string
  readonly layout: VectorLayout
  readonly weights: string[]
  readonly info: TensorInfo
  /** Of a vector. */
  readonly width: number
  readonly isInput: boolean
}

export async function tappedModel(file: Pick<WeightFile, 'graph'>): Promise<TappedModel | null> {
  const { graph } = file
  if (!graph) return null
  const found = new Map<string, Found>()
  const uncovered = new Set<string>()
  await visit(graph, graph.main, [], true, found, uncovered)
  // What meets both its rows and its columns would be summed over vectors of two kinds.
  const both = metBothWays(graph)
  const all = [...found.values()]
    .map((each) => ({ ...each, weights: each.weights.filter((weight) => !both.has(weight)) }))
    .filter(({ weights }) => weights.length > 0)
  for (const weight of both) uncovered.add(weight)
  const names = new Map(all.map((each, i) => [each, each.isInput ? each.value : `ghostsvd.tap.${i}`]))
  const covered = new Set(all.flatMap(({ weights }) => weights))
  const types = new Map(all.map((each) => [names.get(each)!, dataTypeOf(each.info.dtype)]))
  const inScope = new Map<Found['scope'], typeof all>()
  for (const each of all) {
    const before = inScope.get(each.scope)
    if (before) before.push(each)
    else inScope.set(each.scope, [each])
  }
  const { splices, outputs } = tapScope(graph.main, inScope, { names, types })
  const { content } = graph.main
  const end = { start: content.end, end: content.end }
  const added = outputs.map((name) => message(fields.graphOutput, text(1, name)))
  const changes = insideOf(splices)
  const brought = externalSplices(graph).filter(({ at }) => !changes(at))
  const inner = [...splices, ...brought, { at: end, with: added }]
  return {
    taps: all.map((each) => ({
      value: names.get(each)!,
      layout: each.layout,
      weights: each.weights,
      width: each.width,
    })),
    uncovered: [...uncovered].filter((weight) => !covered.has(weight)),
    pieces: spliced({ start: 0, end: graph.source.byteLength }, [rewritten(fields.graph, graph.field, inner)]),
  }
}

/** Whether one of these, which lie apart, has all of a range. */
function insideOf(splices: readonly Splice[]): (at: Splice['at']) => boolean {
  const ordered = splices.toSorted((a, b) => a.at.start - b.at.start)
  return ({ start, end }) => {
    let [low, high] = [0, ordered.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (ordered[middle]!.at.start <= start) low = middle + 1
      else high = middle
    }
    const last = ordered[low - 1]
    return last !== undefined && end <= last.at.end
  }
}

/** Weights that one node takes from the left and another from the right. */
function metBothWays({ takers }: KnownGraph): Set<string> {
  const sides = new Map<string, string>()
  const found = new Set<string>()
  for (const { weight, input } of takers.values()) {
    if (input === null) continue
    if ((sides.get(weight) ?? input) !== input) found.add(weight)
    sides.set(weight, input)
  }
  return found
}

/** A graph that is being visited, with what it calls its values; an outer one for those in it. */
interface Around {
  readonly scope: Scope
  readonly seen: boolean
  readonly inputs: ReadonlySet<string>
  readonly names: ReadonlySet<string>
}

async function visit(
  graph: KnownGraph,
  scope: Scope,
  outer: readonly Around[],
  seen: boolean,
  found: Map<string, Found>,
  uncovered: Set<string>,
): Promise<void> {
  const constants = new Set(scope.nodes.flatMap(({ weight, outputs }) => (weight === null ? [] : [outputs[0] ?? ''])))
  const inputs = new Set(scope.inputs.map(({ name }) => name))
  const names = new Set([...inputs, ...scope.nodes.flatMap(({ outputs }) => outputs)])
  const scopes = [...outer, { scope, seen, inputs, names }]
  for (const node of scope.nodes) {
    const taken = graph.takers.get(node)
    const info = taken && graph.tensors.get(taken.weight)
    if (taken && info && node.opType !== 'Gather') {
      const value = node.inputs[node.opType === 'Conv' ? 0 : 1 - taken.index] ?? ''
      const place = scopes.findLast((each) => each.names.has(value))
      const isInput = place?.scope.kind === 'model' && place.inputs.has(value)
      if (!place?.seen || constants.has(value)) uncovered.add(taken.weight)
      else {
        const layout = await layoutOf(graph, node, taken.index, info)
        const width = taken.input === 'cols' ? elementCount(info.shape.slice(1)) : info.shape[0]!
        const key = `${scopes.indexOf(place)} ${place.scope.content.start} ${value} ${JSON.stringify(layout)}`
        const same = found.get(key)
        if (same) same.weights.push(taken.weight)
        else found.set(key, { scope: place.scope, value, layout, weights: [taken.weight], info, width, isInput })
      }
    }
    for (const { graphs } of node.attributes)
      for (const { scope: inner } of graphs) await visit(graph, inner, scopes, seen && chooses(node), found, uncovered)
  }
}

/** Whether it runs one of two graphs. With more of them, which is no If, each would have to give what all others do. */
function chooses({ opType, attributes }: GraphNode): boolean {
  return opType === 'If' && attributes.reduce((sum, { graphs }) => sum + graphs.length, 0) === 2
}

async function layoutOf(graph: KnownGraph, node: GraphNode, index: number, info: TensorInfo): Promise<VectorLayout> {
  const integerOf = (name: string) => node.attributes.find((each) => each.name === name)?.integer ?? 0
  if (node.opType === 'MatMul') return { kind: index === 1 ? 'rows' : 'columns' }
  if (node.opType === 'Gemm') {
    const isTransposed = integerOf(index === 1 ? 'transA' : 'transB') !== 0
    return { kind: (index === 1) === isTransposed ? 'columns' : 'rows' }
  }
  const kernel = info.shape.slice(2)
  const read = async (name: string) => {
    const attribute = node.attributes.find((each) => each.name === name)
    return attribute ? attributeValues(graph, attribute) : null
  }
  const automatic = (await read('auto_pad'))?.text
  const pads = (await read('pads'))?.integers
  return {
    kind: 'patches',
    kernel,
    strides: (await read('strides'))?.integers ?? kernel.map(() => 1),
    dilations: (await read('dilations'))?.integers ?? kernel.map(() => 1),
    pads:
      automatic === 'SAME_UPPER'
        ? 'end'
        : automatic === 'SAME_LOWER'
          ? 'begin'
          : automatic === 'VALID' || !pads
            ? [...kernel, ...kernel].map(() => 0)
            : pads,
  }
}

/** The integers and the text of an attribute, which are a few bytes. */
async function attributeValues(
  { source }: KnownGraph,
  { content }: NodeAttribute,
): Promise<{ readonly integers: number[]; readonly text: string }> {
  const where = `${source.name}: attribute`
  const found = smallMessage(await readRange(source, content.start, content.end, 'attribute'), where)
  const text = found.find(({ number, bytes }) => number === 4 && bytes)?.bytes
  return {
    integers: found
      .filter(({ number }) => number === 8)
      .flatMap(({ value, bytes }) => (bytes ? packedNumbers(bytes, where) : [value])),
    text: text ? new TextDecoder().decode(text) : '',
  }
}

/** Changes inside a graph so that values of graphs in it come out, and the names under which they do. */
function tapScope(
  scope: Scope,
  all: ReadonlyMap<Scope, readonly Found[]>,
  known: { readonly names: ReadonlyMap<Found, string>; readonly types: ReadonlyMap<string, number> },
): { readonly splices: Splice[]; readonly outputs: string[] } {
  const splices: Splice[] = []
  const outputs: string[] = []
  const front: Piece[] = []
  for (const each of all.get(scope) ?? []) {
    if (each.isInput) continue
    const name = known.names.get(each)!
    front.push(...newNode({ opType: 'Identity', name, inputs: [each.value], output: name }))
    outputs.push(name)
  }
  // Behind all nodes: what it takes has to be there.
  if (front.length > 0) splices.push({ at: { start: scope.content.end, end: scope.content.end }, with: front })
  for (const node of scope.nodes.filter(chooses)) {
    const branches = node.attributes.flatMap((attribute) =>
      attribute.graphs.map((graph) => ({ attribute, graph, ...tapScope(graph.scope, all, known) })),
    )
    const through = branches.flatMap((branch) => branch.outputs)
    if (through.length === 0) continue
    for (const name of through) outputs.push(name)
    const inner = branches.map(({ attribute, graph, splices: own, outputs: mine }) => {
      const { content } = graph.scope
      const given = new Set(mine)
      const empty = through
        .filter((name) => !given.has(name))
        .flatMap((name) => [emptyConstantNode(name, known.types.get(name)!)])
      const declared = through.map((name) =>
        message(fields.graphOutput, text(1, name), message(2, message(1, integer(1, known.types.get(name)!)))),
      )
      const changed = [...own, { at: { start: content.end, end: content.end }, with: [...empty, ...declared] }]
      return rewritten(attribute.field, attribute, [rewritten(graph.field, graph, changed)])
    })
    const end = { start: node.content.end, end: node.content.end }
    const more = { at: end, with: [concat(through.map((name) => text(fields.nodeOutput, name)))] }
    splices.push(rewritten(node.field, node as Placed, [...inner, more]))
  }
  return { splices, outputs }
}
