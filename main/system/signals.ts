/** Signals that ask a program to end: Ctrl+C, a plain kill, the end of its terminal; on Windows also Ctrl+Break, nothing raises that elsewhere. */
export const endSignals = ['SIGINT', 'SIGBREAK', 'SIGTERM', 'SIGHUP'] as const

/** From the keyboard 130, else 143, as shells have it. */
export function statusOf(signal: NodeJS.Signals): number {
  return signal === 'SIGINT' || signal === 'SIGBREAK' ? 130 : 143
}
