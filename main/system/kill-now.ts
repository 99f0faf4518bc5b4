/** An end that no process can hang through. */

/** @param pid of a process that may have ended already, or never begun: undefined or 0 */
export function killNow(pid: number | undefined): void {
  if (!pid) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended a moment ago.
  }
}
