/** What a report on answers has to say beside its table. */
import type { AnswerRow } from '../../../contract.ts'
import { say } from '../../../messages/english.ts'
import type { Message } from '../../../messages/message.ts'
import type { Judge } from './judge.ts'

interface Inputs {
  /** Drawn at random, not given. */
  readonly drawn: boolean
  /** Whether there were statistics. */
  readonly weighted: boolean
}

export function answerNotices(
  rows: readonly AnswerRow[],
  chosen: number | null,
  { goal, byAgreement, samples, judgedOn }: Judge,
  { drawn, weighted }: Inputs,
): Message[] {
  const found: Message[] = []
  if (drawn) found.push(say('answers.drawn'))
  if (samples === judgedOn) found.push(say('answers.same-samples'))
  if (!weighted) found.push(say('answers.no-statistics'))
  if (chosen === null && goal !== null) found.push(say('answers.goal-missed'))
  const broken = rows.filter(({ heldOut, calibration }) => heldOut.notFinite + (calibration?.notFinite ?? 0) > 0)
  if (broken.length > 0) found.push(say('answers.forms-not-finite', { count: broken.length }))
  const int8 = rows.find(({ form }) => form === 'int8')
  if (int8 && chosen !== null) found.push(...int8Wins(int8, rows[chosen]!, byAgreement))
  return found
}

/** Fewer bits alone may be smaller and nearer than the best low-rank form. */
function int8Wins(int8: AnswerRow, best: AnswerRow, byAgreement: boolean): Message[] {
  if (best.form !== 'low-rank' || int8.bytes > best.bytes || int8.heldOut.notFinite > 0) return []
  const shares = { share: int8.share, other: best.share }
  if (byAgreement) {
    const [same, otherSame] = [int8.heldOut.agreement ?? 1, best.heldOut.agreement ?? 1]
    return same >= otherSame ? [say('answers.int8-wins-classes', { ...shares, same, otherSame })] : []
  }
  const [error, otherError] = [int8.heldOut.error ?? 0, best.heldOut.error ?? 0]
  return error <= otherError ? [say('answers.int8-wins', { ...shares, error, otherError })] : []
}
