import { describe, expect, it } from 'vitest'
import {
  type Dense,
  frobeniusNorm,
  gaussianMatrix,
  orthogonalityError,
  relativeError,
  rowOrthogonalityError,
  svd,
  withSpectrum,
} from './matrices.ts'

/** 2e-7 is the project's aim for max |UtU - I|; short columns round a little worse than long ones, never beyond a few f32 units. */
const orthonormal = 8 * 2 ** -24

const identity = (n: number): Dense => ({
  rows: n,
  cols: n,
  data: Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
})
const zero = (rows: number, cols: number): Dense => ({ rows, cols, data: new Float32Array(rows * cols) })
/** Rows from `count` on are zero: whatever A spans, rounding noise included, has those zeros too. */
function zeroRows(rows: number, cols: number, count: number): Dense {
  const { data } = gaussianMatrix(rows, cols)
  return { rows, cols, data: data.fill(0, count * cols) }
}
/** `count` different rows, over and over. */
function equalRows(rows: number, cols: number, count: number): Dense {
  const { data } = gaussianMatrix(count, cols)
  return { rows, cols, data: Float32Array.from({ length: rows * cols }, (_, i) => data[i % (count * cols)]!) }
}
const graded = Array.from({ length: 24 }, (_, i) => 10 ** (-i / 2))

const table: readonly (readonly [string, Dense, number])[] = [
  ['1 x 1', { rows: 1, cols: 1, data: Float32Array.of(-3) }, 1],
  ['1 x n', gaussianMatrix(1, 37), 1],
  ['m x 1', gaussianMatrix(41, 1), 1],
  ['tall', gaussianMatrix(90, 20), 20],
  ['wide', gaussianMatrix(20, 90), 20],
  ['square at rank min', gaussianMatrix(33, 33), 33],
  ['zero', zero(30, 20), 7],
  ['identity', identity(24), 24],
  ['repeated singular values', withSpectrum(40, 30, new Float64Array(30).fill(2)), 30],
  ['rank 5 of 30', withSpectrum(40, 30, [9, 7, 5, 3, 1]), 12],
  ['rank 1', withSpectrum(40, 30, [4]), 4],
  [
    'decaying as i^-2 to full rank',
    withSpectrum(
      60,
      50,
      Float64Array.from({ length: 50 }, (_, i) => (i + 1) ** -2),
    ),
    50,
  ],
  [
    'decaying as i^-3 to full rank',
    withSpectrum(
      60,
      50,
      Float64Array.from({ length: 50 }, (_, i) => (i + 1) ** -3),
    ),
    50,
  ],
  ['graded over 11 decades', withSpectrum(40, 30, graded), 24],
  ['zero rows: rank 8 of 60', zeroRows(60, 60, 8), 16],
  ['equal rows', equalRows(70, 60, 5), 20],
  ['ones', { rows: 64, cols: 80, data: new Float32Array(64 * 80).fill(1) }, 16],
]

describe.each([
  ['subspace iteration', { method: 'randomized', algorithm: 'subspace' }],
  ['block Krylov', { method: 'randomized', algorithm: 'krylov' }],
  ['exact SVD', { method: 'exact' }],
  ['exact SVD by Jacobi', { method: 'exact', exactRoute: 'jacobi' }],
] as const)('%s', (_, method) => {
  it.each(table)('%s: identities hold and full rank reconstructs', async (_, A, rank) => {
    const f = await svd(A, { ...method, rank, oversample: 10, nIter: 2 })
    expect(f.rank).toBe(rank)
    expect(orthogonalityError(f.U, A.rows, f.rank)).toBeLessThanOrEqual(orthonormal)
    expect(rowOrthogonalityError(f.Vt, f.rank, A.cols)).toBeLessThanOrEqual(orthonormal)
    for (let i = 0; i < f.rank; i++) {
      expect(f.s[i]).toBeGreaterThanOrEqual(0)
      if (i > 0) expect(f.s[i]).toBeLessThanOrEqual(f.s[i - 1]!)
    }
    // Products in f32 leave about 2^-24 ||A|| for each of U, V and B; the projections of block Krylov cost a few bits more.
    expect(relativeError(A, f)).toBeLessThanOrEqual(32 * 2 ** -24)
    if (frobeniusNorm(A) === 0) expect(Array.from(f.s)).toEqual(new Array(rank).fill(0))
  })

  it.each(table)('%s: the first large entry of each column of U is positive', async (_, A, rank) => {
    const { U } = await svd(A, { ...method, rank })
    for (let j = 0; j < rank; j++) {
      const column = Array.from({ length: A.rows }, (_, i) => U[i * rank + j]!)
      const largest = Math.max(...column.map(Math.abs))
      expect(column.find((x) => Math.abs(x) >= largest * (1 - 2 ** -10))).toBeGreaterThan(0)
    }
  })

  it.each([1e30, 1e-30])('entries of %f are prescaled and come back in their own units', async (size) => {
    const unit = gaussianMatrix(40, 30)
    const scale = 2 ** -Math.round(Math.log2(size))
    const A: Dense = { ...unit, data: unit.data.map((x) => x * size) }
    const [plain, scaled] = [await svd(unit, { ...method, rank: 8 }), await svd(A, { ...method, rank: 8 }, { scale })]
    for (let i = 0; i < 8; i++) expect(Math.abs(scaled.s[i]! / size / plain.s[i]! - 1)).toBeLessThan(16 * 2 ** -24)
    expect(
      Math.abs(relativeError(unit, { ...scaled, s: scaled.s.map((x) => x / size) }) - relativeError(unit, plain)),
    ).toBeLessThan(16 * 2 ** -24)
  })
})
