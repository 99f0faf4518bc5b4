/**
 * Parallel loops at the grain of a matrix column (microseconds), inside one long task of the team.
 *
 * The thread that leads runs the algorithm and opens loops; the others (`help`) claim tiles of whatever loop is open. Nobody waits for a thread
 * that has claimed nothing, so a thread that the system has put to sleep costs time, never progress. What a tile computes depends on
 * its number alone, so neither the number of threads nor the order of the claims changes a bit of the result.
 *
 * Claims: one 64-bit ticket = (epoch << 32) | next tile, advanced by compare-and-swap. A claim that succeeds proves that the ticket did not move
 * since the loop's description was read, so the description belongs to it: the leader closes the ticket before it writes the next one.
 */
import { openArena } from './arena'
import { perform } from './tasks'

const TICKET: usize = 0
const DONE: usize = 64
const WAITING: usize = 72
const CLOSED: usize = 128
const SLEEPERS: usize = 136
const EPOCH: usize = 192
const TASK: usize = 256
const JOB: usize = 260
const TILES: usize = 264
export const CREW_BYTES: usize = 320

const NO_TILES: i64 = 0x7fffffff
/** Polls before a helper sleeps: about 50 microseconds, a few columns of a small matrix. */
const SPINS: i32 = 20000
/** A sleeping helper looks for itself this often (ns), should a wake-up be lost. */
const NAP: i64 = 2_000_000
/** The same where nobody wakes the sleeper. */
const SHORT_NAP: i64 = 50_000

/** Board of the crew this thread belongs to. */
let crew: usize = 0
/** A tile that opens a loop of its own runs it alone. */
let alone: bool = true

/** Before any other thread may call `help` on this crew. */
export function clearCrew(at: usize): void {
  memory.fill(at, 0, CREW_BYTES)
  atomic.store<i64>(at, NO_TILES, TICKET)
}

/** The calling thread leads the crew; `threads` counts it in. */
export function lead(at: usize, threads: i32): void {
  crew = at
  alone = threads < 2
}

/** Sends the helpers home. */
export function dismiss(): void {
  atomic.store<i32>(crew, 1, CLOSED)
  atomic.add<i32>(crew, 1, EPOCH)
  atomic.notify(crew + EPOCH, -1)
}

/** From the host: GO_ON, CANCEL, or CREW_BROKEN once a thread of the team is gone. About 20 ns. */
// @ts-ignore: decorator
@external('host', 'poll')
declare function poll(): i32
const GO_ON: i32 = 0
const CREW_BROKEN: i32 = 2
/** Polls of another thread's progress before giving up the core for a NAP: on a crowded machine that thread may need this very core. */
const PATIENCE: i32 = 10000

/** Whether the work is to end; asked between tiles. */
export function cancelled(): bool {
  return poll() != GO_ON
}

/** Runs `perform(task, job, tile)` for each tile, in any order, on whoever has time. Returns when all are done. @returns false once cancelled (the rest was skipped) */
export function forEachTile(task: i32, job: usize, tiles: i32): bool {
  if (alone || tiles < 2) {
    for (let tile = 0; tile < tiles; tile++) {
      if (cancelled()) return false
      perform(task, job, tile)
    }
    return !cancelled()
  }
  const epoch = (<i64>(atomic.load<i32>(crew, EPOCH) + 1)) << 32
  atomic.store<i64>(crew, epoch | NO_TILES, TICKET)
  store<i32>(crew, task, TASK)
  store<usize>(crew, job, JOB)
  store<i32>(crew, tiles, TILES)
  atomic.store<i32>(crew, 0, DONE)
  atomic.store<i64>(crew, epoch, TICKET)
  atomic.add<i32>(crew, 1, EPOCH)
  if (atomic.load<i32>(crew, SLEEPERS) > 0) atomic.notify(crew + EPOCH, -1)
  workOnTiles()
  let spins = 0
  for (let done = atomic.load<i32>(crew, DONE); done < tiles; done = atomic.load<i32>(crew, DONE)) {
    if (++spins < PATIENCE) continue
    // A tile claimed by a thread that died is never done.
    if (poll() == CREW_BROKEN) return false
    atomic.store<i32>(crew, 1, WAITING)
    atomic.wait<i32>(crew + DONE, done, NAP)
    atomic.store<i32>(crew, 0, WAITING)
  }
  return !cancelled()
}

/** Waits until the i32 at `counter` has reached `goal`. @returns false once cancelled: it may never reach it then */
export function waitFor(counter: usize, goal: i32): bool {
  let spins = 0
  for (let value = atomic.load<i32>(counter); value < goal; value = atomic.load<i32>(counter)) {
    if (++spins < PATIENCE) continue
    if (cancelled()) return false
    atomic.wait<i32>(counter, value, SHORT_NAP)
  }
  return true
}

/** Claims tiles of the open loop until none is left. @returns whether there was one */
function workOnTiles(): bool {
  let worked = false
  while (true) {
    const ticket = atomic.load<i64>(crew, TICKET)
    const tile = <i32>ticket
    if (tile >= load<i32>(crew, TILES)) break
    const task = load<i32>(crew, TASK)
    const job = load<usize>(crew, JOB)
    if (atomic.cmpxchg<i64>(crew, ticket, ticket + 1, TICKET) != ticket) continue
    worked = true
    alone = true
    if (!cancelled()) perform(task, job, tile)
    alone = false
    atomic.add<i32>(crew, 1, DONE)
    if (atomic.load<i32>(crew, WAITING) != 0) atomic.notify(crew + DONE, 1)
  }
  return worked
}

/** A helper's life: claims tiles until `dismiss`. @param arena this helper's scratch */
export function help(at: usize, arena: usize): void {
  crew = at
  alone = false
  openArena(arena)
  let spins = 0
  while (atomic.load<i32>(crew, CLOSED) == 0) {
    // Read before looking for work: a loop opened after that look has moved it, and the wait below returns at once.
    const epoch = atomic.load<i32>(crew, EPOCH)
    if (workOnTiles()) {
      spins = 0
      continue
    }
    if (++spins < SPINS) continue
    if (poll() == CREW_BROKEN) return
    atomic.add<i32>(crew, 1, SLEEPERS)
    if (atomic.load<i32>(crew, CLOSED) == 0) atomic.wait<i32>(crew + EPOCH, epoch, NAP)
    atomic.sub<i32>(crew, 1, SLEEPERS)
    spins = 0
  }
}
