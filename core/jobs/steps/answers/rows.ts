/** A form as a row of the table: written and held against the samples that decide, then judged on those that were held out. */
import type { Answer, AnswerRow } from '../../../contract.ts'
import type { Choices } from '../../../plan/plan.ts'
import { type Judge, meets } from './judge.ts'
import {
  type AnsweredSamples,
  answerOf,
  type Bench,
  latencyOf,
  type WrittenCandidate,
  whileRunning,
  writeCandidate,
} from './models.ts'

/** A row before it is judged on what was held out: written, and there until it has been or is out of the question. */
export interface Tried extends WrittenCandidate {
  readonly form: AnswerRow['form']
  readonly allocation: AnswerRow['allocation']
  readonly choices: Choices
  readonly bytes: number
  readonly calibration: Answer
}

/** What is to be written, and what it is called. */
export type Form = Pick<Tried, 'form' | 'allocation' | 'choices'>

export async function tryForm(bench: Bench, { form, allocation, choices }: Form, judge: Judge): Promise<Tried> {
  const written = await writeCandidate(bench, choices)
  try {
    const { answer } = await whileRunning(bench, written, (model) => answerOf(bench, model, judge.samples))
    return { ...written, form, allocation, choices, bytes: written.report.bytesAfter, calibration: answer }
  } catch (error) {
    written.model.remove()
    throw error
  }
}

/** Tried and judged. */
export async function rowOf(bench: Bench, form: Form, judge: Judge): Promise<AnswerRow> {
  return judgeTried(bench, await tryForm(bench, form, judge), judge)
}

export async function originalRow(bench: Bench, samples: AnsweredSamples): Promise<AnswerRow> {
  const { file, original } = bench
  const { answer } = await answerOf(bench, original, samples)
  return {
    form: 'original',
    allocation: null,
    bytes: file.totalBytes,
    share: 1,
    flops: null,
    relativeError: 0,
    calibration: null,
    heldOut: answer,
    latencyRatio: null,
    meetsGoal: null,
    choices: null,
  }
}

/** Judges it; what was written is gone then. */
export async function judgeTried(bench: Bench, tried: Tried, judge: Judge): Promise<AnswerRow> {
  const { form, allocation, choices, calibration, report, model } = tried
  const costs = report.tensors.flatMap(({ inGraph }) => inGraph?.flops ?? [])
  const sum = (of: (each: { before: number; after: number }) => number) =>
    costs.reduce((total, each) => total + of(each), 0)
  const { params, include, exclude, pins = [] } = choices
  try {
    const { answer, latencyRatio } = await whileRunning(bench, tried, async (running) => ({
      answer: (await answerOf(bench, running, judge.judgedOn)).answer,
      latencyRatio: await latencyOf(bench, running, judge.judgedOn),
    }))
    return {
      form,
      allocation,
      bytes: report.bytesAfter,
      share: report.bytesAfter / report.bytesBefore,
      flops: costs.length > 0 ? { before: sum(({ before }) => before), after: sum(({ after }) => after) } : null,
      relativeError: report.relativeError,
      calibration,
      heldOut: answer,
      latencyRatio,
      meetsGoal: meets(calibration, judge),
      choices:
        allocation === 'plain' ? null : { params, include: [...include], exclude: [...exclude], pins: [...pins] },
    }
  } finally {
    model.remove()
  }
}
