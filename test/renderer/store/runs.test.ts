import { expect, test } from 'vitest'
import type { Run } from '../../../core/contract.ts'
import { defaultParams } from '../../../core/params.ts'
import { runsReducers, seen, timeLeftMs, useRuns } from '../../../renderer/store/runs.ts'

const at = (phase: string, done: number, state: Run['state'] = 'running'): Run => ({
  runId: 'r',
  source: 'a.safetensors',
  target: 'b.safetensors',
  recipe: { recipe: 1, output: 'factors', params: defaultParams, include: [], exclude: [] },
  state,
  resumable: false,
  startedAt: 0,
  endedAt: null,
  finishedTensors: 0,
  progress: { phase, tensor: 'w', done, total: 1000, memoryBytes: 0 },
  result: null,
  error: null,
})

test('the time left follows the pace of the phase, and is no guess', () => {
  const begun = seen(undefined, at('compress', 100), 0)
  expect(timeLeftMs(begun, 500)).toBeNull()
  const later = seen(begun, at('compress', 300), 2000)
  // 200 bytes in 2 s, 700 to go.
  expect(timeLeftMs(later, 2000)).toBe(7000)
})

test('another phase counts from its own beginning', () => {
  const plan = seen(undefined, at('plan', 900), 0)
  const work = seen(plan, at('compress', 10), 5000)
  expect(work.since).toBe(5000)
  expect(timeLeftMs(work, 5500)).toBeNull()
})

test('time spent paused is no pace', () => {
  const begun = seen(undefined, at('compress', 100), 0)
  const held = seen(begun, at('compress', 300, 'paused'), 2000)
  const later = seen(held, at('compress', 300), 60_000)
  expect(timeLeftMs(seen(later, at('compress', 400), 61_000), 61_000)).toBe(6000)
})

test('a run that just began heads the list', () => {
  runsReducers.listed([at('compress', 0)], 0)
  runsReducers.changed({ ...at('plan', 0), runId: 'new' }, 0)
  runsReducers.changed({ ...at('compress', 1), state: 'finished', progress: null }, 0)
  expect(useRuns.getState().runs.map(({ runId, state }) => [runId, state])).toEqual([
    ['new', 'running'],
    ['r', 'finished'],
  ])
})
