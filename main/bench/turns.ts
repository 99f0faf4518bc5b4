/** Two sides that take turns: medians of their times, and how many times longer the other took. */
import type { PhaseTimes, TimedPhase } from '../../core/phases.ts'
import type { Observer } from '../../core/svd/factorize.ts'
import { median } from './median.ts'

/** Their time / ours: above 1 we are faster. */
interface Ratio {
  /** Of the medians. */
  readonly median: number
  /** Of single turns. */
  readonly least: number
  readonly most: number
}

/** Median milliseconds of one side, and the ratio to each peer that was asked. */
export interface Timing {
  readonly ms: number
  readonly peers?: Readonly<Record<string, Ratio>>
}

export function timing(ours: readonly number[], theirs: ReadonlyMap<string, readonly number[]>): Timing {
  const peers = [...theirs].filter(([, times]) => times.length > 0).map(([name, times]) => [name, ratio(times, ours)])
  return { ms: median(ours), ...(peers.length > 0 && { peers: Object.fromEntries(peers) }) }
}

function ratio(theirs: readonly number[], ours: readonly number[]): Ratio {
  const turns = theirs.map((ms, turn) => ms / ours[turn]!)
  return { median: median(theirs) / median(ours), least: Math.min(...turns), most: Math.max(...turns) }
}

export function medianOfEach(runs: readonly PhaseTimes[]): PhaseTimes {
  const names = new Set(runs.flatMap((run) => Object.keys(run) as (keyof PhaseTimes)[]))
  return Object.fromEntries([...names].map((name) => [name, median(runs.map((run) => run[name] ?? 0))]))
}

export const watchless: Observer = { phase: () => {}, checkCancelled: () => {} }

/** An observer that adds each phase up. */
export function booking(): { readonly observer: Observer; readonly phasesMs: PhaseTimes } {
  const phasesMs: Partial<Record<TimedPhase, number>> = {}
  const phase = (name: TimedPhase, ms: number) => {
    phasesMs[name] = (phasesMs[name] ?? 0) + ms
  }
  return { observer: { ...watchless, phase }, phasesMs }
}
