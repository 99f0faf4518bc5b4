/**
 * Nodes of a graph as bytes: what stands in place of one that takes a factorized weight W = B A, and what turns stored factors into those a
 * node computes with.
 *
 *   MatMul(X, W)  ->  MatMul(MatMul(X, B), A)          MatMul(W, X)  ->  MatMul(B, MatMul(A, X))
 *   Gemm: transposes go with the matrix they belong to, alpha, beta and C with the second product
 *   Conv(X, W, bias)  ->  Conv(X, A), as W but with r channels  ->  1 x 1 Conv(., B, bias)
 *   Gather(W, i)  ->  MatMul(Gather(B, i), A)
 * Source: onnx/onnx.proto (NodeProto, AttributeProto), docs/Operators.md.
 */
import type { GraphNode, NodeAttribute } from '../../formats/reading/model-graph.ts'
import { bytes, concat, inPieces, integer, type Piece, text, varint } from './wire.ts'

const graphNode = 1
const node = { input: 1, output: 2, name: 3, opType: 4, attribute: 5 }
const attribute = { name: 1, int: 3, ints: 8, type: 20 }
const INT = 2
const INTS = 7

/** A node to come. */
interface NewNode {
  readonly opType: string
  readonly name: string
  readonly inputs: readonly string[]
  readonly output: string
  /** Attributes of the source's node that it takes over, and its own. */
  readonly taken?: readonly NodeAttribute[]
  readonly own?: readonly Uint8Array[]
}

export function newNode({ opType, name, inputs, output, taken = [], own = [] }: NewNode): Piece[] {
  return inPieces(graphNode, [
    concat([
      ...inputs.map((input) => text(node.input, input)),
      text(node.output, output),
      ...(name === '' ? [] : [text(node.name, name)]),
      text(node.opType, opType),
      ...own.map((each) => bytes(node.attribute, each)),
    ]),
    ...taken.map(({ whole }) => whole),
  ])
}

export function integerAttribute(name: string, value: number): Uint8Array {
  return concat([text(attribute.name, name), integer(attribute.int, value), integer(attribute.type, INT)])
}

function integersAttribute(name: string, values: readonly number[]): Uint8Array {
  const packed = values.map((value) => concat([varint(8 * attribute.ints), varint(value)]))
  return concat([text(attribute.name, name), ...packed, integer(attribute.type, INTS)])
}

/** A weight that is two factors now. */
export interface Factored {
  /** What nodes compute with: values of the graph. */
  readonly A: string
  readonly B: string
  /** Axes of a kernel beyond the first two; 0 for a matrix. */
  readonly spatial: number
}

interface Rewriting {
  readonly node: GraphNode
  /** Which of its inputs the weight is. */
  readonly index: number
  readonly factors: Factored
  /** What flows between the two. */
  readonly between: string
  /** A scalar zero, where the second input of a sum cannot be left out. */
  readonly zero: string | null
}

/** The two nodes in place of this one, which gives the same values under the same name. */
export function factoredNodes({ node, index, factors: { A, B, spatial }, between, zero }: Rewriting): Piece[] {
  const { opType, inputs, attributes } = node
  const other = inputs[1 - index] ?? ''
  const name = node.name === '' ? '' : `${node.name}.lowrank`
  const first = (op: string, into: readonly string[], taken: readonly NodeAttribute[] = []) =>
    newNode({ opType: op, name, inputs: into, output: between, taken })
  const second = (
    op: string,
    into: readonly string[],
    taken: readonly NodeAttribute[] = [],
    own: readonly Uint8Array[] = [],
  ) => newNode({ opType: op, name: node.name, inputs: into, output: node.outputs[0]!, taken, own })
  const named = (...names: string[]) => attributes.filter((each) => names.includes(each.name))

  switch (opType) {
    case 'MatMul':
      return index === 1
        ? [...first('MatMul', [other, B]), ...second('MatMul', [between, A])]
        : [...first('MatMul', [A, other]), ...second('MatMul', [B, between])]
    case 'Gemm': {
      const isTransposed = (named(index === 1 ? 'transB' : 'transA')[0]?.integer ?? 0) !== 0
      const addend = inputs.slice(2)
      const rest = zero === null ? [] : [zero]
      const scales = named('alpha', 'beta')
      if (index === 1) {
        const [near, far] = isTransposed ? [A, B] : [B, A]
        return [
          ...first('Gemm', [other, near, ...rest], named('transA', 'transB')),
          ...second('Gemm', [between, far, ...addend], [...named('transB'), ...scales]),
        ]
      }
      const [near, far] = isTransposed ? [B, A] : [A, B]
      return [
        ...first('Gemm', [near, other, ...rest], named('transA', 'transB')),
        ...second('Gemm', [far, between, ...addend], [...named('transA'), ...scales]),
      ]
    }
    case 'Conv':
      return [
        ...first('Conv', [inputs[0]!, A], attributes),
        ...second(
          'Conv',
          [between, B, ...inputs.slice(2)],
          [],
          [integersAttribute('kernel_shape', Array(spatial).fill(1))],
        ),
      ]
    case 'Gather':
      return [...first('Gather', [B, inputs[1]!], attributes), ...second('MatMul', [between, A])]
    default:
      throw new Error(`${opType} takes no factors`)
  }
}
