/** A zoom keeps its place while the rank moves inside it. */
import { expect, test } from 'vitest'
import { axisAfter, lastRank } from '../../../../renderer/charts/plot/zoom.ts'

const reach = { of: 'a', breakEven: 410, smallest: 1024 }

test('around the rank, to break-even, and full', () => {
  expect(lastRank('around', 64, reach)).toBe(200)
  expect(lastRank('breakEven', 64, reach)).toBe(452)
  expect(lastRank('full', 64, reach)).toBe(1024)
  // Never short of the rank that is chosen, nor beyond the matrix.
  expect(lastRank('breakEven', 900, reach)).toBe(900)
  expect(lastRank('around', 900, reach)).toBe(1024)
})

test('a rank that is dragged moves no axis', () => {
  let place = axisAfter(null, 'around', 64, reach)
  for (const rank of [65, 1, 200, 12]) {
    const next = axisAfter(place, 'around', rank, reach)
    expect(next).toBe(place)
    place = next
  }
  // The keyboard leads beyond its end.
  expect(axisAfter(place, 'around', 201, reach).last).toBeGreaterThan(201)
})

test('another tensor has the same axis where its rank can be seen on it', () => {
  const place = axisAfter(null, 'around', 64, reach)
  expect(axisAfter(place, 'around', 80, { ...reach, of: 'b' }).last).toBe(place.last)
  expect(axisAfter(place, 'around', 4, { ...reach, of: 'b' }).last).toBe(12)
})
