import { describe, expect, it } from 'vitest'
import { referenceKernels } from '../../../core/kernels/reference.ts'
import { principalAngles } from '../../../core/measure/subspace-angle.ts'
import { orthonormalColumns, svd, withSpectrum } from '../svd/matrices.ts'

const kernels = referenceKernels()

describe('principalAngles', () => {
  it.each([0, 1e-4, 0.3, 1, Math.PI / 2])('of planes that share a line and are turned by %f about it', (angle) => {
    const Q = orthonormalColumns(20, 3, 4)
    const plane = (turn: number) => {
      const U = new Float32Array(40)
      for (let i = 0; i < 20; i++) {
        U[2 * i] = Q[3 * i]!
        U[2 * i + 1] = Math.cos(turn) * Q[3 * i + 1]! + Math.sin(turn) * Q[3 * i + 2]!
      }
      return U
    }
    expect(Math.abs(principalAngles(kernels, plane(0), plane(angle), 20, 2)[0]! - angle)).toBeLessThan(
      // Near a right angle asin turns a rounding of e in the sine into sqrt(2 e).
      angle > 1.5 ? Math.sqrt(16 * 2 ** -24) : 8 * 2 ** -24,
    )
  })

  it('between sketch and exact SVD falls with every power iteration', async () => {
    const A = withSpectrum(
      80,
      60,
      Float64Array.from({ length: 60 }, (_, i) => (i < 8 ? 4 - i / 8 : 1)),
    )
    const exact = await svd(A, { method: 'exact', rank: 8 })
    // Contracts by (s_9 / s_8)^2 < 1/9 an iteration once it is small.
    let before = Number.POSITIVE_INFINITY
    for (const nIter of [0, 1, 2]) {
      const { U } = await svd(A, { method: 'randomized', rank: 8, oversample: 4, nIter })
      const angle = principalAngles(kernels, exact.U, U, 80, 8)[0]!
      expect(angle).toBeLessThan(before / 2)
      before = angle
    }
  })

  it('does not depend on the basis of either space', () => {
    const Q = Float32Array.from(orthonormalColumns(30, 4, 9))
    const swapped = Q.slice()
    for (let i = 0; i < 30; i++) for (let j = 0; j < 4; j++) swapped[4 * i + j] = -Q[4 * i + 3 - j]!
    expect(principalAngles(kernels, Q, swapped, 30, 4)[0]).toBeLessThan(8 * 2 ** -24)
  })
})
