/**
 * The order in which a driver is given its tasks. Jobs a user waits for go first, and one long job may wait behind them all.
 *
 *   short tasks    opening a file: before any job that has not begun
 *   foreground     jobs one after another, in the order they came
 *   background     one job at a time, while the foreground is empty
 *
 *   queued -> running -> ended, exactly once; in the background also running -> waiting -> running
 *
 * A foreground job preempts the background one: its run is cancelled and its request kept, and it runs again once the foreground is empty,
 * and has been for `calmMs` where a user steps from one look to the next. What it had finished lies in the cache of sketches, so a second run gets there faster; the share that it reports
 * never falls below what it had reached.
 */

import type { Lane } from '../../../core/contract.ts'
import { wholeJob } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import { say } from '../../../core/messages/english.ts'
import type { Task, TaskAnswer, TaskEvent } from '../messages.ts'
import type { Driver, RunningTask, TaskListener } from './driver-handle.ts'

/** A user who steps through a list starts one look after another. */
export const calmMs = 300
/** One that comes so much later than the one before is no step, nor is the first, which a page that was loaded asks for by itself. */
export const stepMs = 1000

interface JobListener extends TaskListener {
  /** A background job stands behind those of the foreground: before it runs, or preempted. `started` follows when it runs. */
  waiting?(): void
}

export interface PendingTask {
  /** Rejects with AppError `cancelled` after a cancel, `engine-died` when the driver ended. */
  readonly answer: Promise<TaskAnswer>
  /** Queued or running. Resolves as soon as the task has ended one way or another. */
  cancel(): Promise<void>
  /** Holds it where it would hear a cancel, or lets it go on. A queued one is held when its turn comes. */
  pause(paused: boolean): void
}

export interface Lanes {
  /** Whether a job keeps the driver from anything else. */
  readonly busy: boolean
  submit(task: Task, listener?: JobListener, lane?: Lane): PendingTask
  /** Ends whatever is queued or runs, and the driver. */
  stop(): Promise<void>
}

interface Entry {
  readonly task: Task
  readonly listener: JobListener
  readonly lane: Lane
  /** While the driver has it. */
  run: RunningTask | null
  paused: boolean
  /** Its run was cancelled for the sake of another job. */
  preempted: boolean
  /** It was told that it stands behind the foreground. */
  waits: boolean
  /** It was asked to end: it is not run again. */
  unwanted: boolean
  resolve(answer: TaskAnswer): void
  reject(error: Error): void
}

export function createLanes(driver: Pick<Driver, 'run' | 'stop'>): Lanes {
  const short: Entry[] = []
  const foreground: Entry[] = []
  const background: Entry[] = []
  let running: Entry | null = null
  let calm: NodeJS.Timeout | undefined
  let lastLookMs = Number.NEGATIVE_INFINITY
  let steps = false

  const queueOf = ({ task, lane }: Entry) =>
    task.kind !== 'job' ? short : lane === 'foreground' ? foreground : background
  const inFront = () => foreground.length > 0 || (running?.task.kind === 'job' && running.lane === 'foreground')

  function next(): void {
    if (running) return
    const entry = short.shift() ?? foreground.shift() ?? (calm ? undefined : background.shift())
    if (!entry) return
    running = entry
    entry.preempted = false
    entry.waits = false
    entry.run = driver.run(entry.task, entry.listener)
    if (entry.paused) entry.run.pause(true)
    entry.run.answer.then(
      (answer) => left(entry, () => entry.resolve(answer)),
      (error: Error) => {
        const again = entry.preempted && !entry.unwanted && error instanceof AppError && error.code === 'cancelled'
        left(entry, again ? () => background.unshift(entry) : () => entry.reject(error))
      },
    )
  }

  /** The driver has no task any more: `entry` ends, or waits for its next turn. */
  function left(entry: Entry, settle: () => void): void {
    running = null
    entry.run = null
    settle()
    if (entry.lane === 'foreground') leaveForeground(entry)
    setImmediate(next)
  }

  function leaveForeground({ task }: Entry): void {
    if (task.kind !== 'job' || inFront()) return
    clearTimeout(calm)
    calm = setTimeout(
      () => {
        calm = undefined
        next()
      },
      steps ? calmMs : 0,
    )
  }

  function enter(entry: Entry): void {
    queueOf(entry).push(entry)
    setImmediate(next)
    if (entry.task.kind !== 'job') return
    clearTimeout(calm)
    calm = undefined
    if (!inFront()) return
    if (entry.lane === 'foreground') {
      const now = performance.now()
      steps = now - lastLookMs < stepMs
      lastLookMs = now
    }
    if (running?.lane === 'background') preempt(running)
    for (const behind of background) wait(behind)
  }

  function preempt(entry: Entry): void {
    wait(entry)
    if (entry.preempted) return
    entry.preempted = true
    void entry.run?.cancel()
  }

  function wait(entry: Entry): void {
    if (!entry.waits) entry.listener.waiting?.()
    entry.waits = true
  }

  async function cancel(entry: Entry): Promise<void> {
    entry.unwanted = true
    if (entry.run) return entry.run.cancel()
    const queue = queueOf(entry)
    const at = queue.indexOf(entry)
    if (at < 0) return
    queue.splice(at, 1)
    entry.reject(new AppError('cancelled', say('job.cancelled')))
    if (entry.lane === 'foreground') leaveForeground(entry)
  }

  return {
    get busy() {
      return running?.task.kind === 'job' || foreground.length > 0
    },
    submit: (task, listener = {}, lane = 'foreground') => {
      let resolve: Entry['resolve'] = () => {}
      let reject: Entry['reject'] = () => {}
      const answer = new Promise<TaskAnswer>((...settlers) => {
        ;[resolve, reject] = settlers
      })
      const kept = lane === 'background' ? risingShare(listener) : listener
      const entry: Entry = {
        task,
        lane,
        resolve,
        reject,
        listener: kept,
        run: null,
        paused: false,
        preempted: false,
        waits: false,
        unwanted: false,
      }
      enter(entry)
      return {
        answer,
        cancel: () => cancel(entry),
        pause: (paused) => {
          entry.paused = paused
          entry.run?.pause(paused)
        },
      }
    },
    stop: async () => {
      clearTimeout(calm)
      const stopped = new AppError('cancelled', say('engine.stopped'))
      for (const entry of [short, foreground, background].flatMap((queue) => queue.splice(0))) entry.reject(stopped)
      if (running) running.unwanted = true
      await driver.stop()
    },
  }
}

/** What has been reached stays reached: a run after a preemption passes by it again, faster. */
function risingShare(listener: JobListener): JobListener {
  const reached = new Map<string, number>()
  const event = (said: TaskEvent) => {
    if (said.type !== 'progress' || !wholeJob(said) || said.total <= 0) return listener.event?.(said)
    const before = reached.get(said.phase) ?? 0
    const share = said.done / said.total
    reached.set(said.phase, Math.max(before, share))
    listener.event?.(share < before ? { ...said, done: before * said.total } : said)
  }
  return { ...listener, event }
}
