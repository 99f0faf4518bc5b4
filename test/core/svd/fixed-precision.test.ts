import { describe, expect, it } from 'vitest'
import { floorCurve } from '../../../core/curves/error-curve.ts'
import {
  gaussianMatrix,
  orthogonalityError,
  relativeError,
  rowOrthogonalityError,
  svd,
  withSpectrum,
} from './matrices.ts'

const falling = (exponent: number) => Float64Array.from({ length: 90 }, (_, i) => (i + 1) ** -exponent)
const adaptive = { method: 'randomized', algorithm: 'adaptive', rank: 80, oversample: 10 } as const

describe('an adaptive sketch', () => {
  it.each([0.5, 0.2, 0.05, 0.01])(
    'reaches an error of %f, and stops within a block of the least rank',
    async (goalError) => {
      const A = withSpectrum(120, 90, falling(1.5))
      const f = await svd(A, { ...adaptive, goalError, nIter: 2 })
      const least = floorCurve(falling(1.5)).findIndex((error) => error <= 0.9 * goalError)
      expect(relativeError(A, f)).toBeLessThanOrEqual(goalError)
      expect(f.rank).toBeLessThan(Math.max(32, least) + 32)
      expect(orthogonalityError(f.U, 120, f.rank)).toBeLessThanOrEqual(8 * 2 ** -24)
      expect(rowOrthogonalityError(f.Vt, f.rank, 90)).toBeLessThanOrEqual(8 * 2 ** -24)
    },
  )

  it.each([1, 2, 3, 4])('keeps goals near the rounding of its products, seed %i', async (stream) => {
    const A = withSpectrum(
      192,
      192,
      Float64Array.from({ length: 192 }, (_, i) => (i + 1) ** -2),
      stream,
    )
    const f = await svd(A, { ...adaptive, rank: 170, goalError: 1e-3, nIter: 2 })
    expect(relativeError(A, f)).toBeLessThanOrEqual(0.9e-3)
    expect(f.rank).toBeLessThan(170)
  })

  it('goes to the end without a goal, in a last block that is narrower', async () => {
    const A = gaussianMatrix(100, 90)
    const f = await svd(A, { ...adaptive, rank: 90 })
    expect(f.rank).toBe(90)
    expect(relativeError(A, f)).toBeLessThanOrEqual(32 * 2 ** -24)
  })

  it('survives matrices of lower rank than its blocks, and the zero matrix', async () => {
    const few = withSpectrum(120, 90, [3, 2, 1])
    const f = await svd(few, { ...adaptive, goalError: 1e-3 })
    expect(f.rank).toBe(32)
    expect(relativeError(few, f)).toBeLessThanOrEqual(32 * 2 ** -24)
    const zero = { rows: 70, cols: 60, data: new Float32Array(4200) }
    expect((await svd(zero, { ...adaptive, rank: 40, goalError: 0.1 })).s.every((value) => value === 0)).toBe(true)
  })
})
