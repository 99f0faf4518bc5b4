/** A small classifier as an ONNX file, and inputs for it: few directions carry nearly all of them, as in real models. */
import { zip } from '../../core/formats/archives/archives.ts'
import { concat } from '../../core/formats/corpus.ts'
import { bytes, node, number, opset, slot, tensor } from '../../core/formats/onnx/onnx-model.ts'

/** Numerical Recipes' linear congruential generator: the same numbers for the same seed. */
function numbers(seed: number, count: number): Float32Array {
  let state = seed
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32 - 0.5
  })
}

const width = 96
const layers = [
  ['w1', width, 128],
  ['w2', 128, width],
  ['w3', width, 12],
] as const

/** x [n, 96] to logits [n, 12], through two hidden layers. Weights are noise: without statistics no rank below the whole does. */
export function classifier(): Uint8Array {
  const initializers = layers.map(([name, rows, cols], i) => {
    const values = numbers(i + 1, rows * cols).map((value) => value * Math.sqrt(24 / rows))
    return tensor({ name, dims: [rows, cols], fields: [bytes(9, new Uint8Array(values.buffer))] })
  })
  return concat(
    number(1, 8),
    bytes(
      7,
      concat(
        bytes(2, 'main'),
        node('MatMul', ['x', 'w1'], ['a']),
        node('Relu', ['a'], ['b']),
        node('MatMul', ['b', 'w2'], ['c']),
        node('Relu', ['c'], ['d']),
        node('MatMul', ['d', 'w3'], ['logits']),
        ...initializers,
        slot(11, 'x', ['n', width]),
        slot(12, 'logits', ['n', 12]),
      ),
    ),
    opset(13),
  )
}

/** It opens, and no runtime knows its first operator. */
export function nonsense(): Uint8Array {
  const fields = [bytes(9, new Uint8Array(numbers(1, width * 12).buffer))]
  const graph = concat(
    bytes(2, 'main'),
    node('Nonsense', ['x'], ['a']),
    node('MatMul', ['a', 'w'], ['logits']),
    tensor({ name: 'w', dims: [width, 12], fields }),
    slot(11, 'x', ['n', width]),
    slot(12, 'logits', ['n', 12]),
  )
  return concat(number(1, 8), bytes(7, graph), opset(13))
}

/** An .npz of so many samples of 16 rows: x.0, x.1, ... */
export function samples(seed: number, count: number): Uint8Array {
  const basis = numbers(77, 10 * width)
  const rows = 16
  return zip(
    Array.from({ length: count }, (_, sample) => {
      const strengths = numbers(seed + sample, rows * 10)
      const values = new Float32Array(rows * width)
      for (let row = 0; row < rows; row++)
        for (let k = 0; k < 10; k++)
          for (let j = 0; j < width; j++)
            values[row * width + j]! += (4 * strengths[row * 10 + k]! * basis[k * width + j]!) / (1 + k / 3)
      return { name: `x.${sample}.npy`, data: npy([rows, width], values) }
    }),
  )
}

function npy(shape: readonly number[], values: Float32Array): Uint8Array {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`.padEnd(117)
  return concat(
    Uint8Array.of(0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, 118, 0),
    new TextEncoder().encode(`${header}\n`),
    new Uint8Array(values.buffer),
  )
}
