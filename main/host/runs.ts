/**
 * The list of runs as pages see and steer it. Those under way here are in `live`, all there ever were in the history
 * (main/history/history.ts), among it runs of the command line and of other hosts.
 */
import { basename } from 'node:path'
import {
  choicesOf,
  type Grant,
  type Run,
  type RunJob,
  type RunPlaces,
  type RunReport,
  runRequestSchema,
} from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { fileName } from '../../core/messages/text.ts'
import type { Engine, EngineOptions } from '../engine/parent/supervisor.ts'
import type { Grants } from '../files/grants.ts'
import { beingWritten } from '../files/hold.ts'
import { exists } from '../files/output-sink.ts'
import { discardUnfinished } from '../files/outputs.ts'
import { samePath } from '../files/paths.ts'
import type { History, HistoryEntry } from '../history/history.ts'
import { leftAt, recordRun } from '../history/run-record.ts'
import { type LiveRun, liveRun } from './live-run.ts'
import { pace } from './paced.ts'
import { createTurns } from './turns.ts'

/** What pages of a host may read and write without having been given it in this session. */
export interface Reach {
  read(path: string): Promise<boolean>
  write(path: string): Promise<boolean>
}

export interface RunsOptions {
  start(options: Omit<EngineOptions, 'paths'>): Engine
  stop(engine: Engine): Promise<void>
  readonly grants: Grants
  readonly history: History
  readonly reach: Reach
  /** A run as it stands now, whenever that changes. */
  report(run: Run): void
  /** A run is in the list no more. */
  forgotten(runId: string): void
}

export interface Runs {
  /** Runs of this host that have not ended. */
  readonly live: number
  /** Opens the source and starts the job, or lets it wait for its turn; what follows are reports. @throws AppError when it cannot even begin */
  start(job: RunJob): Promise<string>
  /** @throws AppError `not-found`, `bad-request` for a run of another process */
  pause(runId: string, paused: boolean): Promise<void>
  /** Resolves when the run has ended, and unless `keep` what was half-written is gone. @throws AppError as `pause` */
  cancel(runId: string, keep: boolean): Promise<void>
  /** Resumes a run as another one. @throws AppError where nothing is left, or out of reach */
  resume(runId: string): Promise<string>
  list(): Promise<Run[]>
  /** @throws AppError `not-found` for a run that has not finished */
  reportOf(runId: string): Promise<RunReport>
  /** @throws AppError `not-found`, `bad-request` for a run that has not ended */
  forget(runId: string): Promise<void>
  /** Where a run writes. @throws AppError `not-found` */
  place(runId: string): Promise<string>
  places(runId: string): Promise<RunPlaces>
  /** @throws AppError `not-found` where it is gone, or out of reach */
  open(runId: string, which: 'source' | 'target'): Promise<Grant>
  /** Interrupts every run of this host: finished tensors stay, for `resume`. */
  close(): Promise<void>
}

export function createRuns({ start, stop, grants, history, reach, report, forgotten }: RunsOptions): Runs {
  const live = new Map<string, LiveRun>()
  /** Begun by pages of this host, who had been given both paths. */
  const ours = new Set<string>()
  const tell = pace(report)
  const takeTurn = createTurns()

  /** A page knows of the runs it began, and of those that write where it may write. */
  async function listVisible(): Promise<HistoryEntry[]> {
    const entries = await history.list()
    const visible = await Promise.all(
      entries.map(async ({ run, targetPath }) => ours.has(run.runId) || reach.write(targetPath)),
    )
    return entries.filter((_, i) => visible[i])
  }

  async function find(runId: string): Promise<HistoryEntry> {
    const entry = (await listVisible()).find(({ run }) => run.runId === runId)
    if (!entry) throw new AppError('not-found', say('runs.gone'))
    return entry
  }

  /** A run to be steered; null for one that has ended. */
  async function steered(runId: string): Promise<LiveRun | null> {
    const found = live.get(runId)
    if (found) return found
    const { run } = await find(runId)
    if (run.endedAt !== null) return null
    throw new AppError('bad-request', say('runs.elsewhere', { name: fileName(run.target) }))
  }

  async function begin(request: RunJob): Promise<string> {
    // A run of a page is always one that can be resumed, where its kind can.
    const job: RunJob = 'resume' in request ? { ...request, resume: true } : request
    const { files, target } = job
    const sources = Object.entries(files).flatMap(([role, grantId]) =>
      grantId === undefined ? [] : [{ role, path: grants.path(grantId, 'read') }],
    )
    const paths = { sources, targetPath: grants.path(target, 'write') }
    const left = await leftAt(history, paths.targetPath)
    // One that is about to begin is not in the history yet. Asked last, so that nothing comes between the answer and this run.
    if ([...live.values()].some(({ targetPath }) => samePath(targetPath, paths.targetPath)))
      throw beingWritten(paths.targetPath)
    const entry = { ...paths, choices: choicesOf(job), replaces: left?.runId ?? null }
    const turn = takeTurn()
    const record = recordRun(history, entry, tell, forgotten)
    const { runId } = record.run
    const one = liveRun({ ...entry, job, within: grants.within, record, turn, start, stop })
    live.set(runId, one)
    ours.add(runId)
    void one.ended.then(() => live.delete(runId))
    await one.begun
    return runId
  }

  /** A page that names an old run must not get at what it could not get at by itself. */
  async function assertInReach({ run, sources, targetPath }: HistoryEntry): Promise<void> {
    if (ours.has(run.runId)) return
    const places = [
      ...sources.map(({ path }) => ({ path, visible: () => reach.read(path) })),
      { path: targetPath, visible: () => reach.write(targetPath) },
    ]
    for (const { path, visible } of places) if (!(await visible())) throw outOfReach(basename(path))
  }

  return {
    get live() {
      return live.size
    },
    start: begin,
    pause: async (runId, paused) => (await steered(runId))?.pause(paused),
    async cancel(runId, keep) {
      const one = await steered(runId)
      const waited = one?.waits
      await one?.cancel(keep)
      // What lies at its target is not of a run that never had its turn.
      if (keep || waited) return
      // It may have ended by itself a moment before.
      const { run, targetPath } = await find(runId)
      if (run.resumable) await discardUnfinished(targetPath, grants.within)
    },
    async resume(runId) {
      const entry = await find(runId)
      const { run, sources, targetPath } = entry
      if (!run.resumable) throw new AppError('bad-request', say('runs.nothing-left', { name: fileName(run.target) }))
      await assertInReach(entry)
      const files: Record<string, string> = {}
      for (const { role, path } of sources) files[role] = (await grants.grant(path)).id
      const target = grants.target(targetPath).id
      // The roles of its kind, as they were when it began.
      return begin(runRequestSchema.parse({ ...run.choices, files, target }))
    },
    list: async () => (await listVisible()).map(({ run }) => run),
    async reportOf(runId) {
      const { run } = await find(runId)
      const found = await history.report(runId)
      if (!found) throw new AppError('not-found', say('runs.no-report', { name: fileName(run.target) }))
      return found
    },
    async forget(runId) {
      const { run, targetPath } = await find(runId)
      if (run.endedAt === null)
        throw new AppError('bad-request', say('runs.being-written', { name: fileName(run.target) }))
      if (run.resumable) await discardUnfinished(targetPath, grants.within)
      await history.forget(runId)
      forgotten(runId)
    },
    place: async (runId) => (await find(runId)).targetPath,
    async places(runId) {
      const { sources, targetPath } = await find(runId)
      const source = sources[0]?.path ?? ''
      const [sourceExists, targetExists] = await Promise.all([exists(source), exists(targetPath)])
      const statistics = sources.find(({ role }) => role === 'statistics')?.path ?? null
      return { source, target: targetPath, statistics, sourceExists, targetExists }
    },
    async open(runId, which) {
      const entry = await find(runId)
      await assertInReach(entry)
      const path = which === 'target' ? entry.targetPath : entry.sources[0]?.path
      if (path === undefined) throw new AppError('not-found', say('runs.gone'))
      return grants.grant(path)
    },
    async close() {
      await Promise.all([...live.values()].map((one) => one.interrupt()))
    },
  }
}

function outOfReach(name: string): AppError {
  return new AppError('not-found', say('runs.out-of-sight', { name: fileName(name) }))
}
