import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileGlob } from '../../core/glob.ts'

/** The slow, obvious reading of a glob: every way it can be taken, tried in turn. Exponential, so only for short patterns. */
function matchesByTrying(pattern: string, name: string): boolean {
  const variants = (text: string): string[] => {
    const open = text.indexOf('{')
    if (open < 0 || !text.includes('}')) return [text]
    let depth = 0
    const parts = ['']
    let i = open + 1
    for (; i < text.length; i++) {
      const c = text[i]!
      if (c === '}' && depth === 0) break
      if (c === '{') depth++
      if (c === '}') depth--
      if (c === ',' && depth === 0) parts.push('')
      else parts[parts.length - 1] += c
    }
    return parts.flatMap((part) => variants(text.slice(0, open) + part + text.slice(i + 1)))
  }
  const wild = (p: string, n: string): boolean => {
    if (p === '') return n === ''
    if (p[0] === '*') return wild(p.slice(1), n) || (n !== '' && wild(p, n.slice(1)))
    return n !== '' && (p[0] === '?' || p[0] === n[0]) && wild(p.slice(1), n.slice(1))
  }
  return variants(pattern).some((variant) => wild(variant, name))
}

test('every short pattern with closed braces matches as trying all its readings does', () => {
  const piece = fc.oneof(
    fc.constantFrom('a', 'b', '.', '*', '?', '**'),
    fc
      .array(fc.constantFrom('a', 'b', '*', '?', '', '{a,b}', '{,ab}'), { minLength: 1, maxLength: 3 })
      .map((alternatives) => `{${alternatives.join(',')}}`),
  )
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')),
      fc.array(fc.constantFrom('a', 'b', '.'), { maxLength: 6 }).map((letters) => letters.join('')),
      (pattern, name) => compileGlob(pattern)(name) === matchesByTrying(pattern, name),
    ),
    { numRuns: 3000, seed: 1 },
  )
})

test('patterns that a backtracking matcher needs ages for cost as much as any other', () => {
  const name = `${'a'.repeat(200)}!`
  // As regular expressions each of these takes longer than anybody waits.
  const hostile = [
    `${'*'.repeat(30)}x`,
    `${'*a'.repeat(40)}*x`,
    `${'?*'.repeat(40)}x`,
    `${'{a,a}'.repeat(60)}x`,
    `${'{*,*a}'.repeat(30)}x`,
    `${'{'.repeat(3000)}a${'}'.repeat(3000)}x`,
  ]
  for (const pattern of hostile) expect(compileGlob(pattern)(name), pattern.slice(0, 40)).toBe(false)
  expect(compileGlob(`${'*a'.repeat(40)}*!`)(name)).toBe(true)
})

test('an open brace without a closing one, a comma and a closing brace outside a group stand for themselves', () => {
  expect(compileGlob('a{*')('a{b')).toBe(true)
  expect(compileGlob('*,b}')('a,b}')).toBe(true)
  expect(compileGlob('{a}{b*')('abc')).toBe(true)
})

test('after a backslash a sign stands for itself; before any other character a backslash does', () => {
  expect(['a*b', 'acb', 'a\\cb'].map(compileGlob('a\\*b'))).toEqual([true, false, false])
  expect(['{a,b}c', 'ac', '{a,bc'].map(compileGlob('\\{a\\,b\\}*'))).toEqual([true, false, false])
  expect(compileGlob('{a\\},b}')('a}')).toBe(true)
  expect(compileGlob('\\\\?')('\\x')).toBe(true)
  expect(compileGlob('\\x*\\')('\\xy\\')).toBe(true)
})

test('one wildcard is one character, also beyond the basic plane', () => {
  expect(compileGlob('?')('𝑊')).toBe(true)
  expect(compileGlob('??')('𝑊')).toBe(false)
})
