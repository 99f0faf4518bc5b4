import { expect, it } from 'vitest'
import { defaultParams, fitParams, type Params, sketchKeyOf } from '../../core/params.ts'

const params = (changes: Partial<Params>) => ({ ...defaultParams, ...changes })

it('an adaptive sketch is another for another error goal, and no other sketch is', () => {
  const keys = (changes: Partial<Params>) =>
    [0, 0.1, 0.2].map((goalError) => sketchKeyOf(params({ ...changes, goalError })))
  expect(new Set(keys({ algorithm: 'adaptive' })).size).toBe(3)
  expect(new Set(keys({ algorithm: 'subspace' })).size).toBe(1)
  expect(new Set(keys({ algorithm: 'adaptive', method: 'exact' })).size).toBe(1)
})

it('an adaptive sketch has no tolerance, and says so', () => {
  const fitted = (algorithm: Params['algorithm']) => fitParams(params({ algorithm, tolerance: 0.01 }), 4096, 4096)
  expect(fitted('adaptive').tolerance).toBe(0)
  expect(fitted('subspace').tolerance).toBe(0.01)
})
