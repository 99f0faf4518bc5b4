import { expect, test } from 'vitest'
import { parseRecipe, recipeFile, recipeText, reportCsv } from '../../../core/contract.ts'
import { defaultParams } from '../../../core/params.ts'
import { someWords } from '../messages/words.ts'

const recipe = {
  output: 'dense',
  params: { ...defaultParams, rank: 7 },
  include: ['b', 'a*'],
  exclude: ['{x,y}'],
} as const

test('a recipe comes back from its file, rules in their order', () => {
  const read = parseRecipe(recipeFile(recipe), 'small.recipe.json')
  expect(read).toEqual({ recipe: 1, ...recipe })
  expect(recipeText(read)).toBe(recipeText(recipe))
})

test('a recipe of another job says so, one of a compression is as it always was', () => {
  expect(recipeText(recipe)).toMatch(/^\{"recipe":1,"output":"dense","params":\{/)
  expect(recipeText({ ...recipe, job: 'plan' })).toBe(recipeText(recipe).replace('"output"', '"job":"plan","output"'))
})

test('where a run takes place is no part of its recipe', () => {
  const elsewhere = { ...recipe, params: { ...recipe.params, threads: 3, memoryLimit: 1e9, hotTensors: 1 } }
  expect(recipeFile(elsewhere)).toBe(recipeFile(recipe))
})

test.each(['', '[]', '{"recipe":2}', '{"recipe":1,"output":"factors","params":{"rank":0},"include":[],"exclude":[]}'])(
  'what is no recipe is a sentence: %s',
  (text) => expect(() => parseRecipe(text, 'cat.json')).toThrow('cat.json is no recipe of this version.'),
)

test.each([1, 1.5, 100.5])('a size goal of all of the source, or of a part of a byte, is named: %s', (goalSize) => {
  const text = JSON.stringify({ ...recipe, recipe: 1, params: { ...recipe.params, goalSize } })
  expect(() => parseRecipe(text, 'cat.json')).toThrow(
    'cat.json is no recipe of this version. Expected a share below 100 % or a whole number of bytes.',
  )
})

test('a name that a spreadsheet would run is text in the table', () => {
  const tensor = {
    action: 'kept',
    reason: someWords('a "b", c'),
    rank: null,
    relativeError: 0,
    bytesBefore: 4,
    bytesAfter: 4,
  } as const
  const csvOf = (name: string) =>
    reportCsv({ tensors: [{ name, ...tensor }] } as unknown as Parameters<typeof reportCsv>[0])
  const csv = csvOf('=1+1')
  expect(csv).toBe(
    'name,action,rank,factorDType,relativeError,weightError,truncation,rounding,sparseGain,bytesBefore,bytesAfter,reason\r\n\'=1+1,kept,,,0,,,,,4,4,"a ""b"", c"\r\n',
  )
  // Excel reads the wide forms as well where they are typed, and passes over a line break.
  for (const name of ['＝1+1', '＠SUM(1)']) expect(csvOf(name)).toContain(`\r\n'${name},`)
  expect(csvOf('\n=1+1')).toContain(`"'\n=1+1",`)
})
