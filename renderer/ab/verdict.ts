/**
 * What a comparison of two ways amounts to, in one sentence that says only what was measured.
 *
 * With several seeds a difference counts as real only where no run of one side reaches into the range of the other. Of two sketches with
 * 5 runs each that happens by chance in 1 of 126 cases, however the runs are spread. An exact side runs once: its error has no spread.
 */

import type { TFunction } from 'i18next'
import type { VersusReport } from '../../core/contract.ts'
import type { Numbers } from '../../core/messages/numbers.ts'
import { type SideName, type Spread, spreadOf } from '../model/looking/versus.ts'

type TimeVerdict =
  | { readonly kind: 'faster'; readonly factor: number }
  | { readonly kind: 'same' }
  | { readonly kind: 'noise' }

type ErrorVerdict =
  /** By this share of the other's. */
  | { readonly kind: 'larger' | 'smaller'; readonly share: number }
  /** The other's is 0, or no more than rounding. */
  | { readonly kind: 'aboveZero' }
  /** So many times the other's, from twice on. */
  | { readonly kind: 'times'; readonly factor: number }
  | { readonly kind: 'same' }
  | { readonly kind: 'noise' }

export interface Verdict {
  /** The side the sentence is about: the faster one, else B. */
  readonly subject: SideName
  readonly time: TimeVerdict
  readonly error: ErrorVerdict
}

/** A ratio below this is shown as 1.0. */
const visibleFactor = 1.05

export function verdictOf({ a, b, resolution }: Pick<VersusReport, 'a' | 'b' | 'resolution'>): Verdict {
  const times = { a: spreadOf(a.computeMs), b: spreadOf(b.computeMs) }
  const subject = times.a.mean < times.b.mean && timeVerdict(times.a, times.b).kind === 'faster' ? 'a' : 'b'
  const [first, second] = subject === 'a' ? [a, b] : [b, a]
  return {
    subject,
    time: timeVerdict(spreadOf(first.computeMs), spreadOf(second.computeMs)),
    error: errorVerdict(spreadOf(first.errors), spreadOf(second.errors), resolution),
  }
}

function timeVerdict(first: Spread, second: Spread): TimeVerdict {
  if ((first.runs > 1 || second.runs > 1) && overlap(first, second)) return { kind: 'noise' }
  const factor = second.mean / first.mean
  return factor < visibleFactor && factor > 1 / visibleFactor ? { kind: 'same' } : { kind: 'faster', factor }
}

function errorVerdict(first: Spread, second: Spread, resolution: number): ErrorVerdict {
  const gap = first.mean - second.mean
  if (Math.abs(gap) <= resolution) return { kind: 'same' }
  if (overlap(first, second)) return { kind: 'noise' }
  if (second.mean <= resolution) return { kind: 'aboveZero' }
  if (first.mean >= 2 * second.mean) return { kind: 'times', factor: first.mean / second.mean }
  return gap > 0 ? { kind: 'larger', share: gap / second.mean } : { kind: 'smaller', share: -gap / second.mean }
}

function overlap(first: Spread, second: Spread): boolean {
  return first.low <= second.high && second.low <= first.high
}

/** The verdict in the language of `t`. */
export function verdictSentence(
  report: Pick<VersusReport, 'a' | 'b' | 'resolution'>,
  t: TFunction,
  numbers: Numbers,
): string {
  const { subject, time, error } = verdictOf(report)
  const side = report[subject]
  const against = report[subject === 'a' ? 'b' : 'a']
  const sameRank = side.report.rank === against.report.rank
  const errorOf = ({ errors, report: { rank } }: VersusReport['a']) => {
    const value = numbers.error(spreadOf(errors).mean, report.resolution)
    return sameRank ? value : t('ab.verdict.atRank', { error: value, rank: numbers.count(rank) })
  }
  const values = {
    subject: t(`ab.${subject}`),
    other: t(subject === 'a' ? 'ab.b' : 'ab.a'),
    first: errorOf(side),
    second: errorOf(against),
    runs: Math.max(side.computeMs.length, against.computeMs.length),
    seeds: Math.max(side.errors.length, against.errors.length),
    factor: time.kind === 'faster' ? numbers.factor(time.factor) : '',
  }
  // Two numbers that read alike are said once, and how far they are apart.
  const alike = 'share' in error && values.first === values.second
  return t('ab.verdict.sentence', {
    time: t(`ab.verdict.time.${time.kind}`, values),
    error: t(alike ? `ab.verdict.alike.${error.kind}` : `ab.verdict.error.${error.kind}`, {
      ...values,
      amount: amountOf(error, numbers),
    }),
  })
}

function amountOf(error: ErrorVerdict, numbers: Numbers): string {
  if (error.kind === 'times') return numbers.factor(error.factor)
  // Two digits: a third would be that of a difference of rounded numbers.
  return 'share' in error ? numbers.tickPercent(Number(error.share.toPrecision(2))) : ''
}
