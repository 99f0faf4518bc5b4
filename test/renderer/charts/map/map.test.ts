/** The arithmetic of the map: its colors and where its keys lead. */
import { expect, test } from 'vitest'
import type { TensorReport } from '../../../../core/contract.ts'
import type { MapLayer } from '../../../../core/model-map.ts'
import { fittedScale, stepOf } from '../../../../core/report/map-scale.ts'
import { mapSteps as steps } from '../../../../core/report/palette.ts'
import { mapLayout, placeAt } from '../../../../renderer/charts/map/layout.ts'
import { placeAfter, placeOf } from '../../../../renderer/charts/map/moves.ts'

test('a fitted scale has round ends around all errors, near ones too', () => {
  for (const errors of [[0.071, 0.71], [0.0121, 0.0124], [0.5], [0], [1, 0.999], [1e-7, 2e-7]]) {
    const { low, high } = fittedScale(errors)
    expect(low).toBeLessThanOrEqual(Math.min(...errors) * (1 + 1e-9))
    expect(high).toBeGreaterThanOrEqual(Math.max(...errors) * (1 - 1e-9))
    expect(high).toBeGreaterThan(low)
    expect(high).toBeLessThanOrEqual(1)
  }
  expect(fittedScale([])).toEqual({ low: 0, high: 1 })
  // What differs by rounding alone is of one color, and what differs by little of neighbors.
  const stepsOf = (errors: number[]) => errors.map((error) => stepOf(error, fittedScale(errors)))
  expect(new Set(stepsOf([5.9e-7, 6e-7, 6.2e-7, 6.3e-7])).size).toBe(1)
  const [low, high] = stepsOf([0.09, 0.11])
  expect(high! - low!).toBeLessThan(steps / 2)
  // One value has a scale too, and a rounding error one that is read as a number.
  expect(fittedScale([0.086])).toEqual({ low: expect.closeTo(0.04, 9), high: expect.closeTo(0.1, 9) })
  expect(fittedScale([2e-7])).toEqual({ low: 0, high: expect.closeTo(1e-5, 9) })
  // Ranks have no whole.
  expect(fittedScale([4, 162], Number.POSITIVE_INFINITY)).toEqual({ low: 0, high: 200 })
})

test('every error has a step, larger ones never a smaller one', () => {
  const scale = fittedScale([0.1, 0.9])
  const found = Array.from({ length: 101 }, (_, i) => stepOf(i / 100, scale))
  expect(found).toEqual(found.toSorted((a, b) => a - b))
  expect(new Set(found)).toEqual(new Set(Array.from({ length: steps }, (_, step) => step)))
})

const layer = (key: string, ...roles: number[]): MapLayer<TensorReport> => ({
  key,
  label: key,
  tensors: new Map(roles.map((role) => [role, { name: `${key}.${role}` } as TensorReport])),
})
/** Roles 0..3 in the layers, a head that has only the last role, and a layer with a gap. */
const layers = [layer('head', 4), layer('0', 0, 1, 2, 3), layer('1', 0, 3), layer('2', 0, 1, 2, 3)]
const press = (key: string, from: [number, number], ctrlKey = false) => {
  const to = placeAfter({ key, ctrlKey, metaKey: false }, layers, { layer: from[0], role: from[1] }, 2)
  return to && [to.layer, to.role]
}

test('arrows lead from matrix to matrix, over gaps', () => {
  expect(press('ArrowRight', [2, 0])).toEqual([2, 3])
  expect(press('ArrowLeft', [2, 3])).toEqual([2, 0])
  expect(press('ArrowRight', [1, 3])).toEqual([1, 3])
  expect(press('ArrowDown', [1, 0])).toEqual([2, 0])
  // Where the layer lacks the role, to the nearest one it has.
  expect(press('ArrowDown', [1, 2])).toEqual([2, 3])
  expect(press('ArrowUp', [1, 0])).toEqual([0, 4])
  expect(press('ArrowUp', [0, 4])).toEqual([0, 4])
})

test('Home, End and the page keys', () => {
  expect(press('Home', [1, 2])).toEqual([1, 0])
  expect(press('End', [1, 0])).toEqual([1, 3])
  expect(press('Home', [3, 2], true)).toEqual([0, 4])
  expect(press('End', [0, 4], true)).toEqual([3, 3])
  expect(press('PageDown', [0, 4])).toEqual([2, 3])
  expect(press('PageUp', [3, 0])).toEqual([1, 0])
  expect(press('a', [1, 0])).toBeNull()
})

test('every matrix can be reached by arrows alone', () => {
  const reached = new Set<string>()
  const queue: [number, number][] = [[0, 4]]
  for (let next = queue.pop(); next; next = queue.pop()) {
    if (reached.has(String(next))) continue
    reached.add(String(next))
    for (const key of ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'])
      queue.push(press(key, next) as [number, number])
  }
  expect(reached.size).toBe(layers.reduce((sum, { tensors }) => sum + tensors.size, 0))
})

test('a tensor is found where it is', () => {
  expect(placeOf(layers, '1.3')).toEqual({ layer: 2, role: 3 })
  expect(placeOf(layers, 'nowhere')).toBeNull()
  expect(placeOf(layers, null)).toBeNull()
})

const labels = (count: number, name: string) =>
  Array.from({ length: count }, (_, i) => ({ key: `${name}${i}`, label: `${name}${i}`, tensors: new Map() }))

test('cells take the room there is, and numbers where they fit', () => {
  const room = { width: 900, height: 500 }
  const few = mapLayout({ layers: labels(12, ''), roles: labels(7, 'proj'), bands: [] }, room)
  expect(few).toMatchObject({ numbers: true, cellHeight: 39 })
  expect(few.width).toBeLessThanOrEqual(room.width)
  // 61 layers of 256 experts are 61 x 256 cells, without scrolling.
  const experts = {
    layers: labels(61, ''),
    roles: labels(256, 'e'),
    bands: [{ label: 'experts', first: 0, count: 256 }],
  }
  const many = mapLayout(experts, { width: 1440, height: 700 })
  expect(many.numbers).toBe(false)
  expect([many.width <= 1440, many.height <= 700]).toEqual([true, true])
  // Where even the smallest cells do not fit they keep a size that can be pointed at.
  expect(mapLayout({ layers: labels(5000, ''), roles: labels(3, 'r'), bands: [] }, room).height).toBeGreaterThan(
    5000 * 5,
  )
})

test('a point is the cell that is drawn there, a label is none', () => {
  const layout = mapLayout({ layers: labels(12, ''), roles: labels(7, 'proj'), bands: [] }, { width: 900, height: 500 })
  const { left, top, cellWidth, cellHeight } = layout
  expect(placeAt(left + 3 * cellWidth + 1, top + 2 * cellHeight + 1, layout)).toEqual({ layer: 2, role: 3 })
  expect(placeAt(left - 1, top + 5, layout)).toBeNull()
  expect(placeAt(left + 5, top - 1, layout)).toBeNull()
  expect(placeAt(left + 7 * cellWidth + 5, top + 5, layout)).toBeNull()
})
