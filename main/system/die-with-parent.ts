/**
 * Ends this process once the one that started it is gone, by a thread of its own: native code may hold the main thread for ever - a driver that hangs, a
 * model that loops - and then no event tells it that a pipe has closed.
 */
import { Worker } from 'node:worker_threads'

/** What the thread runs: every second a look. Where the system does not hand orphans on (Windows) the parent is asked whether it is there. */
const watch = `const { workerData: parent } = require('node:worker_threads')
const sleep = new Int32Array(new SharedArrayBuffer(4))
function lives() {
  if (process.ppid !== parent) return false
  try { process.kill(parent, 0) } catch (error) { return error.code === 'EPERM' }
  return true
}
for (;;) { Atomics.wait(sleep, 0, 0, 1000); if (!lives()) process.kill(process.pid, 'SIGKILL') }`

export function dieWithParent(): void {
  new Worker(watch, { eval: true, workerData: process.ppid, name: 'parent watch', execArgv: [] }).unref()
}
