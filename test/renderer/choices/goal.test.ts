import { expect, test } from 'vitest'
import type { TensorReport } from '../../../core/contract.ts'
import { defaultParams } from '../../../core/params.ts'
import { goalSketch } from '../../../core/plan/analysis-rank.ts'
import { storable } from '../../../core/plan/describe.ts'
import { type ComputableDType, dtypeBits } from '../../../core/tensor.ts'
import { goalOf, noGoal, rankToAnalyze } from '../../../renderer/choices/goal.ts'
import { paramsReducers, useParams } from '../../../renderer/choices/params.ts'
import { firstRank } from '../../../renderer/model/figures/first-rank.ts'
import { someWords } from '../../core/messages/words.ts'

const tensorOf = (dtype: ComputableDType, count = 1): TensorReport => ({
  name: 'w',
  dtype,
  shape: count === 1 ? [300, 200] : [count, 300, 200],
  byteLength: (count * 300 * 200 * dtypeBits[dtype]) / 8,
  matrix: count === 1 ? [300, 200] : [count, 300, 200],
  kind: count === 1 ? 'linear' : 'experts',
  plan: 'factorize',
  reason: someWords(''),
})

test('one goal at a time: setting none brings the rank back', () => {
  expect(goalOf(defaultParams)).toBe('rank')
  expect(goalOf({ ...defaultParams, goalError: 0.1 })).toBe('error')
  expect(goalOf({ ...defaultParams, goalEnergy: 0.99 })).toBe('error')
  expect(goalOf({ ...defaultParams, goalSize: 0.4 })).toBe('size')
  expect(goalOf({ ...{ ...defaultParams, goalSize: 0.4 }, ...noGoal })).toBe('rank')
})

test('each kind of goal is remembered while another is chosen, and leaves the rank alone', () => {
  useParams.setState({ params: { ...defaultParams, rank: 28 }, lastGoals: {} })
  paramsReducers.set({ ...noGoal, goalSize: 0.02 })
  paramsReducers.set({ ...noGoal, goalEnergy: 0.9 })
  paramsReducers.set(noGoal)
  const { params, lastGoals } = useParams.getState()
  expect(params.rank).toBe(28)
  expect(lastGoals).toEqual({ size: { ...noGoal, goalSize: 0.02 }, error: { ...noGoal, goalEnergy: 0.9 } })
})

test('an error goal looks at every rank it could give', () => {
  const matrix = storable(tensorOf('F32'), defaultParams)!
  expect(rankToAnalyze({ ...defaultParams, rank: 64 }, matrix, null)).toBe(64)
  // That of the sketch a run would make: any rank whose factors could be smaller.
  const { rank } = goalSketch(matrix.info, matrix.view, defaultParams)
  expect(rank).toBe(200)
  expect(rankToAnalyze({ ...defaultParams, rank: 64, goalError: 0.1 }, matrix, null)).toBe(rank)
  expect(rankToAnalyze({ ...defaultParams, maxRank: 128, goalError: 0.1 }, matrix, null)).toBe(rank)
  expect(rankToAnalyze({ ...defaultParams, rank: 64, goalSize: 0.5 }, matrix, null)).toBe(64)
  // A plan may give it any rank that the analysis of the model reached.
  expect(rankToAnalyze({ ...defaultParams, goalSize: 0.5 }, matrix, 117)).toBe(117)
  expect(rankToAnalyze({ ...defaultParams, rank: 64 }, matrix, 117)).toBe(64)
})

test('a model of small matrices is first looked at with a rank that makes one smaller', () => {
  const small = { ...tensorOf('F32'), shape: [96, 48], matrix: [96, 48], byteLength: 96 * 48 * 4 }
  // m n / (m + n) = 32 is break-even.
  expect(firstRank([small], defaultParams)).toBe(15)
  expect(firstRank([small, tensorOf('F32')], defaultParams)).toBe(64)
  expect(firstRank([], defaultParams)).toBe(64)
})
