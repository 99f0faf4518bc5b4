/** Output styles, containers and layouts are tables: what is peculiar to one is said in its entry, and nothing else asks for it by name. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, test } from 'vitest'
import { factorBytes } from '../../core/curves/size.ts'
import { type LayoutId, layouts } from '../../core/layouts.ts'
import { encodings, styleIds, styles } from '../../core/styles.ts'

const root = join(import.meta.dirname, '../..')

/** Comparisons with the name of a style, of a container or of a layout that only one style has. */
function namedIn(text: string): string[] {
  const names = [...styleIds, ...Object.keys(layouts)].filter((id) => !['ab', 'usv'].includes(id)).join('|')
  const own = new RegExp(String.raw`(?:output|style|layout|\bid) [!=]== '(?:${names})'|\.encoding [!=]==`, 'g')
  return [...text.matchAll(own)].map(([found]) => found)
}

test('no decision asks for a style, a container or a layout by name', () => {
  const files = globSync('{core,main,renderer}/**/*.{ts,tsx}', { cwd: root })
  expect(files.length).toBeGreaterThan(500)
  for (const file of files) expect(namedIn(readFileSync(join(root, file), 'utf8')), file).toEqual([])
})

it.each([
  ["if (layout === 'aguf') return 10", 1],
  ["if (style.encoding === 'npz') widen()", 1],
  ["if (output.recipe.output !== 'dense') return null", 1],
  ["const stored = params.factorLayout === 'usv'", 0],
  ["const style = outputStyle('dense')", 0],
])('a planted one is found: %s', (text, count) => {
  expect(namedIn(text)).toHaveLength(count)
})

/** Bytes of the values that a layout says it stores, counted one by one: a matrix of 30 x 20, whose sparse part has 6 entries. */
function counted(layout: LayoutId, rank: number, bytesPerValue: number, int8: boolean): number {
  const { scales, sparseEntryBytes } = layouts[layout]
  const values = rank * (30 + 20) * (int8 ? 1 : bytesPerValue)
  const ofDirections = scales === 'by-rank' && int8 ? 2 * rank * 4 : 0
  const ofWhole = scales === 'one' ? 2 * 4 : 0
  const singular = { ab: 0, usv: rank * Math.max(4, bytesPerValue), aguf: rank * 4 }[layout]
  return values + ofDirections + ofWhole + singular + 6 * sparseEntryBytes
}

it.each([
  ['ab', 2, false],
  ['ab', 1, true],
  ['usv', 2, false],
  ['usv', 8, false],
  ['aguf', 4, false],
  ['aguf', 1, true],
] as const)('%s with %i bytes a value weighs what it holds (INT8: %s)', (layout, bytesPerValue, int8) => {
  const stored = { bytesPerValue, int8, layout, sparseDensity: 0.01 }
  expect(factorBytes({ count: 3, rows: 30, cols: 20 }, 7, stored)).toBe(3 * counted(layout, 7, bytesPerValue, int8))
})

test('every style has a container and a layout of the tables', () => {
  for (const id of styleIds) {
    expect(encodings).toHaveProperty(styles[id].encoding)
    expect(layouts).toHaveProperty(styles[id].prescribed?.layout ?? 'ab')
    expect(styles[id]).not.toHaveProperty('words')
  }
})
