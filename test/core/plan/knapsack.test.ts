import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Choice, costSearch, leastCost } from '../../../core/plan/knapsack.ts'

/** Every way to choose, the slow and obviously right way. */
function bestOf(items: readonly (readonly Choice[])[], budget: number): number {
  const [first, ...rest] = items
  if (!first) return budget >= 0 ? 0 : Number.POSITIVE_INFINITY
  return Math.min(...first.map(({ resource, cost }) => cost + bestOf(rest, budget - resource)))
}

const costOf = (items: readonly (readonly Choice[])[], chosen: readonly number[]) =>
  chosen.reduce((sum, choice, i) => sum + items[i]![choice]!.cost, 0)
const resourceOf = (items: readonly (readonly Choice[])[], chosen: readonly number[]) =>
  chosen.reduce((sum, choice, i) => sum + items[i]![choice]!.resource, 0)

const items = (most: number) =>
  fc.array(
    fc.array(fc.record({ resource: fc.integer({ min: 0, max: 40 }), cost: fc.integer({ min: 0, max: 99 }) }), {
      minLength: 1,
      maxLength: 6,
    }),
    { minLength: 1, maxLength: most },
  )

describe('leastCost', () => {
  it('finds the optimum of few items, in whatever order their choices come', () => {
    fc.assert(
      fc.property(items(5), fc.integer({ min: 0, max: 200 }), (all, budget) => {
        const best = bestOf(all, budget)
        const found = leastCost(all, budget)
        expect(found === null).toBe(best === Number.POSITIVE_INFINITY)
        if (found === null) return
        expect(resourceOf(all, found)).toBeLessThanOrEqual(budget)
        expect(costOf(all, found)).toBe(best)
      }),
      { numRuns: 300 },
    )
  })

  it('of many items never ends in a larger cost for a larger budget, and is close to what the hulls allow', () => {
    // Convex items with one large last step each: what a rank-by-rank curve with "keep it as it is" looks like.
    const many = Array.from({ length: 40 }, (_, i) => {
      const curve = Array.from({ length: 20 }, (_, rank) => ({
        resource: 3 * rank + (i % 3),
        cost: 100 * 0.8 ** rank + (i % 5),
      }))
      return [...curve, { resource: 120 + 7 * (i % 4), cost: 0 }]
    })
    let before = Number.POSITIVE_INFINITY
    // What is found once for all budgets is what each alone would find.
    const { within } = costSearch(many)
    for (let budget = 40; budget < 5500; budget += 7) {
      const found = within(budget)!
      if (budget % 5 === 0) expect(leastCost(many, budget)).toEqual(found)
      const cost = costOf(many, found)
      expect(resourceOf(many, found)).toBeLessThanOrEqual(budget)
      expect(cost).toBeLessThanOrEqual(before)
      before = cost
    }
    expect(before).toBe(0)
  })

  it('uses the room that a large choice it cannot afford leaves', () => {
    // Along the hull the first item goes straight to its end, which does not fit; most of the way there would.
    const all = [
      [
        { resource: 0, cost: 100 },
        { resource: 80, cost: 40 },
        { resource: 100, cost: 0 },
      ],
      [
        { resource: 0, cost: 10 },
        { resource: 50, cost: 5 },
      ],
    ]
    expect(leastCost(all, 99)).toEqual([1, 0])
  })
})
