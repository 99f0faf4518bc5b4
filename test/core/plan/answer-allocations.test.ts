import { describe, expect, it } from 'vitest'
import { triedRanks, uniformRanks, weighCandidates } from '../../../core/plan/answer-allocations.ts'
import type { Candidate } from '../../../core/plan/candidate.ts'
import { allocateRanks } from '../../../core/plan/rank-allocation.ts'

/** Of the shape rows x cols in F32, whose squared errors fall as this power of the rank. */
function candidate(name: string, rows: number, cols: number, power: number): Candidate {
  const smallest = Math.min(rows, cols)
  const squaredErrors = Array.from({ length: smallest + 1 }, (_, rank) =>
    rank === smallest ? 0 : (1 + rank) ** -power,
  )
  const info = { name, dtype: 'F32', shape: [rows, cols], byteLength: 4 * rows * cols }
  const view = { kind: 'linear', count: 1, rows, cols }
  const maxRank = Math.floor((rows * cols) / (rows + cols)) - 1
  return {
    plan: { info, view, factorDType: 'F32', factorLayout: 'ab' },
    ...{ name, weight: rows * cols, squaredErrors, minRank: 1, maxRank, keptBytes: info.byteLength },
    spectrum: { frobeniusNorm: 1, truncation: squaredErrors },
    bytesAt: (rank: number) => 4 * rank * (rows + cols),
  } as unknown as Candidate
}
const three = [candidate('a', 100, 100, 1), candidate('b', 100, 100, 1), candidate('c', 200, 50, 2)]
const half = { kind: 'bytes', bytes: 60_000 } as const
const ranksOf = (kind: Parameters<typeof weighCandidates>[1], tried: Parameters<typeof weighCandidates>[3] = []) =>
  allocateRanks(weighCandidates(three, kind, uniformRanks(three, 0.5), tried), half, 'water-filling')

describe('ways of sharing out ranks', () => {
  it('uniform is the same share of the largest useful rank for all, and keeps what would not shrink', () => {
    expect(uniformRanks(three, 0.5)).toEqual([25, 25, 20])
    expect(uniformRanks(three, 1.1)[0]).toBeNull()
    expect(triedRanks(three[0]!)).toEqual([10, 22, 37])
  })

  it('measured gives ranks to what the answer depends on, and none falls below 0.6 of its uniform rank', () => {
    const at = (measured: number) =>
      [10, 22, 37].map((rank) => ({ rank, measured: measured / rank, logits: 1e-3 / measured / rank }))
    const [a, b] = ranksOf('measured', [at(1), at(1e-4), at(1e-4)]) as number[]
    expect(a).toBeGreaterThan(b! * 1.5)
    const turned = ranksOf('measured', [at(1e-4), at(1), at(1e-4)]) as number[]
    expect([turned[0], turned[1]]).toEqual([b, a])
    expect(Math.min(a!, b!)).toBeGreaterThanOrEqual(15)
    // By what stands before the last activation the other matrix matters.
    const [c, d] = ranksOf('logits', [at(1), at(1e-4), at(1)]) as number[]
    expect(d).toBeGreaterThan(c!)
  })

  it('floored holds the floor where relative lets a matrix fall below it', () => {
    const steep = ranksOf('floored') as number[]
    expect(steep[2]).toBeGreaterThanOrEqual(12)
    expect(ranksOf('relative')[0]).toBe(ranksOf('relative')[1])
  })
})
