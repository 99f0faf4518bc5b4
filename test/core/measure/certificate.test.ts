import { describe, expect, it } from 'vitest'
import { floorCurve } from '../../../core/curves/error-curve.ts'
import { referenceKernels } from '../../../core/kernels/reference.ts'
import { certify } from '../../../core/measure/certificate.ts'
import { residentOperand } from '../../../core/svd/operand.ts'
import {
  type Dense,
  frobeniusNorm,
  gaussianMatrix,
  relativeError,
  svd,
  weightsOf,
  withSpectrum,
} from '../svd/matrices.ts'

const falling = (exponent: number) => Float64Array.from({ length: 60 }, (_, i) => (i + 1) ** -exponent)
const kernels = referenceKernels()

async function certified(A: Dense, nIter: number) {
  const exact = await svd(A, { method: 'exact', rank: 60 })
  const found = await svd(A, { method: 'randomized', rank: 12, oversample: 4, nIter })
  const operand = residentOperand(kernels, weightsOf(A, 1, kernels))
  const about = { frobeniusNorm: frobeniusNorm(A), relativeError: relativeError(A, found), key: [1, 2] as const }
  return { spectrum: exact.spectrum!, found, certificate: await certify(kernels, operand, found, about) }
}

describe.each([
  ['slow decay', withSpectrum(80, 60, falling(0.6))],
  ['i^-2', withSpectrum(80, 60, falling(2))],
  ['rank 5', withSpectrum(80, 60, [5, 4, 3, 2, 1])],
  ['a wide Gaussian', gaussianMatrix(60, 90)],
  ['zero', { rows: 80, cols: 60, data: new Float32Array(4800) }],
])('certify: %s', (_, A) => {
  it.each([0, 1, 3])('holds what the exact SVD says, after %i iterations', async (nIter) => {
    const { spectrum, found, certificate } = await certified(A, nIter)
    const slack = 64 * 2 ** -24 * (spectrum[0]! || 1)
    for (const [i, s] of found.s.entries()) {
      const nearest = Math.min(...spectrum.map((sigma) => Math.abs(sigma - s)))
      expect(nearest).toBeLessThanOrEqual(certificate.radii[i]! + slack)
    }
    const floor = floorCurve(spectrum)[12]!
    expect(certificate.floor.low).toBeLessThanOrEqual(floor + 1e-6)
    expect(certificate.floor.high).toBeGreaterThanOrEqual(floor - 1e-6)
    // Nothing of rank 12 is nearer in the spectral norm than s_13.
    expect(certificate.spectralError.atMost).toBeGreaterThanOrEqual(spectrum[12]! - slack)
    expect(certificate.spectralError.found).toBeLessThanOrEqual(certificate.spectralError.atMost)
  })
})

it('the bracket closes as the iteration goes on', async () => {
  const width = async (nIter: number) => {
    const { floor } = (await certified(withSpectrum(80, 60, falling(0.6)), nIter)).certificate
    return floor.high - floor.low
  }
  expect(await width(6)).toBeLessThan((await width(0)) / 4)
})
