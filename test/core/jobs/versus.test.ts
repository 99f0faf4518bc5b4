import { describe, expect, it } from 'vitest'
import type { Job } from '../../../core/contract.ts'
import { floorCurve } from '../../../core/curves/error-curve.ts'
import { compareTensor } from '../../../core/jobs/compare.ts'
import { versusTensor } from '../../../core/jobs/versus.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { openTensors, testContext, weights } from './harness.ts'

const source = weights('w', [80, 112])

async function versus(a: Partial<Params>, b: Partial<Params>, seeds = 1, context = testContext()) {
  const job: Extract<Job, { kind: 'versus' }> = {
    kind: 'versus',
    files: { model: '' },
    tensor: 'w',
    a: { ...defaultParams, rank: 6, method: 'randomized', ...a },
    b: { ...defaultParams, rank: 6, method: 'randomized', ...b },
    ...{ seeds, warmExact: true, estimates: false },
  }
  return versusTensor({ model: await openTensors(source) }, job, context)
}

describe('two ways on one matrix', () => {
  it('that are the same way agree to the bit', async () => {
    const { a, b, floor, largestGap, subspaceAngle } = await versus({}, {})
    expect(a.errors).toEqual(b.errors)
    expect(a.workingBytes).toBe(b.workingBytes)
    expect(a.workingBytes).toBeGreaterThan(0)
    expect([a, b].map(({ report }) => report.workingBytes)).toEqual([a.workingBytes, b.workingBytes])
    expect(largestGap.relative).toBe(0)
    // The square root of what f32 orthonormality leaves of a squared sine.
    expect(subspaceAngle).toBeLessThan(Math.sqrt(2 ** -23))
    expect({ floor, excess: [a.excess, b.excess] }).toEqual({ floor: null, excess: [null, null] })
  })

  it('with an exact one give what a comparison gives', async () => {
    const report = await versus({ nIter: 0, oversample: 2 }, { method: 'exact' })
    const job = {
      kind: 'compare',
      files: { model: '' },
      tensor: 'w',
      params: { ...defaultParams, rank: 6, nIter: 0, oversample: 2 },
    } as const
    const comparison = await compareTensor({ model: await openTensors(source) }, job, testContext())
    expect(report.floor).toBe(comparison.floor)
    expect(report.a.excess).toBe(comparison.excess)
    expect(report.subspaceAngle).toBeCloseTo(comparison.subspaceAngle!, 6)
    expect(report.b.excess).toBeCloseTo(0, 6)
    expect(report.b.report.singularValues).toHaveLength(80)
    expect(comparison.randomized.workingBytes).toBe(report.a.workingBytes)
    expect(comparison.exact.workingBytes).toBe(report.b.workingBytes)
    expect(report.b.workingBytes).not.toBe(report.a.workingBytes)
  })

  it('are a comparison where the exact one runs once, and each shows its estimates once', async () => {
    const context = testContext()
    const params = { ...defaultParams, rank: 6, nIter: 3 }
    const job = { kind: 'compare', files: { model: '' }, tensor: 'w', params } as const
    const { exact, randomized, speedup } = await compareTensor({ model: await openTensors(source) }, job, context)
    expect([randomized.method, exact.method]).toEqual(['randomized', 'exact'])
    expect(speedup).toBe(exact.computeMs![0]! / randomized.computeMs![0]!)
    const said = context.events.map((event) =>
      event.type === 'progress' ? `${event.done}/${event.total}` : event.type,
    )
    // After reading: the sketch and its iterations, warm; the sketch that counts; the exact one.
    expect(said.slice(1)).toEqual(['0/3', ...Array.from({ length: 4 }, () => 'estimate'), '1/3', '2/3'])
  })

  it('of different ranks are held to the floor at their own, and to each other at the smaller', async () => {
    const { a, b, floor } = await versus({ rank: 4 }, { rank: 9, method: 'exact' })
    const floors = floorCurve(b.report.singularValues)
    expect(floor).toBe(floors[4])
    expect(b.excess).toBeCloseTo(b.report.relativeError / floors[9]! - 1, 12)
    expect(a.excess).toBeGreaterThan(-1e-6)
  })

  it('show what a sketch owes to its seed, each seed once', async () => {
    const context = testContext()
    const { a, b } = await versus({ nIter: 0, oversample: 0, seed: 7 }, { method: 'exact' }, 4, context)
    expect(new Set(a.errors).size).toBe(4)
    expect(a.computeMs).toHaveLength(4)
    expect(b.errors).toHaveLength(1)
    const third = await versus({ nIter: 0, oversample: 0, seed: 9 }, {})
    expect(a.errors[2]).toBe(third.a.errors[0])
    const turns = context.events.flatMap((event) =>
      event.type === 'progress' && event.phase === 'versus' ? [event] : [],
    )
    expect(turns.map(({ done, total }) => [done, total])).toEqual(turns.map((_, i) => [i, 1 + 4 + 1 + 1]))
    expect(turns).toHaveLength(7)
  })
})
