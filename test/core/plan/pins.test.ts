/** A rank of its own: no goal changes it, the goal is met by the others, and a recipe without pins reads as it always did. */
import { describe, expect, it } from 'vitest'
import { parseRecipe, recipeText } from '../../../core/contract.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { candidateOf } from '../../../core/plan/candidate.ts'
import { withRanks } from '../../../core/plan/goals.ts'
import { isFactorized, planFile, type TensorPlan } from '../../../core/plan/plan.ts'
import { type Pin, pinsBy } from '../../../core/rules.ts'

const side = 512
const bytes = side * side * 4
const tensors = ['a', 'b', 'c'].map((name) => ({
  name,
  dtype: 'F32' as const,
  shape: [side, side],
  byteLength: bytes,
}))
const none = Array.from({ length: side + 1 }, () => 0)
const spectrum = {
  frobeniusNorm: 1,
  truncation: none.map((_, rank) => 1 / (1 + rank)),
  rounding: { BF16: none, F16: none, INT8: none },
}
const sizeOf = (plans: readonly TensorPlan[]) =>
  plans.reduce((sum, plan) => sum + (isFactorized(plan) ? plan.params.rank * 2 * side * 4 : bytes), 0)
const weighing = { predict: sizeOf, stored: <D>(dtype: D) => dtype, isDifference: false }

function plan(changes: Partial<Params>, pins: readonly Pin[]) {
  const params = { ...defaultParams, ...changes }
  const plans = planFile({ tensors }, params, { include: [], exclude: [], pins })
  const candidates = plans.filter(isFactorized).map((one) => candidateOf(one, 1, spectrum, params, weighing))
  const found = withRanks(plans, candidates, params, { totalBytes: 3 * bytes }, weighing, 3 * side * side)
  return { found, ranks: found.map((one) => (isFactorized(one) ? one.params.rank : null)) }
}
const pinned = (rank: number): Pin[] => [{ match: 'a', rank }]

it('of several pins for a name the last counts, whether it names it or a pattern does', () => {
  const rankOf = pinsBy({
    pins: [
      { match: 'a', rank: 1 },
      { match: '?', rank: 2 },
      { match: 'b', rank: 3 },
    ],
  })
  expect(['a', 'b', 'c', 'dd'].map(rankOf)).toEqual([2, 3, 2, null])
})

describe('a pinned rank', () => {
  it('stays under a goal for the size, which the others meet', () => {
    const { ranks: free } = plan({ goalSize: 0.25 }, [])
    const { ranks, found } = plan({ goalSize: 0.25 }, pinned(7))
    expect(ranks[0]).toBe(7)
    expect(ranks[1]).toBeGreaterThan(free[1]!)
    expect(sizeOf(found)).toBeLessThanOrEqual(0.25 * 3 * bytes)
  })

  it('stays under an error for each tensor and for the model', () => {
    const { ranks: free } = plan({ goalError: 0.2, goalScope: 'tensor' }, [])
    expect(plan({ goalError: 0.2, goalScope: 'tensor' }, pinned(7)).ranks).toEqual([7, free[1], free[2]])
    const { ranks } = plan({ goalError: 0.3, goalScope: 'model' }, pinned(7))
    expect(ranks[0]).toBe(7)
    const error = Math.sqrt(ranks.reduce<number>((sum, rank) => sum + (rank === null ? 0 : 1 / (1 + rank)), 0) / 3)
    expect(error).toBeLessThanOrEqual(0.3)
  })

  it('stays beside another rank for all, beyond the largest rank of an allocation, and at the last pin that matches', () => {
    expect(plan({ rank: 64 }, pinned(7)).ranks).toEqual([7, 64, 64])
    expect(plan({ goalSize: 0.9, maxRank: 32 }, pinned(100)).ranks[0]).toBe(100)
    expect(pinsBy({ pins: [{ match: '*', rank: 3 }, ...pinned(7)] })('a')).toBe(7)
    expect(pinsBy({})('a')).toBeNull()
  })

  it('whose error is too large for the model’s goal is a sentence', () => {
    expect(() => plan({ goalError: 0.1, goalScope: 'model' }, pinned(1))).toThrow('pinned tensors alone')
  })

  it('that makes its tensor no smaller keeps it', () => {
    expect(plan({ goalSize: 0.9 }, pinned(400)).ranks[0]).toBeNull()
  })
})

describe('a recipe', () => {
  const recipe = { output: 'factors', params: defaultParams, include: [], exclude: [] } as const

  it('without pins has the text it always had', () => {
    expect(recipeText({ ...recipe, pins: [] })).toBe(recipeText(recipe))
    expect(recipeText(recipe)).not.toContain('pins')
  })

  it('brings its pins back', () => {
    const text = recipeText({ ...recipe, pins: pinned(7) })
    expect(parseRecipe(text, 'a.json').pins).toEqual(pinned(7))
    expect(parseRecipe(recipeText(recipe), 'a.json').pins).toBeUndefined()
  })
})
