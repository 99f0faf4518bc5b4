import { expect, test } from 'vitest'
import { niceTicks, ticksOf } from '../../../core/report/axis.ts'
import { margin, rankOfX, xOfRank } from '../../../renderer/charts/plot/axis.ts'
import { lowestError } from '../../../renderer/charts/plot/range.ts'
import { fromArray, rankGrid, rowsOf, type Series, withExtremes } from '../../../renderer/charts/series.ts'

test('a grid has both ends and the marks, ascending, distinct, and never more than a chart can draw', () => {
  for (const last of [1, 2, 5, 300, 4096, 65_536]) {
    const grid = rankGrid(0, last, [Math.floor(last / 3)])
    expect(grid[0]).toBe(0)
    expect(grid.at(-1)).toBe(last)
    expect(grid).toContain(Math.floor(last / 3))
    expect(grid.length).toBeLessThanOrEqual(400)
    for (let i = 1; i < grid.length; i++) expect(grid[i]!).toBeGreaterThan(grid[i - 1]!)
  }
})

test('a short axis keeps every rank', () => {
  expect(rankGrid(0, 100)).toHaveLength(101)
})

test('marks outside of the axis are left out', () => {
  expect(rankGrid(0, 10, [-1, 11])).toEqual(rankGrid(0, 10))
})

test('a row has null where a series ends', () => {
  const series = [{ id: 'a', role: 'exact', label: 'A', at: fromArray([1, 0.5], 0) } as const]
  expect(rowsOf(series, [0, 1, 2])).toEqual([
    { rank: 0, a: 1 },
    { rank: 1, a: 0.5 },
    { rank: 2, a: null },
  ])
})

test('a pixel finds the rank that was drawn there', () => {
  const frame = { width: 700, height: 300 }
  const axis = { first: 0, last: 512 }
  for (const rank of [0, 1, 64, 511, 512]) expect(rankOfX(xOfRank(rank, axis, frame), axis, frame)).toBe(rank)
  expect(rankOfX(0, axis, frame)).toBe(0)
  expect(rankOfX(10_000, axis, frame)).toBe(512)
  expect(xOfRank(0, axis, frame)).toBe(margin.left)
})

test('ticks are round numbers inside the axis', () => {
  expect(niceTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6000000000000001, 0.8, 1])
})

const named = (low: number, high: number, count: number) =>
  ticksOf({ low, high, scale: 'log' }, count).flatMap(({ at, small }) => (small ? [] : [at]))

test('a logarithmic axis names decades, thins many, and names more where there are few', () => {
  expect(named(1e-3, 1, 8)).toEqual([0.001, 0.01, 0.1, 1])
  expect(named(1e-12, 1, 4)).toHaveLength(4)
  expect(named(0.15, 0.8, 5)).toEqual([0.2, 0.5])
  // Within less than a step of a decade: as on a linear axis.
  expect(named(0.41, 0.49, 4).length).toBeGreaterThan(2)
})

test('between decades stand the small ticks at 2 to 9 times each', () => {
  const small = ticksOf({ low: 0.01, high: 1, scale: 'log' }, 8).filter((tick) => tick.small)
  expect(small).toHaveLength(16)
  expect(small[0]!.at).toBeCloseTo(0.02, 12)
})

test('a spike one index wide is drawn, and a falling curve gets no point more', () => {
  const spiked: Series = { id: 's', role: 'value-error', label: '', at: (rank) => (rank === 3001 ? 9 : 1 / rank) }
  const falling: Series = { ...spiked, at: (rank) => 1 / rank }
  const grid = rankGrid(1, 4096)
  expect(grid).not.toContain(3001)
  expect(withExtremes([spiked], grid)).toContain(3001)
  expect(withExtremes([falling], grid)).toEqual(grid)
})

test('the noise line alone does not choose the axis', () => {
  const noise: Series = { id: 'noise', role: 'noise', label: '', at: () => 0.95 }
  const found: Series = { id: 'found', role: 'randomized', label: '', at: () => 0.85 }
  expect(lowestError(rowsOf([noise], [0, 9]), [noise], 'linear')).toBe(0)
  expect(lowestError(rowsOf([noise, found], [0, 9]), [noise, found], 'linear')).toBe(0.8)
})
