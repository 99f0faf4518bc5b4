import { filesMs } from './end-limits.ts'

/** Signals that ask a program to end: Ctrl+C, a plain kill, the end of its terminal; on Windows also Ctrl+Break, nothing raises that elsewhere. */
export const endSignals = ['SIGINT', 'SIGBREAK', 'SIGTERM', 'SIGHUP'] as const

/** From the keyboard 130, else 143, as shells have it. */
export function statusOf(signal: NodeJS.Signals): number {
  return signal === 'SIGINT' || signal === 'SIGBREAK' ? 130 : 143
}

/**
 * Calls `exit` once no file operation is under way: `process.exit`, and Electron's, wait for each of them, and one on a dead mount is under way
 * for ever. Then `otherwise` has to end the process without waiting.
 */
export function exitWithoutFiles(exit: () => void, otherwise: () => void, patienceMs = filesMs): void {
  if (!isWaitingForFiles()) exit()
  else if (patienceMs > 0) setTimeout(exitWithoutFiles, 50, exit, otherwise, patienceMs - 50)
  else otherwise()
}

export function isWaitingForFiles(): boolean {
  return process.getActiveResourcesInfo().some((resource) => resource.startsWith('FSReq'))
}

/** Ends this process, with the status of that signal or another; where it waits for a file that never comes, by the signal itself. */
export function endNow(signal: NodeJS.Signals, status = statusOf(signal)): void {
  const exit = () => process.exit(status)
  if (process.platform === 'win32') exit()
  exitWithoutFiles(exit, () => {
    // Of a signal that nobody hears a process dies without waiting.
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
