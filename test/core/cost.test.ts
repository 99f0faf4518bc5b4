import { describe, expect, it } from 'vitest'
import { exactCost, sketchCost } from '../../core/cost.ts'
import { defaultParams, fitParams, type Params } from '../../core/params.ts'

const method = (rows: number, cols: number, params: Partial<Params>) =>
  fitParams({ ...defaultParams, method: 'auto', ...params }, rows, cols).method

describe('cost', () => {
  // Measured on one thread, milliseconds of processor time: rows, cols, rank, exact, randomized (p 10, q 2). Good to a third for a
  // sketch, to a fifth for the exact SVD.
  it.each([
    [1024, 1024, 128, 106, 28],
    [1024, 1024, 512, 154, 157],
    [2048, 2048, 64, 818, 46],
    [2048, 2048, 512, 992, 404],
    [4096, 1024, 256, 222, 219],
    [1024, 4096, 256, 207, 188],
    [8192, 2048, 512, 1814, 1342],
    [2048, 8192, 512, 1669, 1248],
    [3072, 3072, 768, 3915, 1326],
    [4096, 4096, 128, 7416, 274],
    [4096, 4096, 512, 8526, 1271],
  ])('of %i x %i at rank %i is near what was measured', (rows, cols, rank, exact, randomized) => {
    const { columns, blocks, nIter } = fitParams({ ...defaultParams, rank }, rows, cols)
    const sketch = sketchCost(rows, cols, { columns, blocks, nIter, rank })
    expect(Math.abs(Math.log(sketch / randomized))).toBeLessThan(Math.log(4 / 3))
    expect(Math.abs(Math.log(exactCost(rows, cols, rank) / exact))).toBeLessThan(Math.log(6 / 5))
  })

  it('grows with rank, iterations and size', () => {
    const sketch = { columns: 48, nIter: 2, blocks: 1, rank: 32 }
    const cost = sketchCost(2048, 2048, sketch)
    expect(sketchCost(2048, 2048, { ...sketch, nIter: 3 })).toBeGreaterThan(cost)
    expect(sketchCost(2048, 2048, { ...sketch, columns: 64 })).toBeGreaterThan(cost)
    expect(sketchCost(4096, 2048, sketch)).toBeGreaterThan(cost)
    expect(exactCost(4096, 2048, 32)).toBeGreaterThan(exactCost(2048, 2048, 32))
  })
})

describe('method auto', () => {
  it('is exact where that takes but a moment, however cheap a sketch would be, and says so', () => {
    expect(method(768, 3072, { rank: 4 })).toBe('exact')
    expect(method(1000, 1000, { rank: 4 })).toBe('exact')
    expect(fitParams({ ...defaultParams, rank: 4 }, 768, 3072).chosen).toBe('moment')
    expect(fitParams({ ...defaultParams, rank: 2000 }, 2048, 2048).chosen).toBe('exactCheaper')
    expect(fitParams({ ...defaultParams, method: 'exact' }, 2048, 2048).chosen).toBe('asked')
  })

  it('goes by cost, not by the smaller side alone: a long matrix takes longer', () => {
    expect(method(1000, 8000, { rank: 16 })).toBe('randomized')
    expect(method(8000, 1000, { rank: 16 })).toBe('randomized')
    expect(fitParams({ ...defaultParams, rank: 16 }, 1000, 8000).chosen).toBe('sketchCheaper')
  })

  it('is randomized where the sketch is narrow', () => {
    expect(method(1024, 1024, { rank: 64 })).toBe('randomized')
    expect(method(4096, 4096, { rank: 512 })).toBe('randomized')
    expect(method(4096, 14336, { rank: 128 })).toBe('randomized')
  })

  it('never picks a sketch that costs more than the exact SVD', () => {
    expect(method(1024, 1024, { rank: 1024 })).toBe('exact')
    expect(method(2048, 2048, { rank: 2000 })).toBe('exact')
    expect(method(4096, 4096, { rank: 64, nIter: 32 })).toBe('randomized')
    expect(method(1024, 1024, { rank: 512, nIter: 32 })).toBe('exact')
    expect(method(2048, 2048, { rank: 2000, algorithm: 'krylov' })).toBe('exact')
  })

  it('leaves an explicit choice alone', () => {
    expect(method(64, 64, { method: 'randomized' })).toBe('randomized')
    expect(method(4096, 4096, { method: 'exact' })).toBe('exact')
  })
})

describe('fitParams', () => {
  it('fills whole tiles of columns on large matrices and takes small ones literally', () => {
    expect(fitParams({ ...defaultParams, rank: 32 }, 4096, 4096)).toMatchObject({
      columns: 48,
      blocks: 1,
      oversample: 10,
    })
    expect(fitParams({ ...defaultParams, rank: 32 }, 512, 512)).toMatchObject({ columns: 42, blocks: 1 })
    expect(fitParams({ ...defaultParams, rank: 1100 }, 1100, 1100)).toMatchObject({ columns: 1100, oversample: 0 })
  })

  it('gives block Krylov half the columns and nIter + 2 blocks, as far as the matrix has room', () => {
    const krylov = { ...defaultParams, algorithm: 'krylov' } as const
    expect(fitParams({ ...krylov, rank: 128 }, 4096, 4096)).toMatchObject({ columns: 80, blocks: 4 })
    expect(fitParams({ ...krylov, rank: 20 }, 64, 64)).toMatchObject({ columns: 15, blocks: 4 })
    expect(fitParams({ ...krylov, rank: 30 }, 40, 64)).toMatchObject({ columns: 20, blocks: 2 })
    expect(fitParams({ ...krylov, rank: 1 }, 1, 1)).toMatchObject({ columns: 1, blocks: 1 })
  })
})
