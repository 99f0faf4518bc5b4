import { expect, test } from 'vitest'
import { assertFileName, isFileName, isPortableFileName } from '../../../main/files/file-name.ts'

test('a name is one component, without control characters, with room for the endings of what is unfinished', () => {
  for (const name of ['', '.', '..', 'a/b', 'a\\b', '/a', 'a\0', 'a\nb', '\x1b[2J', 'x'.repeat(300), '模'.repeat(80)])
    expect(isFileName(name, 'linux'), JSON.stringify(name)).toBe(false)
  for (const name of ['a', 'model.safetensors', '模型 1.safetensors', 'a:b', 'NUL', '.hidden', 'x'.repeat(200)])
    expect(isFileName(name, 'linux'), name).toBe(true)
})

test.each([
  'a:b',
  'model.safetensors:stream',
  'a?',
  'a*',
  'a<b',
  'a>b',
  'a"b',
  'a|b',
  'a.',
  'a ',
  'NUL',
  'nul.safetensors',
  'CON',
  'com1',
  'LPT9.npz',
  'COM¹',
  'aux .txt',
])('Windows cannot store %s', (name) => {
  expect(isFileName(name, 'win32')).toBe(false)
  expect(isPortableFileName(name)).toBe(false)
})

test('names that only look like devices can be stored', () => {
  for (const name of ['console.npz', 'nul-model.safetensors', 'com10', 'auxiliary', 'lpt.txt'])
    expect(isFileName(name, 'win32'), name).toBe(true)
})

test('a refusal quotes no more of a name than is worth reading', () => {
  expect(() => assertFileName('x'.repeat(300))).toThrow(/^.{0,180}$/)
})
