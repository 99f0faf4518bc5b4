import { describe, expect, it, test } from 'vitest'
import { afterEvent, queuedJob, shareOf, stageOf } from '../../../core/client/job-view.ts'
import type { JobEvent } from '../../../core/contract.ts'
import type { JobPhase } from '../../../core/phases.ts'
import { someWords } from '../messages/words.ts'

const progress = (phase: JobPhase, done: number, memoryBytes = 0): JobEvent => ({
  ...{ type: 'progress', jobId: 'j', phase, tensor: 'w', done, total: 10, memoryBytes },
})
const estimate: JobEvent = {
  ...{ type: 'estimate', jobId: 'j', iteration: 1, iterations: 2, singularValues: [2], errorCurve: [1, 0.5] },
}
const outcome: JobEvent = {
  type: 'tensor',
  jobId: 'j',
  outcome: {
    name: 'w',
    action: 'kept',
    reason: someWords(''),
    rank: null,
    relativeError: 0,
    bytesBefore: 1,
    bytesAfter: 1,
  },
}
const after = (...events: JobEvent[]) => events.reduce(afterEvent, queuedJob)

test('a job is queued, runs, waits and runs again', () => {
  const states = [
    after(),
    after({ type: 'started', jobId: 'j' }),
    after({ type: 'started', jobId: 'j' }, { type: 'waiting', jobId: 'j' }),
    after({ type: 'waiting', jobId: 'j' }, { type: 'started', jobId: 'j' }),
  ].map(({ state }) => state)
  expect(states).toEqual(['queued', 'running', 'waiting', 'running'])
})

test('progress is that of the job: reading a matrix within it only says how much memory it takes', () => {
  expect(after(progress('analyze', 5), progress('read', 9, 7)).progress).toMatchObject({
    ...{ phase: 'analyze', done: 5, memoryBytes: 7 },
  })
  expect(shareOf(after(progress('analyze', 5), progress('read', 9)))).toBe(0.5)
  // A job that has nothing else to say shows that it reads.
  expect(after(progress('read', 9)).progress).toMatchObject({ phase: 'read', done: 9 })
  expect(after(progress('read', 9), progress('analyze', 0)).progress).toMatchObject({ phase: 'analyze', done: 0 })
})

test('what has no total has no share, and what a phase had reached is kept through another', () => {
  expect(shareOf(queuedJob)).toBeNull()
  expect(shareOf(after({ ...progress('analyze', 0), total: 0 } as JobEvent))).toBeNull()
  expect(after(progress('analyze', 5), progress('plan', 1)).shares).toEqual({ analyze: 0.5, plan: 0.1 })
})

test('estimates and written tensors are kept, ends change nothing', () => {
  const view = after(estimate, outcome, outcome)
  expect(view).toMatchObject({ estimate: { iteration: 1, singularValues: [2] }, finishedTensors: 2 })
  expect(afterEvent(view, { type: 'cancelled', jobId: 'j' })).toBe(view)
})

describe('the stage of a look', () => {
  const at = (phase: 'read' | 'versus', done: number, total: number) =>
    afterEvent(queuedJob, { type: 'progress', jobId: 'a', phase, tensor: 'w', done, total, memoryBytes: 0 })

  it('is a share only while it moves: at the end of reading something else goes on that tells nothing of itself', () => {
    expect(stageOf(queuedJob, 'analyze')).toEqual({ name: 'compute', share: null })
    expect(stageOf(at('read', 30, 100), 'analyze')).toEqual({ name: 'read', share: 0.3 })
    expect(stageOf(at('read', 100, 100), 'analyze')).toEqual({ name: 'compute', share: null })
  })

  it('of a comparison is the exact SVD once both sketches are made, and no share of it is known', () => {
    expect(stageOf(at('versus', 0, 3), 'compare')).toEqual({ name: 'sketch', share: null })
    expect(stageOf(at('versus', 1, 3), 'compare')).toEqual({ name: 'sketch', share: null })
    expect(stageOf(at('versus', 2, 3), 'compare')).toEqual({ name: 'exact', share: null })
  })
})
