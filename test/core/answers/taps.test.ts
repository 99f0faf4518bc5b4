import { describe, expect, it } from 'vitest'
import { sumsOfTaps, type VectorLayout } from '../../../core/answers/taps.ts'
import type { Value } from '../../../core/answers/value.ts'
import { normalPair } from '../../../core/kernels/philox.ts'
import { elementCount } from '../../../core/tensor.ts'

const random = (dims: number[]): Value => ({
  type: 'float64',
  dims,
  bytes: new Uint8Array(
    Float64Array.from({ length: elementCount(dims) }, (_, i) => normalPair([3, 4], i, 0)[0]).buffer,
  ),
})
const at = ({ bytes, dims }: Value, ...index: number[]) =>
  new Float64Array(bytes.buffer)[index.reduce((flat, i, axis) => flat * dims[axis]! + i, 0)]!

function sums(value: Value, layout: VectorLayout, width: number) {
  const found = sumsOfTaps()
  found.add([{ value: 'v', layout, weights: ['w'], width }], { v: value })
  return found.result()[0]!
}

/** Sum of x xt over these vectors. */
function gram(vectors: number[][]): number[] {
  const width = vectors[0]!.length
  return Array.from({ length: width * width }, (_, i) =>
    vectors.reduce((sum, x) => sum + x[Math.floor(i / width)]! * x[i % width]!, 0),
  )
}

/** Rounding of so many products of numbers of this size. */
const close = (found: ArrayLike<number>, expected: number[]) => {
  const largest = Math.max(...expected.map(Math.abs))
  for (const [i, value] of expected.entries()) expect(Math.abs(found[i]! - value)).toBeLessThan(1e-14 * 100 * largest)
}
const range = (count: number) => Array.from({ length: count }, (_, i) => i)

describe('sums over what flows into a layer', () => {
  it('take vectors along the last axis, or along the one before', () => {
    const value = random([2, 5, 7])
    const rows = range(10).map((i) => range(7).map((j) => at(value, Math.floor(i / 5), i % 5, j)))
    const byRows = sums(value, { kind: 'rows' }, 7)
    expect(byRows.count).toBe(10)
    close(byRows.gram!, gram(rows))
    close(
      byRows.squares,
      range(7).map((j) => rows.reduce((sum, x) => sum + x[j]! ** 2, 0)),
    )
    const columns = range(14).map((i) => range(5).map((j) => at(value, Math.floor(i / 7), j, i % 7)))
    close(sums(value, { kind: 'columns' }, 5).gram!, gram(columns))
  })

  it('take what each place of a convolution sees, with strides, dilations and zeros beyond the border', () => {
    const value = random([2, 3, 9, 8])
    const layout = { kind: 'patches', kernel: [3, 2], strides: [2, 1], dilations: [1, 2], pads: [1, 0, 0, 3] } as const
    const vectors = range(2).flatMap((image) =>
      range(Math.floor((9 + 1 - 3) / 2) + 1).flatMap((y) =>
        range(8 + 3 - 3 + 1).map((x) =>
          range(3).flatMap((channel) =>
            range(3).flatMap((i) =>
              range(2).map((j) => {
                const [row, col] = [2 * y + i - 1, x + 2 * j]
                return row < 0 || row > 8 || col > 7 ? 0 : at(value, image, channel, row, col)
              }),
            ),
          ),
        ),
      ),
    )
    const found = sums(value, layout, 18)
    expect(found.count).toBe(vectors.length)
    close(found.gram!, gram(vectors))
  })

  it('keep the size over the stride where the model says so', () => {
    const layout = { kind: 'patches', kernel: [3], strides: [2], dilations: [1], pads: 'end' } as const
    expect(sums(random([1, 2, 9]), layout, 6).count).toBe(5)
  })

  it('have one sum for a weight that several values meet, and each weight once', () => {
    const found = sumsOfTaps()
    const layout = { kind: 'rows' as const }
    const taps = [
      { value: 'x', layout, weights: ['w', 'v', 'a\nb'], width: 4 },
      { value: 'r', layout, weights: ['w'], width: 4 },
      { value: 'r', layout, weights: ['a', 'b'], width: 4 },
    ]
    const [x, r] = [random([3, 4]), random([5, 4])]
    found.add(taps, { x, r })
    const counts = found.result().flatMap(({ weights, count }) => weights.map((weight) => [weight, count]))
    expect(Object.fromEntries(counts)).toEqual({ w: 8, v: 3, 'a\nb': 3, a: 5, b: 5 })
    expect(counts).toHaveLength(5)
    const vectors = (value: Value, count: number) => range(count).map((i) => range(4).map((j) => at(value, i, j)))
    const both = found.result().find(({ weights }) => weights.includes('w'))!
    close(both.gram!, gram([...vectors(x, 3), ...vectors(r, 5)]))
  })

  it('keep to their memory: of many wide values squares alone, of long vectors few', () => {
    const layout = { kind: 'rows' as const }
    const found = sumsOfTaps()
    const taps = range(20).map((i) => ({ value: `v${i}`, layout, weights: [`w${i}`], width: i < 3 ? 8 : 4096 }))
    found.add(taps, Object.fromEntries(taps.map(({ value, width }) => [value, random([1, width])])))
    expect(found.result().map(({ gram }) => gram !== null)).toEqual(range(20).map((i) => i < 3))
    // A kernel of a million over twice as many places.
    const long = { type: 'float32' as const, dims: [1, 1, 1_002_047], bytes: new Uint8Array(4 * 1_002_047) }
    const patches = { kind: 'patches' as const, kernel: [1_000_000], strides: [1], dilations: [1], pads: [0, 0] }
    expect(sums(long, patches, 1_000_000).count).toBe(33)
  }, 120_000)

  it('add samples up, pass over empty values, and refuse others than the layer takes', () => {
    const found = sumsOfTaps()
    const taps = [{ value: 'v', layout: { kind: 'rows' as const }, weights: ['w', 'u'], width: 4 }]
    found.add(taps, { v: random([3, 4]) })
    found.add(taps, { v: random([2, 4]) })
    found.add(taps, { v: random([0, 4]) })
    expect(found.result()).toMatchObject([{ count: 5, weights: ['w', 'u'] }])
    expect(() => found.add(taps, { v: random([4, 3]) })).toThrow(/vectors of 3 where 4/)
  })

  it('of one weight that very many values meet are looked up once', () => {
    const value = random([1, 2])
    const taps = range(50_000).map(
      (i) => ({ value: `v${i}`, layout: { kind: 'rows' }, weights: ['w'], width: 2 }) as const,
    )
    const found = sumsOfTaps()
    found.add(taps, Object.fromEntries(taps.map((tap) => [tap.value, value])))
    expect(found.result()).toMatchObject([{ weights: ['w'], count: 50_000 }])
  }, 5_000)
})
