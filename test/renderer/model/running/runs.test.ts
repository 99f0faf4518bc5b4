import { beforeEach, describe, expect, test } from 'vitest'
import type { Run } from '../../../../core/contract.ts'
import type { JobPhase } from '../../../../core/phases.ts'
import {
  bytesPerSecond,
  type RunView,
  runsReducers,
  stripRuns,
  timeLeftMs,
  trackRun,
  useRuns,
  workOf,
} from '../../../../renderer/model/running/runs.ts'
import { someRun } from '../../../core/contract/some-run.ts'

const at = (phase: JobPhase, done: number, finishedTensors = 0, changes: Partial<Run> = {}): Run =>
  someRun({ finishedTensors, progress: { phase, tensor: 'w', done, total: 1000, memoryBytes: 0 }, ...changes })
const ended = (runId: string, state: Run['state'], changes: Partial<Run> = {}) =>
  at('compress', 0, 3, { runId, state, progress: null, endedAt: 1, ...changes })

/** The run as it is seen at these times. */
function follow(...steps: [now: number, run: Run][]): RunView {
  return steps.reduce<RunView | undefined>((before, [now, run]) => trackRun(before, run, now), undefined)!
}

describe('pace', () => {
  const three: [number, Run][] = [
    [0, at('compress', 0)],
    [1000, at('compress', 100, 1)],
    [2000, at('compress', 200, 2)],
    [3000, at('compress', 300, 3)],
  ]

  test('the time left is told by three finished tensors, and shrinks while the next is at work', () => {
    expect(timeLeftMs(follow(...three.slice(0, 3)), 2000)).toBeNull()
    const run = follow(...three)
    expect(bytesPerSecond(run)).toBe(100)
    expect(timeLeftMs(run, 3000)).toBe(7000)
    expect(timeLeftMs(run, 5000)).toBe(5000)
    expect(timeLeftMs(run, 60_000)).toBe(0)
  })

  test('another phase counts from its own beginning', () => {
    const run = follow([0, at('plan', 0)], [1, at('plan', 300)], [2, at('plan', 600)], [5000, at('compress', 10)])
    expect(bytesPerSecond(run)).toBeNull()
    expect(run.pace?.since).toBe(5000)
  })

  test('planning has a pace too, though it finishes nothing', () => {
    const run = follow(...three.map(([now, { progress }]): [number, Run] => [now, at('plan', progress!.done)]))
    expect(timeLeftMs(run, 3000)).toBe(7000)
  })

  test('time spent paused is no pace', () => {
    const paused = follow(...three, [4000, at('compress', 300, 3, { state: 'paused' })])
    expect(timeLeftMs(paused, 4000)).toBeNull()
    const later = trackRun(trackRun(paused, at('compress', 300, 3), 60_000), at('compress', 500, 4), 61_000)
    expect(bytesPerSecond(later)).toBe(200)
  })

  test('a run that goes on is not judged by what it passes over', () => {
    const run = follow(
      [0, at('compress', 0)],
      [1, at('compress', 400)],
      [2, at('compress', 800)],
      [1002, at('compress', 900, 1)],
    )
    expect(bytesPerSecond(run)).toBe(100)
  })
})

describe('the list', () => {
  beforeEach(() => useRuns.setState({ runs: [], watched: new Set(), dismissed: new Set(), menuOf: null }))
  const strip = () => stripRuns(useRuns.getState()).shown.map(({ runId }) => runId)

  test('a run that just began heads it', () => {
    runsReducers.listed([at('compress', 0)], 0)
    runsReducers.changed(at('plan', 0, 0, { runId: 'new' }), 0)
    runsReducers.changed(ended('r', 'finished'), 0)
    expect(useRuns.getState().runs.map(({ runId, state }) => [runId, state])).toEqual([
      ['new', 'running'],
      ['r', 'finished'],
    ])
  })

  test('the strip shows what is at work and how what it saw at work ended, not what ended before', () => {
    runsReducers.listed([at('compress', 0), ended('yesterday', 'finished')], 0)
    expect(strip()).toEqual(['r'])
    runsReducers.changed(ended('r', 'failed'), 0)
    expect(strip()).toEqual(['r'])
    runsReducers.dismiss('r')
    expect(strip()).toEqual([])
  })

  test('of several that ended the strip shows the newest, below what is at work, and counts the others', () => {
    const runs = ['c', 'b', 'a'].map((runId) => ended(runId, 'finished'))
    runsReducers.watch(['a', 'b', 'c'])
    runsReducers.listed([...runs, at('compress', 0)], 0)
    expect(strip()).toEqual(['r', 'c'])
    expect(stripRuns(useRuns.getState()).more).toBe(2)
    runsReducers.dismiss('c')
    expect(strip()).toEqual(['r', 'b'])
    expect(stripRuns(useRuns.getState()).more).toBe(1)
  })

  test('a run whose menu is open stays while another ends, until it is closed', () => {
    runsReducers.listed([at('compress', 0), ended('a', 'finished')], 0)
    runsReducers.watch(['a'])
    runsReducers.menu('a')
    runsReducers.changed(ended('r', 'finished'), 0)
    expect(strip()).toEqual(['r', 'a'])
    expect(stripRuns(useRuns.getState()).more).toBe(0)
    runsReducers.menu(null)
    expect(strip()).toEqual(['r'])
  })

  test('what this window saw at work is known again after a reload', () => {
    runsReducers.watch(['r'])
    runsReducers.listed([ended('r', 'finished'), ended('other', 'finished')], 0)
    expect(strip()).toEqual(['r'])
  })

  test('of runs cut short before this window came, the last one with finished tensors is shown', () => {
    const resumable = { resumable: true }
    runsReducers.listed(
      [ended('lost', 'interrupted'), ended('late', 'interrupted', resumable), ended('early', 'interrupted', resumable)],
      0,
    )
    expect(strip()).toEqual(['late'])
    runsReducers.dismiss('late')
    expect(strip()).toEqual([])
  })

  test('a list that was made before a run ended does not bring it back to work', () => {
    runsReducers.changed(ended('r', 'finished'), 0)
    runsReducers.listed([at('compress', 900, 3)], 1)
    expect(useRuns.getState().runs[0]?.state).toBe('finished')
  })

  test('a forgotten run is gone', () => {
    runsReducers.listed([ended('r', 'cancelled')], 0)
    runsReducers.forgotten('r')
    expect(useRuns.getState().runs).toEqual([])
  })
})

test('what a run is at is one word for header and strip, and planning is not called writing', () => {
  const stages = [
    someRun({ progress: null }),
    at('analyze', 1),
    at('compress', 1),
    at('compress', 1000),
    at('verify', 1),
  ]
  expect(stages.map(workOf)).toEqual(['starting', 'planning', 'writing', 'finishing', 'checking'])
  expect(workOf(someRun({ state: 'waiting', progress: null }))).toBe('waiting')
})
