import { describe, expect, it } from 'vitest'
import { checkError } from '../../../core/measure/check.ts'

const sound = {
  tensor: 'w',
  relativeError: 0.5,
  floor: 0.4,
  frobeniusNorm: 1,
  smallest: 64,
  precision: 'f64',
} as const

describe('checkError', () => {
  it('lets sound numbers pass', () => {
    expect(() => checkError(sound)).not.toThrow()
    expect(() => checkError({ ...sound, floor: null })).not.toThrow()
    expect(() => checkError({ ...sound, relativeError: 0.4 })).not.toThrow()
    expect(() => checkError({ ...sound, relativeError: 0, floor: 0, frobeniusNorm: 0 })).not.toThrow()
  })

  it.each([
    ['not finite', { relativeError: Number.NaN }],
    ['the 110 % of a transposed factor', { relativeError: 1.1 }],
    ['below the floor', { relativeError: 0.399 }],
    ['a zero matrix with an error', { relativeError: 0.1, floor: null, frobeniusNorm: 0 }],
  ])('refuses an error that is %s', (_, wrong) => {
    expect(() => checkError({ ...sound, ...wrong })).toThrow(
      expect.objectContaining({ code: 'internal-check', name: 'AppError' }),
    )
  })

  it('allows the rounding of f32 products only where they were used', () => {
    const barely = { ...sound, relativeError: Math.sqrt(1 + 32 * 2 ** -24) }
    expect(() => checkError(barely)).toThrow()
    expect(() => checkError({ ...barely, precision: 'f32' })).not.toThrow()
  })
})
