import { describe, expect, it } from 'vitest'
import { referenceKernels } from '../../../core/kernels/reference.ts'
import { exactSingularValues } from '../../../core/svd/factorize.ts'
import { residentOperand } from '../../../core/svd/operand.ts'
import { benchMatrix, spectra } from '../../../main/bench/matrices.ts'

const kernels = referenceKernels()
const n = 96

async function singularValues(spectrum: (typeof spectra)[number]): Promise<Float64Array> {
  const { data } = benchMatrix(kernels, spectrum, n)
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const operand = residentOperand(kernels, { rows: n, cols: n, dtype: 'F32', data: bytes, scale: 1 })
  return exactSingularValues(kernels, operand, { phase: () => {}, checkCancelled: () => {} })
}

describe('benchMatrix', () => {
  it('has the spectrum it says', async () => {
    const decaying = await singularValues('decaying')
    // Noise of level 0.02 / sqrt n has a spectral norm of about 0.04 and moves no value by more than that much.
    for (let i = 0; i < n; i++) expect(Math.abs(decaying[i]! - (i + 1) ** -0.6)).toBeLessThan(0.05)
    const layered = await singularValues('layered')
    expect(layered[0]! / layered[20]!).toBeGreaterThan(5)
    const gaussian = await singularValues('gaussian')
    expect(Math.abs(gaussian[0]! / (2 * Math.sqrt(n)) - 1)).toBeLessThan(0.15)
  })

  it('mixes every row into every other', () => {
    for (const spectrum of spectra) {
      const { data } = benchMatrix(kernels, spectrum, n)
      const total = data.reduce((sum, x) => sum + x * x, 0)
      // The largest entry holds no more than a hundredth of the matrix.
      expect(Math.max(...data.map((x) => x * x))).toBeLessThan(total / 100)
    }
  })
})
