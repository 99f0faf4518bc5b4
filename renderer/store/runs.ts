/** Compression runs as the host tells of them. They outlive the page: a reload asks for the list again. */
import { create } from 'zustand'
import type { Run } from '../../core/contract.ts'

export interface RunView extends Run {
  /** Where this page first saw its phase, and when in ms: for the time left. */
  readonly since: number | null
  readonly doneAtSince: number
}

export const useRuns = create<{ readonly runs: readonly RunView[]; readonly dismissed: ReadonlySet<string> }>(() => ({
  runs: [],
  dismissed: new Set(),
}))

export const runsReducers = {
  /** The host's list, newest first. */
  listed(runs: readonly Run[], now: number) {
    useRuns.setState(({ runs: known }) => ({
      runs: runs.map((run) =>
        seen(
          known.find(({ runId }) => runId === run.runId),
          run,
          now,
        ),
      ),
    }))
  },
  /** One run as it stands now; a new one heads the list. */
  changed(run: Run, now: number) {
    useRuns.setState(({ runs }) => {
      const before = runs.find(({ runId }) => runId === run.runId)
      const view = seen(before, run, now)
      return { runs: before ? runs.map((other) => (other === before ? view : other)) : [view, ...runs] }
    })
  },
  dismiss(runId: string) {
    useRuns.setState(({ dismissed }) => ({ dismissed: new Set([...dismissed, runId]) }))
  },
}

/** A run as it stands now, after how this page saw it before; `now` in ms. */
export function seen(before: RunView | undefined, run: Run, now: number): RunView {
  const { progress } = run
  if (!progress) return { ...run, since: null, doneAtSince: 0 }
  const { since = null, doneAtSince = 0, state, progress: last = null } = before ?? {}
  // A new phase counts from its own beginning, and so does a run that was let go on.
  const anew = since === null || state !== run.state || progress.phase !== last?.phase || progress.done < last.done
  return { ...run, since: anew ? now : since, doneAtSince: anew ? progress.done : doneAtSince }
}

/** Milliseconds a run still needs at the pace seen so far; null while that would be a guess. */
export function timeLeftMs({ progress, since, doneAtSince }: RunView, now: number): number | null {
  if (since === null || !progress) return null
  const moved = progress.done - doneAtSince
  const elapsed = now - since
  if (moved <= 0 || elapsed < 1000) return null
  return ((progress.total - progress.done) * elapsed) / moved
}
