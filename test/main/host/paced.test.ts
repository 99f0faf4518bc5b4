import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Run } from '../../../core/contract.ts'
import { pace, paceMs } from '../../../main/host/paced.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function listening() {
  const told: [runId: string, state: string, finishedTensors: number][] = []
  const hear = pace(({ runId, state, finishedTensors }) => void told.push([runId, state, finishedTensors]))
  const run = (runId: string, state: Run['state'], finishedTensors: number) =>
    hear({ runId, state, finishedTensors, endedAt: state === 'running' ? null : 1 } as Run)
  return { told, run }
}

it('tells the first at once, then the latest of each while', () => {
  const { told, run } = listening()
  for (let n = 0; n <= 9; n++) run('a', 'running', n)
  expect(told).toEqual([['a', 'running', 0]])
  vi.advanceTimersByTime(paceMs)
  expect(told).toEqual([
    ['a', 'running', 0],
    ['a', 'running', 9],
  ])
  vi.advanceTimersByTime(paceMs - 1)
  run('a', 'running', 10)
  expect(told).toHaveLength(2)
  vi.advanceTimersByTime(1)
  expect(told.at(-1)).toEqual(['a', 'running', 10])
  vi.advanceTimersByTime(10 * paceMs)
  expect(told).toHaveLength(3)
})

it('tells a change of state at once, and nothing older after it', () => {
  const { told, run } = listening()
  run('a', 'running', 0)
  run('a', 'running', 1)
  run('a', 'finished', 2)
  expect(told.at(-1)).toEqual(['a', 'finished', 2])
  vi.advanceTimersByTime(10 * paceMs)
  expect(told).toHaveLength(2)
  expect(vi.getTimerCount()).toBe(0)
})

it('keeps runs apart', () => {
  const { told, run } = listening()
  run('a', 'running', 0)
  run('b', 'running', 0)
  expect(told.map(([runId]) => runId)).toEqual(['a', 'b'])
})
