import { expect, test } from 'vitest'
import { modelError, modelResolution } from '../../../core/curves/model-error.ts'

test('a model error is resolved as far as its matrices are', () => {
  const resolution = 4e-6
  const even = [1, 2, 3].map((entries) => ({ entries, error: 0.5, resolution }))
  expect(modelResolution(even)).toBeCloseTo(resolution, 15)
  // What was kept is exact: it blurs nothing.
  expect(modelResolution([...even, { entries: 6, error: 0, resolution: 0 }])).toBeLessThan(resolution)
  expect(modelResolution([{ entries: 6, error: 0, resolution: 0 }])).toBe(0)
})

test('where nothing is lost, the resolution is the root mean square of all', () => {
  const lossless = [
    { entries: 1, error: 0, resolution: 3e-6 },
    { entries: 1, error: 0, resolution: 4e-6 },
  ]
  expect(modelResolution(lossless)).toBeCloseTo(Math.sqrt(12.5) * 1e-6, 15)
})

test('no matrix can move the model error further than its resolution says', () => {
  const matrices = [0, 1e-7, 0.02, 0.9].map((error, i) => ({ entries: 10 ** i, error, resolution: 2e-3 / (i + 1) }))
  const least = matrices.map(({ entries, error, resolution }) => ({ entries, error: Math.max(0, error - resolution) }))
  expect(modelError(matrices) - modelError(least)).toBeLessThanOrEqual(modelResolution(matrices))
})
