/**
 * Compression runs: each in an engine of its own, so that it survives a reload of the page that started it and cannot take that page's
 * engine along. The host keeps the list, and how each run stands, for a page that comes later.
 */
import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import type { z } from 'zod'
import type { CompressionReport, JobEvent, Run, runRequestSchema } from '../../core/contract.ts'
import { AppError, type ErrorReport, toErrorReport } from '../../core/errors.ts'
import { engineClient } from '../engine/client.ts'
import type { Engine, EngineOptions } from '../engine/supervisor.ts'
import type { Grants } from '../grants.ts'

/** As it was parsed on arrival: defaults filled in. */
type RunRequest = z.output<typeof runRequestSchema>

export interface RunsOptions {
  start(options: Omit<EngineOptions, 'paths'>): Engine
  stop(engine: Engine): Promise<void>
  readonly grants: Grants
  /** A run as it stands now, whenever that changes. */
  report(run: Run): void
}

export interface Runs {
  /** Opens the source and starts the job; what follows are reports. @throws AppError when it cannot even begin */
  start(request: RunRequest): Promise<string>
  pause(runId: string, paused: boolean): Promise<void>
  /** Resolves when the run has ended. @throws AppError `not-found` */
  cancel(runId: string, keep: boolean): Promise<void>
  list(): Run[]
  /** @throws AppError `not-found` for a run that has not finished */
  reportOf(runId: string): CompressionReport
  /** Where a run writes. @throws AppError `not-found` */
  place(runId: string): string
}

interface Kept {
  run: Run
  readonly path: string
  readonly abort: AbortController
  /** Never rejects. */
  readonly ended: Promise<void>
  pause(paused: boolean): Promise<void>
  report: CompressionReport | null
}

export function createRuns({ start, stop, grants, report }: RunsOptions): Runs {
  const kept = new Map<string, Kept>()

  function change(runId: string, changes: Partial<Run>): void {
    const entry = kept.get(runId)
    if (!entry) return
    entry.run = { ...entry.run, ...changes }
    report(entry.run)
  }

  function hear(runId: string, event: JobEvent): void {
    const entry = kept.get(runId)
    const changes = entry && changesBy(event, entry.run)
    if (!changes) return
    if (event.type === 'finished' && event.result.kind === 'compress') entry.report = event.result.report
    change(runId, changes)
  }

  function find(runId: string): Kept {
    const entry = kept.get(runId)
    if (!entry) throw new AppError('not-found', 'There is no such run.')
    return entry
  }

  return {
    async start({ source, target, ...job }) {
      const runId = randomUUID()
      const abort = new AbortController()
      const path = grants.place(target)
      const engine = start({ restart: false })
      const client = engineClient(engine.connect())
      let jobId: string | null = null
      let begun = () => {}
      const spoke = new Promise<void>((resolve) => {
        begun = resolve
      })

      async function work(): Promise<void> {
        try {
          const { fileId } = await client.api.open(source)
          const onEvent = (event: JobEvent) => {
            jobId = event.jobId
            begun()
            hear(runId, event)
          }
          await client.run({ kind: 'compress', fileId, target, ...job }, { onEvent, signal: abort.signal })
        } finally {
          await stop(engine)
        }
      }
      const end = work()
      const ended = end.catch((error: unknown) => {
        // It never began: whoever asked is told, and there is nothing to keep.
        if (jobId === null) kept.delete(runId)
        // A job's own last word came as its event; an engine that died had none.
        else if (kept.get(runId)?.run.endedAt === null)
          change(runId, {
            state: 'failed',
            error: toErrorReport(error) satisfies ErrorReport,
            progress: null,
            endedAt: Date.now(),
          })
      })
      const { output, params, include, exclude } = job
      const run: Run = {
        runId,
        source: basename(grants.place(source)),
        target: basename(path),
        recipe: { recipe: 1, output, params, include, exclude },
        state: 'running',
        resumable: false,
        startedAt: Date.now(),
        endedAt: null,
        finishedTensors: 0,
        progress: null,
        result: null,
        error: null,
      }
      const pause = async (paused: boolean) => {
        if (jobId === null) return
        await client.api.pause(jobId, paused)
        change(runId, { state: paused ? 'paused' : 'running' })
      }
      kept.set(runId, { run, path, abort, ended, pause, report: null })
      await Promise.race([spoke, end])
      return runId
    },
    async pause(runId, paused) {
      const { run, pause } = find(runId)
      if (run.endedAt === null) await pause(paused)
    },
    async cancel(runId) {
      const entry = find(runId)
      entry.abort.abort()
      await entry.ended
    },
    list: () => [...kept.values()].map(({ run }) => run).reverse(),
    reportOf: (runId) => {
      const found = find(runId).report
      if (!found) throw new AppError('not-found', 'This run has no report.')
      return found
    },
    place: (runId) => find(runId).path,
  }
}

/** What an event of its job changes about a run; null where it is nothing to tell. */
function changesBy(event: JobEvent, { finishedTensors }: Run): Partial<Run> | null {
  const ended = { progress: null, endedAt: Date.now() }
  switch (event.type) {
    case 'started':
      return {}
    case 'progress': {
      const { phase, tensor, done, total, memoryBytes } = event
      return { progress: { phase, tensor, done, total, memoryBytes } }
    }
    case 'tensor':
      return { finishedTensors: finishedTensors + 1 }
    case 'finished': {
      if (event.result.kind !== 'compress') return null
      const { tensors: _, ...result } = event.result.report
      return { state: 'finished', result, ...ended }
    }
    case 'failed':
      return { state: 'failed', error: event.error, ...ended }
    case 'cancelled':
      return { state: 'cancelled', ...ended }
    case 'estimate':
    case 'spectrum':
      return null
  }
}
