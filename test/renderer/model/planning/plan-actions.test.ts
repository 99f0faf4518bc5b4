/** The analysis of a whole model: when it is asked for, when it is preempted, what is asked after it; against an engine that writes down. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { EngineApi, JobRequest, Lane, PlanReport } from '../../../../core/contract.ts'
import { AppError } from '../../../../core/errors.ts'
import { defaultParams } from '../../../../core/params.ts'
import type { JobPhase } from '../../../../core/phases.ts'
import { fileReducers } from '../../../../renderer/choices/file.ts'
import { shownPlan } from '../../../../renderer/model/figures/outlook.ts'
import { cancelLook, changeParams, selectTensor, setGoal } from '../../../../renderer/model/looking/analysis.ts'
import { fileSettled, loseWork, receiveJobEvent, useWork } from '../../../../renderer/model/looking/work.ts'
import { planReducers, refusal as refusalOf, untold, usePlan } from '../../../../renderer/model/planning/plan.ts'
import {
  analyzeModel,
  cancelPlan,
  followChoices,
  forgetPlan,
} from '../../../../renderer/model/planning/plan-actions.ts'
import { runningPlan } from '../../../../renderer/model/planning/running-plan.ts'
import { areSizesComing, sizesOf, useSizes } from '../../../../renderer/model/planning/sizes.ts'
import { runsReducers } from '../../../../renderer/model/running/runs.ts'
import { someRun } from '../../../core/contract/some-run.ts'
import { someWords } from '../../../core/messages/words.ts'
import { openPage, tensorReport } from '../harness.ts'

const report = (bytesAfter: number): PlanReport => ({
  bytesBefore: 1000,
  bytesAfter,
  relativeError: 0.1,
  absoluteError: 0.1,
  errorIsLeast: false,
  tensors: [
    {
      name: 'a',
      action: 'factorize',
      reason: someWords(''),
      rank: 7,
      factorDType: 'F32',
      relativeError: 0.1,
      int8Increase: null,
      bytesBefore: 500,
      bytesAfter: 100,
    },
  ],
  analyzed: 0,
  elapsedMs: 1,
  notices: [],
  kernel: 'simd',
  arithmetic: 'fused',
  threads: 1,
})

let asked: string[]
/** Choices of which the curve of sizes was asked for, and jobs of it that were dropped. */
let sizes: string[]
let dropped: string[]
let refusal: AppError | null
const running = () => runningPlan(useWork.getState().model, usePlan.getState().late)
const shown = () => shownPlan(usePlan.getState(), running())
const settle = () => vi.advanceTimersByTimeAsync(1000)
const finish = (jobId: string, bytes = 1) =>
  receiveJobEvent({ type: 'finished', jobId, result: { kind: 'plan', report: report(bytes) } })
const named = (job: JobRequest, lane?: Lane) => {
  if (job.kind === 'analyze') return `look at ${job.tensor}`
  if (job.kind !== 'plan') return job.kind
  const { goalSize, goalError, rank, nIter } = { ...defaultParams, ...job.params }
  return `${lane === 'background' ? '' : 'in front: '}plan ${goalSize ? `size ${goalSize}` : goalError ? `error ${goalError}` : `rank ${rank}`} q ${nIter}`
}

followChoices()
beforeEach(() => {
  vi.useFakeTimers()
  ;[asked, sizes, dropped] = [[], [], []]
  refusal = null
  let jobs = 0
  const engine: Partial<EngineApi> = {
    start: (job, lane) => {
      // The curve of sizes follows each plan, behind it.
      if (job.kind === 'sizes') return Promise.resolve(`sizes-${sizes.push(JSON.stringify(job.params))}`)
      if (refusal) return Promise.reject(refusal)
      asked.push(named(job, lane))
      return Promise.resolve(`job-${++jobs}`)
    },
    cancel: (jobId) => {
      if (jobId.startsWith('sizes')) dropped.push(jobId)
      else asked.push(`cancel ${jobId}`)
      receiveJobEvent({ type: 'cancelled', jobId })
      return Promise.resolve()
    },
  }
  openPage(engine, [tensorReport('a'), tensorReport('b')])
})
afterEach(() => {
  fileSettled()
  cancelLook()
  forgetPlan()
  loseWork(someWords(''))
  fileSettled()
  fileReducers.closed()
  vi.useRealTimers()
})

test('without an analysis another rank, and another speed, ask nothing', async () => {
  changeParams({ rank: 32, nIter: 4 })
  await settle()
  expect(asked.filter((one) => one.includes('plan'))).toEqual([])
})

test('a run that begins ends the analysis, also one that had waited', async () => {
  for (const before of [[], [someRun({ state: 'waiting' })]]) {
    runsReducers.listed(before, 0)
    analyzeModel()
    await settle()
    expect(useWork.getState().model).not.toBeNull()
    runsReducers.changed(someRun({ state: 'running' }), 1)
    expect(useWork.getState().model).toBeNull()
  }
  runsReducers.listed([], 2)
})

test('a goal starts the analysis it needs, once', async () => {
  setGoal({ goalSize: 0.4 })
  await settle()
  expect(asked).toEqual(['plan rank 64 q 2'])
  setGoal({ goalSize: 0.5 })
  await settle()
  // The one at work serves it as well.
  expect(asked).toEqual(['plan rank 64 q 2'])
})

test('another speed does not start it again by itself', async () => {
  setGoal({ goalSize: 0.4 })
  await settle()
  cancelPlan()
  changeParams({ nIter: 4 })
  await settle()
  expect(asked.filter((one) => one.startsWith('plan'))).toEqual(['plan rank 64 q 2'])
})

test('the analysis is asked without a goal, and the goal as soon as it has been made', async () => {
  setGoal({ goalSize: 0.4 })
  await settle()
  expect(asked).toEqual(['plan rank 64 q 2'])
  finish('job-1')
  await settle()
  expect(asked).toEqual(['plan rank 64 q 2', 'plan size 0.4 q 2'])
  finish('job-2', 400)
  expect(shown()).toMatchObject({ isCurrent: true, answer: { report: { bytesAfter: 400 } } })
})

test('another goal is asked at once, and one that was asked before is known', async () => {
  analyzeModel()
  await settle()
  finish('job-1', 640)
  setGoal({ goalError: 0.1 })
  await settle()
  finish('job-2')
  changeParams({ goalError: 0 })
  await settle()
  expect(asked).toEqual(['plan rank 64 q 2', 'plan error 0.1 q 2'])
  expect(shown().answer?.report.bytesAfter).toBe(640)
})

test('of many quick changes the first is asked at once, and the last', async () => {
  analyzeModel()
  await settle()
  finish('job-1')
  for (const goalSize of [0.5, 0.4, 0.3]) setGoal({ goalSize })
  await settle()
  expect(asked.slice(1)).toEqual(['plan size 0.5 q 2', 'cancel job-2', 'plan size 0.3 q 2'])
})

test('looking at a tensor leaves the analysis to the engine, which says whether it waits', async () => {
  analyzeModel()
  await settle()
  receiveJobEvent({ type: 'started', jobId: 'job-1' })
  selectTensor('b')
  await settle()
  expect(asked).toEqual(['plan rank 64 q 2', 'look at b'])
  receiveJobEvent({ type: 'waiting', jobId: 'job-1' })
  expect(running()).toMatchObject({ long: true, waiting: true })
  receiveJobEvent({ type: 'failed', jobId: 'job-2', error: { code: 'unsupported', said: [someWords('NaN')] } })
  receiveJobEvent({ type: 'started', jobId: 'job-1' })
  expect(running()).toMatchObject({ long: true, waiting: false })
  finish('job-1')
  expect(running()).toBeNull()
})

test('what an analysis found of the tensor on show is looked at after the plan of the goal, which a look would cut off', async () => {
  setGoal({ goalSize: 0.4 })
  selectTensor('b')
  await settle()
  expect(asked.toSorted()).toEqual(['look at b', 'plan rank 64 q 2'])
  const [plan, look] = asked[0] === 'look at b' ? ['job-2', 'job-1'] : ['job-1', 'job-2']
  receiveJobEvent({ type: 'failed', jobId: look, error: { code: 'unsupported', said: [someWords('NaN')] } })
  receiveJobEvent({ type: 'spectrum', jobId: plan, tensor: 'b', errorCurve: Array.from({ length: 300 }, () => 0.1) })
  finish(plan)
  await settle()
  expect(asked.slice(2)).toEqual(['plan size 0.4 q 2'])
  finish('job-3')
  await settle()
  expect(asked.slice(3)).toEqual(['look at b'])
})

test('the share is that of the analysis, kept while something else is done and by the same analysis under another goal', async () => {
  const progress = (jobId: string, phase: JobPhase, done: number) =>
    receiveJobEvent({ type: 'progress', jobId, phase, tensor: 'a', done, total: 4, memoryBytes: 1 })
  analyzeModel()
  await settle()
  progress('job-1', 'analyze', 2)
  progress('job-1', 'plan', 0)
  expect(running()?.share).toBe(0.5)
  analyzeModel()
  await settle()
  progress('job-2', 'analyze', 1)
  expect(running()?.share).toBe(0.5)
  progress('job-2', 'analyze', 3)
  expect(running()?.share).toBe(0.75)
  changeParams({ nIter: 4 })
  await settle()
  expect(asked.at(-1)).toBe('plan rank 64 q 4')
  expect(running()?.share).toBe(0)
})

test('a question that takes long is shown as work', async () => {
  analyzeModel()
  await settle()
  finish('job-1')
  setGoal({ goalSize: 0.4 })
  await vi.advanceTimersByTimeAsync(600)
  expect(running()).toMatchObject({ long: false })
  await vi.advanceTimersByTimeAsync(200)
  expect(running()).toMatchObject({ long: true })
})

test('a goal set during the analysis does not start it over; other iterations do', async () => {
  analyzeModel()
  await settle()
  setGoal({ goalSize: 0.4 })
  await settle()
  expect(asked).toEqual(['plan rank 64 q 2'])
  changeParams({ nIter: 4 })
  await settle()
  expect(asked.slice(1)).toEqual(['cancel job-1', 'plan rank 64 q 4'])
})

test('other iterations after the analysis ask nothing until it is made for them', async () => {
  analyzeModel()
  await settle()
  finish('job-1')
  changeParams({ nIter: 4 })
  await settle()
  expect(asked).toHaveLength(1)
  expect(shown().answer).toBeNull()
  changeParams({ nIter: 2 })
  await settle()
  expect(asked).toHaveLength(1)
  expect(shown().isCurrent).toBe(true)
})

test('a rank beyond the analysis is not asked for unasked', async () => {
  analyzeModel()
  await settle()
  finish('job-1')
  changeParams({ maxRank: 2048 })
  await settle()
  expect(asked).toHaveLength(1)
})

test('a cancelled analysis stays cancelled', async () => {
  analyzeModel()
  await settle()
  cancelPlan()
  changeParams({ rank: 32 })
  await settle()
  expect(asked).toEqual(['plan rank 64 q 2', 'cancel job-1'])
  expect(running()).toBeNull()
})

test('curves come in portions and belong to their parameters', async () => {
  analyzeModel()
  await settle()
  for (const name of ['a', 'b'])
    receiveJobEvent({ type: 'spectrum', jobId: 'job-1', tensor: name, errorCurve: [1, 0.5] })
  expect(usePlan.getState().curves.size).toBe(0)
  await settle()
  expect([...usePlan.getState().curves.keys()]).toEqual(['a', 'b'])
  changeParams({ nIter: 4 })
  await settle()
  expect(usePlan.getState().curves.size).toBe(0)
})

test('a goal that cannot be met is a sentence, and the next one is asked', async () => {
  analyzeModel()
  await settle()
  finish('job-1')
  setGoal({ goalSize: 0.01 })
  await settle()
  receiveJobEvent({ type: 'failed', jobId: 'job-2', error: { code: 'bad-request', said: [someWords('Too small.')] } })
  expect(untold(usePlan.getState())?.said).toEqual([someWords('Too small.')])
  setGoal({ goalSize: 0.5 })
  await settle()
  expect(asked.at(-1)).toBe('plan size 0.5 q 2')
  expect(usePlan.getState().failure).toBeNull()
})

test('a goal that cannot be met shows no other goal’s plan, though its sentence was dismissed', async () => {
  analyzeModel()
  await settle()
  finish('job-1')
  setGoal({ goalSize: 0.4 })
  await settle()
  finish('job-2', 400)
  setGoal({ goalSize: 0.01 })
  // Long enough to be asked, too short to be shown as work.
  await vi.advanceTimersByTimeAsync(300)
  // For the moment until the engine has answered.
  expect(shown()).toMatchObject({ isCurrent: false, answer: { report: { bytesAfter: 400 } } })
  receiveJobEvent({ type: 'failed', jobId: 'job-3', error: { code: 'bad-request', said: [someWords('Too small.')] } })
  expect(shown().answer).toBeNull()
  planReducers.dismissed()
  expect(untold(usePlan.getState())).toBeNull()
  expect(refusalOf(usePlan.getState())?.said).toEqual([someWords('Too small.')])
  expect(shown().answer).toBeNull()
  // A goal that is known is shown without asking, and the sentence of the other is of no goal on show.
  setGoal({ goalSize: 0.4 })
  await settle()
  expect(refusalOf(usePlan.getState())).toBeNull()
  expect(shown()).toMatchObject({ isCurrent: true, answer: { report: { bytesAfter: 400 } } })
})

test('an engine that died has refused nothing', async () => {
  analyzeModel()
  await settle()
  loseWork(someWords('It was killed.'))
  expect(untold(usePlan.getState())?.said).toEqual([someWords('It was killed.')])
  expect(refusalOf(usePlan.getState())).toBeNull()
})

test('a refused start and a dead engine are sentences', async () => {
  refusal = new AppError('not-found', someWords('This file is not open any more.'))
  analyzeModel()
  await settle()
  expect(running()).toBeNull()
  expect(usePlan.getState()).toMatchObject({ failure: { error: { code: 'not-found' } } })
  refusal = null
  analyzeModel()
  await settle()
  loseWork(someWords('It was killed.'))
  await settle()
  expect(running()).toBeNull()
  expect(usePlan.getState()).toMatchObject({ failure: { error: { code: 'engine-died' } } })
  expect(asked).toHaveLength(1)
})

test('what size goals come to is asked for once a plan is there, gives way to the next plan, and holds for every goal', async () => {
  analyzeModel()
  await settle()
  expect(sizes).toEqual([])
  finish('job-1')
  await settle()
  expect(sizes).toHaveLength(1)
  // Another goal goes first.
  setGoal({ goalSize: 0.4 })
  await settle()
  expect(dropped).toEqual(['sizes-1'])
  finish('job-2')
  await settle()
  expect(sizes).toHaveLength(2)
  const tradeOff: [number, number][] = [
    [10, 0.9],
    [1000, 0],
  ]
  receiveJobEvent({ type: 'finished', jobId: 'sizes-2', result: { kind: 'sizes', report: { tradeOff } } })
  const { question } = usePlan.getState()
  expect(useSizes.getState()).toMatchObject({ of: sizesOf(question!), points: tradeOff, failure: null })
  // Its curve is known: neither another goal nor another rank asks again; another allocation does.
  setGoal({ goalSize: 0.6 })
  await settle()
  finish('job-3')
  await settle()
  expect(sizes).toHaveLength(2)
  changeParams({ allocation: 'greedy' })
  await settle()
  finish('job-4')
  await settle()
  expect(sizes).toHaveLength(3)
})

test('where the curve of sizes is refused, or its plan is cut off, nobody waits for it, and the same is not asked again', async () => {
  const isComing = () => areSizesComing(useSizes.getState(), useWork.getState())
  analyzeModel()
  await settle()
  finish('job-1')
  expect(isComing()).toBe(true)
  await settle()
  expect(isComing()).toBe(true)
  const error = { code: 'bad-request', said: [someWords('This output has factors alone.')] } as const
  receiveJobEvent({ type: 'failed', jobId: 'sizes-1', error })
  const of = sizesOf(usePlan.getState().question!)
  expect(useSizes.getState()).toMatchObject({ of, points: [], failure: error })
  expect(isComing()).toBe(false)
  setGoal({ goalError: 0.4 })
  await settle()
  finish('job-2')
  await settle()
  expect(sizes).toHaveLength(1)
  changeParams({ allocation: 'greedy' })
  expect(isComing()).toBe(true)
  await settle()
  runsReducers.changed(someRun({ state: 'running' }), 3)
  await settle()
  expect(asked.at(-1)).toBe('cancel job-3')
  expect(isComing()).toBe(false)
  runsReducers.listed([], 4)
})
