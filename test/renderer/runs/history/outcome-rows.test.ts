import { expect, test } from 'vitest'
import type { TensorOutcome } from '../../../../core/contract.ts'
import { nextSorting, outcomeRows } from '../../../../renderer/runs/history/outcome-rows.ts'
import { someWords } from '../../../core/messages/words.ts'

const outcome = (name: string, rank: number | null, error: number, saved: number): TensorOutcome => ({
  ...{ name, rank, relativeError: error, bytesBefore: 100, bytesAfter: 100 - saved },
  action: rank === null ? 'kept' : 'factorized',
  reason: someWords(''),
})
const tensors = [
  outcome('layers.10.q', 8, 0.2, 50),
  outcome('layers.2.q', 64, 0.1, 20),
  outcome('norm', null, 0, 0),
  outcome('layers.1.Up', 16, 0.3, 60),
]
const names = (...args: Parameters<typeof outcomeRows> extends [unknown, ...infer Rest] ? Rest : never) =>
  outcomeRows(tensors, ...args).map(({ name }) => name)

test('the order of the file, of names as people count, of numbers with what is kept at the end', () => {
  expect(names('', null)).toEqual(tensors.map(({ name }) => name))
  expect(names('', { column: 'name', descending: false })).toEqual(['layers.1.Up', 'layers.2.q', 'layers.10.q', 'norm'])
  expect(names('', { column: 'error', descending: true })).toEqual(['layers.1.Up', 'layers.10.q', 'layers.2.q', 'norm'])
  expect(names('', { column: 'rank', descending: true }).at(-1)).toBe('norm')
  expect(names('', { column: 'bytes', descending: true })[0]).toBe('layers.1.Up')
})

test('a search is in names, in either case', () => {
  expect(names(' up', null)).toEqual(['layers.1.Up'])
})

test('a press sorts, a second turns it round, a third gives the order of the file', () => {
  const first = nextSorting(null, 'error')
  expect(first).toEqual({ column: 'error', descending: true })
  const second = nextSorting(first, 'error')
  expect(second).toEqual({ column: 'error', descending: false })
  expect(nextSorting(second, 'error')).toBeNull()
  expect(nextSorting(second, 'name')).toEqual({ column: 'name', descending: false })
})
