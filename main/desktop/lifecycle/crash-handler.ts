/**
 * Chromium's handler of crashes: a process that writes dumps and ends with the program that started it. A program that waits for a disk that is gone
 * ends only when that is back, killed or not; its handler is no child of it, and on Linux nothing else tells it. So it is ended by name.
 */
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { crashReporter } from 'electron/common'
import { killNow } from '../../system/kill-now.ts'

/** In the arguments of our handler and of no other, those of a command beside an open window included. */
const mark = { of: randomUUID() }

/** Dumps of processes that crash stay on this machine. */
export function startCrashHandler(): void {
  crashReporter.start({ uploadToServer: false, globalExtra: mark })
}

export function endCrashHandler(): void {
  if (process.platform !== 'linux') return
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const [program, ...args] = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0')
      if (basename(program ?? '') === 'chrome_crashpad_handler' && args.includes(`--annotation=of=${mark.of}`))
        killNow(Number(name))
    } catch {
      // It has ended, or is another user's.
    }
  }
}
