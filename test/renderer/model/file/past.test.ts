/** Undo and redo over goal, parameters, ticks and pins: a change is a step once it has settled, however many stores it touched. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { TensorReport } from '../../../../core/contract.ts'
import { defaultParams } from '../../../../core/params.ts'
import { noGoal } from '../../../../renderer/choices/goal.ts'
import { paramsReducers, useParams } from '../../../../renderer/choices/params.ts'
import { selectionReducers, useSelection } from '../../../../renderer/choices/selection.ts'
import { followPast, redo, startPast, undo, usePast } from '../../../../renderer/model/file/past.ts'

const tensor = { name: 'w', matrix: [8, 8], plan: 'factorize' } as unknown as TensorReport
const settle = () => vi.advanceTimersByTime(1000)

followPast()

beforeEach(() => {
  vi.useFakeTimers()
  useParams.setState({ params: defaultParams, lastGoals: {}, output: 'factors' })
  selectionReducers.reset()
  startPast()
})
afterEach(() => vi.useRealTimers())

test('a size goal that one touch turned into a rank for all comes back', () => {
  paramsReducers.set({ ...noGoal, goalSize: 0.4 })
  settle()
  paramsReducers.set({ ...noGoal, rank: 15 })
  settle()
  undo()
  expect(useParams.getState().params.goalSize).toBe(0.4)
  expect(useParams.getState().params.rank).toBe(64)
  redo()
  expect(useParams.getState().params).toMatchObject({ goalSize: 0, rank: 15 })
})

test('a drag over fifty ranks is one step, and so is what is undone before it has settled', () => {
  for (let rank = 64; rank > 14; rank--) {
    paramsReducers.set({ rank })
    vi.advanceTimersByTime(16)
  }
  undo()
  expect(useParams.getState().params.rank).toBe(64)
  expect(usePast.getState().before).toHaveLength(0)
})

test('ticks, pins, rules and a reset are steps; what is only looked at is none', () => {
  selectionReducers.setCompressed(tensor, false)
  settle()
  selectionReducers.pin('w', 7)
  settle()
  selectionReducers.whatIf(9)
  selectionReducers.search('q_proj')
  selectionReducers.tab('model')
  settle()
  paramsReducers.set({ nIter: 4 })
  settle()
  paramsReducers.reset()
  settle()
  expect(usePast.getState().before).toHaveLength(4)
  undo()
  expect(useParams.getState().params.nIter).toBe(4)
  undo()
  undo()
  expect(useSelection.getState().pins.size).toBe(0)
  expect(useSelection.getState().excluded).toEqual(new Set(['w']))
  undo()
  expect(useSelection.getState().excluded.size).toBe(0)
  // The view stays where it is.
  expect(useSelection.getState().tab).toBe('model')
})

test('another change after an undo forgets what could be done again; another file forgets all', () => {
  paramsReducers.set({ rank: 10 })
  settle()
  undo()
  paramsReducers.set({ rank: 20 })
  settle()
  redo()
  expect(useParams.getState().params.rank).toBe(20)
  startPast()
  undo()
  expect(useParams.getState().params.rank).toBe(20)
})
