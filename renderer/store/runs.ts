/** Compression runs as the host tells of them. They outlive the page: a reload asks for the list again. */
import { create } from 'zustand'
import type { CompressionReport, JobEvent, Run } from '../../core/contract.ts'
import type { ErrorReport } from '../../core/errors.ts'

export interface RunView {
  readonly runId: string
  readonly source: string
  readonly target: string
  readonly state: Run['state']
  readonly phase: string | null
  readonly tensor: string | null
  /** Bytes done and in all, as far as known. */
  readonly done: number
  readonly total: number
  readonly report: CompressionReport | null
  readonly error: ErrorReport | null
  /** When this page first saw it move, in ms: for the time left. */
  readonly since: number | null
  readonly doneAtSince: number
}

export const useRuns = create<{ readonly runs: readonly RunView[]; readonly dismissed: ReadonlySet<string> }>(() => ({
  runs: [],
  dismissed: new Set(),
}))

export const runsReducers = {
  /** The host's list: after start and after every new run. */
  listed(runs: readonly Run[], now: number) {
    useRuns.setState(({ runs: known }) => ({
      runs: runs.map((run) => {
        const before = known.find(({ runId }) => runId === run.runId)
        if (before) return { ...before, state: run.state }
        const view = { ...fresh(run), state: run.state }
        return run.last ? { ...afterRunEvent(view, run.last, now), state: run.state } : view
      }),
    }))
  },
  event(runId: string, event: JobEvent, now: number) {
    useRuns.setState(({ runs }) => ({
      runs: runs.map((run) => (run.runId === runId ? afterRunEvent(run, event, now) : run)),
    }))
  },
  dismiss(runId: string) {
    useRuns.setState(({ dismissed }) => ({ dismissed: new Set([...dismissed, runId]) }))
  },
}

function fresh({ runId, source, target }: Run): RunView {
  return {
    runId,
    source,
    target,
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
}

/** A run after one of its events; `now` in ms. */
export function afterRunEvent(run: RunView, event: JobEvent, now: number): RunView {
  switch (event.type) {
    case 'started':
    case 'estimate':
    case 'tensor':
      return run
    case 'progress': {
      // A new phase counts from its own beginning.
      const anew = run.since === null || event.phase !== run.phase || event.done < run.done
      return {
        ...run,
        phase: event.phase,
        tensor: event.tensor,
        done: event.done,
        total: event.total,
        since: anew ? now : run.since,
        doneAtSince: anew ? event.done : run.doneAtSince,
      }
    }
    case 'finished':
      return event.result.kind === 'compress' ? { ...run, state: 'finished', report: event.result.report } : run
    case 'failed':
      return { ...run, state: 'failed', error: event.error }
    case 'cancelled':
      return { ...run, state: 'cancelled' }
  }
}

/** Milliseconds a run still needs at the pace seen so far; null while that would be a guess. */
export function timeLeftMs(run: RunView, now: number): number | null {
  if (run.since === null) return null
  const moved = run.done - run.doneAtSince
  const elapsed = now - run.since
  if (moved <= 0 || elapsed < 1000) return null
  return ((run.total - run.done) * elapsed) / moved
}
