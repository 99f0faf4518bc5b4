import { expect, test } from 'vitest'
import type { JobEvent } from '../../../core/contract.ts'
import { afterRunEvent, type RunView, timeLeftMs } from '../../../renderer/store/runs.ts'

const run: RunView = {
  runId: 'r',
  source: 'a.safetensors',
  target: 'b.safetensors',
  state: 'running',
  phase: null,
  tensor: null,
  done: 0,
  total: 0,
  report: null,
  error: null,
  since: null,
  doneAtSince: 0,
}
const progress = (phase: string, done: number): JobEvent => ({
  type: 'progress',
  jobId: 'j',
  phase,
  tensor: 'w',
  done,
  total: 1000,
})

test('the time left follows the pace of the phase, and is no guess', () => {
  const begun = afterRunEvent(run, progress('compress', 100), 0)
  expect(timeLeftMs(begun, 500)).toBeNull()
  const later = afterRunEvent(begun, progress('compress', 300), 2000)
  // 200 bytes in 2 s, 700 to go.
  expect(timeLeftMs(later, 2000)).toBe(7000)
})

test('another phase counts from its own beginning', () => {
  const plan = afterRunEvent(run, progress('plan', 900), 0)
  const work = afterRunEvent(plan, progress('compress', 10), 5000)
  expect(work.since).toBe(5000)
  expect(timeLeftMs(work, 5500)).toBeNull()
})

test('a run ends in the state its last event says', () => {
  expect(afterRunEvent(run, { type: 'cancelled', jobId: 'j' }, 0).state).toBe('cancelled')
  const error = { code: 'cannot-write', message: 'The disk is full.' } as const
  expect(afterRunEvent(run, { type: 'failed', jobId: 'j', error }, 0)).toMatchObject({ state: 'failed', error })
})
