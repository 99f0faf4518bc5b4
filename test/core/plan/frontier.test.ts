import { expect, test } from 'vitest'
import { frontier, squaredErrorAt } from '../../../core/plan/frontier.ts'
import { type AllocationCandidate, allocateRanks } from '../../../core/plan/rank-allocation.ts'

/** Spectra that fall at different speeds, in matrices of different sizes. */
const candidates: AllocationCandidate[] = Array.from({ length: 12 }, (_, i) => {
  const side = 64 << (i % 3)
  const maxRank = side / 2 - 1
  return {
    name: `w${i}`,
    weight: side * side,
    squaredErrors: Array.from({ length: maxRank + 1 }, (_, rank) => (1 + rank) ** -(0.2 + 0.15 * i)),
    minRank: 4,
    maxRank,
    keptBytes: side * side * 4,
    bytesAt: (rank) => rank * 2 * side * 4,
  }
})
const of = (ranks: readonly (number | null)[]) =>
  candidates.reduce(
    (sum, { weight, squaredErrors, keptBytes, bytesAt }, i) => {
      const rank = ranks[i] ?? null
      return {
        bytes: sum.bytes + (rank === null ? keptBytes! : bytesAt(rank)),
        squaredError: sum.squaredError + (rank === null ? 0 : weight * squaredErrors[rank]!),
      }
    },
    { bytes: 0, squaredError: 0 },
  )
const points = frontier(candidates)

test('it leads from the smallest ranks to all kept, with more bytes for less error at every step', () => {
  expect(points[0]).toEqual(of(candidates.map(({ minRank }) => minRank)))
  expect(points.at(-1)!.bytes).toBe(of(candidates.map(() => null)).bytes)
  expect(points.at(-1)!.squaredError).toBeCloseTo(0, 6)
  for (const [i, point] of points.entries()) {
    if (i === 0) continue
    expect(point.bytes).toBeGreaterThan(points[i - 1]!.bytes)
    expect(point.squaredError).toBeLessThan(points[i - 1]!.squaredError)
  }
})

test('no plan is below it, and a plan for a size is within a step of it', () => {
  const whole = points.at(-1)!.bytes
  for (const share of [0.25, 0.4, 0.6, 0.8]) {
    const ranks = allocateRanks(candidates, { kind: 'bytes', bytes: share * whole }, 'water-filling')
    const found = of(ranks)
    const least = squaredErrorAt(points, found.bytes)!
    expect(found.squaredError).toBeGreaterThanOrEqual(least * (1 - 1e-9))
    const corner = points.findLast(({ bytes }) => bytes <= share * whole)!
    expect(found.squaredError).toBeLessThanOrEqual(corner.squaredError * (1 + 1e-9))
    const uniform = of(allocateRanks(candidates, { kind: 'bytes', bytes: share * whole }, 'uniform'))
    expect(uniform.squaredError).toBeGreaterThanOrEqual(squaredErrorAt(points, uniform.bytes)! * (1 - 1e-9))
  }
})

test('below the smallest size there is no error to tell', () => {
  expect(squaredErrorAt(points, points[0]!.bytes - 1)).toBeNull()
  expect(squaredErrorAt([], 1)).toBeNull()
})
