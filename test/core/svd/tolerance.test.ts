import { describe, expect, it } from 'vitest'
import { errorCurve } from '../../../core/curves/error-curve.ts'
import { frobeniusNorm, quiet, svd, withSpectrum } from './matrices.ts'

const A = withSpectrum(
  90,
  60,
  Array.from({ length: 60 }, (_, i) => 1 / (1 + i)),
)

async function iterations(algorithm: 'subspace' | 'krylov', tolerance: number): Promise<Float64Array[]> {
  const seen: Float64Array[] = []
  const observer = { ...quiet, iteration: (_: number, __: number, s: Float64Array) => void seen.push(s) }
  await svd(A, { method: 'randomized', algorithm, rank: 8, nIter: 12, tolerance }, { observer })
  return seen
}

describe.each(['subspace', 'krylov'] as const)('%s with a tolerance', (algorithm) => {
  it('stops at the first iteration that moves no point of the error curve by more', async () => {
    const tolerance = 1e-5
    const curves = (await iterations(algorithm, tolerance)).map((s) => errorCurve(frobeniusNorm(A), s))
    const moves = curves
      .slice(1)
      .map((curve, i) => Math.max(...curve.map((e, rank) => Math.abs(e - (curves[i]![rank] ?? 1)))))
    expect(curves.length).toBeGreaterThan(2)
    expect(curves.length).toBeLessThan(10)
    expect(moves.pop()).toBeLessThanOrEqual(tolerance)
    for (const move of moves) expect(move).toBeGreaterThan(tolerance)
  })

  it('of 0 never stops', async () => {
    // 9 columns a block: 6 blocks fill the 60 dimensions of the matrix.
    expect(await iterations(algorithm, 0)).toHaveLength(algorithm === 'subspace' ? 13 : 6)
  })

  it('shows singular values that only grow', async () => {
    const seen = await iterations(algorithm, 0)
    for (let i = 1; i < seen.length; i++)
      seen[i - 1]!.forEach((value, j) => {
        expect(seen[i]![j]).toBeGreaterThanOrEqual(value * (1 - 8 * 2 ** -24))
      })
  })
})
