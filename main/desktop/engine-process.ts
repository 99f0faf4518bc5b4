/** The engine process inside Electron: a utility process, behind the same interface as a fork (engine/host-process.ts). */
import { fileURLToPath } from 'node:url'
import { utilityProcess } from 'electron/main'
import { siblingEntry } from '../engine/entries.ts'
import { type HostProcess, tailCharacters } from '../engine/host-process.ts'
import type { FromEngine } from '../engine/messages.ts'

/** Only after Electron is ready. */
export function spawnUtilityProcess(): HostProcess {
  const child = utilityProcess.fork(fileURLToPath(siblingEntry('engine')), [], {
    serviceName: 'GhostSVD engine',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderrTail = ''
  child.stderr?.setEncoding?.('utf8')
  child.stderr?.on('data', (text: string) => {
    stderrTail = (stderrTail + text).slice(-tailCharacters)
  })
  return {
    get pid() {
      return child.pid
    },
    postMessage: (message) => child.postMessage(message),
    onMessage: (listener) => void child.on('message', (message: FromEngine) => listener(message)),
    // Electron reports one number: an exit code, or on POSIX the wait status of a signal.
    onExit: (listener) => void child.once('exit', (code) => listener({ code, signal: null, stderrTail })),
    kill: () => {
      // A process that hangs does not hear a polite request; `kill()` alone would be one.
      if (child.pid !== undefined) process.kill(child.pid, 'SIGKILL')
    },
  }
}
