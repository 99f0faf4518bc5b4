/**
 * Where the weights of an ONNX model stand: initializers, and Constant nodes in all forms of their value, of the graph, of the subgraphs in
 * attributes of its nodes (If, Loop, Scan) and of the model's functions; and the graph around them (reading/model-graph.ts). All else is
 * passed over unread.
 * Source: onnx/onnx.proto, docs/Operators.md (Constant).
 */

import type { ByteSource } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { quoted } from '../../messages/text.ts'
import { uniqueNames } from '../../unique-names.ts'
import { type Cursor, cursorOver } from '../reading/cursor.ts'
import type {
  DeclaredValue,
  ExternalTensor,
  GraphNode,
  ListedTensor,
  ModelGraph,
  NodeAttribute,
  Placed,
  Range,
  Scope,
} from '../reading/model-graph.ts'
import { pathNames } from '../reading/name-meter.ts'
import { type Field, type FieldBudget, spendField, varint, visitFields } from '../reading/protobuf.ts'
import { badFile, type LeftOut, overLimit } from '../reading/refusal.ts'
import { type Constant, emptyConstant, readTensor, withText } from './onnx-tensors.ts'

/** Initializers and their parts; the largest exported models have about 1e5. */
const maxFields = 1_000_000
/** Parts of nodes and of their attributes: 100,000 nodes have about 2e6. */
const maxNodeFields = 2_000_000
/** Each costs about 500 bytes, and an attribute about 300; the largest exported models have about 5e4 nodes. */
const maxNodes = 100_000
const maxAttributes = 250_000
/** What nodes take and give: 50,000 of them have 250,000. */
const maxValues = 600_000
/** Constants that are nodes cost twice as much as initializers. */
const maxConstants = 40_000
/** The largest exported models have about 1e4. */
const maxTensors = 50_000
/** Subgraphs in subgraphs; exporters write two or three. */
const maxDepth = 32
/** Of what we have written of a run into a model: the errors of a hundred thousand tensors. */
const maxOwnBytes = 16_000_000

export interface Model {
  /** Names are unique. */
  readonly constants: readonly Constant[]
  readonly metadata: ReadonlyMap<string, string>
  readonly left: LeftOut[]
  /** But for the tensors, which are known when the constants are held against the file. */
  readonly graph: Omit<ModelGraph, 'tensors'>
}

/** Numbers of the fields of onnx.proto. */
const model = { irVersion: 1, producer: 2, graph: 7, opset: 8, property: 14, functions: 25 }
const graph = { node: 1, initializer: 5, input: 11, output: 12, value: 13, sparseInitializer: 15 }
const functionProto = { name: 1, node: 7 }
const node = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, domain: 7 }
const attribute = { name: 1, float: 2, int: 3, tensor: 5, graph: 6, floats: 7, ints: 8, graphs: 11, sparseTensor: 22 }
const FLOAT = 1
const INT64 = 7

interface Walk {
  readonly source: ByteSource
  readonly cursor: Cursor
  readonly budget: FieldBudget
  readonly nodeBudget: FieldBudget
  readonly constants: Constant[]
  readonly names: Set<string>
  readonly unique: ReturnType<typeof uniqueNames>
  readonly nameOf: ReturnType<typeof pathNames>
  readonly valueNames: Map<string, string>
  readonly left: LeftOut[]
  readonly counted: { nodes: number; attributes: number; constants: number; values: number }
}

const placed = ({ number, at, start, end }: Field): Placed => ({
  field: number,
  whole: { start: at, end },
  content: { start, end },
})

export async function readModel(source: ByteSource): Promise<Model> {
  const where = source.name
  const names = new Set<string>()
  const walk: Walk = {
    source,
    cursor: cursorOver(source, 0, source.byteLength),
    budget: { left: maxFields, limit: maxFields },
    nodeBudget: { left: maxNodeFields, limit: maxNodeFields },
    constants: [],
    names,
    unique: uniqueNames(names),
    nameOf: pathNames(where, '.'),
    valueNames: new Map(),
    left: [],
    counted: { nodes: 0, attributes: 0, constants: 0, values: 0 },
  }
  const metadata = new Map<string, string>()
  const functions: Scope[] = []
  const properties: DeclaredValue[] = []
  let found: { readonly field: Placed; readonly main: Scope } | null = null
  let [irVersion, opset] = [0, 1]
  await visitFields(walk.cursor, source.byteLength, where, walk.budget, (field) => {
    if (field.number === model.irVersion && field.wire === 'varint') {
      irVersion = field.value
      metadata.set('ir_version', String(field.value))
    }
    if (field.wire !== 'bytes') return undefined
    switch (field.number) {
      case model.producer:
        return withText(walk.cursor, field, where, (text) => void metadata.set('producer', text))
      case model.opset:
        return readOpset(walk, field).then((version) => {
          opset = version ?? opset
        })
      case model.property:
        return readProperty(walk, field, metadata).then((name) => void properties.push({ name, ...placed(field) }))
      case model.functions:
        return readFunction(walk, field).then((scope) => void functions.push(scope))
      case model.graph:
        if (found) throw badFile(where, 'one graph', 'a second one')
        return readGraph(walk, field, []).then((main) => {
          found = { field: placed(field), main }
        })
      default:
        return undefined
    }
  })
  if (found === null) throw badFile(where, 'an ONNX model with a graph', 'none')
  const { constants, left, valueNames } = walk
  // Assigned in a callback, which TypeScript does not follow.
  const whole = found as { readonly field: Placed; readonly main: Scope }
  return { constants, metadata, left, graph: { source, irVersion, opset, ...whole, functions, properties, valueNames } }
}

/** The version of the standard operators, where this entry is theirs. */
async function readOpset({ cursor, budget, source }: Walk, field: Field): Promise<number | null> {
  let [domain, version] = ['', 0]
  await visitFields(cursor, field.end, source.name, budget, (part) => {
    if (part.number === 2 && part.wire === 'varint') version = part.value
    if (part.number !== 1) return undefined
    return withText(cursor, part, source.name, (text) => {
      domain = text
    })
  })
  return domain === '' || domain === 'ai.onnx' ? version : null
}

/** The key; the value goes to the metadata where we have written it. */
async function readProperty(
  { cursor, budget, source }: Walk,
  field: Field,
  into: Map<string, string>,
): Promise<string> {
  let key = ''
  await visitFields(cursor, field.end, source.name, budget, (part) => {
    if (part.number === 1)
      return withText(cursor, part, source.name, (text) => {
        key = text
      })
    if (part.number !== 2 || !key.startsWith('ghostsvd.')) return undefined
    return withText(cursor, part, source.name, (text) => void into.set(key, text), maxOwnBytes)
  })
  return key
}

/** @param path names of the nodes and attributes that lead to this graph; none for the model's own */
async function readGraph(walk: Walk, message: Range, path: readonly string[]): Promise<Scope> {
  const where = walk.source.name
  if (path.length > 2 * maxDepth)
    throw overLimit(where, 'graphs in graphs', maxDepth, maxDepth + 1, 'exporters write two or three')
  const nodes: GraphNode[] = []
  const tensors: ListedTensor[] = []
  const declared: Readonly<Record<number, DeclaredValue[]>> = {
    [graph.input]: [],
    [graph.output]: [],
    [graph.value]: [],
  }
  await visitFields(walk.cursor, message.end, `${where}: graph`, walk.budget, (field) => {
    if (field.wire !== 'bytes') return undefined
    if (field.number === graph.node) return readNode(walk, field, path, nodes)
    if (field.number === graph.sparseInitializer)
      walk.left.push({ name: `sparse initializer ${walk.left.length + 1}`, why: say('left-out.sparse') })
    const values = declared[field.number]
    if (values) return readDeclared(walk, field).then((name) => void values.push({ name, ...placed(field) }))
    if (field.number !== graph.initializer) return undefined
    return readTensor(walk.cursor, where, walk.budget, field).then((tensor) => {
      const weight = add(walk, tensor, path, path.length === 0)
      tensors.push({ name: tensor.name, weight, external: externalOf(tensor, field, weight), ...placed(field) })
    })
  })
  const [inputs, outputs, values] = [declared[graph.input]!, declared[graph.output]!, declared[graph.value]!]
  const kind = path.length === 0 ? 'model' : 'subgraph'
  return { kind, content: { start: message.start, end: message.end }, nodes, tensors, inputs, outputs, values }
}

/** The name of a ValueInfoProto. */
async function readDeclared({ cursor, budget, source }: Walk, field: Field): Promise<string> {
  let name = ''
  await visitFields(cursor, field.end, source.name, budget, (part) =>
    part.number !== 1
      ? undefined
      : withText(cursor, part, source.name, (text) => {
          name = text
        }),
  )
  return name
}

async function readFunction(walk: Walk, message: Field): Promise<Scope> {
  const where = walk.source.name
  let name = 'function'
  const nodes: GraphNode[] = []
  await visitFields(walk.cursor, message.end, `${where}: function`, walk.budget, (field) => {
    if (field.wire !== 'bytes') return undefined
    if (field.number === functionProto.name)
      return withText(walk.cursor, field, where, (text) => {
        name = text
      })
    return field.number === functionProto.node ? readNode(walk, field, [name], nodes) : undefined
  })
  const none = { tensors: [], inputs: [], outputs: [], values: [] }
  return { kind: 'function', content: { start: message.start, end: message.end }, nodes, ...none }
}

/** What an attribute has that may be weights, until the name and the type of its node are known. */
interface Held extends Placed {
  readonly attribute: string
  readonly integer: number | null
  readonly constant: Constant | null
  /** Where the message of a tensor stands. */
  readonly tensor: Field | null
  readonly graphs: readonly Field[]
  readonly isSparse: boolean
}

async function readNode(walk: Walk, message: Field, path: readonly string[], nodes: GraphNode[]): Promise<void> {
  const { source, cursor, nodeBudget: budget } = walk
  const where = `${source.name}: node`
  charge(walk.counted, 'nodes', maxNodes, where)
  let [name, opType, domain] = ['', '', '']
  const inputs: string[] = []
  const outputs: string[] = []
  const held: Held[] = []
  await visitFields(cursor, message.end, where, budget, (field) => {
    if (field.wire !== 'bytes') return undefined
    switch (field.number) {
      case node.input:
        charge(walk.counted, 'values', maxValues, where)
        return withText(cursor, field, where, (text) => void inputs.push(text))
      case node.output:
        charge(walk.counted, 'values', maxValues, where)
        return withText(cursor, field, where, (text) => void outputs.push(text))
      case node.name:
        return withText(cursor, field, where, (text) => {
          name = text
        })
      case node.opType:
        return withText(cursor, field, where, (text) => {
          opType = text
        })
      case node.domain:
        return withText(cursor, field, where, (text) => {
          domain = text
        })
      case node.attribute:
        charge(walk.counted, 'attributes', maxAttributes, where)
        return readAttribute(walk, field).then((each) => void held.push(each))
      default:
        return undefined
    }
  })
  const output = outputs[0] ?? ''
  const label = name || output || `${opType || 'node'}_${nodes.length}`
  const attributes: NodeAttribute[] = []
  let weight: string | null = null
  for (const { attribute, integer, constant, tensor, graphs, isSparse, field, whole, content } of held) {
    if (opType === 'Constant' && isSparse) walk.left.push({ name: output || label, why: say('left-out.sparse') })
    if (constant && opType === 'Constant') {
      charge(walk.counted, 'constants', maxConstants, where)
      weight = add(walk, { ...constant, name: output || label }, path, false)
      walk.valueNames.set(weight, output)
    }
    const external = constant && tensor && weight !== null ? externalOf(constant, tensor, weight) : null
    const inner: (Placed & { scope: Scope })[] = []
    for (const [i, message] of graphs.entries()) {
      const branch = graphs.length > 1 ? `${attribute}_${i}` : attribute
      // Read where it stands, which is behind the cursor by now.
      const there: Walk = { ...walk, cursor: cursorOver(source, message.start, message.end) }
      inner.push({ ...placed(message), scope: await readGraph(there, message, [...path, label, branch]) })
    }
    attributes.push({ name: attribute, integer, graphs: inner, external, field, whole, content })
  }
  nodes.push({ opType, domain, name, inputs, outputs, attributes, weight, ...placed(message) })
}

async function readAttribute(walk: Walk, message: Field): Promise<Held> {
  const { source, cursor, nodeBudget: budget } = walk
  const { start, end } = message
  const where = `${source.name}: attribute`
  let name = ''
  let constant: Constant | null = null
  let tensorField: Field | null = null
  let integer: number | null = null
  let isSparse = false
  const graphs: Field[] = []
  const list = emptyConstant()
  let packed: Range | null = null
  let count = 0
  await visitFields(cursor, end, where, budget, (field) => {
    switch (field.number) {
      case attribute.name:
        return withText(cursor, field, where, (text) => {
          name = text
        })
      case attribute.tensor:
        if (field.wire !== 'bytes') return undefined
        return readTensor(cursor, source.name, walk.budget, field).then((tensor) => {
          constant = tensor
          tensorField = field
        })
      case attribute.graph:
      case attribute.graphs:
        if (field.wire === 'bytes') graphs.push(field)
        return undefined
      case attribute.sparseTensor:
        isSparse = true
        return undefined
      case attribute.float:
      case attribute.int:
      case attribute.floats:
      case attribute.ints: {
        if (field.number === attribute.int && field.wire === 'varint') integer = field.value
        list.dataType = field.number === attribute.float || field.number === attribute.floats ? FLOAT : INT64
        list.typed = { message: 'attribute', field: field.number, start, end, loose: true }
        if (field.wire !== 'bytes') {
          count++
          return undefined
        }
        packed = field
        return countPacked(cursor, field, list.dataType, where, budget).then((found) => {
          count += found
        })
      }
      default:
        return undefined
    }
  })
  if (constant === null && list.typed && name.startsWith('value_')) {
    list.dims = packed || name.endsWith('s') ? [count] : []
    constant = list
  }
  return { attribute: name, integer, constant, tensor: tensorField, graphs, isSparse, ...placed(message) }
}

function charge(counted: Walk['counted'], what: keyof Walk['counted'], most: number, where: string): void {
  if (++counted[what] > most) throw overLimit(where, what, most, counted[what], 'no exported model has so many')
}

/** Numbers in a packed field; those that are as long as they are large have to be read, each at the price of a field. */
async function countPacked(
  cursor: Cursor,
  field: Field,
  dataType: number,
  where: string,
  budget: FieldBudget,
): Promise<number> {
  if (dataType === FLOAT) return Math.floor(field.value / 4)
  let count = 0
  while (cursor.position < field.end) {
    if (!cursor.has(10)) await cursor.need(Math.min(10, field.end - cursor.position))
    varint(cursor, field.end, where)
    spendField(budget, where)
    count++
  }
  return count
}

function externalOf({ isExternal, pointers }: Constant, field: Field, weight: string): ExternalTensor | null {
  return isExternal ? { ...placed(field), weight, pointers } : null
}

/**
 * The name it gets. Names of the graph itself stay as they are and have to be unique there; those below get their path, and a number where
 * they are not.
 */
function add(walk: Walk, constant: Constant, path: readonly string[], mustBeUnique: boolean): string {
  const where = walk.source.name
  if (walk.constants.length === maxTensors)
    throw overLimit(where, 'weights', maxTensors, maxTensors + 1, 'no published model comes near it')
  const wanted = walk.nameOf([...path, constant.name])
  if (mustBeUnique && walk.names.has(wanted)) throw badFile(where, 'every initializer once', `${quoted(wanted)} twice`)
  const name = walk.unique(wanted)
  walk.valueNames.set(name, constant.name)
  walk.constants.push({ ...constant, name })
  return name
}
