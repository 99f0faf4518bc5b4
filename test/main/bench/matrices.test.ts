import { describe, expect, it } from 'vitest'
import { referenceKernels } from '../../../core/kernels/reference.ts'
import { widen } from '../../../core/kernels/widen.ts'
import { exactSingularValues } from '../../../core/svd/factorize.ts'
import { residentOperand } from '../../../core/svd/operand.ts'
import { benchMatrix, benchWeights, spectra } from '../../../main/bench/matrices.ts'
import { watchless } from '../../../main/bench/turns.ts'

const kernels = referenceKernels()
const n = 96

async function singularValues(spectrum: (typeof spectra)[number]): Promise<Float64Array> {
  const { data } = benchMatrix(kernels, spectrum, { rows: n, cols: n })
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

  it('has the values it says where it is not square, exponential, a step or steep', async () => {
    const shape = { rows: 40, cols: 64 }
    for (const [spectrum, values] of [
      ['exponential', (i: number) => 10 ** ((-6 * i) / 40)],
      ['step', (i: number) => (i < 5 ? 1 : 0.01)],
      ['steep', (i: number) => (i + 1) ** -2],
    ] as const) {
      const weights = benchWeights(kernels, benchMatrix(kernels, spectrum, shape), 'F32')
      const found = await exactSingularValues(kernels, residentOperand(kernels, weights), watchless)
      expect(found).toHaveLength(40)
      for (const [i, value] of found.entries()) expect(Math.abs(value - values(i))).toBeLessThan(1e-5)
    }
  })

  it('holds what BF16 leaves, in both forms', () => {
    const A = benchMatrix(kernels, 'decaying', { rows: 8, cols: 8 })
    const before = A.data.slice()
    const weights = benchWeights(kernels, A, 'BF16')
    expect(weights.data.byteLength).toBe(128)
    expect(widen(weights)).toEqual(A.data)
    for (const [i, value] of A.data.entries())
      expect(Math.abs(value - before[i]!)).toBeLessThanOrEqual(2 ** -8 * Math.abs(before[i]!))
  })

  it('mixes every row into every other', () => {
    for (const spectrum of spectra) {
      const { data } = benchMatrix(kernels, spectrum, { rows: n, cols: n })
      const total = data.reduce((sum, x) => sum + x * x, 0)
      // The largest entry holds no more than a hundredth of the matrix; of what is nearly one outer product, a fiftieth.
      expect(Math.max(...data.map((x) => x * x))).toBeLessThan(total / (spectrum === 'steep' ? 50 : 100))
    }
  })
})
