import { beforeEach, expect, test } from 'vitest'
import { defaultParams } from '../../../../core/params.ts'
import { isStale, sidesOf, spreadOf, useVersus, versusReducers } from '../../../../renderer/model/looking/versus.ts'
import { someWords } from '../../../core/messages/words.ts'
import { versusReport } from '../harness.ts'

const small = { count: 1, rows: 512, cols: 512 }
const large = { count: 1, rows: 4096, cols: 4096 }
const report = versusReport('w')
const sides = sidesOf(null, defaultParams, large)
const result = { sides, disturbed: false, report }

beforeEach(() => {
  versusReducers.reset()
  versusReducers.follow()
})

test('A starts as the workbench, B as the other method', () => {
  const methods = (method: typeof defaultParams.method, size: typeof small) => {
    const { a, b } = sidesOf(null, { ...defaultParams, method, goalError: 0.1 }, size)
    expect(a.goalError).toBe(0)
    return [a.method, b.method]
  }
  expect(methods('randomized', large)).toEqual(['randomized', 'exact'])
  expect(methods('exact', large)).toEqual(['exact', 'randomized'])
  // What auto comes to decides.
  expect(methods('auto', large)).toEqual(['auto', 'exact'])
  expect(methods('auto', small)).toEqual(['auto', 'randomized'])
})

test('chosen sides stay as they are, on the machine the workbench uses', () => {
  const chosen = { a: { ...defaultParams, nIter: 7 }, b: defaultParams }
  const now = sidesOf(chosen, { ...defaultParams, nIter: 1, threads: 3 }, large)
  expect(now.a).toMatchObject({ nIter: 7, threads: 3 })
  expect(now.b).toMatchObject({ nIter: 2, threads: 3 })
})

test('a run leaves its report or its sentence with the tensor, and the next one takes the sentence away', () => {
  const error = { code: 'out-of-memory', said: [someWords('Needs 9 GB.')] } as const
  versusReducers.failed('w', error)
  expect(useVersus.getState()).toMatchObject({ results: {}, failures: { w: error } })
  versusReducers.asked('w')
  versusReducers.finished(result)
  expect(useVersus.getState()).toMatchObject({ results: { w: result }, failures: {} })
})

test('a result is stale once a parameter that matters to a side has changed', () => {
  expect(isStale(result, sides, large)).toBe(false)
  expect(isStale(result, { ...sides, a: { ...sides.a, nIter: 3 } }, large)).toBe(true)
  expect(isStale(result, { ...sides, b: { ...sides.b, rank: 65 } }, large)).toBe(true)
  // The exact side has no seed, and automatic is what it comes to.
  expect(isStale(result, { ...sides, b: { ...sides.b, seed: 1 } }, large)).toBe(false)
  expect(isStale(result, { ...sides, a: { ...sides.a, method: 'randomized' } }, large)).toBe(false)
  expect(isStale(result, { ...sides, a: { ...sides.a, threads: 1 } }, large)).toBe(true)
})

test('a side is changed and copied across', () => {
  versusReducers.change(sides, 'b', { method: 'randomized', nIter: 0 })
  expect(useVersus.getState().chosen).toEqual({ ...sides, b: { ...sides.b, method: 'randomized', nIter: 0 } })
  versusReducers.copy(sides, 'b')
  expect(useVersus.getState().chosen).toEqual({ a: sides.b, b: sides.b })
})

test('swapped sides take what is known of them along', () => {
  versusReducers.finished(result)
  versusReducers.swap(sides)
  const { chosen, results } = useVersus.getState()
  expect(chosen).toEqual({ a: sides.b, b: sides.a })
  expect(results.w?.report).toEqual({ ...report, a: report.b, b: report.a })
  expect(isStale(results.w!, chosen!, large)).toBe(false)
})

test('another file keeps what the sides are and forgets what was found', () => {
  versusReducers.change(sides, 'a', {})
  versusReducers.finished(result)
  versusReducers.reset()
  expect(useVersus.getState()).toEqual({ chosen: sides, results: {}, failures: {} })
})

test('a spread is a mean and the range of all runs', () => {
  expect(spreadOf([3, 1, 2])).toEqual({ mean: 2, low: 1, high: 3, runs: 3 })
})
