/** A run while it is under way, as the list of runs has it: what its job says becomes its state, and its state its entry in the history. */
import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import { afterEvent, queuedJob } from '../../core/client/job-view.ts'
import { type JobEvent, type Run, type RunChoices, type RunReport, runResultSchema } from '../../core/contract.ts'
import { AppError, toErrorReport } from '../../core/errors.ts'
import { beingWritten } from '../files/hold.ts'
import { countUnfinished } from '../files/outputs.ts'
import { samePath } from '../files/paths.ts'
import { type History, type HistoryEntry, type OwnEntry, withLeft } from './history.ts'

export interface RunStart extends Omit<HistoryEntry, 'run'> {
  readonly choices: RunChoices
  /** The run that it resumes: its entry is removed from the history once this one's job speaks. */
  readonly replaces: string | null
}

export interface RunRecord {
  /** As it stands now. */
  readonly run: Run
  /** Whether it waits for its turn or its job has spoken. Before that there is nothing to list. */
  readonly entered: boolean
  /** It waits for its turn: that enters the run. */
  wait(): void
  /** What the job says while it lives. The first word enters the run, or ends its waiting. */
  hear(event: JobEvent): void
  hold(paused: boolean): void
  finish(report: RunReport): Promise<void>
  /** It ended otherwise, and nothing writes any more. `interrupted`: because the host was closed, not by itself or by the user. */
  cutShort(error: unknown, interrupted?: boolean): Promise<void>
  /** Resolves when what was said so far is in the history. */
  saved(): Promise<void>
}

/**
 * @param changed called with the run whenever it has changed
 * @param replaced called once the entry of the run that it resumes is gone
 */
export function recordRun(
  history: History,
  start: RunStart,
  changed: (run: Run) => void = () => {},
  replaced: (runId: string) => void = () => {},
): RunRecord {
  const { choices: _, replaces, ...rest } = start
  let run = newRun(start)
  let view = queuedJob
  let entry: OwnEntry | null = null
  let struck = Promise.resolve()

  function become(changes: Partial<Run>): void {
    run = { ...run, ...changes }
    entry?.update(run)
    changed(run)
  }
  function enter(): void {
    entry = history.begin({ run, ...rest })
    changed(run)
  }
  /** From now on what lies beside the output is its own. */
  function begin(): void {
    const changes = { begun: true, state: 'running', startedAt: Date.now() } as const
    if (entry) become(changes)
    else {
      run = { ...run, ...changes }
      enter()
    }
    if (replaces !== null) struck = history.forget(replaces).then(() => replaced(replaces))
  }
  async function end(changes: Partial<Run>, report: RunReport | null): Promise<void> {
    run = { ...run, progress: null, endedAt: Date.now(), ...changes }
    await entry?.end(run, report)
    if (entry) changed(run)
  }

  return {
    get run() {
      return run
    },
    get entered() {
      return entry !== null
    },
    wait() {
      run = { ...run, state: 'waiting' }
      enter()
    },
    hear(event) {
      if (!run.begun) begin()
      const before = view
      view = afterEvent(view, event)
      const { progress, finishedTensors } = view
      if (progress !== before.progress || finishedTensors !== before.finishedTensors)
        become({ progress, finishedTensors })
    },
    hold(paused) {
      if (run.endedAt === null && run.state !== 'waiting') become({ state: paused ? 'paused' : 'running' })
    },
    async finish(whole) {
      const { report } = whole
      const finishedTensors = ('tensors' in report ? report.tensors : report.modules).length
      await end({ state: 'finished', finishedTensors, result: runResultSchema.parse(report) }, whole)
    },
    async cutShort(error, interrupted = false) {
      const left = run.begun ? await countUnfinished(rest.targetPath).catch(() => 0) : 0
      const { resumable, finishedTensors } = withLeft(run, left)
      const kept = { resumable, finishedTensors }
      if (interrupted) await end({ ...kept, state: 'interrupted' }, null)
      else if (error instanceof AppError && error.code === 'cancelled') await end({ ...kept, state: 'cancelled' }, null)
      else await end({ ...kept, state: 'failed', error: toErrorReport(error) }, null)
    },
    async saved() {
      await entry?.saved()
      await struck
    },
  }
}

/**
 * The run that can be resumed at this target; null where there is none.
 * @throws AppError `would-overwrite` where another one is writing there: two writers would spoil each other's output
 */
export async function leftAt(history: History, target: string): Promise<Run | null> {
  const there = (await history.list()).filter(({ targetPath }) => samePath(targetPath, target))
  if (there.some(({ run }) => run.endedAt === null)) throw beingWritten(target)
  return there.find(({ run }) => run.resumable)?.run ?? null
}

function statisticsOf(sources: RunStart['sources']): Pick<Run, 'statisticsName'> {
  const found = sources.find(({ role }) => role === 'statistics')
  return found ? { statisticsName: basename(found.path) } : {}
}

function newRun({ sources, targetPath, choices }: RunStart): Run {
  return {
    runId: randomUUID(),
    choices,
    sourceName: basename(sources[0]!.path),
    ...statisticsOf(sources),
    target: basename(targetPath),
    begun: false,
    state: 'running',
    resumable: false,
    startedAt: Date.now(),
    endedAt: null,
    finishedTensors: 0,
    progress: null,
    result: null,
    error: null,
  }
}
