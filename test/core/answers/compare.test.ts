import { describe, expect, it } from 'vitest'
import { differenceOf, spreadOf } from '../../../core/answers/compare.ts'
import { drawnInputs } from '../../../core/answers/inputs.ts'
import { measureModels } from '../../../core/answers/measure.ts'
import { numbersOf, type Value } from '../../../core/answers/value.ts'

const floats = (dims: number[], ...values: number[]): Value => ({
  type: 'float32',
  dims,
  bytes: new Uint8Array(Float32Array.from(values).buffer),
})

it('passes over an output under whose name a model says nothing, whatever every object has there', async () => {
  const outputs = ['constructor', '__proto__', 'y']
  const run = async () => ({ outputs: { y: floats([1], 2) }, elapsedMs: 1, peakBytes: 1 })
  const model = { inputs: [], outputs, run, observe: async () => {}, sums: async () => [], end: () => {} }
  const [, found] = await measureModels([model, model], { count: 1, at: async () => ({}) }, 1)
  expect(found!.outputs.map(({ name, dims }) => [name, dims])).toEqual([
    ...[
      ['constructor', []],
      ['__proto__', []],
      ['y', [1]],
    ],
  ])
})

describe('the difference of two outputs', () => {
  it('is relative to the original, over all samples, with its cosine', () => {
    const difference = differenceOf('y')
    difference.add(floats([2], 3, 4), floats([2], 3, 3))
    difference.add(floats([2], 0, 12), floats([2], 0, 12))
    const found = difference.result()
    expect(found.relativeError).toBeCloseTo(1 / 13, 12)
    expect(found.largestError).toBeCloseTo(1 / 5, 12)
    expect(found.cosine).toBeCloseTo((9 + 12 + 144) / 13 / Math.hypot(3, 3, 12), 12)
    expect(found.classes).toBeNull()
  })

  it('counts no row that is answered with NaN as the same', () => {
    const difference = differenceOf('y')
    difference.add(
      floats([2, 3], 1, 2, 3, 1, 2, 3),
      floats([2, 3], Number.NaN, Number.NaN, Number.NaN, 1, Number.NaN, 3),
    )
    expect(difference.result().classes).toEqual({ rows: 2, sameFirst: 0, firstAmongFive: 1 })
  })

  it('has no error beside NaN or Inf, and says of how many numbers; what both have is the same answer', () => {
    const [nan, inf] = [Number.NaN, Number.POSITIVE_INFINITY]
    const masked = differenceOf('y')
    masked.add(floats([4], -inf, nan, 3, 4), floats([4], -inf, nan, 3, 3))
    expect(masked.result()).toMatchObject({ notFinite: 0, relativeError: 1 / 5, largestError: 1 / 5 })
    const broken = differenceOf('y')
    broken.add(floats([4], 1, 2, -inf, 4), floats([4], nan, inf, inf, 4))
    expect(broken.result()).toMatchObject({ notFinite: 3, relativeError: null, largestError: null, cosine: null })
  })

  it('counts rows whose largest entry is the same, the first of equal ones, and those where it is among five', () => {
    const difference = differenceOf('y')
    const row = [9, 1, 2, 3, 4, 5, 6]
    difference.add(
      floats([3, 7], ...row, ...row, 1, 1, 0, 0, 0, 0, 0),
      floats([3, 7], ...row, 0, ...row.slice(1), 1, 1, 0, 0, 0, 0, 0),
    )
    expect(difference.result().classes).toEqual({ rows: 3, sameFirst: 2, firstAmongFive: 2 })
  })

  it('has no share of rows where there are no rows', () => {
    const difference = differenceOf('y')
    difference.add(floats([0, 80]), floats([0, 80]))
    expect(difference.result()).toMatchObject({ dims: [0, 80], classes: null })
  })

  it('has no numbers where the original is zero, and refuses other sizes', () => {
    const difference = differenceOf('y')
    difference.add(floats([1], 0), floats([1], 1))
    expect(difference.result()).toMatchObject({ relativeError: null, largestError: null, cosine: null })
    expect(() => difference.add(floats([1], 0), floats([2], 0, 0))).toThrow(RangeError)
  })
})

it('medians lie in the middle, and the middle half around them', () => {
  expect(spreadOf([5, 1, 2, 4, 3])).toEqual({ median: 3, low: 2, high: 4 })
  expect(spreadOf([1, 2])).toEqual({ median: 1.5, low: 1.25, high: 1.75 })
})

describe('inputs that are drawn', () => {
  const slots = [
    { name: 'x', type: 'float32', shape: ['batch', 3, -1, 'w'] },
    { name: 'attention_mask', type: 'int64', shape: [2, 'length'] },
  ]
  it('have the sizes of the model, given ones, and those that are usual', () => {
    const feeds = drawnInputs(slots, 1, 0, { w: 5, 'attention_mask.1': 7 })
    expect([feeds.x!.dims, feeds.attention_mask!.dims]).toEqual([
      [1, 3, 64, 5],
      [2, 7],
    ])
    expect([...numbersOf(feeds.attention_mask!)]).toEqual(Array(14).fill(1))
  })
  it('are the same for a seed and a sample, others for another', () => {
    const draw = (seed: number, sample: number) => drawnInputs(slots, seed, sample).x!.bytes
    expect(draw(1, 0)).toEqual(draw(1, 0))
    expect(draw(1, 0)).not.toEqual(draw(1, 1))
    expect(draw(1, 0)).not.toEqual(draw(2, 0))
  })
  it('of more values than anybody waits for are refused, and sizes may have any name', () => {
    const wide = (name: string, size = 2 ** 27) => ({ name, type: 'float32', shape: [1, size] })
    expect(() => drawnInputs([wide('x', 2 ** 40)], 1, 0)).toThrow(/"x" a sample would have 1099511627776 values/)
    expect(() => drawnInputs([wide('x'), wide('y'), wide('z')], 1, 0)).toThrow(/"y" a sample would have 268435456 /)
    for (const size of ['constructor', '__proto__', 'toString'])
      expect(drawnInputs([{ name: 'x', type: 'int64', shape: [1, size] }], 1, 0).x!.dims).toEqual([1, 16])
  })
  it('are refused where there are no values of a type', () => {
    expect(() => drawnInputs([{ name: 't', type: 'string', shape: [1] }], 1, 0)).toThrow(/of the type "string"/)
  })
})
