/**
 * The control block: the one SharedArrayBuffer through which the leader of a team, its members and the threads that may stop them communicate.
 *
 *   Int32 x 16      cells named below
 *   Int32 x 256     heartbeat of each member: tasks it has finished
 *   Float64 x 64    arguments of the call in progress
 *   UTF-8 x 1024    why a member failed
 */

import { AppError } from '../errors.ts'
import { say } from '../messages/english.ts'
import { foreign } from '../messages/text.ts'

export const MAX_THREADS = 256
const CELLS = 16
const ARGUMENTS = 64
const REASON_BYTES = 1024
const ARGUMENTS_AT = 4 * (CELLS + MAX_THREADS)
const REASON_AT = ARGUMENTS_AT + 8 * ARGUMENTS

/** No call is open: added to `cell.joined`. */
export const CLOSED = 1 << 30

export const cell = {
  /** Number of the call; raised to start one. Members sleep on it. */
  call: 0,
  /** Which task, of how many, and the next one to hand out. */
  task: 1,
  count: 2,
  next: 3,
  /** Members at work on the call, plus CLOSED while none may begin. The leader sleeps on it. */
  joined: 4,
  /** 1: the call, and all that follow, were asked to end. */
  cancel: 5,
  /** 0, or 1 + the number of the member that died. */
  dead: 6,
  /** 1: the team is dismissed. */
  stop: 7,
  /** Members that are ready for calls. */
  ready: 8,
  /** Length of the reason in bytes. */
  reason: 9,
} as const

export interface Control {
  readonly buffer: SharedArrayBuffer
  readonly cells: Int32Array
  readonly heartbeats: Int32Array
  readonly arguments: Float64Array
}

export function newControl(): SharedArrayBuffer {
  return new SharedArrayBuffer(REASON_AT + REASON_BYTES)
}

export function controlOf(buffer: SharedArrayBuffer): Control {
  return {
    buffer,
    cells: new Int32Array(buffer, 0, CELLS),
    heartbeats: new Int32Array(buffer, 4 * CELLS, MAX_THREADS),
    arguments: new Float64Array(buffer, ARGUMENTS_AT, ARGUMENTS),
  }
}

/** Ends the call in progress, within 50 ms, and every later one with AppError `cancelled`, until `clearCancel`. Any thread may call it. */
export function raiseCancel(buffer: SharedArrayBuffer): void {
  Atomics.store(controlOf(buffer).cells, cell.cancel, 1)
}

export function clearCancel(buffer: SharedArrayBuffer): void {
  Atomics.store(controlOf(buffer).cells, cell.cancel, 0)
}

/** A member is gone: the call in progress and every later one end with AppError `engine-died`. The first reason stays. Any thread may call it. */
export function reportDeath(buffer: SharedArrayBuffer, member: number, reason: string): void {
  const { cells } = controlOf(buffer)
  if (Atomics.load(cells, cell.stop) === 1 || Atomics.load(cells, cell.dead) !== 0) return
  const text = new TextEncoder().encode(reason).slice(0, REASON_BYTES)
  new Uint8Array(buffer, REASON_AT, REASON_BYTES).set(text)
  Atomics.store(cells, cell.reason, text.length)
  Atomics.compareExchange(cells, cell.dead, 0, member + 1)
  Atomics.notify(cells, cell.joined)
}

/** 0: go on, 1: cancelled, 2: a member is gone. What WebAssembly that runs for long asks between its tiles. */
export function poll({ cells }: Control): 0 | 1 | 2 {
  if (Atomics.load(cells, cell.dead) !== 0) return 2
  return Atomics.load(cells, cell.cancel) === 1 ? 1 : 0
}

/** @throws AppError `engine-died` once a member is gone. */
export function checkAlive(buffer: SharedArrayBuffer): void {
  const { cells } = controlOf(buffer)
  const dead = Atomics.load(cells, cell.dead)
  if (dead === 0) return
  const text = new Uint8Array(buffer, REASON_AT, Atomics.load(cells, cell.reason)).slice()
  throw new AppError(
    'engine-died',
    say('thread.died', { thread: dead - 1, fault: foreign(new TextDecoder().decode(text)) }),
    { thread: dead - 1 },
  )
}

/** @throws AppError `cancelled` while the flag is up. */
export function checkCancel(cells: Int32Array): void {
  if (Atomics.load(cells, cell.cancel) === 1) throw new AppError('cancelled', say('job.cancelled'))
}
