/**
 * An uncaught fault of main: into the log, onto stderr, before the user's eyes, and the application ends with status 1. Without
 * this a failed start would be a process without a window, and a rejection an unseen line.
 */
import { app, dialog } from 'electron/main'
import { foreign } from '../../../core/messages/text.ts'
import type { Log } from '../../system/log.ts'
import type { Say } from '../words.ts'

export interface FaultOptions {
  readonly log: Log
  say(): Say
  showLogs(): void
  /** Whether the window has been there: a fault before is a failed start. */
  started(): boolean
  /** An orderly end with a status. */
  end(status: number): void
}

/** From now on. Answers with the way for faults that were caught: it reports the first one, and ends. */
export function watchFaults(options: FaultOptions): (fault: unknown) => void {
  let reported = false
  async function report(fault: unknown): Promise<void> {
    const { log, say, showLogs, started, end } = options
    log(`Fault in main: ${fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)}`)
    if (reported) return
    reported = true
    const sentence = fault instanceof Error ? fault.message : String(fault)
    const begun = started()
    const message = say()(begun ? 'desktop.fault' : 'desktop.start-failed')
    const detail = say()(begun ? 'desktop.fault-detail' : 'desktop.start-failed-detail', { fault: foreign(sentence) })
    process.stderr.write(`${message} ${sentence}\n`)
    if (app.isReady()) {
      // Not the modal `showErrorBox`: nothing could end the application while it waits, a closing session neither.
      const buttons = [say()('desktop.quit-now'), say()('desktop.show-logs')]
      const { response } = await dialog.showMessageBox({
        type: 'error',
        message,
        detail,
        buttons,
        defaultId: 0,
        cancelId: 0,
      })
      if (response === 1) showLogs()
    } else dialog.showErrorBox(message, detail)
    end(1)
  }
  const caught = (fault: unknown) => void report(fault)
  process.on('uncaughtException', caught)
  process.on('unhandledRejection', caught)
  // A terminal that was closed: a closed reader is no fault.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  return caught
}
