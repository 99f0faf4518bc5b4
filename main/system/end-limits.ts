/**
 * How long an end may take, in one table. Whoever waits for another waits for the sum of all that one waits for, never for a number of its own:
 * so there is always the time to clear up after what had to be killed, and all of it fits into what is promised. Milliseconds.
 *
 *   a signal, a closed window, the end of a session
 *     a command cancels its job, and asks an engine that does not answer to stop        cancelMs; a run of a page that is cancelled likewise
 *       the engine ends its driver and removes what it has half-written                 tidyMs, else it kills itself
 *     its parent kills one that has not ended                                           noticeMs later: stopMs
 *     what cannot be killed - it waits for a disk that is gone - counts as ended        goneMs later
 *     its parent removes what it has left                                               filesMs: engineEndMs
 *     a command, or a host for each run, writes the history; a host removes what nobody can resume before it     filesMs each
 *   the process ends, by exit where no file operation is under way                      filesMs, else by a signal
 *
 * Twice as fast where the user asks twice: `impatientEndMs`.
 */

import { setTimeout as wait } from 'node:timers/promises'

/** Promised of a first signal, to the last process (docs/architecture.md). */
export const promisedMs = 5_000

/** An engine answers a cancel within a fraction of a second; one that has not by then does not hear it. */
export const cancelMs = 1_000
/** For a message on its way, and timers of a busy machine. */
const noticeMs = 300
/** From SIGKILL to the end of a process: nothing, unless it waits for a disk. Its threads run no more even then. */
export const goneMs = 300
/** What file operations on a disk that answers may take. */
export const filesMs = 500
/** What a busy machine takes besides: timers that come late, a process that is taken apart. */
const slackMs = 400
/**
 * What is left of the promise, with files removed, the history written and the process ended. What keeps a driver from ending cannot be known
 * beforehand: a file operation on a dead mount is waited for by the process itself.
 */
export const tidyMs = promisedMs - slackMs - cancelMs - noticeMs - goneMs - 3 * filesMs

/** From asking an engine to stop to killing it. */
export const stopMs = tidyMs + noticeMs
/** The same where the user has asked twice. */
export const hurryMs = 500
/** From asking an engine to stop until it is gone, and what it has left with it. */
export const engineEndMs = stopMs + goneMs + filesMs

export const commandEndMs = cancelMs + engineEndMs + filesMs
export const hostEndMs = engineEndMs + 2 * filesMs
/** From the second signal. */
export const impatientEndMs = hurryMs + goneMs + 2 * filesMs

/** Waits for something no longer than that; it goes on all the same. */
export async function atMost(limitMs: number, work: Promise<unknown>): Promise<void> {
  await Promise.race([work, wait(limitMs, null, { ref: false })])
}
