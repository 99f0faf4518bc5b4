/**
 * The event loop's side of the driver worker: one task at a time, and an end to whatever does not end by itself. Which task is next is
 * decided by lanes.ts.
 *
 * Cancel raises a flag in shared memory that kernels read between tiles. A driver that has not answered within `graceMs` is terminated with
 * its team and replaced, so a cancel is answered in time whatever the driver does, and no fault in it outlives its task.
 */

import { MessageChannel, Worker } from 'node:worker_threads'
import { AppError, fromErrorReport } from '../../../core/errors.ts'
import { clearCancel, raiseCancel } from '../../../core/kernels/control.ts'
import type { SpawnMember } from '../../../core/kernels/team.ts'
import { say } from '../../../core/messages/english.ts'
import type { Message } from '../../../core/messages/message.ts'
import { foreign } from '../../../core/messages/text.ts'
import type { SketchCounters } from '../../../core/sketch-cache/sketch-cache.ts'
import type { Bounds } from '../../files/within.ts'
import { atMost } from '../../system/end-limits.ts'
import { runtimeName } from '../../system/runtime-name.ts'
import { collectGarbage, makeRoomForBuffers } from '../garbage.ts'
import {
  CANCELLED,
  type DriverData,
  type DriverInfo,
  type FromDriver,
  type ModelEnd,
  type ModelEnded,
  type ModelMessage,
  PAUSED,
  type SpawnDevice,
  type Task,
  type TaskAnswer,
  type TaskEvent,
  type ToDriver,
} from '../messages.ts'
import { answerSpawns } from '../threads.ts'

/** How long a raised flag may go unheard. */
export const graceMs = 150
/** By when a cancel is answered even if the system takes its time to end the thread. */
const answerMs = 190
/** By when the next task has another driver even if the system takes longer than that. */
const terminateMs = 2_000
/** Opening reads headers only; what takes longer is a file made to take forever, or a disk that does not answer. */
const openLimitMs = 60_000

export interface DriverHost {
  readonly entry: URL
  /** Starts the threads of the driver's team. */
  readonly spawn: SpawnMember
  /** Starts the driver's GPU. */
  readonly spawnDevice: SpawnDevice
  /** A partial file is about to exist or has gone; the driver waits for the answer. */
  notePartial(path: string, exists: boolean): Promise<void>
  removePartial(path: string, within: Bounds): Promise<void>
  /** Passed on to main, which has the processes of models. */
  tellModel(message: ModelMessage | ModelEnd): void
}

export interface TaskListener {
  /** The driver has begun with it. */
  started?(): void
  event?(event: TaskEvent): void
}

/** The task that a driver has. */
export interface RunningTask {
  /** Rejects with AppError `cancelled` after a cancel, `engine-died` when the driver ended. */
  readonly answer: Promise<TaskAnswer>
  /** Resolves as soon as the task has ended one way or another. */
  cancel(): Promise<void>
  /** Holds it where it would hear a cancel, or lets it go on. */
  pause(paused: boolean): void
}

export interface Driver {
  /** Gives it a task. The one before has ended; a driver that is being replaced begins as soon as it can. */
  run(task: Task, listener?: TaskListener): RunningTask
  /**
   * The kernels that computed last, or those that are made for this question. Needs no turn: tasks go on meanwhile.
   * @throws AppError `engine-died`, `cancelled` once the driver has ended
   */
  info(): Promise<DriverInfo>
  /** Of the finished sketches, after the last task. */
  readonly sketches: SketchCounters
  closeFile(fileId: string): void
  /** What a model says, or that its process has ended; of another driver's it is ignored. */
  hearModel(message: ModelMessage | ModelEnded): void
  /** Ends thread and team; what is half-written is gone when this resolves. */
  stop(): Promise<void>
}

/** The driver worker with the team it leads. The team's threads belong to the event loop: the driver is blocked while it computes. */
interface DriverThread {
  /** Cancels the kernels of this driver; null until it has some. */
  control: SharedArrayBuffer | null
  postMessage(message: ToDriver): void
  terminate(): Promise<void>
}

interface Entry {
  readonly id: number
  readonly task: Task
  readonly listener: TaskListener
  /** The thread has it. */
  begun: boolean
  paused: boolean
  readonly ended: Promise<void>
  resolve(answer: TaskAnswer): void
  reject(error: Error): void
}

export function createDriver(host: DriverHost): Driver {
  const flags = new Int32Array(new SharedArrayBuffer(8))
  const partials = new Map<string, Bounds>()
  /** Whose processes main has for this driver. */
  const models = new Set<string>()
  let running: Entry | null = null
  let thread: DriverThread | null = spawn()
  /** While a driver is being ended: its end, with its files removed. */
  let ending: Promise<void> | null = null
  let stopped = false
  let info: DriverInfo | null = null
  /** Who asked for kernels before there were any. */
  const curious: { resolve(info: DriverInfo): void; reject(error: Error): void }[] = []
  let sketches: SketchCounters = { hot: 0, warm: 0, cold: 0, missed: 0, stored: 0 }
  let lastId = 0

  function spawn(): DriverThread {
    const team = new MessageChannel()
    const isElectron = process.versions.electron !== undefined
    const machine = { deviceWay: isElectron ? 'port' : 'pipe', relaysModels: isElectron } as const
    const data: DriverData = { flags, teamPort: team.port2, runtime: runtimeName(), ...machine }
    makeRoomForBuffers()
    const worker = new Worker(host.entry, { workerData: data, transferList: [team.port2], name: 'driver' })
    const endTeam = answerSpawns(team.port1, host, collectGarbage)
    const started: DriverThread = {
      control: null,
      postMessage: (message) => worker.postMessage(message),
      terminate: async () => {
        team.port1.close()
        await Promise.all([worker.terminate(), endTeam()])
      },
    }
    let fault: Error | null = null
    worker.on('message', (message: FromDriver) => hear(started, message))
    worker.on('error', (error) => {
      fault = error
    })
    worker.on('exit', (code) => {
      if (thread === started) void replace(new AppError('engine-died', whyItDied(fault, code)))
    })
    return started
  }

  function hear(from: DriverThread, message: FromDriver): void {
    if (message.type === 'partial') {
      // Also from a driver that is being ended: its files are to be removed.
      const { path, within } = message.place
      if (message.exists) partials.set(path, within)
      else partials.delete(path)
      void host
        .notePartial(path, message.exists)
        .then(() => from.postMessage({ type: 'noted', request: message.request }))
      return
    }
    if (message.type === 'control') {
      from.control = message.control
      if (Atomics.load(flags, CANCELLED) !== 0) raiseCancel(message.control)
      return
    }
    if (message.type === 'model' || message.type === 'model-end') {
      // One that is being replaced has had its models ended.
      if (from !== thread) return
      if (message.type === 'model') models.add(message.model)
      else models.delete(message.model)
      host.tellModel(message)
      return
    }
    if (message.type === 'kernels') {
      info = message.info
      for (const { resolve } of curious.splice(0)) resolve(info)
      return
    }
    if (message.type === 'no-kernels') {
      if (from === thread) refuseInfo(fromErrorReport(message.error))
      return
    }
    if (from !== thread || message.id !== running?.id) return
    if (message.type === 'event') {
      running.listener.event?.(message.event)
      return
    }
    const entry = running
    if ('ok' in message) {
      sketches = message.sketches ?? sketches
      settle(entry, () => entry.resolve(message.ok))
      return
    }
    const error = fromErrorReport(message.error)
    // A thread of the team is gone: the kernels of this driver will not work again.
    if (message.error.code === 'engine-died') void replace(error)
    else if (partials.size > 0) void tidy(entry, error)
    else settle(entry, () => entry.reject(error))
  }

  /** A task failed without removing what it had half-written: the next one, which may write the same file, waits. */
  async function tidy(entry: Entry, error: Error): Promise<void> {
    await removePartials()
    settle(entry, () => entry.reject(error))
  }

  function settle(entry: Entry, answer: () => void): void {
    if (running === entry) running = null
    answer()
  }

  /** Hands the task to the thread, unless that is being replaced: then this comes again. */
  function begin(): void {
    const entry = running
    if (!entry || entry.begun || ending || stopped) return
    thread ??= spawn()
    entry.begun = true
    Atomics.store(flags, CANCELLED, 0)
    Atomics.store(flags, PAUSED, entry.paused ? 1 : 0)
    if (thread.control) clearCancel(thread.control)
    entry.listener.started?.()
    thread.postMessage({ type: 'task', id: entry.id, task: entry.task })
    if (entry.task.kind === 'open') limitTime(entry)
  }

  function refuseInfo(reason: Error): void {
    for (const { reject } of curious.splice(0)) reject(reason)
  }

  function limitTime(entry: Entry): void {
    const timer = setTimeout(() => {
      if (running === entry)
        void replace(new AppError('over-limit', say('engine.open-too-long', { seconds: openLimitMs / 1000 })))
    }, openLimitMs)
    void entry.ended.then(() => clearTimeout(timer))
  }

  /** Ends the driver, removes its half-written files, ends its task with `reason`; a new driver is started unless this one never lived. */
  async function replace(reason: Error): Promise<void> {
    const old = thread
    const entry = running
    if (!old) return
    thread = null
    for (const model of models) host.tellModel({ type: 'model-end', model })
    models.clear()
    // At once, while the thread may still have them open, and again when it cannot make any more. Windows allows only the second.
    const early = removePartials({ forget: false })
    // One that waits for a disk that is gone has ended as far as it can: it runs no more, and its thread goes when the disk is back.
    ending = Promise.all([atMost(terminateMs, old.terminate()), early]).then(() => removePartials())
    await ending
    ending = null
    if (stopped || !(reason instanceof AppError && reason.code === 'cancelled')) refuseInfo(reason)
    if (entry?.begun && running === entry) settle(entry, () => entry.reject(reason))
    if (!stopped && (entry || curious.length > 0)) thread ??= spawn()
    if (curious.length > 0) thread?.postMessage({ type: 'warm' })
    begin()
    // After the answer, which is awaited.
    setImmediate(collectGarbage)
  }

  /** `forget`: nothing writes any more, so what is gone need not be remembered. What could not be removed, main tries again at the end. */
  async function removePartials({ forget } = { forget: true }): Promise<void> {
    for (const [path, within] of [...partials]) {
      try {
        await host.removePartial(path, within)
      } catch {
        continue
      }
      if (!forget) continue
      partials.delete(path)
      await host.notePartial(path, false)
    }
  }

  /** Lets a driver that holds still go on. */
  function release(): void {
    Atomics.store(flags, PAUSED, 0)
    Atomics.notify(flags, PAUSED)
  }

  function pause(entry: Entry, paused: boolean): void {
    entry.paused = paused
    if (running !== entry || !entry.begun) return
    if (paused) Atomics.store(flags, PAUSED, 1)
    else release()
  }

  async function cancel(entry: Entry): Promise<void> {
    const cancelled = new AppError('cancelled', say('job.cancelled'))
    if (running !== entry) return
    if (!entry.begun) return settle(entry, () => entry.reject(cancelled))
    Atomics.store(flags, CANCELLED, 1)
    release()
    if (thread?.control) raiseCancel(thread.control)
    const grace = setTimeout(() => {
      if (running === entry) void replace(cancelled)
    }, graceMs)
    const limit = setTimeout(() => {
      if (running === entry) settle(entry, () => entry.reject(cancelled))
    }, answerMs)
    await entry.ended
    clearTimeout(grace)
    clearTimeout(limit)
  }

  return {
    info: () => {
      if (info) return Promise.resolve(info)
      return new Promise((resolve, reject) => {
        curious.push({ resolve, reject })
        if (stopped) return refuseInfo(new AppError('cancelled', say('engine.stopped')))
        // One that is being ended refuses them when it has.
        if (ending !== null) return
        thread ??= spawn()
        thread.postMessage({ type: 'warm' })
      })
    },
    get sketches() {
      return sketches
    },
    run: (task, listener = {}) => {
      if (running) throw new Error('The driver has a task.')
      let resolve: Entry['resolve'] = () => {}
      let reject: Entry['reject'] = () => {}
      const answer = new Promise<TaskAnswer>((...settlers) => {
        ;[resolve, reject] = settlers
      })
      const ended = answer.then(
        () => {},
        () => {},
      )
      const entry: Entry = { id: ++lastId, begun: false, paused: false, task, listener, ended, resolve, reject }
      running = entry
      begin()
      return { answer, cancel: () => cancel(entry), pause: (paused) => pause(entry, paused) }
    },
    closeFile: (fileId) => {
      thread?.postMessage({ type: 'close', fileId })
    },
    hearModel: (message) => {
      if (!models.has(message.model)) return
      if (message.type === 'model-ended') models.delete(message.model)
      thread?.postMessage(message)
    },
    stop: async () => {
      stopped = true
      // A run that hears it in time notes what it has finished.
      if (running) await cancel(running)
      await ending
      const end = new AppError('cancelled', say('engine.stopped'))
      await replace(end)
      refuseInfo(end)
    },
  }
}

function whyItDied(fault: Error | null, code: number): Message {
  if (fault && 'code' in fault && fault.code === 'ERR_WORKER_OUT_OF_MEMORY') return say('thread.out-of-memory')
  return fault ? say('thread.failed', { fault: foreign(fault.message) }) : say('thread.exited', { code })
}
