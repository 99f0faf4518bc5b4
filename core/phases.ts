/** What a job is at: ids for code, words in the catalogs (`phase.*`), so that a phase without words does not compile. */
import { say } from './messages/english.ts'
import type { Message } from './messages/message.ts'

/**
 * Of a job, as its progress says. `read` counts the rows of one large matrix, within whatever phase that is read for; `run` counts runs of models.
 */
export const jobPhases = [
  ...(['read', 'plan', 'analyze', 'estimate', 'compress', 'verify'] as const),
  ...(['convert', 'sample', 'selftest', 'versus', 'run'] as const),
] as const
export type JobPhase = (typeof jobPhases)[number]

/** Of a factorization, by which its time is split; they come more than once and add up. */
export const timedPhases = [
  ...(['read', 'sketch', 'iterate', 'orthonormalize', 'estimate', 'smallSvd'] as const),
  ...(['gram', 'eigen', 'jacobi', 'lift', 'measure'] as const),
] as const
export type TimedPhase = (typeof timedPhases)[number]
export type PhaseTimes = Readonly<Partial<Record<TimedPhase, number>>>

/** Of an exact SVD by the Gram matrix, one after the other. */
export const exactStages = ['gram', 'eigen', 'lift'] as const satisfies readonly TimedPhase[]
export type ExactStage = (typeof exactStages)[number]

/** "sketching" */
export function phaseWords(phase: JobPhase | TimedPhase): Message {
  return say(`phase.${phase}`)
}

/** Times of phases as pairs, in the order in which they were booked first. */
export function timesOf(phasesMs: PhaseTimes): [TimedPhase, number][] {
  return Object.entries(phasesMs) as [TimedPhase, number][]
}
