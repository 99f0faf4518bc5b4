import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Json, visitStrictJson } from '../../../../core/formats/reading/strict-json.ts'

const limits = { maxDepth: 8, maxArrayLength: 64, maxKeys: 1000 }

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
