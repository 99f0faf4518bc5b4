/**
 * What stands before an output's last activation. A softmax or a sigmoid that is sure of itself answers the same whatever moves in front of it, so errors of
 * weights are measured there too; and an output of a softmax is one of classes, whatever its shape.
 */
import type { KnownGraph } from '../formats/reading/model-graph.ts'
import { bytes, concat, message, text } from '../write/onnx/wire.ts'

export interface Activation {
  /** Name of the output. */
  readonly output: string
  readonly hasClasses: boolean
  /** The value that goes into the activation; null where it is an input or an output of the model itself. */
  readonly logits: string | null
}

/** Nodes that move or rename numbers. */
const passing: ReadonlySet<string> = new Set([
  'Cast',
  'Flatten',
  'Identity',
  'Reshape',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
])
const activations: ReadonlyMap<string, { readonly hasClasses: boolean }> = new Map([
  ['Softmax', { hasClasses: true }],
  ['LogSoftmax', { hasClasses: true }],
  ['Sigmoid', { hasClasses: false }],
])

/** Of those outputs of the outermost graph that end in one. */
export function lastActivations({ main }: Pick<KnownGraph, 'main'>): Activation[] {
  const makers = new Map(main.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)))
  const outer = new Set([...main.inputs, ...main.outputs].map(({ name }) => name))
  /** Of each value that was passed: a hostile graph may run in a circle, and any number of its outputs through the same nodes. */
  const known = new Map<string, Omit<Activation, 'output'> | null>()
  return main.outputs.flatMap(({ name: output }) => {
    const passed: string[] = []
    let value = output
    for (; !known.has(value); passed.push(value)) {
      known.set(value, null)
      const node = makers.get(value)
      const input = node?.inputs[0]
      if (!node || input === undefined || (node.domain !== '' && node.domain !== 'ai.onnx')) break
      const found = activations.get(node.opType)
      if (found) known.set(value, { ...found, logits: makers.has(input) && !outer.has(input) ? input : null })
      if (found || !passing.has(node.opType)) break
      value = input
    }
    const found = known.get(value) ?? null
    for (const each of passed) known.set(each, found)
    return found ? [{ output, ...found }] : []
  })
}

const fields = { graph: 7, output: 12, name: 1 }

/**
 * The bytes of a model that gives these values of its graph away as well, behind its own outputs. Protobuf joins two messages of one field, so they need only
 * be appended.
 * Source: protobuf.dev, "Encoding", Last One Wins: embedded message fields are merged.
 */
export function withOutputs(model: Uint8Array, values: readonly string[]): Uint8Array {
  return concat([
    model,
    bytes(fields.graph, concat(values.map((value) => message(fields.output, text(fields.name, value))))),
  ])
}
