/**
 * What the desktop shows of runs outside the window: how far they are in the taskbar, a word when one has ended and nobody looks, and no
 * sleep while one computes. A pure function from the runs that go on to what is to be seen; who does it is handed in.
 */

import { errorOfRun, type Run } from '../../../core/contract.ts'
import { fileName } from '../../../core/messages/text.ts'
import type { Say } from '../words.ts'

export interface TaskbarProgress {
  readonly mode: 'none' | 'normal' | 'indeterminate' | 'paused'
  /** 0..1 */
  readonly value: number
}

export interface Notice {
  readonly title: string
  readonly body: string
}

/** The system, as far as runs concern it. Each is told only of changes. */
export interface Desk {
  /** The texts of the language that is spoken now. */
  say(): Say
  showProgress(progress: TaskbarProgress): void
  keepAwake(awake: boolean): void
  notify(notice: Notice): void
  /** Whether the user looks at the application. */
  watched(): boolean
}

export function runEffects(desk: Desk): (run: Run) => void {
  const live = new Map<string, Run>()
  let shown: TaskbarProgress = noProgress
  let awake = false

  return (run) => {
    if (run.endedAt === null) live.set(run.runId, run)
    else if (live.delete(run.runId)) {
      const notice = noticeOf(run, desk.say())
      if (notice && !desk.watched()) desk.notify(notice)
    }
    const runs = [...live.values()]
    const progress = progressOf(runs)
    if (progress.mode !== shown.mode || progress.value !== shown.value) desk.showProgress(progress)
    shown = progress
    // Held, it waits for its user and may wait through a night.
    const computes = runs.some(({ state }) => state === 'running')
    if (computes !== awake) desk.keepAwake(computes)
    awake = computes
  }
}

const noProgress: TaskbarProgress = { mode: 'none', value: 0 }

/** Over all runs, in bytes. A run that is still being planned has a long way to go and cannot say how long. */
export function progressOf(runs: readonly Run[]): TaskbarProgress {
  const live = runs.filter(({ state }) => state !== 'waiting')
  if (live.length === 0) return noProgress
  const counted = live.flatMap(({ progress }) => (progress?.phase === 'compress' ? [progress] : []))
  const total = counted.reduce((sum, progress) => sum + progress.total, 0)
  const done = counted.reduce((sum, progress) => sum + progress.done, 0)
  const value = total > 0 ? done / total : 0
  if (live.every(({ state }) => state === 'paused')) return { mode: 'paused', value }
  return total > 0 ? { mode: 'normal', value } : { mode: 'indeterminate', value }
}

/** As Electron wants it: below 0 there is no bar. Without an end in sight it is above 1 on macOS; Linux has no such bar, and none that is held. */
export function barOf({ mode, value }: TaskbarProgress, platform: NodeJS.Platform): TaskbarProgress {
  if (mode === 'none') return { mode, value: -1 }
  if (mode !== 'indeterminate' || platform === 'win32') return { mode, value }
  return platform === 'darwin' ? { mode, value: 2 } : { mode: 'none', value: -1 }
}

/** Whoever cancelled a run, or closed the application, knows. */
export function noticeOf({ state, choices, target, result, error }: Run, say: Say): Notice | null {
  if (state === 'finished' && result) {
    const { bytesBefore: before, bytesAfter: after } = result
    return {
      title: say('desktop.run-finished', { name: fileName(target) }),
      body: say('desktop.run-sizes', { before, after, error: errorOfRun(choices.kind, result) }),
    }
  }
  if (state === 'failed')
    return { title: say('desktop.run-failed', { name: fileName(target) }), body: error ? say.said(error.said) : '' }
  return null
}
