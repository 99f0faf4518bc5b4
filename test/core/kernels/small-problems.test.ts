import { describe, expect, it } from 'vitest'
import { normalPair } from '../../../core/kernels/philox.ts'
import { referenceKernels } from '../../../core/kernels/reference.ts'

const kernels = referenceKernels()
const matrix = (rows: number, cols: number, stream: number) => ({
  rows,
  cols,
  data: Float32Array.from(
    { length: rows * cols },
    (_, i) => normalPair([stream, 5], Math.floor(i / cols), i % cols)[0],
  ),
})

describe('inverseCholesky', () => {
  it.each([1, 2, 7, 33])('of order %i inverts the factor: Inverse^T G Inverse = I', (k) => {
    const Y = matrix(k + 20, k, 3)
    for (let i = 0; i < Y.rows; i++) for (let j = 0; j < k; j++) Y.data[i * k + j]! *= 10 ** (j % 7)
    const G = new Float64Array(k * k)
    kernels.gram(Y, G)
    const original = G.slice()
    const M = new Float64Array(k * k)
    expect(kernels.inverseCholesky(G, k, M)).toBe(true)
    for (let a = 0; a < k; a++)
      for (let b = 0; b < k; b++) {
        if (b < a) expect(M[a * k + b]).toBe(0)
        let sum = 0
        for (let p = 0; p < k; p++)
          for (let q = 0; q < k; q++) sum += M[p * k + a]! * original[p * k + q]! * M[q * k + b]!
        expect(Math.abs(sum - (a === b ? 1 : 0))).toBeLessThan(1e4 * k * 2 ** -53)
      }
  })

  it('refuses what is singular, zero or not a number', () => {
    const M = new Float64Array(4)
    expect(kernels.inverseCholesky(Float64Array.of(1, 1, 1, 1), 2, M)).toBe(false)
    expect(kernels.inverseCholesky(Float64Array.of(1, 0, 0, 0), 2, M)).toBe(false)
    expect(kernels.inverseCholesky(Float64Array.of(Number.NaN, 0, 0, 1), 2, M)).toBe(false)
    expect(kernels.inverseCholesky(Float64Array.of(1e-300, 0, 0, 1e300), 2, M)).toBe(true)
  })
})

describe('crossGram and multiplySmall', () => {
  it('agree with the Gram matrix, and accumulate', () => {
    const Y = matrix(40, 6, 4)
    const G = new Float64Array(36)
    const C = new Float64Array(36)
    kernels.gram(Y, G)
    kernels.crossGram(Y, Y, C)
    C.forEach((value, i) => {
      expect(Math.abs(value - G[i]!)).toBeLessThan(40 * 2 ** -50)
    })
    const X = matrix(40, 3, 5)
    const M = Float64Array.from({ length: 18 }, (_, i) => i / 7 - 1)
    const fresh = { rows: 40, cols: 3, data: new Float32Array(120) }
    kernels.multiplySmall(Y, M, fresh)
    const added = { ...X, data: X.data.slice() }
    kernels.multiplySmall(Y, M, added, true)
    added.data.forEach((value, i) => {
      expect(Math.abs(value - X.data[i]! - fresh.data[i]!)).toBeLessThan(64 * 2 ** -24)
    })
  })
})

describe('symmetricEigen', () => {
  it('gives the leading vectors alone in a narrower array', () => {
    const G = Float64Array.of(2, 1, 0, 1, 2, 0, 0, 0, 5)
    const values = new Float64Array(3)
    const vectors = new Float64Array(6)
    kernels.symmetricEigen(G.slice(), 3, values, vectors, 2)
    expect(Array.from(values, (x) => Math.round(x * 1e12) / 1e12)).toEqual([5, 3, 1])
    expect(Math.abs(vectors[4]!)).toBeCloseTo(1, 14)
    expect(Math.abs(vectors[1]!)).toBeCloseTo(Math.SQRT1_2, 14)
  })
})
