/** Every text of the page goes through i18next, in both languages. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'vite'
import { expect, test } from 'vitest'
import { valueResolution } from '../../../core/curves/resolution.ts'
import { errorCodes } from '../../../core/errors.ts'
import { type ParamEntry, paramEntries } from '../../../core/param-entries.ts'
import { english } from '../../../renderer/words/i18n.ts'

const renderer = join(import.meta.dirname, '../../../renderer')
type Texts = { [key: string]: string | Texts }
const read = (language: string): Texts => JSON.parse(readFileSync(join(renderer, `words/${language}.json`), 'utf8'))
const en: Texts = english
const zh = read('zh-CN')

function flat(texts: Texts, path = ''): Map<string, string> {
  const entries = Object.entries(texts).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[path + key, value]] : [...flat(value, `${path}${key}.`)],
  )
  return new Map(entries)
}
/** Chinese has one plural form, English two: keys are compared without their form. */
const plain = (key: string) => key.replace(/_(one|other)$/, '')
const placeholders = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name).sort()

test('both languages have the same keys', () => {
  const keys = (texts: Texts) => [...new Set([...flat(texts).keys()].map(plain))].sort()
  expect(keys(zh)).toEqual(keys(en))
})

test('every text is asked for by its key, or by the beginning of it', () => {
  const sources = globSync('**/*.{ts,tsx}', { cwd: renderer }).map((file) => readFileSync(join(renderer, file), 'utf8'))
  const keys = new Set(sources.flatMap((source) => source.match(/(?<=')[a-zA-Z]\w*(\.\w+)+(?=')/g) ?? []))
  const beginnings = sources.flatMap((source) => source.match(/(?<=`)[a-zA-Z]\w*\.([\w]+\.)*(?=\$\{)/g) ?? [])
  const isAsked = (key: string) => keys.has(plain(key)) || beginnings.some((beginning) => key.startsWith(beginning))
  expect([...flat(read('en')).keys()].filter((key) => !isAsked(key))).toEqual([])
})

test('every plural has the forms its language has', () => {
  for (const key of flat(en).keys()) {
    if (!/_(one|other)$/.test(key)) continue
    expect([...flat(en).keys()]).toEqual(expect.arrayContaining([`${plain(key)}_one`, `${plain(key)}_other`]))
    expect(flat(zh).has(`${plain(key)}_other`), plain(key)).toBe(true)
  }
})

test('a translation has the placeholders of the original', () => {
  for (const [key, text] of flat(zh)) {
    const original = flat(en).get(key) ?? ''
    expect(placeholders(text), key).toEqual(placeholders(original))
  }
})

test('sizes have a sign between them, in the page', () => {
  for (const texts of [en, zh]) for (const text of flat(texts).values()) expect(text).not.toMatch(/[\d}] x [\d{]/)
})

test('every parameter, choice and error code has its words', () => {
  const keys = flat(en)
  for (const [name, entry] of Object.entries<ParamEntry>(paramEntries)) {
    expect(keys.has(`params.${name}.label`), name).toBe(true)
    expect(keys.has(`params.${name}.help`), name).toBe(true)
    if (entry.type === 'choice')
      for (const choice of entry.choices) expect(keys.has(`choices.${choice}`), choice).toBe(true)
  }
  for (const code of [...errorCodes, 'bug']) expect(keys.has(`errors.${code}`), code).toBe(true)
})

test('the English of a parameter is that of its entry', () => {
  expect(read('en')).not.toHaveProperty('params')
  for (const [name, { label, help }] of Object.entries<ParamEntry>(paramEntries)) {
    expect(flat(en).get(`params.${name}.label`)).toBe(label)
    expect(flat(en).get(`params.${name}.help`)?.slice(1)).toBe(help.slice(1))
  }
})

test('what the exact routes see is what reports reckon with', () => {
  const seen = (['gram', 'jacobi'] as const).map((route) => valueResolution(route, 1024).toExponential(0))
  for (const text of [en, zh].map((texts) => flat(texts).get('params.exactRoute.help')))
    expect(text?.match(/\de-\d+/g)).toEqual(seen)
})

/** Attributes whose text a user reads or hears. */
const spoken = new Set([
  'label',
  'title',
  'placeholder',
  'description',
  'aria-label',
  'aria-valuetext',
  'alt',
  'caption',
])
/** Keys of the keyboard have the same names everywhere. */
const allowed = new Set(['Ctrl', 'Enter'])
const hasLetters = (text: string) => /\p{L}{2,}/u.test(text) && !allowed.has(text.trim())

test.each(globSync('**/*.tsx', { cwd: renderer }))('%s shows no text of its own', (file) => {
  const { program } = parseSync(file, readFileSync(join(renderer, file), 'utf8'))
  const found: string[] = []
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const item of node) visit(item)
    if (typeof node !== 'object' || node === null || !('type' in node)) return
    const { type, name, value, expression } = node as Record<string, { type?: string; name?: string; value?: unknown }>
    const kind = type as unknown as string
    const written = typeof value === 'string' ? (value as string) : value?.type === 'Literal' ? value.value : undefined
    if (kind === 'JSXText' && hasLetters(String(value))) found.push(String(value).trim())
    if (kind === 'JSXAttribute' && spoken.has(String(name?.name)) && typeof written === 'string' && hasLetters(written))
      found.push(written)
    if (kind === 'JSXExpressionContainer' && expression?.type === 'Literal' && typeof expression.value === 'string') {
      if (hasLetters(expression.value)) found.push(expression.value)
    }
    // Commas and colons between words are of a language, too.
    const {
      callee,
      arguments: given,
      quasis,
    } = node as unknown as {
      callee?: { property?: { name?: string } }
      arguments?: { value?: unknown }[]
      quasis?: { value: { raw: string } }[]
    }
    if (callee?.property?.name === 'join' && /[,:;] /.test(String(given?.[0]?.value)))
      found.push(String(given?.[0]?.value))
    if (quasis?.some(({ value: { raw } }) => /^[:;] $/.test(raw))) found.push('a colon in a template')
    for (const child of Object.values(node)) visit(child)
  }
  visit(program)
  expect(found).toEqual([])
})
