/**
 * What pages hear of active runs: a change of state at once, how far they are at most ten times a second. A model may have thousands of
 * tiny tensors, each with events of its own; a page draws ten of them a second and misses nothing.
 */
import type { Run } from '../../core/contract.ts'

export const paceMs = 100

/** @returns takes every change of every run, and tells of it in its time; the last word of a run is never left out */
export function pace(tell: (run: Run) => void): (run: Run) => void {
  interface Told {
    readonly state: Run['state']
    readonly timer: NodeJS.Timeout
    waiting: Run | null
  }
  const told = new Map<string, Told>()

  function now(run: Run): void {
    const { runId, state, endedAt } = run
    clearTimeout(told.get(runId)?.timer)
    if (endedAt !== null) told.delete(runId)
    else told.set(runId, { state, timer: setTimeout(() => later(runId), paceMs), waiting: null })
    tell(run)
  }
  function later(runId: string): void {
    const waiting = told.get(runId)?.waiting
    told.delete(runId)
    if (waiting) now(waiting)
  }

  return (run) => {
    const last = told.get(run.runId)
    if (last?.state === run.state) last.waiting = run
    else now(run)
  }
}
