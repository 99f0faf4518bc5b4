/**
 * The driver worker: takes one task after another from the event loop and runs core's algorithms in it. Calls into the kernels block this
 * thread for as long as they take; the event loop stays free.
 */

import { createHash } from 'node:crypto'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { crc32 } from 'node:zlib'
import { AppError, toErrorReport } from '../../../core/errors.ts'
import type { JobContext } from '../../../core/matrix/context.ts'
import { say } from '../../../core/messages/english.ts'
import type { SketchCounters } from '../../../core/sketch-cache/sketch-cache.ts'
import { spawnRuntimesBy } from '../../answers/runtime-process.ts'
import type { Place } from '../../files/within.ts'
import {
  CANCELLED,
  type DriverData,
  type FromDriver,
  PAUSED,
  type Task,
  type TaskAnswer,
  type TaskEvent,
  type ToDriver,
} from '../messages.ts'
import { relayDeviceSpawner, relaySpawner } from '../threads.ts'
import type { KernelRoomHost } from './kernel-room.ts'
import { relayedRuntimes } from './relayed-runtimes.ts'

/** At most 20 progress events a second: a page cannot show more, and a queue of them would delay what matters. */
const progressIntervalMs = 50

/** What the tasks are given besides their own arguments. */
export interface TaskContext extends Omit<JobContext, 'kernels' | 'kernelNotice'> {
  /** Says that a partial file is about to exist or has gone; returns once the process that would remove it knows. */
  notePartial(place: Place, exists: boolean): Promise<void>
}

export interface DriverTasks {
  run(task: Task, context: TaskContext): Promise<TaskAnswer>
  /** Makes the kernels that jobs are likely to want, unless there are some, and announces them. */
  warm(): Promise<void>
  closeFile(fileId: string): Promise<void>
  /** Of the finished sketches, after each task. */
  sketches?(): SketchCounters
}

export function serveDriver(makeTasks: (host: KernelRoomHost) => DriverTasks): void {
  if (!parentPort) throw new Error('The driver is started by the engine, not by hand.')
  const port: MessagePort = parentPort
  const { flags, teamPort, runtime, deviceWay, relaysModels } = workerData as DriverData
  if (relaysModels) spawnRuntimesBy(relayedRuntimes(port))
  const tasks = makeTasks({
    runtime,
    spawn: relaySpawner(teamPort),
    spawnDevice: relayDeviceSpawner(teamPort),
    deviceWay,
    announceControl: (control) => send({ type: 'control', control }),
    announceKernels: (info) => send({ type: 'kernels', info }),
  })
  const noted = new Map<number, () => void>()
  let lastRequest = 0
  const send = (message: FromDriver) => port.postMessage(message)

  const checkCancelled = () => {
    while (Atomics.load(flags, PAUSED) !== 0 && Atomics.load(flags, CANCELLED) === 0) Atomics.wait(flags, PAUSED, 1)
    if (Atomics.load(flags, CANCELLED) !== 0) throw new AppError('cancelled', say('job.cancelled'))
  }

  async function run(id: number, task: Task): Promise<void> {
    const context: TaskContext = {
      report: throttled((event) => send({ type: 'event', id, event })),
      checkCancelled,
      // ru_maxrss counts kibibytes on every platform, for the whole process.
      peakBytes: () => process.resourceUsage().maxRSS * 1024,
      sha256: () => {
        const hash = createHash('sha256')
        return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() }
      },
      crc32,
      notePartial: (place, exists) =>
        new Promise((resolve) => {
          const request = ++lastRequest
          noted.set(request, resolve)
          send({ type: 'partial', request, place, exists })
        }),
    }
    try {
      checkCancelled()
      const ok = await tasks.run(task, context)
      const sketches = tasks.sketches?.()
      send({ type: 'settled', id, ok, ...(sketches && { sketches }) })
    } catch (error) {
      // A fault of the program: its stack goes to the log (supervisor.ts), for it does not cross with the report.
      if (!(error instanceof AppError)) console.error(error)
      send({ type: 'settled', id, error: toErrorReport(error) })
    }
  }

  port.on('message', (message: ToDriver) => {
    if (message.type === 'task') void run(message.id, message.task)
    else if (message.type === 'close') void tasks.closeFile(message.fileId)
    else if (message.type === 'warm')
      void tasks.warm().catch((error: unknown) => send({ type: 'no-kernels', error: toErrorReport(error) }))
    else if (message.type === 'noted') {
      noted.get(message.request)?.()
      noted.delete(message.request)
    }
  })
}

function throttled(send: (event: TaskEvent) => void): JobContext['report'] {
  let last = Number.NEGATIVE_INFINITY
  return (event) => {
    if (event.type !== 'progress') return send(event)
    const now = performance.now()
    if (now - last < progressIntervalMs) return
    last = now
    send({ ...event, memoryBytes: process.memoryUsage.rss() })
  }
}
