import { describe, expect, it } from 'vitest'
import { int8Bytes, type ScaleLayout, scaleLayout } from '../../../../core/curves/size.ts'
import { normalPair } from '../../../../core/kernels/philox.ts'
import { type QuantizedFactors, quantizeFactors } from '../../../../core/write/styles/quantize.ts'

const [rows, cols, rank] = [96, 160, 24]

/** Random factors whose directions have norms i^-exponent, as sqrt(s)-folded factors do. */
function factors(exponent: number): { A: Float32Array; B: Float32Array } {
  const B = new Float32Array(rows * rank)
  const A = new Float32Array(rank * cols)
  for (let j = 0; j < rank; j++) {
    const half = (j + 1) ** (-exponent / 2)
    for (let i = 0; i < rows; i++) B[i * rank + j] = (half * normalPair([1, 2], i, j)[0]) / Math.sqrt(rows)
    for (let i = 0; i < cols; i++) A[j * cols + i] = (half * normalPair([3, 4], i, j)[0]) / Math.sqrt(cols)
  }
  return { A, B }
}

function product(at: (i: number, p: number) => number, bt: (p: number, j: number) => number): Float64Array {
  const W = new Float64Array(rows * cols)
  for (let i = 0; i < rows; i++)
    for (let p = 0; p < rank; p++) for (let j = 0; j < cols; j++) W[i * cols + j]! += at(i, p) * bt(p, j)
  return W
}

function squaredError(layout: ScaleLayout, A: Float32Array, B: Float32Array, q: QuantizedFactors): number {
  const direction = layout === 'direction'
  const W = product(
    (i, p) => B[i * rank + p]!,
    (p, j) => A[p * cols + j]!,
  )
  const V = product(
    (i, p) => q.B[i * rank + p]! * q.bScale[direction ? p : i]!,
    (p, j) => q.A[p * cols + j]! * q.aScale[direction ? p : j]!,
  )
  return W.reduce((sum, w, i) => sum + (w - V[i]!) ** 2, 0)
}

describe('INT8 factors', () => {
  it('no entry moves by more than half a step of its scale', () => {
    const { A, B } = factors(1)
    const q = quantizeFactors('row', A, B, rows, cols, rank)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < rank; j++)
        expect(Math.abs(B[i * rank + j]! - q.B[i * rank + j]! * q.bScale[i]!)).toBeLessThanOrEqual(
          q.bScale[i]! * (0.5 + 128 * 2 ** -24),
        )
  })

  it('scales per row are finer on a decaying spectrum, and are taken only where their bytes fit', () => {
    const { A, B } = factors(1.5)
    const error = (layout: ScaleLayout) => squaredError(layout, A, B, quantizeFactors(layout, A, B, rows, cols, rank))
    expect(error('row')).toBeLessThan(error('direction'))
    for (const r of [1, 24, 99, 100, 512])
      expect(int8Bytes(scaleLayout(r), rows, cols, r)).toBeLessThanOrEqual(0.2600001 * 4 * r * (rows + cols))
  })

  it('zero factors stay zero', () => {
    const q = quantizeFactors('row', new Float32Array(rank * cols), new Float32Array(rows * rank), rows, cols, rank)
    expect(q.B.every((value) => value === 0)).toBe(true)
    expect(q.A.every((value) => value === 0)).toBe(true)
  })
})
