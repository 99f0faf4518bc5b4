import { expect, test } from 'vitest'
import { declaredInputs } from '../../../../core/formats/onnx/declared-inputs.ts'
import { openWeightFile } from '../../../../core/formats/opening/open.ts'
import { memoryFolder } from '../../memory-folder.ts'
import { concat } from '../corpus.ts'
import { bytes, declared, node, number, opset, slot, tensor } from './onnx-model.ts'

async function inputsOf(...graph: Uint8Array[]) {
  const weight = tensor({ name: 'w', dims: [2, 3] })
  const model = concat(number(1, 3), bytes(7, concat(node('MatMul', ['x', 'w'], ['y']), weight, ...graph)), opset(13))
  const file = await openWeightFile({ folder: memoryFolder('in', new Map([['m.onnx', model]])), entry: 'm.onnx' })
  return declaredInputs(file.graph!)
}

test('a model says what it is fed with: sizes, names of open ones, and not the weights that older models list too', async () => {
  const unnamed = bytes(11, concat(bytes(1, 'z'), bytes(2, bytes(1, concat(number(1, 1), bytes(2, bytes(1, '')))))))
  expect(
    await inputsOf(slot(11, 'x', ['batch', 2]), slot(11, 'w', [2, 3]), declared(11, 'shapeless'), unnamed),
  ).toEqual([
    { name: 'x', shape: ['batch', 2] },
    { name: 'shapeless', shape: [] },
    { name: 'z', shape: [null] },
  ])
})

test('a declaration that ends in the middle is refused', async () => {
  await expect(inputsOf(bytes(11, concat(bytes(1, 'x'), Uint8Array.of(18, 200))))).rejects.toMatchObject({
    code: 'bad-file',
  })
})
