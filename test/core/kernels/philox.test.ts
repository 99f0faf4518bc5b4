import { describe, expect, it } from 'vitest'
import { cosineAndSineOfTurn, naturalLog, normalPair, philox4x32 } from '../../../core/kernels/philox.ts'

describe('philox4x32', () => {
  // Known answers of Random123's kat_vectors for 10 rounds.
  it('matches the published vector for zero key and counter', () => {
    expect(philox4x32([0, 0], 0, 0)).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8])
  })
})

describe('elementary functions', () => {
  it('agree with Math to a few units in the last place', () => {
    for (let i = 1; i <= 1000; i++) {
      const u = i / 1001
      expect(Math.abs(naturalLog(u) - Math.log(u))).toBeLessThanOrEqual(
        8 * 2 ** -53 * Math.max(1, Math.abs(Math.log(u))),
      )
      const [cosine, sine] = cosineAndSineOfTurn(u)
      expect(Math.abs(cosine - Math.cos(2 * Math.PI * u))).toBeLessThanOrEqual(16 * 2 ** -53)
      expect(Math.abs(sine - Math.sin(2 * Math.PI * u))).toBeLessThanOrEqual(16 * 2 ** -53)
    }
  })
})

describe('normalPair', () => {
  it('has the moments of a standard normal, within 5 standard errors', () => {
    const n = 20000
    let sum = 0
    let squares = 0
    let fourth = 0
    for (let i = 0; i < n / 2; i++) {
      for (const value of normalPair([7, 9], i, 3)) {
        sum += value
        squares += value ** 2
        fourth += value ** 4
      }
    }
    expect(Math.abs(sum / n)).toBeLessThan(5 / Math.sqrt(n))
    expect(Math.abs(squares / n - 1)).toBeLessThan(5 * Math.sqrt(2 / n))
    expect(Math.abs(fourth / n - 3)).toBeLessThan(5 * Math.sqrt(96 / n))
  })
})
