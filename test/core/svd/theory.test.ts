/** Claims of the theory, on matrices whose singular values are known. */
import { describe, expect, it } from 'vitest'
import { errorCurve, floorCurve } from '../../../core/curves/error-curve.ts'
import { noiseError } from '../../../core/curves/noise-line.ts'
import { singularValueErrors } from '../../../core/curves/singular-value-error.ts'
import { frobeniusNorm, gaussianMatrix, relativeError, svd, withSpectrum } from './matrices.ts'

const seeds = [1, 2, 3, 4, 5, 6, 7, 8]
/** Relative rounding of an error that goes through f32 products: PRODUCT section 3, on squared errors. */
const tau = 64 * 2 ** -24

const slow = Array.from({ length: 80 }, (_, i) => (i + 1) ** -0.5)
const A = withSpectrum(120, 80, slow)

describe('truncated exact SVD', () => {
  it('finds the singular values it was made of and reaches the Eckart-Young error at every rank', async () => {
    const f = await svd(A, { method: 'exact', rank: 80 })
    slow.forEach((value, i) => {
      // Entries rounded to f32 move each value by at most 2^-24 ||A||_F.
      expect(Math.abs(f.s[i]! - value)).toBeLessThanOrEqual(2 ** -24 * frobeniusNorm(A))
    })
    const floor = floorCurve(slow)
    for (const rank of [1, 7, 32, 79]) {
      const truncated = await svd(A, { method: 'exact', rank })
      expect(Math.abs(relativeError(A, truncated) ** 2 - floor[rank]! ** 2)).toBeLessThanOrEqual(tau)
    }
    expect(Array.from(f.spectrum!)).toEqual(Array.from(f.s))
  })
})

describe('randomized SVD', () => {
  const errors = (params: Parameters<typeof svd>[1]) =>
    Promise.all(
      seeds.map(async (seed) =>
        relativeError(A, await svd(A, { method: 'randomized', ...params }, { key: [seed, 9] })),
      ),
    )
  const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length

  it.each(['subspace', 'krylov'] as const)('%s is never below the floor', async (algorithm) => {
    const floor = floorCurve(slow)
    for (const nIter of [0, 1, 2, 4])
      for (const error of await errors({ algorithm, rank: 10, oversample: 5, nIter }))
        expect(error ** 2).toBeGreaterThanOrEqual(floor[10]! ** 2 * (1 - 1e-8) - tau)
  })

  it('without power iterations stays within the mean error of Halko, Martinsson and Tropp, theorem 10.5', async () => {
    // E ||A - QQtA||_F <= sqrt(1 + k / (p - 1)) * tail; all l = k + p columns are kept, so no truncation error is added.
    const [k, p] = [10, 6]
    const tail = floorCurve(slow)[k]!
    const found = await Promise.all(
      seeds.map(async (seed) =>
        relativeError(
          A,
          await svd(A, { method: 'randomized', rank: k + p, oversample: 0, nIter: 0 }, { key: [seed, 9] }),
        ),
      ),
    )
    expect(mean(found)).toBeLessThanOrEqual(Math.sqrt(1 + k / (p - 1)) * tail)
  })

  it('gains visibly from two power iterations where the spectrum decays slowly', async () => {
    const floor = floorCurve(slow)[10]!
    const excess = async (nIter: number) => mean(await errors({ rank: 10, oversample: 5, nIter })) / floor - 1
    const [none, two] = [await excess(0), await excess(2)]
    expect(two).toBeLessThan(none / 4)
  })

  it('as block Krylov is at least as accurate for the same iterations', async () => {
    for (const nIter of [1, 2, 3]) {
      const subspace = mean(await errors({ algorithm: 'subspace', rank: 10, oversample: 6, nIter }))
      const krylov = mean(await errors({ algorithm: 'krylov', rank: 10, oversample: 6, nIter }))
      expect(krylov).toBeLessThanOrEqual(subspace)
    }
  })

  it('finds a 40-fold singular value by either algorithm, though a Krylov block has but half the columns', async () => {
    const repeated = withSpectrum(90, 80, new Float64Array(40).fill(3))
    for (const algorithm of ['subspace', 'krylov'] as const) {
      const f = await svd(repeated, { method: 'randomized', algorithm, rank: 40, oversample: 0, nIter: 2 })
      expect(relativeError(repeated, f)).toBeLessThanOrEqual(32 * 2 ** -24)
    }
  })

  it('finds every copy of values that are repeated more often than a Krylov block is wide', async () => {
    // Blocks of 21 columns; the copies beyond 21 come from restarts.
    const spectrum = [...new Array(30).fill(2), ...new Array(30).fill(1), ...new Array(60).fill(0.1)]
    const repeated = withSpectrum(140, 120, spectrum)
    const floor = floorCurve(spectrum)
    for (const rank of [32, 60]) {
      const f = await svd(repeated, { method: 'randomized', algorithm: 'krylov', rank, oversample: 10, nIter: 2 })
      // One copy missed puts a value of 1 in place of 0.1: a tenth of what that costs.
      const oneMissed = (1 - 0.1 ** 2) / spectrum.reduce((sum, value) => sum + value ** 2, 0)
      expect(relativeError(repeated, f) ** 2).toBeLessThanOrEqual(floor[rank]! ** 2 + oneMissed / 10)
    }
  })

  it('has an error curve that follows from its singular values', async () => {
    const f = await svd(A, { method: 'randomized', rank: 30 })
    const curve = errorCurve(frobeniusNorm(A), f.s)
    expect(Math.abs(curve[30]! ** 2 - relativeError(A, f) ** 2)).toBeLessThanOrEqual(tau)
  })

  it('keeps the leading values of a wider sketch close: more oversampling never hurts by more than its draw', async () => {
    const floor = floorCurve(slow)[10]!
    const narrow = mean(await errors({ rank: 10, oversample: 2, nIter: 1 })) / floor - 1
    const wide = mean(await errors({ rank: 10, oversample: 20, nIter: 1 })) / floor - 1
    expect(wide).toBeLessThan(narrow)
  })
})

describe('figures of a 512 x 512 Gaussian at rank 32', () => {
  const G = gaussianMatrix(512, 512)
  // 88.90 % and 89.94 %: the means over many matrices; one matrix and one sketch scatter by less than 0.1 points.
  const scatter = 1e-3

  it('exact: 88.90 %, as the noise line says', async () => {
    const error = relativeError(G, await svd(G, { method: 'exact', rank: 32 }))
    expect(Math.abs(error - 0.889)).toBeLessThan(scatter)
    expect(Math.abs(error - noiseError(512, 512, 32))).toBeLessThan(scatter)
  })

  it('randomized with 10 more columns and 2 iterations: 89.94 %', async () => {
    const f = await svd(G, { method: 'randomized', rank: 32, oversample: 10, nIter: 2 })
    expect(Math.abs(relativeError(G, f) - 0.8994)).toBeLessThan(scatter)
    const exact = await svd(G, { method: 'exact', rank: 32 })
    const { mean } = singularValueErrors(exact.s, f.s, 0)
    expect(mean).toBeGreaterThan(0.01)
    expect(mean).toBeLessThan(0.15)
  })
})
