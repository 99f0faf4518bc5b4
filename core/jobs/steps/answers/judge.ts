/** What tells one form's answers from another's: the goal, else agreement where they are classes, else their error. */
import type { Answer, AnswerGoal, AnswerRow } from '../../../contract.ts'
import type { AnsweredSamples, Bench } from './models.ts'

export interface Judge {
  readonly goal: AnswerGoal | null
  /** Whether agreement is what counts, not the error. */
  readonly byAgreement: boolean
  /** Those that decide. */
  readonly samples: AnsweredSamples
  /** Those that were held out: what is reported. */
  readonly judgedOn: AnsweredSamples
}

/** Where outputs are classes what counts is whether the same one is the largest: an error may grow without a single answer changing, and the other way round. */
export function judgesByAgreement({ classes }: Pick<Bench, 'classes'>, goal: AnswerGoal | null): boolean {
  return goal ? goal.kind === 'agreement' : classes.size > 0
}

/** Of an answer from the original's; one of NaN or Inf where the original has none is as far from it as can be. */
export function distance(answer: Answer | null, { byAgreement }: Pick<Judge, 'byAgreement'>): number {
  if (!answer || answer.notFinite > 0) return Number.POSITIVE_INFINITY
  const error = answer.error ?? Number.POSITIVE_INFINITY
  // Of equal agreement the smaller error.
  return byAgreement ? 1 - (answer.agreement ?? 0) + 1e-6 * Math.min(1, error) : error
}

/** Whether a goal on the answer is met; null without one. */
export function meets(answer: Answer, { goal }: Pick<Judge, 'goal'>): boolean | null {
  if (goal === null) return null
  if (answer.notFinite > 0) return false
  if (goal.kind === 'error') return answer.error !== null && answer.error <= goal.most
  return answer.agreement !== null && answer.agreement >= goal.least
}

/** Bytes, and answers to the samples that decide. */
interface Weighed {
  readonly bytes: number
  readonly calibration: Answer
}

/** Whether the first is the better of two: that which meets the goal, the smaller of two that do, the nearer of two that do not. */
export function isBetter(a: Weighed, b: Weighed, judge: Judge): boolean {
  const [first, second] = [meets(a.calibration, judge), meets(b.calibration, judge)]
  if (first !== second) return first === true
  return first ? a.bytes < b.bytes : distance(a.calibration, judge) < distance(b.calibration, judge)
}

export function nearest<T extends { readonly calibration: Answer | null }>(
  tried: readonly T[],
  judge: Judge,
): T | null {
  return tried.toSorted((a, b) => distance(a.calibration, judge) - distance(b.calibration, judge))[0] ?? null
}

/** Index of the low-rank row that is nearest; with a goal, of the smallest of all rows that meets it. */
export function choose(rows: readonly AnswerRow[], judge: Judge): number | null {
  const offered = rows.filter(({ choices }) => choices !== null)
  const found =
    judge.goal === null
      ? nearest(
          offered.filter(({ form, calibration }) => form === 'low-rank' && distance(calibration, judge) < Infinity),
          judge,
        )
      : offered.filter(({ meetsGoal }) => meetsGoal).toSorted((a, b) => a.bytes - b.bytes)[0]
  return found ? rows.indexOf(found) : null
}
