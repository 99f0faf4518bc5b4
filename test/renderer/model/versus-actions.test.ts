/** A comparison of two ways has the engine to itself: what it interrupts, what ends it, and what comes after. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { EngineApi, JobEvent, TensorReport } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import { defaultParams } from '../../../core/params.ts'
import { fileReducers } from '../../../renderer/choices/file.ts'
import { useParams } from '../../../renderer/choices/params.ts'
import { selectionReducers } from '../../../renderer/choices/selection.ts'
import type { Connection } from '../../../renderer/frame/connect.ts'
import { setConnection } from '../../../renderer/frame/connection.ts'
import { receiveJobEvent } from '../../../renderer/frame/job-feed.ts'
import {
  cancelAnalysis,
  changeParams,
  engineDied,
  fileSettled,
  selectTensor,
} from '../../../renderer/model/analysis.ts'
import { jobsReducers, useJobs } from '../../../renderer/model/jobs.ts'
import { type RunView, useRuns } from '../../../renderer/model/runs.ts'
import { sidesOf, useVersus, versusReducers } from '../../../renderer/model/versus.ts'
import { cancelVersus, runVersus, versusLost } from '../../../renderer/model/versus-actions.ts'
import { someWords } from '../../core/messages/words.ts'

const tensor = (name: string): TensorReport => ({
  name,
  dtype: 'F32',
  shape: [2048, 2048],
  byteLength: 2048 * 2048 * 4,
  matrix: [2048, 2048],
  kind: 'linear',
  plan: 'factorize',
  reason: someWords(''),
})
const cancelled = (jobId: string): JobEvent => ({ type: 'cancelled', jobId })

const params = { ...defaultParams, method: 'randomized' } as const
const sides = sidesOf(null, params, { count: 1, rows: 2048, cols: 2048 })

let asked: string[]
let refuse: AppError | null
const settle = () => vi.advanceTimersByTimeAsync(1000)

beforeEach(() => {
  vi.useFakeTimers()
  asked = []
  refuse = null
  let jobs = 0
  const engine: Partial<EngineApi> = {
    info: () => Promise.reject(new Error('not asked here')),
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
  setConnection({ engine } as unknown as Connection)
  jobsReducers.reset()
  selectionReducers.reset()
  versusReducers.reset()
  versusReducers.follow()
  useParams.setState({ params })
  fileReducers.opened(
    { id: 'grant', name: 'file', kind: 'file', byteLength: null },
    {
      fileId: 'file',
      name: 'file',
      format: 'safetensors',
      safety: 'safe',
      totalBytes: 1,
      notices: [],
      tensors: [tensor('a'), tensor('b')],
    },
  )
})
afterEach(() => {
  fileSettled()
  cancelAnalysis()
  vi.useRealTimers()
})

const both = 'randomized q 2, exact q 2'

test('a run ends the analysis, which is taken up again afterwards', async () => {
  selectTensor('a')
  await settle()
  void runVersus(sides, 5)
  await settle()
  expect(useJobs.getState().running).toBeNull()
  expect(useVersus.getState().running).toMatchObject({ tensor: 'a', jobId: 'job-2' })
  receiveJobEvent(cancelled('job-2'))
  await settle()
  expect(asked).toEqual(['analyze a', 'cancel job-1', `versus a ${both}, 5 seeds`, 'analyze a'])
})

test('another tensor ends the run', async () => {
  selectTensor('a')
  void runVersus(sides, 1)
  await settle()
  selectTensor('b')
  expect(useVersus.getState().running).toBeNull()
  await settle()
  expect(asked).toEqual([`versus a ${both}, 1 seeds`, 'cancel job-1', 'analyze b'])
})

test('other parameters of the workbench end the run as well', async () => {
  selectTensor('a')
  void runVersus(sides, 1)
  await settle()
  changeParams({ nIter: 4 })
  await settle()
  expect(asked).toEqual([`versus a ${both}, 1 seeds`, 'cancel job-1', 'analyze a'])
})

test('a cancelled run says nothing more, and the analysis comes back', async () => {
  selectTensor('a')
  void runVersus(sides, 1)
  await settle()
  cancelVersus()
  await settle()
  expect(useVersus.getState()).toMatchObject({ running: null, results: {}, failures: {} })
  expect(asked).toEqual([`versus a ${both}, 1 seeds`, 'cancel job-1', 'analyze a'])
})

test('a refused start is a sentence of that tensor', async () => {
  refuse = new AppError('out-of-memory', someWords('Needs 9 GB.'))
  selectTensor('a')
  void runVersus(sides, 1)
  await settle()
  expect(useVersus.getState()).toMatchObject({ running: null, failures: { a: { said: [someWords('Needs 9 GB.')] } } })
})

test('an engine that died fails the run and is not asked again', async () => {
  selectTensor('a')
  void runVersus(sides, 1)
  await settle()
  engineDied(someWords('It was killed.'))
  versusLost(someWords('It was killed.'))
  await settle()
  expect(useVersus.getState().failures.a).toEqual({ code: 'engine-died', said: [someWords('It was killed.')] })
  expect(asked).toHaveLength(1)
})

test('a compression that runs beside it is noted', async () => {
  selectTensor('a')
  void runVersus(sides, 1)
  await settle()
  useRuns.setState({ runs: [{ runId: 'r', state: 'running' } as RunView] })
  receiveJobEvent({ type: 'started', jobId: 'job-1' })
  useRuns.setState({ runs: [] })
  expect(useVersus.getState().running?.disturbed).toBe(true)
})
