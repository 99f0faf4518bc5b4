/** The end of the user's session, and signals: nobody is there to answer a question, so finished tensors are kept and the application ends. */
import { constants } from 'node:os'
import { type BrowserWindow, powerMonitor } from 'electron/main'

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Only once Electron is ready: its own handlers, which close the windows, are in place by then and are replaced. */
export function onSessionEnd(end: (status: number) => void): void {
  // As a shell counts: 128 and the signal.
  for (const signal of signals) process.on(signal, () => end(128 + constants.signals[signal]))
  // Linux and macOS; the system waits a moment for whoever asks it to.
  powerMonitor.on('shutdown', (event?: { preventDefault(): void }) => {
    event?.preventDefault()
    end(0)
  })
}

/** Windows tells windows. What is not done when it loses patience is resumed from the journal. */
export function onWindowsSessionEnd(window: BrowserWindow, end: (status: number) => void): void {
  window.on('query-session-end', () => end(0))
  window.on('session-end', () => end(0))
}
