/**
 * Where the weights of an ONNX model stand: initializers, and Constant nodes in all forms of their value, of the graph, of the subgraphs in
 * attributes of its nodes (If, Loop, Scan) and of the model's functions. All else is passed over unread.
 * Source: onnx/onnx.proto, docs/Operators.md (Constant).
 */

import type { ByteSource } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { type Cursor, cursorOver } from '../reading/cursor.ts'
import { type Field, type FieldBudget, varint, visitFields } from '../reading/protobuf.ts'
import { badFile, type LeftOut, overLimit } from '../reading/refusal.ts'

/** Initializers and their parts; the largest exported models have about 1e5. */
export const maxFields = 1_000_000
/** Nodes, attributes and their parts: 100,000 nodes have about 2e6. */
export const maxNodeFields = 4_000_000
/** The largest exported models have about 1e4. */
export const maxTensors = 150_000
export const maxDimensions = 64
/** Of a name, a location, a number as text. */
export const maxTextBytes = 4096
/** Subgraphs in subgraphs; exporters write two or three. */
export const maxDepth = 32

export interface Range {
  readonly start: number
  readonly end: number
}

/** Values in a typed field of their message. `loose`: one field for each instead of one for all, so the whole message is read again. */
export interface TypedValues extends Range {
  readonly message: 'tensor' | 'attribute'
  readonly field: number
  readonly loose: boolean
}

/** A TensorProto as it stands in the file, or a list of numbers that an attribute holds. */
export interface Constant {
  name: string
  dims: number[]
  dataType: number
  raw: Range | null
  typed: TypedValues | null
  external: Map<string, string>
  isExternal: boolean
}

export interface Model {
  /** Names are unique. */
  readonly constants: readonly Constant[]
  readonly metadata: ReadonlyMap<string, string>
  readonly left: LeftOut[]
}

/** Numbers of the fields of onnx.proto. */
const model = { irVersion: 1, producer: 2, graph: 7, functions: 25 }
const graph = { node: 1, initializer: 5, sparseInitializer: 15 }
const functionProto = { name: 1, node: 7 }
const node = { output: 2, name: 3, opType: 4, attribute: 5 }
const attribute = { name: 1, float: 2, int: 3, tensor: 5, graph: 6, floats: 7, ints: 8, graphs: 11, sparseTensor: 22 }
const tensorProto = { dims: 1, dataType: 2, name: 8, raw: 9, external: 13, location: 14 }
/** float_data, int32_data, int64_data, double_data, uint64_data. */
const typedFields = new Set([4, 5, 7, 10, 11])
const FLOAT = 1
const INT64 = 7

interface Walk {
  readonly source: ByteSource
  readonly cursor: Cursor
  readonly budget: FieldBudget
  readonly nodeBudget: FieldBudget
  readonly constants: Constant[]
  readonly names: Set<string>
  readonly left: LeftOut[]
}

export async function readModel(source: ByteSource): Promise<Model> {
  const where = source.name
  const walk: Walk = {
    source,
    cursor: cursorOver(source, 0, source.byteLength),
    budget: { left: maxFields, limit: maxFields },
    nodeBudget: { left: maxNodeFields, limit: maxNodeFields },
    constants: [],
    names: new Set(),
    left: [],
  }
  const metadata = new Map<string, string>()
  let graphs = 0
  await visitFields(walk.cursor, source.byteLength, where, walk.budget, (field) => {
    if (field.number === model.producer && field.wire === 'bytes')
      return readText(walk.cursor, field, where).then((text) => void metadata.set('producer', text))
    if (field.number === model.irVersion && field.wire === 'varint') metadata.set('ir_version', String(field.value))
    if (field.number === model.functions && field.wire === 'bytes') return readFunction(walk, field.end)
    if (field.number !== model.graph || field.wire !== 'bytes') return undefined
    if (++graphs > 1) throw badFile(where, 'one graph', 'a second one')
    return readGraph(walk, field.end, [])
  })
  if (graphs === 0) throw badFile(where, 'an ONNX model with a graph', 'none')
  return { constants: walk.constants, metadata, left: walk.left }
}

/** @param path names of the nodes and attributes that lead to this graph; none for the model's own */
async function readGraph(walk: Walk, end: number, path: readonly string[]): Promise<void> {
  const where = walk.source.name
  if (path.length > 2 * maxDepth)
    throw overLimit(where, 'graphs in graphs', maxDepth, maxDepth + 1, 'exporters write two or three')
  let nodes = 0
  await visitFields(walk.cursor, end, `${where}: graph`, walk.budget, (field) => {
    if (field.wire !== 'bytes') return undefined
    if (field.number === graph.node) return readNode(walk, field.end, path, nodes++)
    if (field.number === graph.sparseInitializer)
      walk.left.push({ name: `sparse initializer ${walk.left.length + 1}`, why: say('left-out.sparse') })
    if (field.number !== graph.initializer) return undefined
    return readTensor(walk, field).then((tensor) => add(walk, tensor, path, path.length === 0))
  })
}

async function readFunction(walk: Walk, end: number): Promise<void> {
  const where = walk.source.name
  let name = 'function'
  let nodes = 0
  await visitFields(walk.cursor, end, `${where}: function`, walk.budget, (field) => {
    if (field.wire !== 'bytes') return undefined
    if (field.number === functionProto.name)
      return readText(walk.cursor, field, where).then((text) => {
        name = text
      })
    return field.number === functionProto.node ? readNode(walk, field.end, [name], nodes++) : undefined
  })
}

/** What an attribute has that may be weights, until the name and the type of its node are known. */
interface Held {
  readonly attribute: string
  readonly constant: Constant | null
  readonly graphs: readonly Range[]
  readonly isSparse: boolean
}

async function readNode(walk: Walk, end: number, path: readonly string[], index: number): Promise<void> {
  const { source, cursor, nodeBudget: budget } = walk
  const where = `${source.name}: node`
  let [name, output, opType] = ['', '', '']
  const held: Held[] = []
  await visitFields(cursor, end, where, budget, (field) => {
    if (field.wire !== 'bytes') return undefined
    if (field.number === node.name || field.number === node.opType || (field.number === node.output && output === ''))
      return readText(cursor, field, where).then((text) => {
        if (field.number === node.name) name = text
        else if (field.number === node.opType) opType = text
        else output = text
      })
    if (field.number !== node.attribute) return undefined
    return readAttribute(walk, field).then((each) => {
      if (each) held.push(each)
    })
  })
  const label = name || output || `${opType || 'node'}_${index}`
  for (const { attribute, constant, graphs, isSparse } of held) {
    if (opType === 'Constant' && isSparse) walk.left.push({ name: output || label, why: say('left-out.sparse') })
    if (constant && opType === 'Constant') add(walk, { ...constant, name: output || label }, path, false)
    for (const [i, range] of graphs.entries()) {
      const branch = graphs.length > 1 ? `${attribute}_${i}` : attribute
      // Read where it stands, which is behind the cursor by now.
      const inner: Walk = { ...walk, cursor: cursorOver(source, range.start, range.end) }
      await readGraph(inner, range.end, [...path, label, branch])
    }
  }
}

async function readAttribute(walk: Walk, { start, end }: Field): Promise<Held | null> {
  const { source, cursor, nodeBudget: budget } = walk
  const where = `${source.name}: attribute`
  let name = ''
  let constant: Constant | null = null
  let isSparse = false
  const graphs: Range[] = []
  const list = emptyConstant()
  let packed: Range | null = null
  let count = 0
  await visitFields(cursor, end, where, budget, (field) => {
    switch (field.number) {
      case attribute.name:
        return readText(cursor, field, where).then((text) => {
          name = text
        })
      case attribute.tensor:
        if (field.wire !== 'bytes') return undefined
        return readTensor(walk, field).then((tensor) => {
          constant = tensor
        })
      case attribute.graph:
      case attribute.graphs:
        if (field.wire === 'bytes') graphs.push({ start: field.start, end: field.end })
        return undefined
      case attribute.sparseTensor:
        isSparse = true
        return undefined
      case attribute.float:
      case attribute.int:
      case attribute.floats:
      case attribute.ints: {
        list.dataType = field.number === attribute.float || field.number === attribute.floats ? FLOAT : INT64
        list.typed = { message: 'attribute', field: field.number, start, end, loose: true }
        if (field.wire !== 'bytes') {
          count++
          return undefined
        }
        packed = field
        return countPacked(cursor, field, list.dataType, where).then((found) => {
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
  return constant || graphs.length > 0 || isSparse ? { attribute: name, constant, graphs, isSparse } : null
}

/** Numbers in a packed field. */
async function countPacked(cursor: Cursor, field: Field, dataType: number, where: string): Promise<number> {
  if (dataType === FLOAT) return Math.floor(field.value / 4)
  let count = 0
  while (cursor.position < field.end) {
    if (!cursor.has(10)) await cursor.need(Math.min(10, field.end - cursor.position))
    varint(cursor, field.end, where)
    count++
  }
  return count
}

/** Names of the graph itself stay as they are and have to be unique there; those below get their path, and a number where they are not. */
function add(walk: Walk, constant: Constant, path: readonly string[], mustBeUnique: boolean): void {
  const where = walk.source.name
  if (walk.constants.length === maxTensors)
    throw overLimit(where, 'weights', maxTensors, maxTensors + 1, 'no published model comes near it')
  let name = [...path, constant.name].join('.')
  if (walk.names.has(name) && mustBeUnique)
    throw badFile(where, 'every initializer once', `${JSON.stringify(name)} twice`)
  for (let i = 2; walk.names.has(name); i++) name = `${[...path, constant.name].join('.')}~${i}`
  walk.names.add(name)
  walk.constants.push({ ...constant, name })
}

function emptyConstant(): Constant {
  return { name: '', dims: [], dataType: 0, raw: null, typed: null, external: new Map(), isExternal: false }
}

async function readText(cursor: Cursor, field: Field, where: string): Promise<string> {
  if (field.wire !== 'bytes' || field.value > maxTextBytes)
    throw badFile(where, `text of at most ${maxTextBytes} bytes in field ${field.number}`, `${field.value} bytes`)
  await cursor.need(field.value)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(cursor.bytes(field.value))
  } catch {
    throw badFile(where, `UTF-8 in field ${field.number}`, 'bytes that are not')
  }
}

async function readTensor({ source, cursor, budget }: Walk, message: Field): Promise<Constant> {
  const where = source.name
  const tensor = emptyConstant()
  const addDim = (size: number) => {
    if (tensor.dims.length === maxDimensions)
      throw overLimit(where, 'dimensions', maxDimensions, maxDimensions + 1, 'no framework has more')
    tensor.dims.push(size)
  }
  await visitFields(cursor, message.end, where, budget, (field) => {
    switch (field.number) {
      case tensorProto.dims:
        if (field.wire === 'varint') return void addDim(field.value)
        return packedDims(cursor, field, where, addDim)
      case tensorProto.dataType:
        tensor.dataType = field.value
        return undefined
      case tensorProto.name:
        return readText(cursor, field, where).then((name) => {
          tensor.name = name
        })
      case tensorProto.raw:
        tensor.raw = field
        return undefined
      case tensorProto.external:
        return readPair(cursor, field, where, budget, tensor.external)
      case tensorProto.location:
        tensor.isExternal = field.value === 1
        return undefined
    }
    if (!typedFields.has(field.number)) return undefined
    tensor.typed =
      tensor.typed || field.wire !== 'bytes'
        ? { message: 'tensor', field: field.number, start: message.start, end: message.end, loose: true }
        : { message: 'tensor', field: field.number, start: field.start, end: field.end, loose: false }
    return undefined
  })
  return tensor
}

async function packedDims(cursor: Cursor, field: Field, where: string, add: (size: number) => void): Promise<void> {
  if (field.wire !== 'bytes' || field.value > 10 * maxDimensions)
    throw badFile(where, `at most ${maxDimensions} dimensions`, `${field.value} bytes of them`)
  await cursor.need(field.value)
  while (cursor.position < field.end) add(varint(cursor, field.end, where))
}

/** A StringStringEntryProto: key, value. */
async function readPair(
  cursor: Cursor,
  field: Field,
  where: string,
  budget: FieldBudget,
  pairs: Map<string, string>,
): Promise<void> {
  const texts = new Map<number, string>()
  await visitFields(cursor, field.end, where, budget, (part) => {
    if (part.number > 2) return undefined
    return readText(cursor, part, where).then((text) => void texts.set(part.number, text))
  })
  // location, offset, length, checksum; there are no others.
  if (pairs.size < 16) pairs.set(texts.get(1) ?? '', texts.get(2) ?? '')
}
