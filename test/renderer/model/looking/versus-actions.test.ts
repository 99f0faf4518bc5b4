/** A comparison of two ways has the engine to itself: what it interrupts, what ends it, and what comes after. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { EngineApi, JobEvent } from '../../../../core/contract.ts'
import { AppError } from '../../../../core/errors.ts'
import { defaultParams } from '../../../../core/params.ts'
import { cancelLook, changeParams, selectTensor } from '../../../../renderer/model/looking/analysis.ts'
import { sidesOf, useVersus, versusReducers } from '../../../../renderer/model/looking/versus.ts'
import { cancelVersus, runVersus } from '../../../../renderer/model/looking/versus-actions.ts'
import {
  analysisUnderWay,
  fileSettled,
  loseWork,
  receiveJobEvent,
  useWork,
  versusUnderWay,
} from '../../../../renderer/model/looking/work.ts'
import { type RunView, useRuns } from '../../../../renderer/model/running/runs.ts'
import { someWords } from '../../../core/messages/words.ts'
import { openPage, tensorReport, versusReport } from '../harness.ts'

const report = versusReport('a')
const cancelled = (jobId: string): JobEvent => ({ type: 'cancelled', jobId })

const params = { ...defaultParams, method: 'randomized' } as const
const sides = sidesOf(null, params, { rows: 2048, cols: 2048 })

let asked: string[]
let refuse: AppError | null
const settle = () => vi.advanceTimersByTimeAsync(1000)

beforeEach(() => {
  vi.useFakeTimers()
  asked = []
  refuse = null
  let jobs = 0
  const engine: Partial<EngineApi> = {
    start: (job) => {
      if (refuse && job.kind === 'versus') return Promise.reject(refuse)
      if (job.kind === 'versus')
        asked.push(
          `versus ${job.tensor} ${job.a.method} q ${job.a.nIter}, ${job.b.method} q ${job.b.nIter}, ${job.seeds} seeds`,
        )
      else if (job.kind === 'analyze') asked.push(`analyze ${job.tensor}`)
      else throw new Error(job.kind)
      return Promise.resolve(`job-${++jobs}`)
    },
    cancel: (jobId) => {
      asked.push(`cancel ${jobId}`)
      return Promise.resolve()
    },
  }
  openPage(engine, [tensorReport('a'), tensorReport('b')], params)
  versusReducers.reset()
  versusReducers.follow()
})
afterEach(() => {
  fileSettled()
  cancelLook()
  vi.useRealTimers()
})

const running = () => versusUnderWay(useWork.getState())
const both = 'randomized q 2, exact q 2'

test('a run ends the analysis, which is taken up again afterwards', async () => {
  selectTensor('a')
  await settle()
  runVersus(sides, 5)
  await settle()
  expect(analysisUnderWay(useWork.getState())).toBeNull()
  expect(running()).toMatchObject({ wish: { tensor: 'a' }, jobId: 'job-2' })
  receiveJobEvent(cancelled('job-2'))
  await settle()
  expect(asked).toEqual(['analyze a', 'cancel job-1', `versus a ${both}, 5 seeds`, 'analyze a'])
})

test('another tensor ends the run', async () => {
  selectTensor('a')
  runVersus(sides, 1)
  await settle()
  selectTensor('b')
  expect(running()).toBeNull()
  await settle()
  expect(asked).toEqual([`versus a ${both}, 1 seeds`, 'cancel job-1', 'analyze b'])
})

test('other parameters of the workbench end the run as well', async () => {
  selectTensor('a')
  runVersus(sides, 1)
  await settle()
  changeParams({ nIter: 4 })
  await settle()
  expect(asked).toEqual([`versus a ${both}, 1 seeds`, 'cancel job-1', 'analyze a'])
})

test('a cancelled run says nothing more, and the analysis comes back', async () => {
  selectTensor('a')
  runVersus(sides, 1)
  await settle()
  cancelVersus()
  await settle()
  expect(running()).toBeNull()
  expect(useVersus.getState()).toMatchObject({ results: {}, failures: {} })
  expect(asked).toEqual([`versus a ${both}, 1 seeds`, 'cancel job-1', 'analyze a'])
})

test('a refused start is a sentence of that tensor', async () => {
  refuse = new AppError('out-of-memory', someWords('Needs 9 GB.'))
  selectTensor('a')
  runVersus(sides, 1)
  await settle()
  expect(running()).toBeNull()
  expect(useVersus.getState()).toMatchObject({ failures: { a: { said: [someWords('Needs 9 GB.')] } } })
})

test('an engine that died fails the run and is not asked again', async () => {
  selectTensor('a')
  runVersus(sides, 1)
  await settle()
  loseWork(someWords('It was killed.'))
  await settle()
  expect(useVersus.getState().failures.a).toEqual({ code: 'engine-died', said: [someWords('It was killed.')] })
  expect(asked).toHaveLength(1)
})

test('a compression that runs beside it is noted', async () => {
  selectTensor('a')
  runVersus(sides, 1)
  await settle()
  useRuns.setState({ runs: [{ runId: 'r', state: 'running' } as RunView] })
  receiveJobEvent({ type: 'started', jobId: 'job-1' })
  useRuns.setState({ runs: [] })
  receiveJobEvent({ type: 'finished', jobId: 'job-1', result: { kind: 'versus', report } })
  expect(useVersus.getState().results.a?.disturbed).toBe(true)
})
