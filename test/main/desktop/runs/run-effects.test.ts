import { beforeEach, describe, expect, it } from 'vitest'
import type { Run } from '../../../../core/contract.ts'
import type { JobPhase } from '../../../../core/phases.ts'
import { barOf, noticeOf, progressOf, runEffects } from '../../../../main/desktop/runs/run-effects.ts'
import { sayIn } from '../../../../main/desktop/words.ts'
import { someExtraction, someReport, someRun } from '../../../core/contract/some-run.ts'
import { someWords } from '../../../core/messages/words.ts'

type State = Run['state']

function runOf(runId: string, state: State, share: number | null = null, phase: JobPhase = 'compress'): Run {
  const live = state === 'running' || state === 'paused'
  return someRun({
    runId,
    target: `${runId}.safetensors`,
    state,
    endedAt: live ? null : 1,
    progress: share === null ? null : { phase, tensor: 'w', done: share * 100, total: 100, memoryBytes: 1 },
    result:
      state !== 'finished'
        ? null
        : { ...someReport, output: `${runId}.safetensors`, bytesBefore: 2e9, bytesAfter: 1e9, relativeError: 0.123 },
    error: state === 'failed' ? { code: 'cannot-write', said: [someWords('The disk is full.')] } : null,
  })
}

describe('the taskbar', () => {
  it('has nothing without runs, and cannot say how long while all are being planned', () => {
    expect(progressOf([])).toEqual({ mode: 'none', value: 0 })
    expect(progressOf([runOf('a', 'running')])).toEqual({ mode: 'indeterminate', value: 0 })
    expect(progressOf([runOf('a', 'running', 0.9, 'plan')])).toEqual({ mode: 'indeterminate', value: 0 })
  })

  it('adds the bytes of all runs', () => {
    const runs = [runOf('a', 'running', 0.5), runOf('b', 'paused', 0.25), runOf('c', 'running')]
    expect(progressOf(runs)).toEqual({ mode: 'normal', value: 0.375 })
  })

  it('is held when every run is', () => {
    expect(progressOf([runOf('a', 'paused', 0.5), runOf('b', 'paused')])).toEqual({ mode: 'paused', value: 0.5 })
  })
})

describe('the bar', () => {
  const indeterminate = { mode: 'indeterminate', value: 0 } as const
  it('without an end in sight is a mode on Windows, above 1 on macOS, and absent on Linux', () => {
    expect(barOf(indeterminate, 'win32')).toEqual({ mode: 'indeterminate', value: 0 })
    expect(barOf(indeterminate, 'darwin').value).toBeGreaterThan(1)
    expect(barOf(indeterminate, 'linux').value).toBeLessThan(0)
  })
  it.each(['win32', 'darwin', 'linux'] as const)('shows a share, and goes, on %s', (platform) => {
    expect(barOf({ mode: 'normal', value: 0.25 }, platform).value).toBe(0.25)
    expect(barOf({ mode: 'none', value: 0 }, platform).value).toBeLessThan(0)
  })
})

describe('a notice', () => {
  it('says what was saved, or why not, and nothing of what the user did', () => {
    expect(noticeOf(runOf('a', 'finished'), sayIn('en'))).toEqual({
      title: 'a.safetensors is saved and checked',
      body: '2.00\u00a0GB -> 1.00\u00a0GB, error 12.30\u00a0%',
    })
    expect(noticeOf(runOf('a', 'failed'), sayIn('en'))).toEqual({
      title: 'a.safetensors could not be finished',
      body: 'The disk is full.',
    })
    expect(noticeOf(runOf('a', 'finished'), sayIn('zh-CN'))).toEqual({
      title: 'a.safetensors 已保存并检查',
      body: '2.00\u00a0GB → 1.00\u00a0GB，误差 12.30\u00a0%',
    })
    // Of an adapter the error of all differences together, as everywhere.
    const { result } = runOf('a', 'finished')
    const extracted = {
      ...runOf('a', 'finished'),
      choices: someExtraction,
      result: { ...result!, absoluteError: 0.04 },
    }
    expect(noticeOf(extracted, sayIn('en'))!.body).toContain('error 4.00')
    for (const state of ['cancelled', 'interrupted', 'running', 'paused'] as const)
      expect(noticeOf(runOf('a', state), sayIn('en'))).toBeNull()
  })
})

describe('the desk', () => {
  let told: unknown[]
  let watched: boolean
  let hear: (run: Run) => void
  beforeEach(() => {
    told = []
    watched = false
    hear = runEffects({
      say: () => sayIn('en'),
      showProgress: ({ mode, value }) => void told.push(`${mode} ${value}`),
      keepAwake: (awake) => void told.push(awake ? 'awake' : 'may sleep'),
      notify: ({ title }) => void told.push(title),
      watched: () => watched,
    })
  })

  it('stays awake while a run computes, not while all are held, and hears only of changes', () => {
    for (const run of [
      runOf('a', 'running', 0.1),
      runOf('a', 'running', 0.1),
      runOf('b', 'running', 0.1),
      runOf('a', 'paused', 0.1),
      runOf('b', 'paused', 0.1),
      runOf('b', 'running', 0.1),
    ])
      hear(run)
    expect(told).toEqual(['normal 0.1', 'awake', 'paused 0.1', 'may sleep', 'normal 0.1', 'awake'])
  })

  it('is as before when the last run has ended, and says so once', () => {
    for (const run of [runOf('a', 'running', 0.1), runOf('a', 'finished'), runOf('a', 'finished')]) hear(run)
    expect(told).toEqual(['normal 0.1', 'awake', 'a.safetensors is saved and checked', 'none 0', 'may sleep'])
  })

  it('says nothing to somebody who looks', () => {
    watched = true
    for (const run of [runOf('a', 'running', 0.1), runOf('a', 'failed')]) hear(run)
    expect(told).toEqual(['normal 0.1', 'awake', 'none 0', 'may sleep'])
  })

  it('knows nothing of runs that had ended before', () => {
    hear(runOf('a', 'finished'))
    expect(told).toEqual([])
  })
})
