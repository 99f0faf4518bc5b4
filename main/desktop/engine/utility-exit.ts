/** What the one number means by which Electron says how a utility process ended. */
import { constants } from 'node:os'
import type { Exit } from '../../engine/parent/exit-sentence.ts'

/** Signals that end a process by a fault or from outside. Lower numbers (SIGHUP 1, SIGINT 2, SIGQUIT 3) are exit codes of node. */
const deadly = ['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGKILL', 'SIGSEGV', 'SIGTERM', 'SIGSYS'] as const

/**
 * On POSIX the number is what waitpid() told Chromium: the signal in the low seven bits, the exit code above them; or it is the exit code
 * itself, where the process said it with its last breath. When Chromium asks before the process is quite dead it learns nothing and
 * reports 0, as seen in Electron 25 after SIGKILL and SIGSEGV: so 0 is an orderly end only of a process that was asked to stop.
 */
export function utilityExit(
  reported: number,
  asked: boolean,
  platform: NodeJS.Platform = process.platform,
): Pick<Exit, 'code' | 'signal'> {
  if (reported === 0) return { code: asked ? 0 : null, signal: null }
  if (platform === 'win32') return { code: reported, signal: null }
  const low = reported & 0x7f
  if (low === 0) return { code: reported >> 8, signal: null }
  const signal = deadly.find((name) => constants.signals[name] === low)
  return signal === undefined ? { code: reported, signal: null } : { code: null, signal }
}
