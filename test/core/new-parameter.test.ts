/** A parameter that is added to the table, and nowhere else, is everywhere that parameters are. */
import { Command } from 'commander'
import { beforeEach, expect, test, vi } from 'vitest'
import type { ParamEntry } from '../../core/param-entries.ts'

const planted: ParamEntry = {
  type: 'int',
  default: 7,
  min: 0,
  max: 9,
  step: 1,
  flag: '--planted',
  label: 'Planted',
  help: 'for this test',
  affects: 'sketch',
}

beforeEach(() => {
  vi.resetModules()
  vi.doMock('../../core/param-entries.ts', async (original) => {
    const module = await original<typeof import('../../core/param-entries.ts')>()
    return { ...module, paramEntries: { ...module.paramEntries, planted } }
  })
})

test('the schema parses it, with its default and its limits', async () => {
  const { paramsSchema } = await import('../../core/params.ts')
  expect(paramsSchema.parse({})).toHaveProperty('planted', 7)
  expect(paramsSchema.safeParse({ planted: 10 }).success).toBe(false)
})

test('a recipe tells runs apart by it', async () => {
  const { defaultParams } = await import('../../core/params.ts')
  const { recipeText, parseRecipe } = await import('../../core/contract/recipe.ts')
  const text = (params: object) =>
    recipeText({ output: 'factors', include: [], exclude: [], params: { ...defaultParams, ...params } })
  expect(text({ planted: 3 })).not.toBe(text({}))
  expect(parseRecipe(text({ planted: 3 }), 'x').params).toHaveProperty('planted', 3)
})

test('a sketch is another with another value, and a report on the page is stale', async () => {
  const { defaultParams, fitParams, sketchKeyOf } = await import('../../core/params.ts')
  const { sketchKey } = await import('../../core/matrix/sketch-key.ts')
  const params = { ...defaultParams, planted: 3 }
  const keyOf = (some: typeof defaultParams) => sketchKey('', 'w', fitParams(some, 100, 100), 'fused')
  expect(keyOf(params)).not.toBe(keyOf(defaultParams))
  expect(sketchKeyOf(params)).not.toBe(sketchKeyOf(defaultParams))
})

test('the command line has its flag, for a run and for one matrix', async () => {
  const { factorizationKeys } = await import('../../core/params.ts')
  const { addParamFlags, allParams, paramsFrom } = await import('../../main/cli/flags.ts')
  expect(factorizationKeys).toContain('planted')
  const command = addParamFlags(new Command(), allParams)
  command.parse(['--planted', '3'], { from: 'user' })
  expect(paramsFrom(command, allParams)).toHaveProperty('planted', 3)
})

test('the page has a field for it, and its command line names it', async () => {
  const { defaultParams } = await import('../../core/params.ts')
  const { fieldsOf } = await import('../../renderer/settings/fields.ts')
  const { compressCommand } = await import('../../core/report/command.ts')
  expect(fieldsOf('sketch')).toContain('planted')
  const params = { ...defaultParams, planted: 3 }
  const recipe = { output: 'factors', include: [], exclude: [], params } as const
  expect(compressCommand({ sourcePath: 'a', target: 'b', recipe })).toContain('--planted 3')
})

test('both sides of A/B have it, and a result with another value is stale', async () => {
  const { defaultParams } = await import('../../core/params.ts')
  const { isStale, sideFields } = await import('../../renderer/model/looking/versus.ts')
  for (const method of ['exact', 'randomized'] as const) expect(sideFields(method)).toContain('planted')
  const sides = { a: defaultParams, b: defaultParams }
  const result = { sides } as Parameters<typeof isStale>[0]
  const changed = { ...defaultParams, planted: 3 }
  expect(isStale(result, sides, { rows: 100, cols: 100 })).toBe(false)
  expect(isStale(result, { ...sides, b: changed }, { rows: 100, cols: 100 })).toBe(true)
})
