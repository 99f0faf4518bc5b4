import { describe, expect, it } from 'vitest'
import { energyKept, errorCurve, excessOverFloor, floorCurve } from '../../../core/curves/error-curve.ts'
import { modelError } from '../../../core/curves/model-error.ts'
import { behavesLikeNoise, noiseError } from '../../../core/curves/noise-line.ts'
import { knownRank } from '../../../core/curves/resolution.ts'
import { singularValueErrors } from '../../../core/curves/singular-value-error.ts'
import { factorBytes, rankForShare } from '../../../core/curves/size.ts'

const eps = 2 ** -53

describe('errorCurve and floorCurve', () => {
  it('agree on a full spectrum', () => {
    const s = Array.from({ length: 50 }, (_, i) => (i + 1) ** -0.5)
    const norm = Math.sqrt(s.reduce((sum, x) => sum + x * x, 0))
    const curve = errorCurve(norm, s)
    floorCurve(s).forEach((floor, k) => {
      expect(Math.abs(curve[k]! ** 2 - floor ** 2)).toBeLessThanOrEqual(4 * s.length * eps)
    })
  })

  it('keeps the digits of a small tail, which 1 minus the head loses', () => {
    const floor = floorCurve([1, 1e-9, 1e-12])
    expect(Math.abs(floor[1]! / 1e-9 - 1)).toBeLessThan(1e-6)
    expect(Math.abs(floor[2]! / 1e-12 - 1)).toBeLessThan(4 * eps + 1e-15)
    expect(floor[3]).toBe(0)
  })

  it('starts at 1, falls, and is 0 everywhere for a zero matrix', () => {
    expect(floorCurve([3, 2, 1])[0]).toBe(1)
    expect(errorCurve(0, [0, 0])).toEqual([0, 0, 0])
    expect(floorCurve([0, 0])).toEqual([0, 0, 0])
    expect(floorCurve([])).toEqual([0])
  })

  it('does not overflow at the ends of the range', () => {
    expect(floorCurve([1e300, 1e300])[1]).toBeCloseTo(Math.SQRT1_2, 15)
    expect(errorCurve(Math.SQRT2 * 1e-300, [1e-300, 1e-300])[1]).toBeCloseTo(Math.SQRT1_2, 15)
  })

  it('states energy and excess', () => {
    expect(energyKept(0.6)).toBeCloseTo(0.64, 15)
    expect(excessOverFloor(0.9, 0.8, 1e-6)).toBeCloseTo(0.125, 15)
    expect(excessOverFloor(0, 0, 1e-6)).toBe(0)
  })

  it('states no excess where error and floor are equal to rounding, whichever is the larger', () => {
    expect(excessOverFloor(3.2e-7, 2e-8, 4e-6)).toBe(0)
    expect(excessOverFloor(0.03550540793, 0.03550565157, 1e-6)).toBe(0)
  })
})

describe('noiseError', () => {
  it('gives the published figures to their digits', () => {
    expect(Math.abs(noiseError(512, 512, 32) - 0.8889)).toBeLessThanOrEqual(5e-5)
    expect(Math.abs(noiseError(4096, 4096, 128) - 0.9423)).toBeLessThanOrEqual(5e-5)
  })

  it.each([
    [0.7, 0.49],
    [0.5, 0.61],
    [0.32, 0.74],
    [0.2, 0.83],
  ])('at kept size %f of 4096 x 4096 is %f', (share, error) => {
    expect(Math.abs(noiseError(4096, 4096, rankForShare(4096, 4096, share)) - error)).toBeLessThanOrEqual(5e-3)
  })

  it('is 1 at rank 0, 0 from full rank on, falls in between, and does not mind the orientation', () => {
    expect(noiseError(64, 4096, 0)).toBeCloseTo(1, 12)
    expect(noiseError(64, 4096, 64)).toBe(0)
    expect(noiseError(64, 4096, 65)).toBe(0)
    for (let k = 1; k < 64; k++) {
      expect(noiseError(64, 4096, k)).toBeLessThan(noiseError(64, 4096, k - 1))
      expect(noiseError(64, 4096, k)).toBe(noiseError(4096, 64, k))
    }
  })

  it('is sqrt(1 - k/n) where all singular values are equal: a very wide matrix', () => {
    expect(noiseError(16, 16e8, 4)).toBeCloseTo(Math.sqrt(0.75), 3)
  })
})

describe('noise', () => {
  it('is told at the rank that keeps half of the bytes, from one side', () => {
    const rank = 512
    const line = noiseError(2048, 2048, rank)
    const at = (error: number) => (asked: number) => (asked === rank ? error : undefined)
    expect(behavesLikeNoise(2048, 2048, at(line - 0.019))).toBe(true)
    expect(behavesLikeNoise(2048, 2048, at(line - 0.021))).toBe(false)
    // Worse than noise has no less of it.
    expect(behavesLikeNoise(2048, 2048, at(line + 0.1))).toBe(true)
    expect(behavesLikeNoise(2048, 2048, () => undefined)).toBeNull()
    expect(behavesLikeNoise(1, 1, () => 0.5)).toBeNull()
  })
})

describe('size', () => {
  it('counts bytes where dtypes differ', () => {
    const size = { count: 1, rows: 4096, cols: 4096 }
    const plain = { bytesPerValue: 2, int8: false, layout: 'ab', sparseDensity: 0 } as const
    expect(factorBytes(size, 3000, plain)).toBe(49_152_000)
    expect(factorBytes({ ...size, count: 8 }, 3000, plain)).toBe(8 * 49_152_000)
    expect(factorBytes(size, 10, { ...plain, layout: 'usv' })).toBe(10 * 8192 * 2 + 10 * 4)
    expect(factorBytes(size, 10, { ...plain, sparseDensity: 1e-3 })).toBe(10 * 8192 * 2 + 12 * 16_777)
    expect(factorBytes(size, 99, { ...plain, bytesPerValue: 1, int8: true })).toBe(99 * 8192 + 4 * 2 * 99)
    expect(factorBytes(size, 100, { ...plain, bytesPerValue: 1, int8: true })).toBe(100 * 8192 + 4 * 8192)
  })
})

describe('singularValueErrors', () => {
  it('leaves values that are rounding out of mean and maximum, unless the other side has more than that', () => {
    const exact = [2, 1, 1e-8, 1e-8]
    expect(singularValueErrors(exact, [2, 0.5, 3e-8, 0], 1e-6)).toEqual({
      mean: 0.25,
      max: 0.5,
      perIndex: [0, 0.5, 0, 0],
    })
    expect(singularValueErrors(exact, [2, 1, 1e-3, 0], 1e-6).perIndex[2]).toBeCloseTo(5e-4, 6)
  })

  it('is relative per index, with mean and maximum', () => {
    expect(singularValueErrors([4, 2, 1], [4, 1, 0.9], 0)).toEqual({
      mean: (0 + 0.5 + (1 - 0.9)) / 3,
      max: 0.5,
      perIndex: [0, 0.5, 1 - 0.9],
    })
  })

  it('of zero values stays finite', () => {
    expect(singularValueErrors([2, 0], [2, 0], 0).max).toBe(0)
    expect(singularValueErrors([2, 0], [2, 1], 0).max).toBe(0.5)
    expect(singularValueErrors([0], [1], 0).max).toBe(1)
    expect(singularValueErrors([], [], 0).mean).toBe(0)
  })
})

describe('model error', () => {
  it('weighs by entries; kept matrices count 0', () => {
    const matrices = [
      { entries: 300, error: 0 },
      { entries: 100, error: 0.4 },
    ]
    expect(modelError(matrices)).toBeCloseTo(0.2, 15)
    expect(modelError([])).toBe(0)
  })
})

it('a sketch says of the numerical rank that it is its own or more, and less where it sees the end', () => {
  expect(knownRank({ numericalRank: 64, rank: 64, method: 'randomized' })).toEqual({ rank: 64, orMore: true })
  expect(knownRank({ numericalRank: 20, rank: 64, method: 'randomized' })).toEqual({ rank: 20, orMore: false })
  expect(knownRank({ numericalRank: 64, rank: 64, method: 'exact' })).toEqual({ rank: 64, orMore: false })
})
