/**
 * Three matrices to measure on, made in the kernels' memory from fixed keys.
 *
 *   gaussian   independent normals: the flattest spectrum there is, the worst case of every sketch
 *   decaying   s_i = i^-0.6 between random rotations, plus noise of 2 % of s_1 (spectral norm about 0.04)
 *   layered    8 outliers up to 10 times the rest, an exponential shoulder and a bulk down to zero: what trained layers look like
 */
import type { Kernels, Matrix } from '../../core/kernels/kernels.ts'
import { normalPair } from '../../core/kernels/philox.ts'

export const spectra = ['gaussian', 'decaying', 'layered'] as const
export type Spectrum = (typeof spectra)[number]

const outliers = [8, 6, 5, 4, 3, 2.5, 2, 1.5]

/** An n x n matrix in f32; the caller's mark frees it. */
export function benchMatrix(kernels: Kernels, spectrum: Spectrum, n: number): Matrix {
  const A: Matrix = { rows: n, cols: n, data: kernels.allocateFloat32(n * n) }
  if (spectrum === 'gaussian') {
    kernels.gaussian([n, 1], A)
    return A
  }
  A.data.fill(0)
  for (let i = 0; i < n; i++) A.data[i * n + i] = spectrum === 'decaying' ? (i + 1) ** -0.6 : layered(i, n)
  mixRows(A, 2)
  const mark = kernels.mark()
  const At: Matrix = { rows: n, cols: n, data: kernels.allocateFloat32(n * n) }
  kernels.transpose(A, At)
  mixRows(At, 3)
  if (spectrum === 'decaying') {
    kernels.gaussian([n, 4], A)
    const level = 0.02 / Math.sqrt(n)
    for (let i = 0; i < A.data.length; i++) At.data[i]! += level * A.data[i]!
  }
  A.data.set(At.data)
  kernels.release(mark)
  return A
}

function layered(i: number, n: number): number {
  return (Math.exp((-i / n) * 10) + 0.3 * (1 - (i + 1) / (n + 1))) * (outliers[i] ?? 1)
}

/** A <- R A with R orthogonal: rotations of row pairs by random angles over random matchings, deep enough that every row meets every other. */
function mixRows({ rows, cols, data }: Matrix, stream: number): void {
  const order = Uint32Array.from({ length: rows }, (_, i) => i)
  const levels = Math.ceil(Math.log2(rows)) + 3
  for (let level = 0; level < levels; level++) {
    shuffle(order, stream, level)
    for (let pair = 0; pair + 1 < rows; pair += 2) {
      const [x, y] = normalPair([stream, 100 + level], pair, 0)
      const cosine = x / Math.hypot(x, y)
      const sine = y / Math.hypot(x, y)
      const a = data.subarray(order[pair]! * cols, (order[pair]! + 1) * cols)
      const b = data.subarray(order[pair + 1]! * cols, (order[pair + 1]! + 1) * cols)
      for (let j = 0; j < cols; j++) {
        const [p, q] = [a[j]!, b[j]!]
        a[j] = cosine * p - sine * q
        b[j] = sine * p + cosine * q
      }
    }
  }
}

/** Fisher-Yates on the counter-based stream. */
function shuffle(order: Uint32Array, stream: number, level: number): void {
  for (let i = order.length - 1; i > 0; i--) {
    const draw = Math.abs(normalPair([stream, 200 + level], i, 1)[0]) * 1e6
    const j = Math.floor((draw % 1) * (i + 1))
    const kept = order[i]!
    order[i] = order[j]!
    order[j] = kept
  }
}
