/** A device's process as its relay thread has it: started, joined by a pipe, killed. */
import { spawn } from 'node:child_process'
import { type Duplex, Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { parentPort } from 'node:worker_threads'
import type { FarDevice } from './relay.ts'

/** @param entry the device's program, a file URL */
export function deviceProcess(entry: string): FarDevice {
  const child = spawn(process.execPath, [fileURLToPath(entry)], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  parentPort?.postMessage({ pid: child.pid })
  // Without a process there is no pipe: 'error' says why.
  const pipe = (child.pid === undefined ? null : child.stdio[3]) as Duplex | null
  pipe?.on('error', () => {})
  return {
    write: (bytes) => void pipe?.write(bytes),
    chunks: pipe ?? Readable.from([]),
    kill: () => void child.kill('SIGKILL'),
    onEnd: (listener) => {
      child.on('error', ({ message }) => {
        if (child.pid === undefined) listener({ why: 'not-started', fault: message })
      })
      child.on('exit', (code, signal) => {
        parentPort?.postMessage({ ended: true })
        listener({ why: 'not-started', fault: signal ?? `status ${code}` })
      })
    },
  }
}
