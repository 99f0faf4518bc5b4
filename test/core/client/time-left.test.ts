import { expect, test } from 'vitest'
import { Pace } from '../../../core/client/time-left.ts'

/** Its share at each second. */
function paceOf(shares: readonly number[]): Pace {
  const pace = new Pace()
  for (const [second, share] of shares.entries()) pace.moved(share, 1000 * second)
  return pace
}

test('says what is left at the pace so far, and counts down until the next step', () => {
  const pace = paceOf(Array.from({ length: 11 }, (_, i) => i / 20))
  expect(pace.left(10_000)).toBeCloseTo(10_000)
  expect(pace.left(13_000)).toBeCloseTo(7000)
})

test('says nothing of a beginning', () => {
  expect(new Pace().left(0)).toBeNull()
  expect(paceOf([0.4]).left(60_000)).toBeNull()
  expect(paceOf([0, 0.4]).left(1000)).toBeNull()
  expect(paceOf([0, 0.01, 0.015]).left(2000)).toBeNull()
})

test('what was known from before, and passed at once, is no pace of what is left', () => {
  const pace = paceOf([0, 0.45, ...Array.from({ length: 20 }, (_, i) => 0.46 + i / 100)])
  // 0.65 in 21 s would be 11 s more.
  expect(pace.left(21_000)).toBeCloseTo(35_000)
})

test('what comes faster at the end is not promised before', () => {
  const pace = paceOf([0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.2, 0.3, 0.4, 0.5])
  expect(pace.left(9000)).toBeCloseTo(9000)
})

test('begins anew with another piece of work', () => {
  const pace = paceOf([0, 0.3, 0.6, 0.9])
  pace.moved(0.1, 10_000)
  expect(pace.left(10_000)).toBeNull()
  pace.moved(0.2, 14_000)
  expect(pace.left(14_000)).toBeCloseTo(32_000)
})
