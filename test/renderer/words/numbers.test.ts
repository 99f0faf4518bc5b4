import { expect, test } from 'vitest'
import { numbersIn } from '../../../core/messages/numbers.ts'

const numbers = numbersIn('en')
const plain = (text: string) => text.replaceAll('\u00a0', ' ')

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.00 kB'],
  [999_400, '999 kB'],
  [999_600, '1.00 MB'],
  [33_554_432, '33.6 MB'],
  [1.6e9, '1.60 GB'],
])('%d bytes are %s', (bytes, text) => {
  expect(plain(numbers.bytes(bytes))).toBe(text)
})

test.each([
  [0, '0 %'],
  [1, '100.00 %'],
  [0.124349, '12.43 %'],
  [0.0124, '1.24 %'],
  [0.000456, '0.0456 %'],
  [1.234e-7, '1.2e-5 %'],
])('an error of %d reads %s', (share, text) => {
  expect(plain(numbers.percent(share))).toBe(text)
})

test('beyond tenfold an increase says no more than that', () => {
  expect([0.05, 9, 9.1, 50, null].map((share) => plain(numbers.increase(share)))).toEqual([
    '5.00 %',
    '900.00 %',
    '> 900 %',
    '> 900 %',
    '> 900 %',
  ])
})

test('a limit is not rounded', () => {
  expect([99.999, 0.001, 65_536, 1e9].map(numbers.limit)).toEqual(['99.999', '0.001', '65,536', '1,000,000,000'])
})

test('signs are shown where they matter', () => {
  expect(plain(numbers.signedPercent(0.0091))).toBe('+0.910 %')
  expect(plain(numbers.signedPercent(-0.0091))).toBe('-0.910 %')
})

test.each([
  [0.51, '0.51 ms'],
  [35, '35 ms'],
  [999.7, '1.00 s'],
  [59_900, '59.9 s'],
  [59_990, '1 min 0 s'],
  [200_000, '3 min 20 s'],
  [7_500_000, '2 h 5 min'],
])('%d milliseconds are %s', (milliseconds, text) => {
  expect(plain(numbers.duration(milliseconds))).toBe(text)
})

test.each([
  [0, '1 s'],
  [1, '1 s'],
  [11_400, '12 s'],
  [200_000, '3 min 20 s'],
  [7_500_000, '2 h 5 min'],
])('%d milliseconds left count down as %s', (milliseconds, text) => {
  expect(plain(numbers.countdown(milliseconds))).toBe(text)
})

test('errors: no digit beyond their resolution, and none at all where they are no more than that', () => {
  const shown = (share: number, resolution: number) => numbers.error(share, resolution).replaceAll('\u00a0', ' ')
  expect(shown(0.124312, 3.8e-6)).toBe('12.43 %')
  expect(shown(0.00312, 3.8e-6)).toBe('0.312 %')
  expect(shown(0.0000312, 3.8e-6)).toBe('0.003 %')
  expect(shown(0.000312, 3.8e-6)).toBe('0.031 %')
  expect(shown(3e-7, 3.8e-6)).toBe('≤ 0.00038 %')
  expect(numbers.shortError(3e-7, 3.8e-6)).toBe('≈\u00a00\u00a0%')
  expect(numbers.shortError(0.12, 3.8e-6)).toBe(numbers.percent(0.12))
  expect(shown(3.8e-6, 3.8e-6)).toBe('≤ 0.00038 %')
  // A zero matrix, and a kept one.
  expect(shown(0, 3.8e-6)).toBe('0 %')
  expect(shown(2.5e-9, 1e-12)).toBe('2.5e-7 %')
})

test('durations are in the language of the page', () => {
  const chinese = numbersIn('zh-CN')
  expect(plain(chinese.duration(35))).toBe('35 毫秒')
  expect(plain(chinese.duration(106_000))).toBe('1 分 46 秒')
  expect(plain(chinese.countdown(11_400))).toBe('12 秒')
  expect(plain(chinese.duration(7_500_000))).toBe('2 小时 5 分')
})
