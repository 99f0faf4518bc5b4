import { expect, it } from 'vitest'
import { lastActivations, withOutputs } from '../../../core/answers/logits.ts'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { concat } from '../formats/corpus.ts'
import { bytes, node, number, opset, slot, tensor } from '../formats/onnx/onnx-model.ts'
import { weights } from '../jobs/harness.ts'
import { memoryFolder } from '../memory-folder.ts'

const { name, shape, bytes: values } = weights('w', [64, 80])
const initializer = tensor({ name, dims: [...shape], fields: [bytes(9, values)] })

function model(nodes: readonly Uint8Array[], outputs: readonly string[]): Uint8Array {
  const shapes = [slot(11, 'x', ['n', 64]), ...outputs.map((output) => slot(12, output, ['n', 80]))]
  return concat(number(1, 8), bytes(7, concat(bytes(2, 'main'), ...nodes, initializer, ...shapes)), opset(13))
}

async function graphOf(of: Uint8Array) {
  const folder = memoryFolder('in', new Map([['m.onnx', of]]))
  return (await openWeightFile({ folder, entry: 'm.onnx' })).graph!
}
const found = async (nodes: readonly Uint8Array[], ...outputs: string[]) =>
  lastActivations(await graphOf(model(nodes, outputs)))

const product = node('MatMul', ['x', 'w'], ['h'])

it('appends as many values as a graph may have outputs', () => {
  const values = Array.from({ length: 200_000 }, (_, i) => `h${i}`)
  expect(withOutputs(new Uint8Array(3), values).byteLength).toBeGreaterThan(values.length * 6)
})

it('finds what goes into the last softmax or sigmoid, behind nodes that only move numbers', async () => {
  const moved = [
    product,
    node('Softmax', ['h'], ['p']),
    node('Transpose', ['p'], ['t']),
    node('Identity', ['t'], ['y']),
  ]
  expect(await found(moved, 'y')).toEqual([{ output: 'y', hasClasses: true, logits: 'h' }])
  const two = [product, node('Sigmoid', ['h'], ['y']), node('Relu', ['h'], ['z'])]
  expect(await found(two, 'y', 'z')).toEqual([{ output: 'y', hasClasses: false, logits: 'h' }])
})

it('reveals nothing that is an input or an output already, and ends where a graph runs in a circle', async () => {
  expect(await found([product, node('Softmax', ['h'], ['y'])], 'y', 'h')).toEqual([
    { output: 'y', hasClasses: true, logits: null },
  ])
  expect(await found([product, node('Identity', ['a'], ['y']), node('Identity', ['y'], ['a'])], 'y')).toEqual([])
})

it('appends outputs to a model that stays the same otherwise', async () => {
  const before = model([product, node('Softmax', ['h'], ['y'])], ['y'])
  const after = withOutputs(before, ['h'])
  expect(after.subarray(0, before.byteLength)).toEqual(before)
  // Field 7 of the model, in it field 12 of the graph, in it the name.
  expect([...after.subarray(before.byteLength)]).toEqual([7 * 8 + 2, 5, 12 * 8 + 2, 3, 8 + 2, 1, 104])
})
