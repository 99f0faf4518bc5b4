/**
 * A team of N threads on one shared memory. A call is a task name, a count and some numbers; tasks 0..count - 1 are handed out by
 * Atomics.add to any free thread, the leader (the thread that calls) included. All spin for a moment, then sleep; every sleep has
 * a time-out. A call waits for the members that have joined it, not for one that is still asleep when the work is done; one that throws, dies or
 * falls silent in the middle ends the call with a reason.
 */

import { AppError } from '../errors.ts'
import { say } from '../messages/english.ts'
import {
  CLOSED,
  type Control,
  cell,
  checkAlive,
  checkCancel,
  controlOf,
  MAX_THREADS,
  poll,
  reportDeath,
} from './control.ts'
import { instantiate } from './instance.ts'
import type { Modules } from './modules.ts'
import type { Worker } from './task.ts'
import { type AnyTask, type TaskArguments, type TaskName, taskNames, tasks } from './tasks/tasks.ts'

/** All a member needs; crosses to its thread by structured clone. */
export interface MemberInit {
  readonly member: number
  readonly control: SharedArrayBuffer
  readonly memory: WebAssembly.Memory
  readonly modules: Modules
  /** Byte offset of SCRATCH_BYTES of its own. */
  readonly scratch: number
}

interface MemberHandle {
  /** Ends the thread whatever it does. */
  terminate(): Promise<void>
}

/** The host's way to start a thread that calls `serveMember(init)` and to report its end by `reportDeath`. */
export type SpawnMember = (init: MemberInit) => MemberHandle

/**
 * What the leader does alone between two calls is over by then, even in a small factorization. To wake a thread on an idle core takes a tenth of a millisecond: a sixth of
 * a product of 1024 x 1024 with 42 columns.
 */
const SPIN_MS = 0.3
/** A round takes some 20 to 60 nanoseconds, a look at the clock as long. */
const ROUNDS_A_LOOK = 64
const SLEEP_MS = 50
const IDLE_SLEEP_MS = 1000

export type RunTasks = <T extends TaskName>(task: T, count: number, ...args: TaskArguments<T>) => void

export interface Team {
  readonly threads: number
  readonly control: SharedArrayBuffer
  /** Runs tasks 0..count - 1 and returns when all are done. @throws AppError `cancelled`, `engine-died` */
  readonly run: RunTasks
  /** The same while the calling thread does `work`, before it takes tasks itself. */
  beside(work: () => void): RunTasks
  /** The same on the calling thread alone, for work that is done before a sleeping thread would be awake. */
  readonly runAlone: RunTasks
  shutdown(): Promise<void>
}

/** @throws AppError `engine-died` when a member does not get ready within `patienceMs`. */
export async function assembleTeam(options: {
  readonly threads: number
  readonly control: SharedArrayBuffer
  readonly memory: WebAssembly.Memory
  readonly modules: Modules
  /** Scratch of each thread, the leader's first. */
  readonly scratch: readonly number[]
  readonly spawn: SpawnMember | null
  /** A member that finishes no task for so long during a call counts as dead. */
  readonly patienceMs: number
}): Promise<{ team: Team; leader: Worker }> {
  const { threads, memory, modules, patienceMs } = options
  const control = controlOf(options.control)
  const members = threads - 1
  if (threads < 1 || threads > MAX_THREADS)
    throw new AppError('bad-request', say('thread.count', { threads, most: MAX_THREADS }))
  const { spawn } = options
  if (members > 0 && !spawn) throw new TypeError('team: more than one thread needs a way to start them')

  Atomics.store(control.cells, cell.joined, CLOSED)
  const leader = workerOf(control, modules, memory, options.scratch[0]!)
  const handles: MemberHandle[] = []
  for (let member = 1; member < threads; member++) {
    handles.push(spawn!({ member, control: control.buffer, memory, modules, scratch: options.scratch[member]! }))
  }

  const shutdown = async () => {
    Atomics.store(control.cells, cell.stop, 1)
    Atomics.notify(control.cells, cell.call)
    await Promise.all(handles.map((handle) => handle.terminate()))
  }
  try {
    await untilReady(control, members, patienceMs)
  } catch (error) {
    await shutdown()
    throw error
  }

  const { cells } = control
  const check = () => {
    if (poll(control) === 0) return
    checkAlive(control.buffer)
    checkCancel(cells)
  }
  const start: RunTasks = (task, count, ...args) => {
    if (Atomics.load(cells, cell.stop) === 1) throw new TypeError('team: used after its shutdown')
    check()
    for (let i = 0; i < args.length; i++) control.arguments[i] = args[i]!
    Atomics.store(cells, cell.task, taskNames.indexOf(task))
    Atomics.store(cells, cell.count, count)
    Atomics.store(cells, cell.next, 0)
  }
  const runAlone: RunTasks = (task, count, ...args) => {
    start(task, count, ...args)
    takeTasks(control, leader, 0)
    // A task that looks at the control block has ended early because of the one or the other.
    check()
  }
  const beside =
    (work: () => void): RunTasks =>
    (task, count, ...args) => {
      if (count <= 1 || members === 0) {
        work()
        return runAlone(task, count, ...args)
      }
      together(work, task, count, args)
    }
  const run: RunTasks = (task, count, ...args) =>
    count <= 1 || members === 0 ? runAlone(task, count, ...args) : together(nothing, task, count, args)

  function together<T extends TaskName>(work: () => void, task: T, count: number, args: TaskArguments<T>): void {
    start(task, count, ...args)
    // Not a store: a member that comes late to the call before may be about to find that out.
    Atomics.and(cells, cell.joined, ~CLOSED)
    Atomics.add(cells, cell.call, 1)
    Atomics.notify(cells, cell.call)
    try {
      work()
      takeTasks(control, leader, 0)
    } finally {
      // Whatever happened here, no thread may still be writing when the caller continues.
      Atomics.store(cells, cell.next, count)
      Atomics.or(cells, cell.joined, CLOSED)
      waitForMembers(control, members, patienceMs)
    }
    check()
  }
  return { team: { threads, control: control.buffer, run, beside, runAlone, shutdown }, leader }
}

const nothing = () => {}

function workerOf(control: Control, modules: Modules, memory: WebAssembly.Memory, scratch: number): Worker {
  const { cells } = control
  return {
    instance: instantiate(modules, memory, () => poll(control)),
    scratch,
    cancelled: () => Atomics.load(cells, cell.cancel) === 1,
  }
}

/** A member's whole life: called by the host in the thread it started. Returns when the team is dismissed. */
export function serveMember(init: MemberInit): void {
  const control = controlOf(init.control)
  const { cells } = control
  try {
    const worker = workerOf(control, init.modules, init.memory, init.scratch)
    let seen = Atomics.load(cells, cell.call)
    Atomics.add(cells, cell.ready, 1)
    while (Atomics.load(cells, cell.stop) === 0) {
      if (!spinWhile(cells, cell.call, seen)) Atomics.wait(cells, cell.call, seen, IDLE_SLEEP_MS)
      const call = Atomics.load(cells, cell.call)
      if (call === seen) continue
      seen = call
      if ((Atomics.add(cells, cell.joined, 1) & CLOSED) === 0) takeTasks(control, worker, init.member)
      if (Atomics.sub(cells, cell.joined, 1) === CLOSED + 1) Atomics.notify(cells, cell.joined)
    }
  } catch (error) {
    reportDeath(init.control, init.member, error instanceof Error ? error.message : String(error))
  }
}

function takeTasks(control: Control, worker: Worker, member: number): void {
  const { cells, heartbeats } = control
  const task = tasks[taskNames[Atomics.load(cells, cell.task)]!] as AnyTask
  // After its index and its thread; of the whole block of arguments a copy takes longer than many a task.
  const numbers: number[] = []
  for (let i = 0; i < task.length - 2; i++) numbers.push(control.arguments[i]!)
  const count = Atomics.load(cells, cell.count)
  for (;;) {
    if (worker.cancelled()) return
    const index = Atomics.add(cells, cell.next, 1)
    if (index >= count) return
    task(index, worker, ...numbers)
    Atomics.add(heartbeats, member, 1)
  }
}

/** Until the call has been left by all who joined it. @throws AppError `engine-died` */
function waitForMembers(control: Control, members: number, patienceMs: number): void {
  const { cells, heartbeats } = control
  const beats = () => {
    let sum = 0
    for (let member = 1; member <= members; member++) sum += Atomics.load(heartbeats, member)
    return sum + Atomics.load(cells, cell.joined)
  }
  let last = beats()
  let silentMs = 0
  for (;;) {
    const joined = Atomics.load(cells, cell.joined)
    if (joined === CLOSED) return
    checkAlive(control.buffer)
    if (spinWhile(cells, cell.joined, joined)) continue
    const asleepAt = performance.now()
    Atomics.wait(cells, cell.joined, joined, SLEEP_MS)
    const now = beats()
    // A process that was stopped, or a machine that slept, was silent for no longer than one turn of this loop.
    silentMs = now === last ? silentMs + Math.min(performance.now() - asleepAt, 2 * SLEEP_MS) : 0
    last = now
    if (silentMs > patienceMs)
      reportDeath(control.buffer, 1, `no task was finished for ${Math.round(patienceMs / 1000)} s`)
  }
}

async function untilReady(control: Control, members: number, patienceMs: number): Promise<void> {
  const start = performance.now()
  while (Atomics.load(control.cells, cell.ready) < members) {
    checkAlive(control.buffer)
    if (performance.now() - start > patienceMs) {
      throw new AppError(
        'engine-died',
        say('thread.not-started', {
          ready: Atomics.load(control.cells, cell.ready),
          members,
          seconds: Math.round(patienceMs / 1000),
        }),
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

const pause: () => void = (Atomics as { pause?: () => void }).pause ?? (() => undefined)

/** Whether the cell changed from `value` within a moment. */
function spinWhile(cells: Int32Array, index: number, value: number): boolean {
  const end = performance.now() + SPIN_MS
  do {
    for (let round = 0; round < ROUNDS_A_LOOK; round++) {
      if (Atomics.load(cells, index) !== value) return true
      pause()
    }
  } while (performance.now() < end)
  return false
}
