import { expect, test } from 'vitest'
import { logTicks, margin, niceTicks, rankOfX, xOfRank } from '../../../renderer/charts/axis.ts'
import { listed, rankGrid, rowsOf } from '../../../renderer/charts/series.ts'

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
  const series = [{ id: 'a', label: 'A', color: 'red', at: listed([1, 0.5], 0) }]
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
  expect(logTicks(1e-3, 1, 8)).toEqual([0.001, 0.01, 0.1, 1])
  expect(logTicks(0.4, 0.6, 5)).toEqual([0.4, 0.6])
})
