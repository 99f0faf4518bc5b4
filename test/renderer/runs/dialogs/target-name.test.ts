import { expect, test } from 'vitest'
import { defaultParams } from '../../../../core/params.ts'
import { targetName } from '../../../../renderer/runs/dialogs/target-name.ts'

const taking = (...names: string[]) => new Set(names)

test('an output is named after its source and its style', () => {
  expect(targetName('model.pt', 'factors', defaultParams, taking())).toBe('model.lowrank.safetensors')
  expect(targetName('model.safetensors', 'npz', defaultParams, taking('model.safetensors'))).toBe('model.lowrank.npz')
})

test('where that is taken also after its goal, and then by a number', () => {
  const share = { ...defaultParams, goalSize: 0.4 }
  const names = ['model.lowrank.npz', 'model-40pct.lowrank.npz', 'model-40pct-2.lowrank.npz']
  for (const [i, next] of [...names, 'model-40pct-3.lowrank.npz'].entries())
    expect(targetName('model.npz', 'npz', share, taking(...names.slice(0, i)))).toBe(next)
})

test.each([
  [{ rank: 32 }, 'rank32'],
  [{ goalSize: 1_500_000 }, '1.5MB'],
  [{ goalSize: 1 / 3 }, '33.3pct'],
  [{ goalError: 0.05 }, 'error5pct'],
  [{ goalEnergy: 0.9 }, 'energy90pct'],
])('%j is a word of a file name', (goal, word) => {
  const params = { ...defaultParams, ...goal }
  expect(targetName('m.npy', 'dense', params, taking('m.dense.safetensors'))).toBe(`m-${word}.dense.safetensors`)
})
