import { expect, test } from 'vitest'
import type { TensorReport } from '../../../core/contract.ts'
import { rulesOf } from '../../../renderer/actions/runs.ts'

const tensor = (name: string, plan: TensorReport['plan']): TensorReport => ({
  name,
  plan,
  dtype: 'F32',
  shape: [64, 64],
  byteLength: 64 * 64 * 4,
  matrix: [64, 64],
  kind: 'linear',
  reason: '',
})
const tensors = [tensor('a', 'factorize'), tensor('b', 'grows'), tensor('head', 'keep'), tensor('x{1,2}', 'factorize')]
const none = { included: new Set<string>(), excluded: new Set<string>() }

test('without changes a run follows the plan', () => {
  expect(rulesOf(tensors, none)).toEqual({ include: [], exclude: [] })
})

test('what was left out is excluded', () => {
  expect(rulesOf(tensors, { ...none, excluded: new Set(['a']) })).toEqual({ include: [], exclude: ['a'] })
})

test('taking in one that is kept by habit names all that are factorized, since include means only those', () => {
  const chosen = { included: new Set(['head']), excluded: new Set(['b']) }
  expect(rulesOf(tensors, chosen)).toEqual({ include: ['a', 'head', 'x?1?2?'], exclude: [] })
})
