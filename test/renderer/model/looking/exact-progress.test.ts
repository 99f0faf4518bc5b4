import { expect, test } from 'vitest'
import { exactCost, exactCosts } from '../../../../core/cost.ts'
import { exactProgress } from '../../../../renderer/model/looking/exact-progress.ts'

const matrix = { rows: 4096, cols: 4096, rank: 128 }
const costs = exactCosts(4096, 4096, 128)
const whole = exactCost(4096, 4096, 128)

test('parts are weighted by what they cost, and none of them starts where it is not', () => {
  const first = exactProgress({ ...matrix, stages: {}, pace: 2, sinceMs: 0 })
  expect(first).toMatchObject({ stage: 'gram', index: 0, share: 0 })
  expect(first.leftMs).toBeCloseTo(2 * whole, 6)
  const second = exactProgress({ ...matrix, stages: { gram: 2 * costs.gram }, pace: 2, sinceMs: 0 })
  expect(second).toMatchObject({ stage: 'eigen', index: 1 })
  expect(second.share).toBeCloseTo(costs.gram / whole, 12)
})

test('what is done tells the pace better than what was expected', () => {
  const slow = exactProgress({ ...matrix, stages: { gram: 6 * costs.gram }, pace: 2, sinceMs: 0 })
  expect(slow.leftMs).toBeCloseTo(6 * (costs.eigen + costs.lift), 6)
})

test('a part that takes longer than was reckoned waits before its end, and promises nothing', () => {
  const late = exactProgress({ ...matrix, stages: { gram: costs.gram }, pace: 1, sinceMs: 100 * costs.eigen })
  expect(late).toMatchObject({ stage: 'eigen', leftMs: null })
  expect(late.share).toBeLessThan((costs.gram + costs.eigen) / whole)
})
