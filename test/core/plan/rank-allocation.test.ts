import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Allocation,
  type AllocationCandidate,
  allocateRanks,
  leastRanks,
} from '../../../core/plan/rank-allocation.ts'

function candidate(name: string, spectrum: readonly number[], bytesPerRank: number, keptBytes: number): Keepable {
  const total = spectrum.reduce((sum, s) => sum + s * s, 0)
  const squaredErrors = [1]
  let tail = total
  for (const s of spectrum) {
    tail -= s * s
    squaredErrors.push(Math.max(0, tail / total))
  }
  const maxRank = Math.min(spectrum.length, Math.ceil(keptBytes / bytesPerRank) - 1)
  return {
    name,
    weight: keptBytes,
    squaredErrors,
    minRank: 1,
    maxRank,
    keptBytes,
    bytesAt: (rank) => rank * bytesPerRank,
  }
}

/** Any of which may be kept. */
interface Keepable extends AllocationCandidate {
  readonly keptBytes: number
}

function bytesOf(candidates: readonly Keepable[], allocation: Allocation): number {
  return candidates.reduce((sum, c, i) => sum + (allocation[i] == null ? c.keptBytes : c.bytesAt(allocation[i]!)), 0)
}

function errorOf(candidates: readonly AllocationCandidate[], allocation: Allocation): number {
  const weights = candidates.reduce((sum, c) => sum + c.weight, 0)
  const squared = candidates.reduce(
    (sum, c, i) => sum + (allocation[i] == null ? 0 : c.weight * c.squaredErrors[allocation[i]!]!),
    0,
  )
  return Math.sqrt(squared / weights)
}

const decaying = (n: number, exponent: number) => Array.from({ length: n }, (_, i) => (i + 1) ** -exponent)

const candidates = fc
  .array(
    fc.tuple(
      fc.double({ min: 0, max: 2, noNaN: true }),
      fc.integer({ min: 2, max: 6 }),
      fc.integer({ min: 1, max: 4 }),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((rows) =>
    rows.map(([exponent, n, bytes], i) => candidate(`t${i}`, decaying(n, exponent), bytes, n * bytes + bytes)),
  )

/** Every allocation of a small problem. */
function* everyAllocation(of: readonly AllocationCandidate[]): Generator<(number | null)[]> {
  const [first, ...rest] = of
  if (!first) return yield []
  for (const tail of everyAllocation(rest)) {
    for (let rank = first.minRank; rank <= first.maxRank; rank++) yield [rank, ...tail]
    yield [null, ...tail]
  }
}

describe('water-filling', () => {
  it('never exceeds the bytes of the goal, and is within one step of one tensor of the best there is', () => {
    fc.assert(
      fc.property(candidates, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
        const least = all.reduce((sum, c) => sum + c.bytesAt(c.minRank), 0)
        const most = all.reduce((sum, c) => sum + c.keptBytes, 0)
        const bytes = Math.floor(least + share * (most - least))
        const chosen = allocateRanks(all, { kind: 'bytes', bytes }, 'water-filling')
        expect(bytesOf(all, chosen)).toBeLessThanOrEqual(bytes)
        let best = Number.POSITIVE_INFINITY
        for (const other of everyAllocation(all))
          if (bytesOf(all, other) <= bytes) best = Math.min(best, errorOf(all, other))
        const weights = all.reduce((sum, c) => sum + c.weight, 0)
        // One hull step is at most the whole first-rank error of one tensor.
        const slack = Math.max(...all.map((c) => (c.weight * c.squaredErrors[c.minRank]!) / weights))
        expect(errorOf(all, chosen) ** 2).toBeLessThanOrEqual(best ** 2 + slack + 1e-12)
      }),
    )
  })

  it('keeps a tensor with a flat spectrum rather than buying it rank by rank', () => {
    const all = [candidate('flat', Array(64).fill(1), 2, 64), candidate('steep', decaying(64, 2), 2, 64)]
    const chosen = allocateRanks(all, { kind: 'bytes', bytes: 64 + 16 }, 'water-filling')
    expect(chosen[0]).toBeNull()
    expect(chosen[1]).toBe(8)
  })

  it('is no worse than greedy and uniform at the same bytes, up to one direction', () => {
    const all = Array.from({ length: 24 }, (_, i) =>
      candidate(`t${i}`, decaying(64, 0.05 * i), 2 + (i % 3), 64 * (1 + (i % 3))),
    )
    for (const share of [0.3, 0.5, 0.7]) {
      const goal = { kind: 'bytes', bytes: Math.floor(share * all.reduce((sum, c) => sum + c.keptBytes, 0)) } as const
      const water = errorOf(all, allocateRanks(all, goal, 'water-filling'))
      expect(water).toBeLessThan(errorOf(all, allocateRanks(all, goal, 'greedy')))
      expect(water).toBeLessThan(errorOf(all, allocateRanks(all, goal, 'uniform')))
    }
  })

  it('meets an error goal, and no tensor could do with one rank less', () => {
    fc.assert(
      fc.property(candidates, fc.double({ min: 0, max: 1, noNaN: true }), (all, error) => {
        const totalWeight = all.reduce((sum, c) => sum + c.weight, 0)
        const chosen = allocateRanks(all, { kind: 'model-error', error, totalWeight }, 'water-filling')
        // A sum of a few squares, each good to a unit in the last place.
        const slack = 64 * Number.EPSILON
        expect(errorOf(all, chosen) ** 2).toBeLessThanOrEqual(error ** 2 + slack)
        for (const [i, { minRank, maxRank }] of all.entries()) {
          const rank = chosen[i]!
          const less = rank === null ? maxRank : rank - 1
          if (less < minRank) continue
          expect(errorOf(all, chosen.with(i, less)) ** 2).toBeGreaterThan(error ** 2 - slack)
        }
      }),
    )
  })
})

describe('goals', () => {
  it('refuses a size that the smallest ranks exceed, with the numbers', () => {
    expect(() =>
      allocateRanks([candidate('a', decaying(8, 1), 10, 100)], { kind: 'bytes', bytes: 9 }, 'uniform'),
    ).toThrow(/leaves 9 B .*need 10 B/)
  })

  it('least ranks: the smallest rank within the error, kept where none is', () => {
    const all = [candidate('a', decaying(64, 1), 2, 128), candidate('flat', Array(64).fill(1), 4, 64)]
    const [a, flat] = leastRanks(all, 0.3)
    expect(all[0]!.squaredErrors[a!]!).toBeLessThanOrEqual(0.09)
    expect(all[0]!.squaredErrors[a! - 1]!).toBeGreaterThan(0.09)
    expect(flat).toBeNull()
  })
})
