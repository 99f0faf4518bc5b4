/**
 * The reference kernels: plain loops, obviously right, never removed. Every fast kernel is tested against these, and they run where
 * WebAssembly SIMD is missing. Sums are f64 throughout and rounded to f32 once, so they are also the more accurate side of a comparison.
 */
import { EVD, Matrix as MlMatrix } from 'ml-matrix'
import type { DifferenceSums, GaussianKey, Kernels, Matrix, WeightStatistics, Weights, WideWeights } from './kernels.ts'
import { normalPair } from './philox.ts'
import { jacobiSvd } from './reference-jacobi.ts'
import { roundScaled } from './reference-rounding.ts'
import { applySignRule } from './sign-rule.ts'
import { widen } from './widen.ts'

export function referenceKernels(): Kernels {
  const heap = plainHeap()
  return {
    ...heap,
    info: { kernel: 'reference', arithmetic: 'unfused', threads: 1 },
    panelRows: 1,
    statistics,
    subtract,
    gaussian,
    gemm,
    gemmTransposed,
    gram,
    gramWeights,
    crossGram,
    multiplySmall,
    inverseCholesky,
    cholesky: lowerCholesky,
    transpose,
    fixSigns: (U, Vt) => applySignRule({ rows: U.rows, cols: Vt.cols, rank: U.cols, U: U.data, Vt: Vt.data }),
    roundScaled,
    residual,
    residualDouble,
    symmetricEigen,
    jacobiSvd,
  }
}

/** The garbage collector frees; marks only keep the books. */
function plainHeap(): Pick<
  Kernels,
  'allocateBytes' | 'allocateFloat32' | 'allocateFloat64' | 'mark' | 'release' | 'memory'
> {
  const memory = {
    usedBytes: 0,
    peakBytes: 0,
    limitBytes: 2 ** 32,
    restartPeak() {
      memory.peakBytes = memory.usedBytes
    },
  }
  const counted = <T extends ArrayBufferView>(array: T): T => {
    memory.usedBytes += array.byteLength
    memory.peakBytes = Math.max(memory.peakBytes, memory.usedBytes)
    return array
  }
  return {
    memory,
    allocateBytes: (byteLength) => counted(new Uint8Array(byteLength)),
    allocateFloat32: (length) => counted(new Float32Array(length)),
    allocateFloat64: (length) => counted(new Float64Array(length)),
    mark: () => memory.usedBytes,
    release: (mark) => {
      memory.usedBytes = mark
    },
  }
}

function statistics(A: Weights, beside?: () => void): WeightStatistics {
  beside?.()
  const values = widen(A)
  let sumOfSquares = 0
  let maxAbs = 0
  let nanCount = 0
  let infCount = 0
  for (const value of values) {
    if (Number.isNaN(value)) nanCount++
    else if (!Number.isFinite(value)) infCount++
    else {
      sumOfSquares += value * value
      maxAbs = Math.max(maxAbs, Math.abs(value))
    }
  }
  return { sumOfSquares, maxAbs, nanCount, infCount }
}

function subtract(tuned: Weights, base: Weights, D: Float32Array, beside?: () => void): DifferenceSums {
  beside?.()
  const [t, b] = [widen(tuned), widen(base)]
  const sums = { base: 0, tuned: 0, difference: 0, nanCount: 0, infCount: 0 }
  for (let i = 0; i < D.length; i++) {
    const d = Math.fround(t[i]! - b[i]!)
    D[i] = d
    if (Number.isNaN(d)) sums.nanCount++
    else if (!Number.isFinite(d)) sums.infCount++
    else {
      sums.base += b[i]! ** 2
      sums.tuned += t[i]! ** 2
      sums.difference += d ** 2
    }
  }
  return sums
}

function gaussian(key: GaussianKey, X: Matrix): void {
  for (let i = 0; i < X.rows; i++) {
    for (let j = 0; j < X.cols; j += 2) {
      const [even, odd] = normalPair(key, i, j >>> 1)
      X.data[i * X.cols + j] = even
      if (j + 1 < X.cols) X.data[i * X.cols + j + 1] = odd
    }
  }
}

function gemm(A: Weights, X: Matrix, Y: Matrix): void {
  const a = widen(A)
  const { rows: m, cols: n } = A
  const k = X.cols
  const row = new Float64Array(k)
  for (let i = 0; i < m; i++) {
    row.fill(0)
    for (let p = 0; p < n; p++) {
      const value = a[i * n + p]! * A.scale
      for (let j = 0; j < k; j++) row[j]! += value * X.data[p * k + j]!
    }
    Y.data.set(row, i * k)
  }
}

function gemmTransposed(A: Weights, Y: Matrix, Z: Matrix, accumulate: boolean): void {
  const a = widen(A)
  const { rows: m, cols: n } = A
  const k = Y.cols
  // The running sum is rounded to f32 after every row of A: any split into panels gives the same bits.
  if (!accumulate) Z.data.fill(0)
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < n; p++) {
      const value = a[i * n + p]! * A.scale
      for (let j = 0; j < k; j++) Z.data[p * k + j]! += value * Y.data[i * k + j]!
    }
  }
}

function gram(Y: Matrix, G: Float64Array): void {
  const k = Y.cols
  G.fill(0)
  for (let i = 0; i < Y.rows; i++) {
    for (let a = 0; a < k; a++) {
      const value = Y.data[i * k + a]!
      for (let b = 0; b <= a; b++) G[a * k + b]! += value * Y.data[i * k + b]!
    }
  }
  mirrorLowerTriangle(G, k)
}

function gramWeights(A: WideWeights, side: 'rows' | 'cols', G: Float64Array, accumulate: boolean): void {
  const a = wideValues(A)
  const { rows: m, cols: n } = A
  const order = side === 'rows' ? m : n
  if (!accumulate) G.fill(0)
  const at =
    side === 'rows'
      ? (i: number, p: number) => a[i * n + p]! * A.scale
      : (i: number, p: number) => a[p * n + i]! * A.scale
  const inner = side === 'rows' ? n : m
  for (let i = 0; i < order; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = G[i * order + j]!
      for (let p = 0; p < inner; p++) sum += at(i, p) * at(j, p)
      G[i * order + j] = sum
    }
  }
  mirrorLowerTriangle(G, order)
}

function mirrorLowerTriangle(G: Float64Array, order: number): void {
  for (let i = 0; i < order; i++) for (let j = 0; j < i; j++) G[j * order + i] = G[i * order + j]!
}

function crossGram(X: Matrix, Y: Matrix, C: Float64Array): void {
  const k = X.cols
  const j = Y.cols
  C.fill(0)
  for (let i = 0; i < X.rows; i++) {
    for (let a = 0; a < k; a++) {
      const value = X.data[i * k + a]!
      for (let b = 0; b < j; b++) C[a * j + b]! += value * Y.data[i * j + b]!
    }
  }
}

function multiplySmall(Y: Matrix, M: Float64Array, Out: Matrix, accumulate = false): void {
  const k = Y.cols
  const j = Out.cols
  const row = new Float64Array(j)
  for (let i = 0; i < Y.rows; i++) {
    if (accumulate) row.set(Out.data.subarray(i * j, (i + 1) * j))
    else row.fill(0)
    for (let p = 0; p < k; p++) {
      const value = Y.data[i * k + p]!
      for (let c = 0; c < j; c++) row[c]! += value * M[p * j + c]!
    }
    Out.data.set(row, i * j)
  }
}

function inverseCholesky(G: Float64Array, order: number, Inverse: Float64Array): boolean {
  const inverseLength = new Float64Array(order)
  for (let i = 0; i < order; i++) {
    const square = G[i * order + i]!
    if (!(square > 0)) return false
    inverseLength[i] = 1 / Math.sqrt(square)
  }
  for (let i = 0; i < order; i++)
    for (let j = i; j < order; j++) G[i * order + j]! *= inverseLength[i]! * inverseLength[j]!
  if (!cholesky(G, order, 16 * order * 2 ** -53)) return false
  invertUpper(G, order, Inverse)
  for (let i = 0; i < order; i++) for (let j = i; j < order; j++) Inverse[i * order + j]! *= inverseLength[i]!
  return true
}

function lowerCholesky(G: Float64Array, order: number): boolean {
  const length = new Float64Array(order)
  for (let i = 0; i < order; i++) {
    const square = G[i * order + i]!
    if (!(square > 0)) return false
    length[i] = Math.sqrt(square)
  }
  const R = new Float64Array(order * order)
  for (let i = 0; i < order; i++)
    for (let j = 0; j <= i; j++) R[j * order + i] = G[i * order + j]! / length[i]! / length[j]!
  if (!cholesky(R, order, 16 * order * 2 ** -53)) return false
  for (let i = 0; i < order; i++) for (let j = 0; j <= i; j++) G[i * order + j] = R[j * order + i]! * length[i]!
  return true
}

/** The upper triangle of G becomes R with RtR = G; false at the first pivot not above `tolerance`. */
function cholesky(G: Float64Array, order: number, tolerance: number): boolean {
  for (let p = 0; p < order; p++) {
    const pivot = G[p * order + p]!
    // Written so that NaN fails too.
    if (!(pivot > tolerance)) return false
    const root = Math.sqrt(pivot)
    const row = G.subarray(p * order, (p + 1) * order)
    for (let j = p; j < order; j++) row[j]! /= root
    for (let i = p + 1; i < order; i++) {
      const factor = row[i]!
      const target = G.subarray(i * order, (i + 1) * order)
      for (let j = i; j < order; j++) target[j]! -= factor * row[j]!
    }
  }
  return true
}

/** Row i of R^-1 from the rows below it: r_ii x_i = e_i - sum_{p > i} r_ip x_p. */
function invertUpper(R: Float64Array, order: number, Inverse: Float64Array): void {
  Inverse.fill(0)
  for (let i = order - 1; i >= 0; i--) {
    const target = Inverse.subarray(i * order, (i + 1) * order)
    target[i] = 1
    for (let p = i + 1; p < order; p++) {
      const factor = R[i * order + p]!
      const source = Inverse.subarray(p * order, (p + 1) * order)
      for (let j = p; j < order; j++) target[j]! -= factor * source[j]!
    }
    const pivot = R[i * order + i]!
    for (let j = i; j < order; j++) target[j]! /= pivot
  }
}

function transpose(A: Matrix, B: Matrix): void {
  for (let i = 0; i < A.rows; i++) for (let j = 0; j < A.cols; j++) B.data[j * A.rows + i] = A.data[i * A.cols + j]!
}

function residual(A: Weights, L: Matrix, R: Matrix): number {
  return squaredDistance(A, L.data, R.data, L.cols)
}

function residualDouble(A: WideWeights, L: Float64Array, R: Float64Array, inner: number): number {
  return squaredDistance(A, L, R, inner)
}

function wideValues(A: WideWeights): Float32Array | Float64Array {
  if (A.dtype === 'F64') return new Float64Array(A.data.buffer, A.data.byteOffset, A.rows * A.cols)
  return widen({ ...A, dtype: A.dtype })
}

type Reals = Float32Array | Float64Array

function squaredDistance(A: WideWeights, L: Reals, R: Reals, k: number): number {
  const a = wideValues(A)
  const { rows: m, cols: n } = A
  const row = new Float64Array(n)
  let sum = 0
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) row[j] = a[i * n + j]! * A.scale
    for (let p = 0; p < k; p++) {
      const value = L[i * k + p]!
      for (let j = 0; j < n; j++) row[j]! -= value * R[p * n + j]!
    }
    for (let j = 0; j < n; j++) sum += row[j]! * row[j]!
  }
  return sum
}

function symmetricEigen(
  G: Float64Array,
  order: number,
  values: Float64Array,
  vectors: Float64Array | null,
  count = order,
): void {
  const rows: number[][] = Array.from({ length: order }, (_, i) => Array.from(G.subarray(i * order, (i + 1) * order)))
  const evd = new EVD(new MlMatrix(rows), { assumeSymmetric: true })
  const ascending = evd.realEigenvalues
  for (let i = 0; i < order; i++) values[i] = ascending[order - 1 - i]!
  if (!vectors) return
  const V = evd.eigenvectorMatrix
  for (let i = 0; i < order; i++) for (let j = 0; j < count; j++) vectors[i * count + j] = V.get(i, order - 1 - j)
}
