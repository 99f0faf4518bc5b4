/** The sentence under a comparison says what was measured and calls chance by its name. */
import i18next from 'i18next'
import { beforeAll, describe, expect, test } from 'vitest'
import type { AnalysisReport, VersusReport } from '../../../core/contract.ts'
import { numbersIn } from '../../../core/messages/numbers.ts'
import { verdictOf, verdictSentence } from '../../../renderer/ab/verdict.ts'
import en from '../../../renderer/words/en.json' with { type: 'json' }
import zhCN from '../../../renderer/words/zh-CN.json' with { type: 'json' }

beforeAll(async () => {
  await i18next.init({
    lng: 'en',
    resources: { en: { translation: en }, 'zh-CN': { translation: zhCN } },
    interpolation: { escapeValue: false },
  })
})

type Side = VersusReport['a']
const side = (computeMs: number[], errors: number[], rank = 64): Side => ({
  report: { rank } as AnalysisReport,
  computeMs,
  errors,
  workingBytes: 1,
  excess: null,
})
/** Of f32 factors, about. */
const resolution = 4e-6
const say = (a: Side, b: Side, language = 'en') =>
  verdictSentence({ a, b, resolution }, i18next.getFixedT(language), numbersIn(language)).replaceAll('\u00a0', ' ')

describe('one run of each', () => {
  test('the faster side is the subject, and its error follows', () => {
    expect(say(side([41], [0.1239]), side([10], [0.1243]))).toBe(
      'B is 4.1 times as fast as A, and its error is 0.32 % larger (12.43 % against 12.39 %).',
    )
    expect(say(side([10], [0.1243]), side([41], [0.1239]))).toBe(
      'A is 4.1 times as fast as B, and its error is 0.32 % larger (12.43 % against 12.39 %).',
    )
  })
  test('the slower side can have the larger error', () => {
    expect(say(side([41], [0.2]), side([10], [0.15]))).toBe(
      'B is 4.1 times as fast as A, and its error is 25 % smaller (15.00 % against 20.00 %).',
    )
  })
  test('from twice on an error is said as a factor', () => {
    expect(say(side([41], [0.01]), side([10], [0.034]))).toContain('its error is 3.4 times as large')
  })
  test('what would be shown as 1.0 times is as fast, and what the error cannot resolve is the same', () => {
    expect(say(side([10], [0.2]), side([10.4], [0.200001]))).toBe(
      'B is as fast as A, and their errors are the same (20.00 %).',
    )
  })
  test('two numbers that read alike are said once', () => {
    expect(say(side([41], [0.206]), side([10], [0.20602]))).toBe(
      'B is 4.1 times as fast as A, and its error is 0.0097 % larger (both 20.60 % as shown).',
    )
  })
  test('errors at different ranks say so', () => {
    expect(say(side([41], [0.1], 128), side([10], [0.15], 32))).toContain(
      'its error is 50 % larger (15.00 % at rank 32 against 10.00 % at rank 128).',
    )
  })
  test('nothing is divided by an error of 0, or of rounding', () => {
    expect(say(side([41], [6e-7]), side([10], [1e-3]))).toContain('its error is 0.100 %, and that of A is ≤ 0.00040 %.')
    expect(say(side([41], [0]), side([10], [1e-3]))).toContain('its error is 0.100 %, and that of A is 0 %.')
    expect(say(side([41], [1e-3]), side([10], [0]))).toContain('its error is 100 % smaller')
    expect(say(side([41], [0]), side([10], [0]))).toContain('their errors are the same (0 %)')
    expect(say(side([41], [1e-8]), side([10], [0]))).toContain('their errors are the same')
  })
})

describe('several seeds', () => {
  test('ranges that do not touch are a difference', () => {
    const { time, error } = verdictOf({ resolution, a: side([40, 42], [0.3, 0.31]), b: side([10, 10.5], [0.32, 0.33]) })
    expect(time).toEqual({ kind: 'faster', factor: 4 })
    expect(error).toMatchObject({ kind: 'larger' })
  })
  test('ranges that touch are the spread', () => {
    expect(say(side([10, 12, 11], [0.3, 0.31, 0.32]), side([9, 11, 13], [0.315, 0.33, 0.34]))).toBe(
      'B is as fast as A within the spread of 3 runs, and the difference of their errors (32.83 % against 31.00 %) is within the spread over 3 seeds.',
    )
  })
  test('an exact side has one run, which the other reaches or not', () => {
    const { time, error } = verdictOf({ resolution, a: side([10.5], [0.3]), b: side([10, 11], [0.301, 0.302]) })
    expect(time).toEqual({ kind: 'noise' })
    expect(error).toMatchObject({ kind: 'larger' })
  })
})

test('Chinese says the same', () => {
  expect(say(side([41], [0.1239]), side([10], [0.1243]), 'zh-CN')).toBe(
    'B 的速度是 A 的 4.1 倍，误差大 0.32 %（12.43 % 对 12.39 %）。',
  )
})
