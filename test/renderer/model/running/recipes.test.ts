import { beforeEach, expect, test } from 'vitest'
import { type FileReport, type Grant, recipeFile, recipeText } from '../../../../core/contract.ts'
import { defaultParams } from '../../../../core/params.ts'
import { fileReducers } from '../../../../renderer/choices/file.ts'
import { paramsReducers, useParams } from '../../../../renderer/choices/params.ts'
import { isCompressed } from '../../../../renderer/choices/rules.ts'
import { selectionReducers, useSelection } from '../../../../renderer/choices/selection.ts'
import { openRecipe } from '../../../../renderer/model/running/recipes.ts'
import { currentRecipe } from '../../../../renderer/model/running/run-actions.ts'
import { someWords } from '../../../core/messages/words.ts'

const tensors: FileReport['tensors'] = ['layers.0.up', 'layers.1.up', 'embed'].map((name) => ({
  name,
  dtype: 'F32',
  shape: [64, 64],
  byteLength: 64 * 64 * 4,
  matrix: [64, 64],
  kind: 'linear',
  plan: name === 'embed' ? 'keep' : 'factorize',
  reason: someWords(''),
}))
const report: FileReport = {
  fileId: 'f',
  name: 'model',
  format: '',
  safety: 'safe',
  totalBytes: 0,
  notices: [],
  tensors,
}
const recipe = {
  output: 'npz',
  params: { ...defaultParams, goalSize: 1.2e9, seed: 7 },
  include: ['*.1.*', 'embed'],
  exclude: ['{x,y}'],
} as const
const fileOf = (text: string) => new File([text], 'small.recipe.json')

beforeEach(() => {
  paramsReducers.set(defaultParams)
  paramsReducers.output('factors')
  selectionReducers.reset()
  fileReducers.opened({ id: 'g', name: 'model', kind: 'file', byteLength: 0 } satisfies Grant, report)
})

test('an opened recipe is what would be run, word for word, and the list shows what it chooses', async () => {
  await openRecipe(fileOf(recipeFile(recipe)))
  expect(recipeText(currentRecipe())).toBe(recipeText(recipe))
  const shown = tensors.filter((tensor) => isCompressed(tensor, useSelection.getState())).map(({ name }) => name)
  expect(shown).toEqual(['layers.1.up', 'embed'])
})

test('what a recipe does not say is at its default, whatever was chosen before', async () => {
  paramsReducers.set({ denseDType: 'INT8' })
  await openRecipe(fileOf(recipeFile(recipe)))
  expect(recipeText(currentRecipe())).toBe(recipeText(recipe))
})

test('where the page computes stays its own: threads and limits are no part of a recipe', async () => {
  paramsReducers.set({ threads: 3, memoryLimit: 5e8, rank: 9 })
  await openRecipe(fileOf(recipeFile(recipe)))
  expect(useParams.getState().params).toEqual({ ...recipe.params, threads: 3, memoryLimit: 5e8 })
})

test('what is no recipe changes nothing', async () => {
  await expect(openRecipe(fileOf('{}'))).rejects.toThrow('small.recipe.json is no recipe of this version.')
  expect(useParams.getState()).toMatchObject({ params: defaultParams, output: 'factors' })
})

test('a file that no recipe is as large as is not read', async () => {
  const large = fileOf('')
  Object.defineProperties(large, { size: { value: 2 ** 32 }, arrayBuffer: { value: () => expect.fail('was read') } })
  await expect(openRecipe(large)).rejects.toMatchObject({ code: 'over-limit' })
})
