import { expect, test } from 'vitest'
import { takenAs } from '../../../renderer/choices/typed-number.ts'

const share = { decimal: true, negative: false, unit: '%' }
const count = { decimal: false, negative: false, unit: '' }

test.each([
  ['4,5', '4.5'],
  ['40 %', '40'],
  ['４０％', '40'],
  ['1e-3', '0.001'],
  ['1e1', '10'],
  ['1,000', '1000'],
  ['1,000.5', '1000.5'],
  ['，', '.'],
  ['.', '.'],
  ['5', '5'],
  [' 12 ', '12'],
])('a share: %s is %s', (text, digits) => {
  expect(takenAs(text, share)).toBe(digits)
})

test.each(['-5', '−5', '1.5.2', '50MB', 'abc', '1e400', '1,2,3', 'NaN'])('a share: %s is none', (text) => {
  expect(takenAs(text, share)).toBeNull()
})

test.each([
  ['1e2', '100'],
  ['1,000', '1000'],
  ['１２', '12'],
  ['2,5', null],
  ['12.7', null],
  ['1e-3', null],
  ['16px', null],
  ['40%', null],
])('a count: %s is %s', (text, digits) => {
  expect(takenAs(text, count)).toBe(digits)
})

test('a sign is one where numbers below zero are', () => {
  expect(takenAs('−5', { ...count, negative: true })).toBe('-5')
})
