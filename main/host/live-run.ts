/**
 * A run in an engine of its own. It keeps its finished tensors however it ends, unless the user discards them.
 */

import { type EngineClient, engineClient } from '../../core/client/engine-client.ts'
import type { JobOf, RunJob, RunKind, RunReport } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import type { Engine, EngineOptions } from '../engine/parent/supervisor.ts'
import { countUnfinished, discardUnfinished } from '../files/outputs.ts'
import type { Bounds } from '../files/within.ts'
import type { RunRecord, RunStart } from '../history/run-record.ts'
import { atMost, cancelMs } from '../system/end-limits.ts'
import type { Turn } from './turns.ts'

export interface LiveRunOptions extends RunStart {
  /** With grants of what it reads, by role, and of its target: the engine knows no paths. */
  readonly job: RunJob
  readonly within: Bounds
  readonly record: RunRecord
  /** Its engine starts when it comes. */
  readonly turn: Turn
  start(options: Omit<EngineOptions, 'paths'>): Engine
  stop(engine: Engine): Promise<void>
}

export interface LiveRun {
  readonly targetPath: string
  /** Others go first. */
  readonly waits: boolean
  /** Resolves when its job has begun, or it waits for its turn, and the run is in the history. @throws AppError where it cannot even begin */
  readonly begun: Promise<void>
  /** Resolves when it has ended, one way or another, and its engine is gone. */
  readonly ended: Promise<void>
  pause(paused: boolean): Promise<void>
  /** Unless `keep` nothing half-written is left. */
  cancel(keep: boolean): Promise<void>
  /** Ends it because its host ends. */
  interrupt(): Promise<void>
}

export function liveRun(options: LiveRunOptions): LiveRun {
  const { job: asked, targetPath, within, record, turn } = options
  let engine: Engine | null = null
  let client: EngineClient | null = null
  const abort = new AbortController()
  let jobId: string | null = null
  let discard = false
  let interrupted = false
  /** Also before there is a job to pause. */
  let pauseAsked = false

  async function work(onBegun: () => void): Promise<RunReport> {
    if (turn.waits) {
      record.wait()
      onBegun()
    }
    await turn.come
    // It came a moment before this run was told to end.
    if (abort.signal.aborted || interrupted) throw new AppError('cancelled', say('job.cancelled'))
    engine = options.start({ restart: false })
    client = engineClient(engine.connect())
    // An open may wait for a slow disk: whoever ends the run meanwhile does not wait with it.
    const files = await Promise.race([openFiles(asked.files, client), rejectOnAbort(abort.signal)])
    const job = { ...asked, files } as JobOf<RunKind>
    const report = await client.run(job, {
      signal: abort.signal,
      onEvent: (event) => {
        const isFirst = jobId === null
        jobId = event.jobId
        record.hear(event)
        // An engine that dies meanwhile ends the run itself.
        if (isFirst && pauseAsked) pause(true).catch(() => {})
        onBegun()
      },
    })
    return { kind: job.kind, report } as RunReport
  }

  async function pause(paused: boolean): Promise<void> {
    pauseAsked = paused
    if (jobId === null || !client) return
    await client.api.pause(jobId, paused)
    record.hold(paused)
  }

  async function clearUp(error: unknown): Promise<void> {
    // An engine that was killed could not tidy up. Where nothing was finished there is nothing to resume either.
    const died = error instanceof AppError && error.code === 'engine-died'
    if (discard || (died && (await countUnfinished(targetPath)) === 0)) await discardUnfinished(targetPath, within)
  }

  /** The death of an engine that did not hear the cancel. */
  function asCancelled(error: unknown): unknown {
    const deaf = abort.signal.aborted && error instanceof AppError && error.code === 'engine-died'
    return deaf ? new AppError('cancelled', say('job.cancelled')) : error
  }

  async function live(onBegun: () => void): Promise<void> {
    try {
      await record.finish(await work(onBegun))
    } catch (error) {
      // It never began: the caller is told, and there is nothing to keep.
      if (!record.entered) throw error
      // Before anything reads what it left: nothing writes any more.
      await end()
      // One that never began left nothing; an earlier run may have.
      if (record.run.begun) await clearUp(error).catch(() => {})
      await record.cutShort(asCancelled(error), interrupted)
    } finally {
      await end()
    }
  }

  async function end(): Promise<void> {
    turn.leave()
    if (engine) await options.stop(engine)
  }

  let onBegun = () => {}
  const begun = new Promise<void>((resolve) => {
    onBegun = resolve
  })
  const whole = live(onBegun)
  const ended = whole.catch(() => {})
  return {
    targetPath,
    get waits() {
      return turn.waits
    },
    begun: Promise.race([begun, whole]).then(() => record.saved()),
    ended,
    pause,
    async cancel(keep) {
      if (!keep) discard = true
      abort.abort()
      if (!engine) turn.leave()
      // An engine that does not hear it is ended, and its death answers.
      await atMost(cancelMs, ended)
      await end()
      await ended
    },
    async interrupt() {
      interrupted = true
      await end()
      await ended
    },
  }
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const refuse = () => reject(new AppError('cancelled', say('job.cancelled')))
    if (signal.aborted) refuse()
    else signal.addEventListener('abort', refuse, { once: true })
  })
}

/** Files of the engine's, by role. */
async function openFiles(files: RunJob['files'], client: EngineClient): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const [role, grantId] of Object.entries(files))
    if (grantId !== undefined) found[role] = (await client.api.open(grantId)).fileId
  return found
}
