/**
 * Compression runs: each in an engine of its own, so that it survives a reload of the page that started it and cannot take that page's
 * engine along. The host keeps the list and the last word of each run for a page that comes later.
 */
import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import type { HostApi, JobEvent, Run } from '../../core/contract.ts'
import { AppError, toErrorReport } from '../../core/errors.ts'
import { engineClient } from '../engine/client.ts'
import type { Engine, EngineOptions } from '../engine/supervisor.ts'
import type { Grants } from '../grants.ts'

type RunRequest = Parameters<HostApi['startRun']>[0]

export interface RunsOptions {
  start(options: Omit<EngineOptions, 'paths'>): Engine
  stop(engine: Engine): Promise<void>
  readonly grants: Grants
  report(runId: string, event: JobEvent): void
}

export interface Runs {
  /** Opens the source and starts the job; what follows are events. @throws AppError when it cannot even begin */
  start(request: RunRequest): Promise<string>
  /** Resolves when the run has ended. @throws AppError `not-found` */
  cancel(runId: string): Promise<void>
  list(): Run[]
  /** Where a run writes. @throws AppError `not-found` */
  place(runId: string): string
}

interface Kept {
  run: Run
  readonly path: string
  readonly abort: AbortController
  /** Never rejects. */
  readonly ended: Promise<void>
}

/** States of a run by the event that is the last of its job. */
const endStates = { finished: 'finished', failed: 'failed', cancelled: 'cancelled' } as const

export function createRuns({ start, stop, grants, report }: RunsOptions): Runs {
  const kept = new Map<string, Kept>()

  function hear(runId: string, event: JobEvent): void {
    const entry = kept.get(runId)
    if (!entry) return
    const state = event.type in endStates ? endStates[event.type as keyof typeof endStates] : 'running'
    entry.run = { ...entry.run, state, last: event }
    report(runId, event)
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
      const names = { source: basename(grants.place(source)), target: basename(path) }
      const engine = start({ restart: false })
      const client = engineClient(engine.connect())
      let begun = () => {}
      const spoke = new Promise<void>((resolve) => {
        begun = resolve
      })

      async function work(): Promise<void> {
        try {
          const { fileId } = await client.api.open(source)
          const onEvent = (event: JobEvent) => {
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
        const run = kept.get(runId)?.run
        // It never began: whoever asked is told, and there is nothing to keep.
        if (!run?.last) kept.delete(runId)
        // A job's own last word came as its event; an engine that died had none.
        else if (run.state === 'running')
          hear(runId, { type: 'failed', jobId: run.last.jobId, error: toErrorReport(error) })
      })
      kept.set(runId, { run: { runId, ...names, state: 'running', last: null }, path, abort, ended })
      await Promise.race([spoke, end])
      return runId
    },
    async cancel(runId) {
      const entry = find(runId)
      entry.abort.abort()
      await entry.ended
    },
    list: () => [...kept.values()].map(({ run }) => run),
    place: (runId) => find(runId).path,
  }
}
