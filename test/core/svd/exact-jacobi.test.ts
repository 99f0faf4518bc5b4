import { describe, expect, it } from 'vitest'
import { referenceKernels } from '../../../core/kernels/reference.ts'
import { factorize } from '../../../core/svd/factorize.ts'
import { residentOperand } from '../../../core/svd/operand.ts'
import { type Dense, fitted, gaussianMatrix, quiet, weightsOf } from './matrices.ts'

/** Diagonal, so that its values are exact in f32 however far they fall. */
function diagonal(rows: number, cols: number, values: readonly number[]): Dense {
  const data = new Float32Array(rows * cols)
  for (const [i, value] of values.entries()) data[i * cols + i] = value
  return { rows, cols, data }
}

async function spectrumOf(A: Dense, exactRoute: 'gram' | 'jacobi') {
  const kernels = referenceKernels()
  const params = fitted(A, { method: 'exact', exactRoute, rank: Math.min(A.rows, A.cols) })
  return factorize(kernels, residentOperand(kernels, weightsOf(A, 1, kernels)), params, [1, 2], quiet)
}

describe('the exact SVD by Jacobi', () => {
  // A rotation by 45 degrees of rows far apart in size: exact in f32, and nothing that the Gram matrix could tell from rounding.
  const values = Array.from({ length: 12 }, (_, i) => 2 ** (-4 * i))
  it.each([
    ['tall', 20, 12],
    ['wide', 12, 20],
  ] as const)('sees values down to 2^-44 of the largest: %s', async (_, rows, cols) => {
    const A = diagonal(rows, cols, values)
    // Row i joins row i + 1: their Gram entries differ by 2^8.
    for (let i = 0; i + 1 < 12; i += 2) A.data[i * cols + i + 1] = values[i + 1]!
    const { s, spectrum } = await spectrumOf(A, 'jacobi')
    const product = s.reduce((sum, value) => sum + Math.log2(value), 0)
    // The matrix is triangular: the product of its singular values is that of its diagonal.
    const expected = values.reduce((sum, value) => sum + Math.log2(value), 0)
    expect(Math.abs(product - expected)).toBeLessThanOrEqual(12 * 64 * 2 ** -53 * 2 ** 44)
    expect(spectrum).toEqual(s)
  })

  it('agrees with the Gram route where that sees', async () => {
    for (const A of [gaussianMatrix(40, 25), gaussianMatrix(25, 40)]) {
      const [gram, jacobi] = [await spectrumOf(A, 'gram'), await spectrumOf(A, 'jacobi')]
      for (let i = 0; i < 25; i++)
        expect(Math.abs(gram.s[i]! - jacobi.s[i]!)).toBeLessThanOrEqual(
          (40 * 64 * 2 ** -53 * gram.s[0]! ** 2) / gram.s[i]!,
        )
    }
  })
})
