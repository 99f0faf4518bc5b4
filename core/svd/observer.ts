/** Who watches a factorization: time by phase, the spectrum as it converges, and the wish to stop. */
import type { TimedPhase } from '../phases.ts'

export interface Observer {
  /** Time spent in a phase since the last call; phases come more than once and add up. */
  phase(name: TimedPhase, elapsedMs: number): void
  /**
   * Singular values as they stand after power iteration `index` of `of` (0: the bare sketch), in the units of the stored weights. An
   * observer that shows none leaves it out: each costs an l x l eigenproblem.
   */
  iteration?(index: number, of: number, singularValues: Float64Array): void
  /** @throws AppError `cancelled` */
  checkCancelled(): void
}

export interface Stopwatch {
  /** Books the time since the last lap (or the start) under `phase`. */
  lap(phase: TimedPhase): void
}

/** The only clock in this room; nothing that is computed depends on it. */
export function stopwatch(observer: Observer): Stopwatch {
  let last = performance.now()
  return {
    lap: (phase) => {
      const now = performance.now()
      observer.phase(phase, now - last)
      last = now
    },
  }
}
