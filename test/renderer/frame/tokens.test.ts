/** What is written in the page can be read, in both themes: contrast by WCAG 2.2, from the tokens themselves. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { darkPalette, lightPalette } from '../../../core/report/palette.ts'

const css = readFileSync(new URL('../../../renderer/frame/tokens.css', import.meta.url), 'utf8')

function tokensOf(...selectors: readonly string[]): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const [, selector, body] of css.replaceAll(/\/\*.*?\*\//gs, '').matchAll(/([^{}]+)\{([^{}]*)\}/g)) {
    if (!selectors.includes(selector!.trim())) continue
    for (const [, name, value] of body!.matchAll(/--([\w-]+):\s*([^;]+);/g)) found[name!] = value!
  }
  return found
}

const light = tokensOf(':root')
const themes = { light, dark: { ...light, ...tokensOf(':root[data-mantine-color-scheme="dark"]') } }

/** WCAG 2.2, "relative luminance". */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
}

function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x)
  return (high! + 0.05) / (low! + 0.05)
}

const grounds = ['bg', 'surface', 'sunken', 'accent-soft']
const steps = Array.from({ length: 9 }, (_, step) => step)
const text = [
  ...['text', 'text-2', 'accent-text'].flatMap((ink) => grounds.map((ground) => [ink, ground])),
  ...['text', 'text-2'].map((ink) => [ink, 'hover']),
  ...['accent', 'warn-fill', 'danger-fill'].map((ground) => ['on-accent', ground]),
  ...['good', 'warn', 'danger'].flatMap((ink) => ['bg', 'surface', `${ink}-soft`].map((ground) => [ink, ground])),
  ...['warn-soft', 'danger-soft'].flatMap((ground) => ['text', 'text-2', 'accent-text'].map((ink) => [ink, ground])),
  ['text', 'good-soft'],
  ['warn', 'accent-soft'],
  ...steps.map((step) => [step < 4 ? 'map-ink-low' : 'map-ink-high', `map-${step}`]),
]
const series = ['exact', 'randomized', 'randomized-2', 'noise', 'before', 'plan', 'what-if', 'limit']
const lines = [...series.map((role) => `series-${role}`), 'line-control', 'accent'].flatMap((ink) =>
  ['bg', 'surface'].map((ground) => [ink, ground]),
)

for (const [theme, tokens] of Object.entries(themes)) {
  const short = (pairs: readonly (readonly string[])[], least: number) =>
    pairs
      .map(([ink, ground]) => ({ pair: `${ink} on ${ground}`, ratio: contrast(tokens[ink!]!, tokens[ground!]!) }))
      .filter(({ ratio }) => !(ratio >= least))

  test(`text has 4.5:1 to its ground, ${theme}`, () => {
    expect(short(text, 4.5)).toEqual([])
  })

  test(`lines and the edges of fields have 3:1, ${theme}`, () => {
    expect(short(lines, 3)).toEqual([])
  })
}

test('no style sheet but the tokens names a color', () => {
  const folder = new URL('../../../renderer/', import.meta.url)
  const raw = globSync('**/*.css', { cwd: folder }).filter(
    (file) =>
      file !== join('frame', 'tokens.css') &&
      /#[0-9a-f]{3,8}\b|rgba?\(/i.test(readFileSync(new URL(file, folder), 'utf8').replaceAll(/\/\*.*?\*\//gs, '')),
  )
  expect(raw).toEqual([])
})

test('pictures and reports have the colors of the page', () => {
  const named = (palette: Readonly<Record<string, string>>, tokens: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.keys(palette).map((token) => [token, tokens[token]]))
  expect(lightPalette).toEqual(named(lightPalette, themes.light))
  expect(darkPalette).toEqual(named(darkPalette, themes.dark))
})

test('every class and every token of the style sheets is used', () => {
  const root = new URL('../../../', import.meta.url)
  const read = (pattern: string) =>
    globSync(pattern, { cwd: root }).map((file) => readFileSync(new URL(file, root), 'utf8'))
  const styles = read('renderer/**/*.css')
    .join('')
    .replaceAll(/\/\*.*?\*\//gs, '')
  const sources = read('{renderer,core/report}/**/*.{ts,tsx}').join('')
  const words = new Set(sources.match(/[\w-]+/g))
  const classes = [...styles.matchAll(/\.([a-z][\w-]*)/g)].map(([, name]) => name!)
  // Those of Mantine's and of recharts' own elements.
  expect(classes.filter((name) => !words.has(name) && !/^(mantine|recharts|m_)/.test(name))).toEqual([])
  const isUsed = (token: string) =>
    styles.includes(`var(--${token})`) || sources.includes(`--${token}`) || sources.includes(`'${token}'`)
  expect(Object.keys(light).filter((token) => !isUsed(token))).toEqual([])
})

test('every variable that is named has a value', () => {
  const folder = new URL('../../../renderer/', import.meta.url)
  const all = globSync('**/*.{css,ts,tsx}', { cwd: folder })
    .map((file) => readFileSync(new URL(file, folder), 'utf8'))
    .join('\n')
  const given = new Set([...all.matchAll(/(--[a-z][\w-]*)'?:/g)].map(([, name]) => name))
  const named = new Set([...all.matchAll(/var\((--[a-z][\w-]*)\)/g)].map(([, name]) => name!))
  expect([...named].filter((name) => !given.has(name) && !name.startsWith('--mantine-'))).toEqual([])
})
