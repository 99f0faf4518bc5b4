/**
 * The SVD of a product B A whose factors are thin, without forming it: all there is to know lies in two r x r Gram matrices. This is the QR core
 * (B = Q1 R1, At = Q2 R2, SVD of R1 R2t) with the square root of BtB in place of R1, so that dependent and zero columns need no case of
 * their own and no basis is formed: what is wanted are balanced factors, and those are combinations of the given ones.
 *
 *   BtB = W diag(l) Wt, R1 = diag(sqrt l) Wt;  R1 (A At) R1t = P diag(s^2) Pt
 *   U diag(sqrt s) = B (A At R1t P) / s^1.5;  diag(sqrt s) Vt = (Pt R1) A / sqrt s
 *
 * Squares leave no digits below about 1e-8 s_1; values there are 0. Cost: 4 (m + n) r^2 flop and a few r^3.
 *
 * Legend: B m x r, A r x n, D = B A, G's r x r.
 */
import type { Kernels, Matrix } from '../kernels/kernels.ts'

/** Factors as they are stored: row-major. */
export interface Product {
  readonly rows: number
  readonly cols: number
  readonly rank: number
  /** rows x rank */
  readonly B: Float32Array
  /** rank x cols */
  readonly A: Float32Array
}

/** All there is to know beside the factors themselves, which are not held here. */
export interface ProductSvd {
  /** All r singular values, descending; those without a digit are 0. */
  readonly s: Float64Array
  /** r x r each. */
  readonly R1: Float64Array
  readonly GAR1t: Float64Array
  readonly P: Float64Array
}

/** @throws AppError `out-of-memory`, `cancelled` */
export function productSvd(kernels: Kernels, { rows, cols, rank: r, B, A }: Product): ProductSvd {
  const mark = kernels.mark()
  try {
    const GB = gramOf(kernels, columns(kernels, B, rows, r))
    const GA = gramOf(kernels, transposed(kernels, A, r, cols))
    const { values: l, vectors: W } = eigen(kernels, GB, r)
    const roots = l.map((value) => Math.sqrt(Math.max(0, value)))
    const R1 = new Float64Array(r * r)
    for (let i = 0; i < r; i++) for (let j = 0; j < r; j++) R1[i * r + j] = roots[i]! * W[j * r + i]!
    const GAR1t = times(GA, turned(R1, r), r)
    const { values, vectors: P } = eigen(kernels, times(R1, GAR1t, r), r)
    const least = r * 2 ** -52 * Math.max(0, values[0]!)
    const s = values.map((value) => (value > least ? Math.sqrt(value) : 0))
    return { s, R1, GAR1t, P }
  } finally {
    kernels.release(mark)
  }
}

/** The best product of rank k, sqrt(s) in each factor, from the factors that `core` was found of. k is at most the number of values above 0. */
export function bestProduct(
  kernels: Kernels,
  { rows, cols, rank: r, B, A }: Product,
  core: ProductSvd,
  k: number,
): Product {
  const { s, R1, GAR1t, P } = core
  const left = times(GAR1t, P, r, k) // A At R1t P / s^1.5
  const right = times(turned(R1, r), P, r, k) // R1t P / sqrt s
  for (let i = 0; i < r; i++)
    for (let j = 0; j < k; j++) {
      left[i * k + j]! /= s[j]! ** 1.5
      right[i * k + j]! /= Math.sqrt(s[j]!)
    }
  const mark = kernels.mark()
  try {
    const Left = { rows, cols: k, data: kernels.allocateFloat32(rows * k) }
    const Right = { rows: cols, cols: k, data: kernels.allocateFloat32(cols * k) }
    const coefficients = kernels.allocateFloat64(r * k)
    coefficients.set(left)
    kernels.multiplySmall(columns(kernels, B, rows, r), coefficients, Left)
    coefficients.set(right)
    kernels.multiplySmall(transposed(kernels, A, r, cols), coefficients, Right)
    const Turned = { rows: k, cols, data: kernels.allocateFloat32(k * cols) }
    kernels.transpose(Right, Turned)
    return { rows, cols, rank: k, B: Left.data.slice(), A: Turned.data.slice() }
  } finally {
    kernels.release(mark)
  }
}

/** ||B A||_F^2 in f64. */
export function squaredNorm(kernels: Kernels, { rows, cols, rank, B, A }: Product): number {
  const mark = kernels.mark()
  try {
    return inner(gramOf(kernels, columns(kernels, B, rows, rank)), gramOf(kernels, transposed(kernels, A, rank, cols)))
  } finally {
    kernels.release(mark)
  }
}

/** ||B A - B' A'||_F^2 in f64, from the Gram matrices of both side by side: good to 2^-52 of ||B A||^2. */
export function squaredGap(kernels: Kernels, a: Product, b: Product): number {
  const { rows, cols } = a
  const rank = a.rank + b.rank
  const B = new Float32Array(rows * rank)
  for (let i = 0; i < rows; i++) {
    B.set(a.B.subarray(i * a.rank, (i + 1) * a.rank), i * rank)
    for (let j = 0; j < b.rank; j++) B[i * rank + a.rank + j] = -b.B[i * b.rank + j]!
  }
  const A = new Float32Array(rank * cols)
  A.set(a.A)
  A.set(b.A, a.rank * cols)
  return Math.max(0, squaredNorm(kernels, { rows, cols, rank, B, A }))
}

/** sum of X o Y. */
function inner(X: Float64Array, Y: Float64Array): number {
  let sum = 0
  for (let i = 0; i < X.length; i++) sum += X[i]! * Y[i]!
  return sum
}

function columns(kernels: Kernels, values: Float32Array, rows: number, cols: number): Matrix {
  const data = kernels.allocateFloat32(rows * cols)
  data.set(values)
  return { rows, cols, data }
}

function transposed(kernels: Kernels, values: Float32Array, rows: number, cols: number): Matrix {
  const Turned = { rows: cols, cols: rows, data: kernels.allocateFloat32(rows * cols) }
  const mark = kernels.mark()
  kernels.transpose(columns(kernels, values, rows, cols), Turned)
  kernels.release(mark)
  return Turned
}

function gramOf(kernels: Kernels, X: Matrix): Float64Array {
  const mark = kernels.mark()
  const G = kernels.allocateFloat64(X.cols * X.cols)
  kernels.gram(X, G)
  const found = G.slice()
  kernels.release(mark)
  return found
}

function eigen(kernels: Kernels, G: Float64Array, order: number) {
  const mark = kernels.mark()
  const own = kernels.allocateFloat64(order * order)
  own.set(G)
  const values = kernels.allocateFloat64(order)
  const vectors = kernels.allocateFloat64(order * order)
  kernels.symmetricEigen(own, order, values, vectors)
  const found = { values: values.slice(), vectors: vectors.slice() }
  kernels.release(mark)
  return found
}

/**
 * Z = X Y for X r x r and the first k columns of Y r x r. Four rows of Y at a time, so that an entry of Z is fetched once for four products; each sum
 * runs over p in order, so its bits are those of the plain loops.
 */
function times(X: Float64Array, Y: Float64Array, r: number, k = r): Float64Array {
  const Z = new Float64Array(r * k)
  for (let i = 0; i < r; i++) {
    const z = i * k
    let p = 0
    for (; p + 4 <= r; p += 4) {
      const [x0, x1, x2, x3] = [X[i * r + p]!, X[i * r + p + 1]!, X[i * r + p + 2]!, X[i * r + p + 3]!]
      const [y0, y1, y2, y3] = [p * r, (p + 1) * r, (p + 2) * r, (p + 3) * r]
      for (let j = 0; j < k; j++)
        Z[z + j] = Z[z + j]! + x0 * Y[y0 + j]! + x1 * Y[y1 + j]! + x2 * Y[y2 + j]! + x3 * Y[y3 + j]!
    }
    for (; p < r; p++) for (let j = 0; j < k; j++) Z[z + j]! += X[i * r + p]! * Y[p * r + j]!
  }
  return Z
}

function turned(X: Float64Array, r: number): Float64Array {
  const Y = new Float64Array(r * r)
  for (let i = 0; i < r; i++) for (let j = 0; j < r; j++) Y[j * r + i] = X[i * r + j]!
  return Y
}
