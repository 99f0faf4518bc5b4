/**
 * Six matrices to measure on, made in the kernels' memory from fixed keys; all but the first have their singular values between random rotations.
 *
 *   gaussian     independent normals: the flattest spectrum there is, the worst case of every sketch
 *   decaying     s_i = i^-0.6, plus noise of 2 % of s_1 (spectral norm about 0.04)
 *   layered      8 outliers up to 10 times the rest, an exponential shoulder and a bulk down to zero: what trained layers look like
 *   exponential  s_i = 10^(-6 i / n)
 *   step         an eighth of the values 1, the others 0.01: a gap
 *   steep        s_i = i^-2: most of it below the rounding of f32 beside s_1
 */
import { encode } from '../../core/formats/dtype.ts'
import type { Kernels, Matrix, Weights } from '../../core/kernels/kernels.ts'
import { normalPair } from '../../core/kernels/philox.ts'
import { widen } from '../../core/kernels/widen.ts'

export const spectra = ['gaussian', 'decaying', 'layered', 'exponential', 'step', 'steep'] as const
export type Spectrum = (typeof spectra)[number]

const outliers = [8, 6, 5, 4, 3, 2.5, 2, 1.5]

/** i counts from 0, of n values. */
const values: Readonly<Record<Exclude<Spectrum, 'gaussian'>, (i: number, n: number) => number>> = {
  decaying: (i) => (i + 1) ** -0.6,
  layered,
  exponential: (i, n) => 10 ** ((-6 * i) / n),
  step: (i, n) => (i < n / 8 ? 1 : 0.01),
  steep: (i) => (i + 1) ** -2,
}

export type BenchDType = 'F32' | 'BF16'

export interface BenchShape {
  readonly rows: number
  readonly cols: number
}

/** A matrix in f32, row-major; the caller's mark frees it. */
export function benchMatrix(kernels: Kernels, spectrum: Spectrum, { rows, cols }: BenchShape): Matrix {
  const A: Matrix = { rows, cols, data: kernels.allocateFloat32(rows * cols) }
  if (spectrum === 'gaussian') {
    kernels.gaussian([cols, 1], A)
    return A
  }
  A.data.fill(0)
  const count = Math.min(rows, cols)
  for (let i = 0; i < count; i++) A.data[i * cols + i] = values[spectrum](i, count)
  mixRows(A, 2)
  const mark = kernels.mark()
  const At: Matrix = { rows: cols, cols: rows, data: kernels.allocateFloat32(rows * cols) }
  kernels.transpose(A, At)
  mixRows(At, 3)
  if (spectrum === 'decaying') {
    kernels.gaussian([cols, 4], A)
    const level = 0.02 / Math.sqrt(Math.max(rows, cols))
    for (let i = 0; i < A.data.length; i++) At.data[i]! += level * A.data[i]!
  }
  kernels.transpose(At, A)
  kernels.release(mark)
  return A
}

/** The same as weights. In BF16 what rounding leaves of them, which A then holds too: both sides of a comparison have one matrix. */
export function benchWeights(kernels: Kernels, { rows, cols, data }: Matrix, dtype: BenchDType): Weights {
  const shape = { rows, cols, dtype, scale: 1 }
  if (dtype === 'F32') return { ...shape, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
  const weights: Weights = { ...shape, data: kernels.allocateBytes(2 * data.length) }
  weights.data.set(encode(dtype, data).bytes)
  data.set(widen(weights))
  return weights
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
