import { expect, test } from 'vitest'
import { patternFor } from '../../core/glob.ts'
import { judgeBy, pinsBy } from '../../core/rules.ts'

test('without rules nothing is said, and habits decide', () => {
  expect(judgeBy({ include: [], exclude: [] })('a')).toEqual({ says: 'nothing' })
})

test('with an include only what matches is in; exclude has the last word and is quoted', () => {
  const judge = judgeBy({ include: ['layers.*', 'head'], exclude: ['*.up', 'head'] })
  expect(judge('layers.0.down')).toEqual({ says: 'in' })
  expect(judge('norm')).toEqual({ says: 'out', pattern: null })
  expect(judge('layers.0.up')).toEqual({ says: 'out', pattern: '*.up' })
  expect(judge('head')).toEqual({ says: 'out', pattern: 'head' })
})

test('a name as a pattern matches itself and no other, whatever stands in it', () => {
  const names = [
    'a.b',
    'x{1,2}',
    'x1',
    'what?',
    'whats',
    '*',
    'a*b',
    'acb',
    'a\\*b',
    'a\\b',
    'a,b',
    'half{',
    '[0]',
    'line\nbreak',
  ]
  for (const name of names) {
    const judge = judgeBy({ include: [patternFor(name)], exclude: [] })
    expect(names.filter((each) => judge(each).says === 'in')).toEqual([name])
  }
  const pinned = pinsBy({ pins: names.map((name, rank) => ({ match: patternFor(name), rank })) })
  expect(names.map(pinned)).toEqual([...names.keys()])
})

test('every other sign stands for itself beside a wildcard', () => {
  const signs = Array.from({ length: 0x7f - 0x20 }, (_, i) => String.fromCodePoint(0x20 + i))
  for (const sign of signs.filter((each) => !'*?{},'.includes(each))) {
    const judge = judgeBy({ include: [`*a${sign}b`], exclude: [] })
    expect(judge(`x.a${sign}b`), sign).toEqual({ says: 'in' })
    expect(judge('x.a_b').says, sign).toBe(sign === '_' ? 'in' : 'out')
  }
})

test('thousands of plain names are looked up, not tried one by one', () => {
  const include = Array.from({ length: 20_000 }, (_, i) => `layers.${i}.weight`)
  const judge = judgeBy({ include, exclude: [] })
  // Tried one by one this is 4e8 matches.
  expect(include.every((name) => judge(name).says === 'in')).toBe(true)
})
