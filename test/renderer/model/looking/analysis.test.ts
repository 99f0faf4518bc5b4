/** Which wish becomes a job, which ends one, and which needs none: against an engine that only writes down what it is asked. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { EngineApi, JobEvent, JobRequest } from '../../../../core/contract.ts'
import { AppError } from '../../../../core/errors.ts'
import { defaultParams } from '../../../../core/params.ts'
import type { Connection } from '../../../../renderer/frame/connect.ts'
import { setConnection } from '../../../../renderer/frame/connection.ts'
import { useAnalyses } from '../../../../renderer/model/looking/analyses.ts'
import {
  cancelLook,
  changeParams,
  commitRank,
  compareWithExact,
  retryAnalysis,
  selectTensor,
} from '../../../../renderer/model/looking/analysis.ts'
import {
  analysisUnderWay,
  fileSettled,
  loseWork,
  receiveJobEvent,
  useWork,
} from '../../../../renderer/model/looking/work.ts'
import { someWords } from '../../../core/messages/words.ts'
import { analysisReport, openPage, tensorReport } from '../harness.ts'

const report = (tensor: string, rank: number, method: 'randomized' | 'exact' = 'randomized') =>
  analysisReport({ tensor, rank, method })
const finished = (jobId: string, name: string, rank: number): JobEvent => ({
  type: 'finished',
  jobId,
  result: { kind: 'analyze', report: report(name, rank) },
})

let asked: string[]
let jobs: number
/** Lets the settling time pass and every answer arrive. */
const settle = () => vi.advanceTimersByTimeAsync(1000)
const running = () => analysisUnderWay(useWork.getState())

beforeEach(() => {
  vi.useFakeTimers()
  asked = []
  jobs = 0
  const engine: Partial<EngineApi> = {
    close: () => Promise.resolve(),
    start: (job) => {
      if (job.kind !== 'analyze' && job.kind !== 'compare') throw new Error(job.kind)
      const { rank, nIter, method } = { ...defaultParams, ...job.params }
      asked.push(`${job.kind} ${job.tensor} rank ${rank} q ${nIter} ${method}`)
      return Promise.resolve(`job-${++jobs}`)
    },
    cancel: (jobId) => {
      asked.push(`cancel ${jobId}`)
      return Promise.resolve()
    },
    pause: () => Promise.resolve(),
  }
  const bias = tensorReport('bias', { matrix: null, kind: null, plan: 'keep' })
  openPage(engine, [tensorReport('a'), tensorReport('b'), bias])
})
afterEach(() => {
  fileSettled()
  cancelLook()
  vi.useRealTimers()
})

test('a step in the list is asked for before the page renders it; stepping on starts one more job, for where it stopped', async () => {
  selectTensor('a')
  expect(asked).toEqual(['analyze a rank 64 q 2 auto'])
  for (const name of ['b', 'bias', 'a', 'b']) selectTensor(name)
  await settle()
  expect(asked.slice(1)).toEqual(['cancel job-1', 'analyze b rank 64 q 2 auto'])
  expect(running()?.jobId).toBe('job-2')
})

test('what is no matrix starts nothing and ends what runs', async () => {
  selectTensor('a')
  await settle()
  selectTensor('bias')
  await settle()
  expect(asked).toEqual(['analyze a rank 64 q 2 auto', 'cancel job-1'])
  expect(running()).toBeNull()
})

test('a rank within the sketch needs no job, one beyond it does, once it is let go', async () => {
  selectTensor('a')
  await settle()
  receiveJobEvent(finished('job-1', 'a', 64))
  changeParams({ rank: 10 })
  commitRank()
  await settle()
  expect(asked).toHaveLength(1)
  changeParams({ rank: 200 })
  await settle()
  expect(asked).toHaveLength(1)
  commitRank()
  await settle()
  expect(asked).toEqual(['analyze a rank 64 q 2 auto', 'analyze a rank 200 q 2 auto'])
})

test('changing the iterations cancels the running job before the new one starts', async () => {
  selectTensor('a')
  await settle()
  for (const nIter of [3, 5, 4]) changeParams({ nIter })
  await settle()
  expect(asked).toEqual([
    'analyze a rank 64 q 2 auto',
    'cancel job-1',
    'analyze a rank 64 q 3 auto',
    'cancel job-2',
    'analyze a rank 64 q 4 auto',
  ])
  receiveJobEvent(finished('job-2', 'a', 64))
  expect(running()?.jobId).toBe('job-3')
})

test('a finished sketch may answer a look, never a comparison', async () => {
  const kinds: string[] = []
  setConnection({
    engine: {
      cancel: () => Promise.resolve(),
      start: (job: JobRequest) => {
        kinds.push(`${job.kind} ${'reuse' in job && job.reuse}`)
        return Promise.resolve(`job-${++jobs}`)
      },
    },
  } as unknown as Connection)
  selectTensor('a')
  await settle()
  compareWithExact(64)
  await settle()
  expect(kinds).toEqual(['analyze true', 'compare false'])
})

test('other threads find the same numbers: nothing starts', async () => {
  selectTensor('a')
  await settle()
  receiveJobEvent(finished('job-1', 'a', 64))
  changeParams({ threads: 3 })
  await settle()
  expect(asked).toHaveLength(1)
})

test('what only the output reads starts nothing', async () => {
  selectTensor('a')
  await settle()
  receiveJobEvent(finished('job-1', 'a', 64))
  changeParams({ factorDType: 'F16' })
  await settle()
  expect(asked).toHaveLength(1)
})

test('going back to a tensor shows its report again without a job', async () => {
  selectTensor('a')
  await settle()
  receiveJobEvent(finished('job-1', 'a', 64))
  selectTensor('b')
  await settle()
  receiveJobEvent(finished('job-2', 'b', 64))
  selectTensor('a')
  await settle()
  expect(asked).toHaveLength(2)
})

test('events that come before the answer that names their job are not lost', async () => {
  let answer: (jobId: string) => void = () => {}
  setConnection({
    engine: {
      cancel: () => Promise.resolve(),
      start: () => new Promise<string>((resolve) => (answer = resolve)),
    },
  } as unknown as Connection)
  selectTensor('b')
  await settle()
  receiveJobEvent(finished('fast', 'b', 64))
  answer('fast')
  await settle()
  expect(useAnalyses.getState().analyses.b?.report.rank).toBe(64)
})

test('a job that was superseded while it was being started is cancelled when its id arrives', async () => {
  const answers: ((jobId: string) => void)[] = []
  setConnection({
    engine: {
      cancel: (jobId: string) => {
        asked.push(`cancel ${jobId}`)
        return Promise.resolve()
      },
      start: () => new Promise<string>((resolve) => answers.push(resolve)),
    },
  } as unknown as Connection)
  selectTensor('a')
  await settle()
  selectTensor('b')
  await settle()
  answers[0]?.('late')
  await settle()
  answers[1]?.('wanted')
  await settle()
  expect(asked).toEqual(['cancel late'])
  expect(running()).toMatchObject({ wish: { tensor: 'b' }, jobId: 'wanted' })
})

test('a refused start is a sentence of that tensor', async () => {
  setConnection({
    engine: { start: () => Promise.reject(new AppError('out-of-memory', someWords('Needs 9 GB.'))) },
  } as unknown as Connection)
  selectTensor('a')
  await settle()
  expect(running()).toBeNull()
  expect(useAnalyses.getState().failures.a).toMatchObject({ code: 'out-of-memory', said: [someWords('Needs 9 GB.')] })
})

test('a comparison is made at the rank on show, which a goal may have given this tensor alone', async () => {
  selectTensor('a')
  await settle()
  compareWithExact(14)
  await settle()
  expect(asked.at(-1)).toBe('compare a rank 14 q 2 auto')
})

test('a comparison replaces the analysis and serves for it', async () => {
  selectTensor('a')
  await settle()
  compareWithExact(64)
  await settle()
  expect(asked).toEqual(['analyze a rank 64 q 2 auto', 'cancel job-1', 'compare a rank 64 q 2 auto'])
  commitRank()
  await settle()
  expect(asked).toHaveLength(3)
})

test('an engine that died fails its job and is not asked again until the user does', async () => {
  selectTensor('a')
  await settle()
  loseWork(someWords('It was killed.'))
  await settle()
  expect(useAnalyses.getState().failures.a).toEqual({ code: 'engine-died', said: [someWords('It was killed.')] })
  fileSettled()
  await settle()
  expect(asked).toHaveLength(1)
  retryAnalysis()
  await settle()
  expect(asked).toHaveLength(2)
})

test('what is asked for after a death waits until the file is open again, and the last wish counts', async () => {
  selectTensor('a')
  await settle()
  loseWork(someWords('It was killed.'))
  changeParams({ nIter: 1 })
  await settle()
  compareWithExact(64)
  await settle()
  expect(asked).toHaveLength(1)
  expect(useAnalyses.getState().failures.a).toMatchObject({ code: 'engine-died' })
  fileSettled()
  await settle()
  expect(asked.slice(1)).toEqual(['compare a rank 64 q 1 auto'])
})
