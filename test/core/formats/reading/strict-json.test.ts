import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Json, visitStrictJson } from '../../../../core/formats/reading/strict-json.ts'

const limits = { maxDepth: 8, maxArrayLength: 64, maxElements: 1000, maxKeys: 1000, maxTextBytes: 5e6 }

function read(text: string): Map<string, Json> {
  const entries = new Map<string, Json>()
  visitStrictJson(new TextEncoder().encode(text), 'header', limits, (key, value) => void entries.set(key, value))
  return entries
}

test('strings are read as JSON.parse reads them, however they are escaped', () => {
  const escaped = fc
    .string({ unit: 'grapheme' })
    .chain((text) =>
      fc.constantFrom(
        JSON.stringify(text),
        `"${Array.from({ length: text.length }, (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`,
        JSON.stringify(text).replaceAll('/', '\\/'),
      ),
    )
  fc.assert(
    fc.property(escaped, (literal) => read(`{"a":${literal}}`).get('a') === JSON.parse(literal)),
    { numRuns: 2000, seed: 1 },
  )
})

test('every one-letter escape stands for its byte', () => {
  expect(read(String.raw`{"a":"\"\\\/\b\f\n\r\t"}`).get('a')).toBe('"\\/\b\f\n\r\t')
})

test.each([
  ['a first half alone', String.raw`{"a":"\ud83d"}`],
  ['a first half before another character', String.raw`{"a":"\ud83dx"}`],
  ['a first half before another first half', String.raw`{"a":"\ud83d\ud83d"}`],
  ['a second half alone', String.raw`{"a":"\ude00"}`],
])('refuses %s', (_what, text) => {
  expect(() => read(text)).toThrow('half a surrogate pair')
})

test.each([
  ['an unknown escape', String.raw`{"a":"\x41"}`, 'an escape'],
  ['three digits', String.raw`{"a":"\u041"}`, 'four hexadecimal digits'],
  ['a string that does not end', String.raw`{"a":"\n`, 'a closing quote'],
  ['a control character behind an escape', '{"a":"\\n\n"}', 'control character'],
])('refuses %s', (_what, text, expected) => {
  expect(() => read(text)).toThrow(expected)
})

test('a string of nothing but escapes costs no more memory than its bytes', () => {
  const text = `{"a":"${'\\n'.repeat(4e6)}"}`
  expect((read(text).get('a') as string).length).toBe(4e6)
})

test('what lies in an object that is opened is visited entry by entry, with its key', () => {
  const visited: [string, Json, string | null][] = []
  const text = '{"a":1,"map":{"b":2,"c":{"d":3}},"map2":{"e":4}}'
  visitStrictJson(new TextEncoder().encode(text), 'x', { ...limits, opened: ['map'] }, (key, value, inside) =>
    visited.push([key, value, inside]),
  )
  expect(visited).toEqual([
    ['a', 1, null],
    ['b', 2, 'map'],
    ['c', new Map([['d', 3]]), 'map'],
    ['map2', new Map([['e', 4]]), null],
  ])
  const twice = new TextEncoder().encode('{"map":{"b":2,"b":3}}')
  expect(() => visitStrictJson(twice, 'x', { ...limits, opened: ['map'] }, () => {})).toThrow('"b" a second time')
  const other = new TextEncoder().encode('{"map":[1]}')
  let seen: Json = null
  visitStrictJson(other, 'x', { ...limits, opened: ['map'] }, (_, value) => {
    seen = value
  })
  expect(seen).toEqual([1])
})

test.each([
  [
    'elements in all arrays',
    `{"a":{"b":[${'[1,1,1,1],'.repeat(60)}[1]],"c":[${'[1,1,1,1,1,1,1,1,1,1],'.repeat(60)}[${'[1,1],'.repeat(50)}1]]}}`,
  ],
  ['bytes of text', `{"a":"${'x'.repeat(2_600_000)}","b":"${'x'.repeat(2_600_000)}"}`],
  ['bytes of text', `{"a":"${'\\\\'.repeat(5_000_001)}"}`],
])('stops at its limit of %s', (what, text) => {
  expect(() => read(text)).toThrow(what)
})
