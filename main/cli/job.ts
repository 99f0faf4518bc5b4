/** A command's engine: started for it, ended with it; Ctrl+C cancels its job. */
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { engineClient } from '../../core/client/engine-client.ts'
import type { FileReport, JobEvent, JobRequest, ReportOf } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { hurryEngines, startEngine } from '../engine/parent/supervisor.ts'
import { createGrants } from '../files/grants.ts'
import { removePartial } from '../files/outputs.ts'
import { atMost, cancelMs, commandEndMs, filesMs, impatientEndMs } from '../system/end-limits.ts'
import { configFolder } from '../system/folders.ts'
import { fileLog, logPath } from '../system/log.ts'
import { endNow, endSignals } from '../system/signals.ts'
import { progressLine } from './progress.ts'

export const commandLog = () => fileLog(logPath(configFolder()))

let signalSeen: NodeJS.Signals | null = null

/** Which signal ended the command, once one has. */
export function endedBySignal(): NodeJS.Signals | null {
  return signalSeen
}

export interface CommandEngine {
  open(path: string): Promise<FileReport>
  /** A grant to write there. */
  target(path: string): string
  /** Ends it: nothing writes any more, and what was half-written is gone. */
  end(): Promise<void>
  /** Runs a job with its progress on the terminal. @throws AppError, `cancelled` after Ctrl+C */
  run<K extends JobRequest['kind']>(
    job: Extract<JobRequest, { kind: K }>,
    onEvent?: (event: JobEvent) => void,
  ): Promise<ReportOf[K]>
}

/** Runs `use` with a signal that Ctrl+C and a plain kill raise. */
async function untilSignal<T>(use: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController()
  // A command may have several jobs: what was said during one holds for those after it.
  if (signalSeen) abort.abort()
  const stop = (signal: NodeJS.Signals) => {
    // Also after this function: what a file system never answers keeps a process that has nothing more to do.
    setTimeout(endNow, signalSeen ? impatientEndMs : commandEndMs, signal).unref()
    // A second Ctrl+C waits for no answer of an engine; its death ends the command.
    if (signalSeen) return hurryEngines()
    signalSeen = signal
    abort.abort()
  }
  for (const signal of endSignals) process.on(signal, stop)
  try {
    return await use(abort.signal)
  } catch (error) {
    // What is left to do is to say so, unless a file system still owes an answer.
    if (signalSeen) setTimeout(endNow, filesMs, signalSeen).unref()
    throw error
  } finally {
    for (const signal of endSignals) process.off(signal, stop)
  }
}

/** Says that something half-written is about to exist or has gone. */
type Note = (path: string, exists: boolean) => Promise<void>

/** Work of this process alone. Where it waits for a file that never comes and so hears no signal, what it has half-written goes without it. */
export function withoutEngine<T>(use: (signal: AbortSignal, note: Note) => Promise<T>): Promise<T> {
  const partials = new Set<string>()
  const note: Note = async (path, exists) => void (exists ? partials.add(path) : partials.delete(path))
  return untilSignal((signal) => Promise.race([use(signal, note), unheard(signal, partials)]))
}

async function unheard(signal: AbortSignal, partials: ReadonlySet<string>): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort')
  await wait(cancelMs, null, { ref: false })
  await atMost(filesMs, Promise.all([...partials].map((path) => removePartial(path).catch(() => {}))))
  throw new AppError('cancelled', say('job.cancelled'))
}

export function withEngine<T>(use: (engine: CommandEngine) => Promise<T>): Promise<T> {
  return untilSignal((signal) => withEngineUntil(signal, use))
}

async function withEngineUntil<T>(signal: AbortSignal, use: (engine: CommandEngine) => Promise<T>): Promise<T> {
  if (signal.aborted) throw new AppError('cancelled', say('job.cancelled'))
  const grants = createGrants()
  const engine = startEngine({ paths: grants, restart: false, log: commandLog() })
  const client = engineClient(engine.connect())
  const progress = progressLine(process.stderr)
  let patience: NodeJS.Timeout | undefined
  signal.addEventListener('abort', () => {
    // Its death answers whatever is waited for.
    patience = setTimeout(() => void engine.stop(), cancelMs)
  })
  try {
    return await use({
      open: async (path) => client.api.open((await grants.grant(path)).id),
      target: (path) => grants.target(path).id,
      end: () => engine.stop(),
      run: (job, hear) => {
        const onEvent = (event: JobEvent) => {
          progress.show(event)
          hear?.(event)
        }
        return client.run(job, { onEvent, signal })
      },
    })
  } catch (error) {
    // It was ended because it did not hear the cancel.
    throw signal.aborted && error instanceof AppError && error.code === 'engine-died'
      ? new AppError('cancelled', error.said)
      : error
  } finally {
    clearTimeout(patience)
    progress.clear()
    client.close()
    await engine.stop()
  }
}
