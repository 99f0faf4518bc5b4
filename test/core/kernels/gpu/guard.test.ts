/** What the guard sees, by kind of fault: 300 of each on A X of 700 x 600 with 42 columns, and no alarm without one. docs/performance.md has these rates. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alarm, type MatrixSums, signs } from '../../../../core/kernels/gpu/guard.ts'
import type { Matrix, Weights } from '../../../../core/kernels/kernels.ts'
import type { TeamKernels } from '../../../../core/kernels/wasm.ts'
import { widen } from '../../../../core/kernels/widen.ts'
import { testKernels } from '../team-kernels.ts'

const uniform = (() => {
  let state = 99
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
})()
const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())

let kernels: TeamKernels
beforeAll(async () => {
  kernels = await testKernels({ memoryLimitBytes: 2 ** 28 })
})
afterAll(() => kernels.shutdown())

function matrix(rows: number, cols: number, next: () => number): Matrix {
  const data = kernels.allocateFloat32(rows * cols)
  for (let i = 0; i < data.length; i++) data[i] = next()
  return { rows, cols, data }
}

function asWeights({ rows, cols, data }: Matrix): Weights {
  return { rows, cols, dtype: 'F32', scale: 1, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
}

function sumsOf(A: Weights): MatrixSums {
  const [rowSigns, colSigns] = [signs(A.rows, 1), signs(A.cols, 2)]
  const [u, v, ofCols, ofRows] = [A.rows, A.cols, A.cols, A.rows].map((length) => matrix(length, 1, () => 0)) as [
    Matrix,
    Matrix,
    Matrix,
    Matrix,
  ]
  u.data.set(rowSigns)
  v.data.set(colSigns)
  kernels.gemmTransposed(A, u, ofCols, false)
  kernels.gemm(A, v, ofRows)
  const norm = Math.sqrt(kernels.statistics(A).sumOfSquares)
  return { rowSigns, colSigns, ofCols: ofCols.data.slice(), ofRows: ofRows.data.slice(), norm }
}

describe('the guard of products', () => {
  it('raises no alarm where there is no fault', () => {
    const kinds = [
      normal,
      () => 1 + uniform(),
      () => normal() * (uniform() < 0.001 ? 1000 : 1),
      () => normal() * 10 ** (-6 * uniform()),
    ]
    for (const kind of kinds)
      for (const [m, n] of [
        [64, 64],
        [300, 200],
        [100, 1500],
        [1500, 100],
      ] as const) {
        const mark = kernels.mark()
        const A = asWeights(matrix(m, n, kind))
        const X = matrix(n, 42, normal)
        const Y = matrix(m, 42, () => 0)
        kernels.gemm(A, X, Y)
        expect(alarm(kernels, sumsOf(A), { mode: 'plain', right: X, out: Y, before: null })).toBe(null)
        kernels.release(mark)
      }
  })

  it('catches every wrong tile and every lower precision, and nearly every lost entry', () => {
    const [m, n, k, tries] = [700, 600, 42, 300]
    const A = asWeights(matrix(m, n, normal))
    const X = matrix(n, k, normal)
    const Y = matrix(m, k, () => 0)
    kernels.gemm(A, X, Y)
    const sums = sumsOf(A)
    const values = widen(A)
    const good = Y.data.slice()
    const inTile = (out: Float32Array, change: (value: number, i: number, j: number) => number) => {
      const first = 64 * Math.floor(uniform() * 10)
      for (let i = first; i < Math.min(m, first + 64); i++)
        for (let j = 0; j < k; j++) out[i * k + j] = change(out[i * k + j]!, i, j)
    }
    const ofOne = (out: Float32Array, change: (value: number) => number) => {
      const i = Math.floor(uniform() * m * k)
      out[i] = change(out[i]!)
    }
    const cut = (out: Float32Array, half: number, mask: number) => {
      const bits = new Uint32Array(out.buffer, out.byteOffset, out.length)
      for (let i = 0; i < bits.length; i++) bits[i] = (bits[i]! + half) & mask
    }
    const step = (i: number, j: number) => {
      let sum = 0
      for (let d = 0; d < 16; d++) sum += values[i * n + d]! * X.data[d * k + j]!
      return sum
    }
    const faults: readonly [string, least: number, (out: Float32Array) => void][] = [
      ['a tile of zeros', tries, (out) => inTile(out, () => 0)],
      ['a tile negated', tries, (out) => inTile(out, (value) => -value)],
      ['a tile of the neighbor', tries, (out) => inTile(out, (_, i, j) => good[((i + 64) % m) * k + j]!)],
      ['a tile without one step', tries, (out) => inTile(out, (value, i, j) => value - step(i, j))],
      ['NaN', tries, (out) => ofOne(out, () => Number.NaN)],
      ['F16 throughout', tries, (out) => cut(out, 0x1000, 0xffffe000)],
      ['BF16 throughout', tries, (out) => cut(out, 0x8000, 0xffff0000)],
      ['one entry lost', 0.97 * tries, (out) => ofOne(out, () => 0)],
      ['one entry off by 1 %', 0.5 * tries, (out) => ofOne(out, (value) => value * 1.01)],
    ]
    for (const [name, least, spoil] of faults) {
      let caught = 0
      for (let i = 0; i < tries; i++) {
        Y.data.set(good)
        spoil(Y.data)
        if (alarm(kernels, sums, { mode: 'plain', right: X, out: Y, before: null }) !== null) caught++
      }
      expect(caught, name).toBeGreaterThanOrEqual(least)
    }
  })
})
