/** A command's engine: started for it, ended with it; Ctrl+C cancels its job. */
import { engineClient } from '../../core/client/engine-client.ts'
import type { FileReport, JobEvent, JobRequest, ReportOf } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { endForked } from '../engine/parent/host-process.ts'
import { startEngine } from '../engine/parent/supervisor.ts'
import { createGrants } from '../files/grants.ts'
import { configFolder } from '../system/folders.ts'
import { fileLog, logPath } from '../system/log.ts'
import { endLimitMs, endNow, endSignals, impatientLimitMs } from '../system/signals.ts'
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
  /** Runs a job with its progress on the terminal. @throws AppError, `cancelled` after Ctrl+C */
  run<K extends JobRequest['kind']>(
    job: Extract<JobRequest, { kind: K }>,
    onEvent?: (event: JobEvent) => void,
  ): Promise<ReportOf[K]>
}

/** An engine answers a cancel within a fraction of a second; one that has not by then does not hear it, and is ended. */
const cancelLimitMs = 1_500

/** Runs `use` with a signal that Ctrl+C and a plain kill raise. */
export async function untilSignal<T>(use: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController()
  const stop = (signal: NodeJS.Signals) => {
    // Also after this function: what a file system never answers keeps a process that has nothing more to do.
    setTimeout(endNow, signalSeen ? impatientLimitMs : endLimitMs, signal).unref()
    // A second Ctrl+C waits for no answer of an engine; its death ends the command.
    if (signalSeen) return endForked()
    signalSeen = signal
    abort.abort()
  }
  for (const signal of endSignals) process.on(signal, stop)
  try {
    return await use(abort.signal)
  } finally {
    for (const signal of endSignals) process.off(signal, stop)
  }
}

export function withEngine<T>(use: (engine: CommandEngine) => Promise<T>): Promise<T> {
  return untilSignal((signal) => withEngineUntil(signal, use))
}

async function withEngineUntil<T>(signal: AbortSignal, use: (engine: CommandEngine) => Promise<T>): Promise<T> {
  const grants = createGrants()
  const engine = startEngine({ paths: grants, restart: false, log: commandLog() })
  const client = engineClient(engine.connect())
  const progress = progressLine(process.stderr)
  let patience: NodeJS.Timeout | undefined
  signal.addEventListener('abort', () => {
    // Its death answers whatever is waited for.
    patience = setTimeout(() => void engine.stop(), cancelLimitMs)
  })
  try {
    return await use({
      open: async (path) => client.api.open((await grants.grant(path)).id),
      target: (path) => grants.target(path).id,
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
