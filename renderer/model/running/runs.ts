/** Compression runs as the host tells of them, how fast they move as this page sees it, and which of them the strip shows. */
import { create } from 'zustand'
import type { Run } from '../../../core/contract.ts'

/** How a run has moved since this page first saw its phase. Times in ms. */
interface Pace {
  readonly since: number
  readonly doneAtSince: number
  readonly finishedAtSince: number
  /** When `done` last moved, and how many tensors have passed since. */
  readonly movedAt: number
  readonly passed: number
}

export interface RunView extends Run {
  /** null while it does not move. */
  readonly pace: Pace | null
}

interface Asked {
  readonly fileId: string
  readonly recipe: string
}

export type RunDialog = 'details' | 'forget' | 'cancel'

interface RunsState {
  /** The host's list, newest first. */
  readonly runs: readonly RunView[]
  /** Runs this window has seen at work: it says how they ended, also after a reload. */
  readonly watched: ReadonlySet<string>
  readonly dismissed: ReadonlySet<string>
  /** What this page has asked for, by run: of which opening of a file, by which recipe. Another opening may find other bytes. */
  readonly asked: ReadonlyMap<string, Asked>
  /** What is asked or told of one run, whatever the lists below it show meanwhile. */
  readonly dialog: { readonly kind: RunDialog; readonly runId: string } | null
  /** Whose menu is open: it stays where it is shown until that is closed. */
  readonly menuOf: string | null
}

const nothing: RunsState = {
  runs: [],
  watched: new Set(),
  dismissed: new Set(),
  asked: new Map(),
  dialog: null,
  menuOf: null,
}
export const useRuns = create<RunsState>(() => nothing)

export const runsReducers = {
  /** The host's list, newest first. */
  listed(runs: readonly Run[], now: number) {
    useRuns.setState((state) => {
      const known = new Map(state.runs.map((run) => [run.runId, run]))
      const asTold = (run: Run) => {
        const before = known.get(run.runId)
        // The list was made a moment ago: what has ended meanwhile is not at work again.
        return before && !isActive(before) && isActive(run) ? before : trackRun(before, run, now)
      }
      return watching({ ...state, runs: runs.map(asTold) })
    })
  },
  /** One run as it stands now; a new one heads the list. */
  changed(run: Run, now: number) {
    useRuns.setState((state) => {
      const before = state.runs.find(({ runId }) => runId === run.runId)
      const view = trackRun(before, run, now)
      const runs = before ? state.runs.map((other) => (other === before ? view : other)) : [view, ...state.runs]
      return watching({ ...state, runs })
    })
  },
  asked(runId: string, asked: Asked) {
    useRuns.setState((state) => ({ asked: new Map([...state.asked, [runId, asked]]) }))
  },
  forgotten(runId: string) {
    useRuns.setState(({ runs }) => ({ runs: runs.filter((run) => run.runId !== runId) }))
  },
  ask(kind: RunDialog, runId: string) {
    useRuns.setState({ dialog: { kind, runId } })
  },
  answered() {
    useRuns.setState({ dialog: null })
  },
  menu(runId: string | null) {
    useRuns.setState({ menuOf: runId })
  },
  /** Runs that this window had seen at work before it was loaded again. */
  watch(runIds: Iterable<string>) {
    useRuns.setState(({ watched }) => ({ watched: new Set([...watched, ...runIds]) }))
  },
  dismiss(runId: string) {
    useRuns.setState(({ watched, dismissed }) => ({
      watched: new Set([...watched].filter((other) => other !== runId)),
      dismissed: new Set([...dismissed, runId]),
    }))
  },
}

function watching(state: RunsState): RunsState {
  const fresh = state.runs.filter((run) => isActive(run) && !state.watched.has(run.runId))
  return fresh.length === 0
    ? state
    : { ...state, watched: new Set([...state.watched, ...fresh.map(({ runId }) => runId)]) }
}

/** The newest run that has done with this opening of a file what a recipe says, and measured it; null where there is none. */
export function measuredBy(
  { runs, asked }: Pick<RunsState, 'runs' | 'asked'>,
  fileId: string | undefined,
  recipe: string | undefined,
): RunView | null {
  const same = ({ runId, result }: RunView) => {
    const of = asked.get(runId)
    return result !== null && of !== undefined && of.fileId === fileId && of.recipe === recipe
  }
  return runs.find(same) ?? null
}

export function isActive({ state }: Run): boolean {
  return state === 'waiting' || state === 'running' || state === 'paused'
}

/**
 * What the strip shows: all that is at work, and below it how the newest ended of those seen at work; one that was interrupted before this
 * window came counts among them, since its finished tensors wait; and one whose menu is open. `more` is how many others there are: the chart
 * needs the room.
 */
export function stripRuns({ runs, watched, dismissed, menuOf }: RunsState): { shown: RunView[]; more: number } {
  const waiting = runs.find((run) => run.state === 'interrupted' && run.resumable)
  const ended = runs.filter(
    (run) => !isActive(run) && (watched.has(run.runId) || run === waiting) && !dismissed.has(run.runId),
  )
  const shown = ended.filter(({ runId }, at) => at === 0 || runId === menuOf)
  return { shown: [...runs.filter(isActive), ...shown], more: ended.length - shown.length }
}

/** In this phase tensors are finished; in those before it they are only looked at. */
export const writingPhase = 'compress'

/** The last tensor is written; the output is put on the disk, opened as a reader would and reported. */
const isWritten = ({ done, total }: NonNullable<Run['progress']>) => total > 0 && done >= total

/** What a run is at, in a word: the same wherever it is told. */
export function workOf({ state, progress }: Pick<Run, 'state' | 'progress'>) {
  if (state === 'waiting') return 'waiting'
  if (!progress) return 'starting'
  if (progress.phase === writingPhase) return isWritten(progress) ? 'finishing' : 'writing'
  return progress.phase === 'verify' ? 'checking' : 'planning'
}

/** A run as it stands now, after how this page saw it before; `now` in ms. */
export function trackRun(before: RunView | undefined, run: Run, now: number): RunView {
  const { progress, finishedTensors } = run
  if (!progress || run.state !== 'running') return { ...run, pace: null }
  const start: Pace = {
    since: now,
    doneAtSince: progress.done,
    finishedAtSince: finishedTensors,
    movedAt: now,
    passed: 0,
  }
  const last = before?.progress
  const pace = before?.pace
  // A new phase counts from its own beginning, and so does a run that was let go on.
  if (!pace || !last || progress.phase !== last.phase || progress.done < last.done) return { ...run, pace: start }
  if (progress.phase !== writingPhase) {
    if (progress.done === last.done) return { ...run, pace }
    return { ...run, pace: { ...pace, movedAt: now, passed: pace.passed + 1 } }
  }
  const passed = finishedTensors - pace.finishedAtSince
  // A run that goes on passes over what had been finished before: its pace begins with the first tensor it finishes itself.
  if (progress.done === last.done) return { ...run, pace: { ...pace, passed } }
  return { ...run, pace: passed === 0 ? start : { ...pace, movedAt: now, passed } }
}

/** Bytes of the source per second, over what this page has seen of the phase; null before there is anything to go by. */
export function bytesPerSecond({ pace, progress }: RunView): number | null {
  if (!pace || !progress || pace.movedAt <= pace.since) return null
  const moved = progress.done - pace.doneAtSince
  return moved > 0 ? (1000 * moved) / (pace.movedAt - pace.since) : null
}

/** A pace is told by so many tensors; by fewer it is a guess. */
const tensorsToTell = 3

/** Milliseconds its phase still takes at the pace seen so far; null while that would be a guess. */
export function timeLeftMs(run: RunView, now: number): number | null {
  const { pace, progress } = run
  const rate = bytesPerSecond(run)
  if (!pace || !progress || rate === null || pace.passed < tensorsToTell || isWritten(progress)) return null
  return Math.max(0, (1000 * (progress.total - progress.done)) / rate - (now - pace.movedAt))
}
