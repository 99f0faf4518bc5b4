/** What a form that keeps the answers does to the choices of the page, and that none of it stays behind; against an engine that writes down. */
import { beforeEach, expect, test } from 'vitest'
import {
  type Answer,
  type AnswerRow,
  type AnswersReport,
  type JobRequest,
  jobSchema,
  mostSamples,
  recipeText,
} from '../../../../core/contract.ts'
import { defaultParams } from '../../../../core/params.ts'
import { paramsReducers, useParams } from '../../../../renderer/choices/params.ts'
import { samplesReducers } from '../../../../renderer/choices/samples.ts'
import {
  chooseForm,
  compareForms,
  forgetAnswers,
  isMissed,
  leaveAnswerGoal,
  setAnswerGoal,
  useAnswers,
} from '../../../../renderer/model/answering/answers.ts'
import { receiveJobEvent } from '../../../../renderer/model/looking/work.ts'
import { currentQuestion, currentRecipe } from '../../../../renderer/model/running/run-actions.ts'
import { openPage, tensorReport } from '../harness.ts'

const answer: Answer = { notFinite: 0, error: 0.01, agreement: null, outputs: [] }
const row = (form: AnswerRow['form'], choices: Partial<NonNullable<AnswerRow['choices']>>): AnswerRow => ({
  ...{ form, allocation: null, bytes: 100, share: 0.3, flops: null, relativeError: 0.01, calibration: answer },
  ...{ heldOut: answer, latencyRatio: null, meetsGoal: true },
  choices: { params: defaultParams, include: [], exclude: [], pins: [], ...choices },
})
const int8 = row('int8', { params: { ...defaultParams, denseDType: 'INT8' }, include: ['(none)'] })
const low = row('low-rank', { include: ['a'], pins: [{ match: 'a', rank: 7 }] })
const report = { rows: [int8, low], chosen: 0, heldOut: 3 } as unknown as AnswersReport
const goal = { kind: 'error', most: 0.02 } as const

let asked: JobRequest[]
beforeEach(() => {
  asked = []
  forgetAnswers()
  openPage(
    { start: async (job) => `job-${asked.push(job)}` },
    ['a', 'b'].map((name) => tensorReport(name)),
  )
  paramsReducers.output('onnx')
  paramsReducers.set({ goalSize: 0.4 })
})
const found = async (meanwhile = () => {}, of = report) => {
  await compareForms(true)
  await expect.poll(() => asked.length).toBeGreaterThan(0)
  meanwhile()
  receiveJobEvent({ type: 'finished', jobId: `job-${asked.length}`, result: { kind: 'answers', report: of } })
}

test('the form that is found is what would be run, and another look begins with what there was before', async () => {
  const before = currentRecipe()
  setAnswerGoal(goal)
  await found()
  expect(useAnswers.getState().taken).toMatchObject({ row: int8, goal, heldOut: 3 })
  expect(currentRecipe()).toMatchObject({ output: 'onnx', include: ['(none)'], params: { denseDType: 'INT8' } })
  await found()
  expect(asked[1]).toMatchObject({ kind: 'answers', include: [], exclude: [], params: before.params, goal })
})

test('draws no more samples than a job takes, however many the trial does', async () => {
  samplesReducers.draw('try', mostSamples)
  await found()
  expect(jobSchema.parse(asked[0])).toMatchObject({ kind: 'answers', samples: mostSamples })
  samplesReducers.reset()
})

test('whoever leaves the goal has the choices of before, unless others were made since', async () => {
  const before = currentRecipe()
  setAnswerGoal(goal)
  await found()
  chooseForm(low)
  expect(currentRecipe()).toMatchObject({ include: ['a'], pins: [{ match: 'a', rank: 7 }] })
  leaveAnswerGoal()
  expect(currentRecipe()).toEqual(before)
  expect(useAnswers.getState()).toMatchObject({ goal: null, taken: null })

  setAnswerGoal(goal)
  await found()
  paramsReducers.set({ seed: 9 })
  leaveAnswerGoal()
  expect(useParams.getState().params).toMatchObject({ denseDType: 'INT8', seed: 9 })
})

test('what was found for another goal or other choices is neither taken over nor said to be missed', async () => {
  const missed = () => isMissed(useAnswers.getState(), recipeText(currentQuestion()))
  setAnswerGoal(goal)
  await found(() => paramsReducers.set({ seed: 9 }))
  expect(useParams.getState().params).toMatchObject({ seed: 9, goalSize: 0.4 })
  expect(useAnswers.getState().taken).toBeNull()
  await found(() => {}, { ...report, chosen: null })
  expect(missed()).toBe(true)
  setAnswerGoal({ kind: 'error', most: 0.5 })
  expect(missed()).toBe(false)
})

test('a form is used for the goal that it was found for, and for none where it misses that', async () => {
  const misses = { ...low, meetsGoal: false }
  setAnswerGoal(goal)
  await found(() => {}, { ...report, rows: [int8, misses] })
  setAnswerGoal({ kind: 'error', most: 0.001 })
  chooseForm(int8)
  expect(useAnswers.getState()).toMatchObject({ goal, taken: { row: int8, goal } })
  chooseForm(misses)
  expect(useAnswers.getState()).toMatchObject({ goal: null, taken: { row: misses, goal: null } })
  expect(currentRecipe()).toMatchObject({ pins: [{ match: 'a', rank: 7 }] })
})
