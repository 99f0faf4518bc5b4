/**
 * The compute contract. Every back end (reference.ts: plain loops; wasm.ts: SIMD on a team of threads) implements exactly this, and
 * every fast one is tested against the reference.
 *
 * Legend: A m x n weights, X n x k, Y m x k, Z n x k, G k x k. All matrices are dense and row-major.
 * All operands of a call live in the kernels' own memory (allocate*); calls are synchronous and use the whole team.
 * Every method may end with AppError `cancelled` (the shared flag was raised) or `engine-died` (a thread of the team is gone).
 */
import type { Message } from '../messages/message.ts'
import type { DeviceInfo } from './gpu/adapter.ts'
import type { DeviceFault } from './gpu/fault.ts'

/** Numerical class: fused and unfused multiply-add differ in the last bit, so outputs replay only within one class. */
export type Arithmetic = 'fused' | 'unfused'

/** Precisions the weights are multiplied at without a widened copy. F64 and F8 sources are converted when they are loaded. */
export type WeightDType = 'F32' | 'F16' | 'BF16'

/**
 * m x n weights at their source precision, widened to f32 and multiplied by `scale` (a power of two) while they are packed. One object stands for
 * one matrix: whoever changes `data` makes another.
 */
export interface Weights {
  readonly rows: number
  readonly cols: number
  readonly dtype: WeightDType
  /** rows * cols elements, little-endian, in the kernels' memory, 16-byte aligned. */
  readonly data: Uint8Array
  readonly scale: number
}

/** Weights for what is summed in f64; `scale` is 1 where they are F64. */
export interface WideWeights extends Omit<Weights, 'dtype'> {
  readonly dtype: WeightDType | 'F64'
}

/** rows x cols in f32, in the kernels' memory, 16-byte aligned. */
export interface Matrix {
  readonly rows: number
  readonly cols: number
  readonly data: Float32Array
}

export interface WeightStatistics {
  /** Sum of squares of the finite entries in f64, of the weights as stored (`scale` not applied). Of magnitude-scaled values: see `exponent`. */
  readonly sumOfSquares: number
  readonly maxAbs: number
  readonly nanCount: number
  readonly infCount: number
}

/** Over the entries whose difference is finite: sums of squares in f64; and how many are not. */
export interface DifferenceSums {
  readonly base: number
  readonly tuned: number
  readonly difference: number
  readonly nanCount: number
  readonly infCount: number
}

/** Counter-based normals: Philox4x32-10, key of two 32-bit words, counter = (row, column pair). */
export type GaussianKey = readonly [number, number]

/** What rounding to a dtype took from the vectors of a matrix. */
export interface RoundingSums {
  /** A vector each: the sum of the squares of its exact entries, and of what rounding took; both in f64, in the order of the entries. */
  readonly whole: Float64Array
  readonly off: Float64Array
  /** Finite entries that left the range of the dtype. */
  readonly overflows: number
}

export interface KernelInfo {
  /** Tile that was chosen, as `--kernel` names it plus its shape: "revectorized 6x16", "relaxed 6x8", "simd 5x8", "reference". */
  readonly kernel: string
  readonly arithmetic: Arithmetic
  readonly threads: number
}

/** What decides whether a device gets the products of a matrix. */
export interface SketchShape {
  readonly rows: number
  readonly cols: number
  readonly dtype: WeightDType
  /** Columns multiplied at a time. */
  readonly columns: number
  /** Products with A or At. */
  readonly products: number
}

/** A device beside the kernels (gpu/products.ts). */
export interface ProductDevice {
  readonly info: DeviceInfo
  /** Class of a tensor whose products it makes. */
  readonly arithmetic: string
  /** Whether it would get the products of such a matrix: the same answer every time, until it fails. */
  takes(shape: SketchShape): boolean
  /**
   * Whether it may: NaN and Inf may be assumed away by its compiler, and what is subnormal may be taken as zero, which is less than rounding
   * only where the largest entry is far above.
   */
  accepts(statistics: WeightStatistics): boolean
  /** Kernels whose products it makes, of the matrix that lies in memory now: what was uploaded goes when that is released. */
  products(): Kernels
  /** Remembers why a matrix was computed without it. */
  leave(fault: DeviceFault): void
  /** What it did not do, for a report; nothing unless it was asked for. */
  notices(): readonly Message[]
}

export interface Kernels {
  readonly info: KernelInfo
  /** What could make the products of a matrix in place of these kernels; absent where there is nothing. */
  readonly device?: ProductDevice

  /** Memory is a stack: `release(mark())` frees everything allocated in between. Contents start undefined. @throws AppError `out-of-memory` */
  allocateBytes(byteLength: number): Uint8Array
  allocateFloat32(length: number): Float32Array
  allocateFloat64(length: number): Float64Array
  mark(): number
  release(mark: number): void
  /** Bytes in use now, the most there were since the start or since `restartPeak`, and the most there can be. */
  readonly memory: {
    readonly usedBytes: number
    readonly peakBytes: number
    readonly limitBytes: number
    restartPeak(): void
  }

  /** Statistics of the weights; sums in f64 with a fixed reduction tree. `beside` is done once, by the calling thread, while others begin. */
  statistics(A: Weights, beside?: () => void): WeightStatistics
  /** D <- tuned - base, row-major, rounded to f32 once; of both the values as stored (`scale` not applied). Sums with a fixed reduction tree. `beside` as above. */
  subtract(tuned: Weights, base: Weights, D: Float32Array, beside?: () => void): DifferenceSums
  /** X <- standard normals of `key`: entry (i, j) depends only on (key, i, j), so a wider X keeps its first columns. */
  gaussian(key: GaussianKey, X: Matrix): void
  /** Y <- A X. 2mnk flop, f32 sums in fixed blocks of the inner dimension. */
  gemm(A: Weights, X: Matrix, Y: Matrix): void
  /** Z <- At Y, or Z <- Z + At Y. A may be one panel of consecutive rows (a multiple of `panelRows` but the last) and Y the same rows: the bits equal those of one call. */
  gemmTransposed(A: Weights, Y: Matrix, Z: Matrix, accumulate: boolean): void
  /** Row count of which every panel but the last must be a multiple. */
  readonly panelRows: number
  /** G <- Yt Y in f64 (products and sums), k x k, both triangles. mk^2 flop. */
  gram(Y: Matrix, G: Float64Array): void
  /** G <- G + At A (n x n) or, for `side: 'rows'`, G <- A At (m x m; whole matrix only), in f64, both triangles, with `scale` applied. */
  gramWeights(A: WideWeights, side: 'rows' | 'cols', G: Float64Array, accumulate: boolean): void
  /** C <- XtY in f64 (products and sums), for X m x k and Y m x j: k x j. 2 m k j flop. */
  crossGram(X: Matrix, Y: Matrix, C: Float64Array): void
  /**
   * Out <- Y M, or Out + Y M with `accumulate`, for M k x j in f64, row-major; Out rows x j may be Y itself only when j = k and without
   * `accumulate`. Sums in f32 from M rounded to f32, or f64: each back end says.
   */
  multiplySmall(Y: Matrix, M: Float64Array, Out: Matrix, accumulate?: boolean): void
  /**
   * Inverse <- R^-1 (upper triangular, zero below) for the Cholesky factor RtR = G of the k x k matrix G, which is destroyed. Columns are
   * scaled to unit length first, so that scale alone never breaks it. False, with Inverse undefined, where G is numerically singular: a
   * diagonal entry not positive, or a pivot not above 16 k 2^-53 of its (unit) diagonal. k^3 flop.
   */
  inverseCholesky(G: Float64Array, order: number, Inverse: Float64Array): boolean
  /**
   * The lower triangle of G becomes L with L Lt = G, for the k x k matrix G in f64 of which the lower triangle counts; what is above it is undefined.
   * False, with G destroyed, where `inverseCholesky` would be. k^3 / 3 flop.
   */
  cholesky(G: Float64Array, order: number): boolean
  /** B <- At: cols x rows. */
  transpose(A: Matrix, B: Matrix): void
  /** Pairs of a column of U (m x k) and a row of Vt (k x n) change sign, in place, where the sign rule says so (sign-rule.ts). */
  fixSigns(U: Matrix, Vt: Matrix): void
  /**
   * Each column of M (or row), a vector, times its scale in f64, rounded once to `dtype`, to nearest with ties to even: `codes` in the order of M, and
   * `stored`, as M, what they say. What would be subnormal in F32 or BF16 is zero. Scales are not negative.
   */
  roundScaled(
    M: Matrix,
    side: 'rows' | 'cols',
    scales: Float64Array,
    dtype: WeightDType,
    codes: Uint8Array,
    stored: Matrix,
  ): RoundingSums
  /** Sum over all entries of (scale * A - L R)^2 in f64, with L m x k and R k x n in f32. 2mnk flop. */
  residual(A: Weights, L: Matrix, R: Matrix): number
  /** The same with L (m x inner) and R (inner x n) in f64, products and sums in f64 too: no digit of a small residual is lost. Half as fast. */
  residualDouble(A: WideWeights, L: Float64Array, R: Float64Array, inner: number): number
  /**
   * All eigenvalues (descending) and, unless `vectors` is null, the first `count` (default: all) orthonormal eigenvectors as columns of the
   * order x count row-major `vectors`, of the symmetric f64 matrix G, which is destroyed.
   */
  symmetricEigen(
    G: Float64Array,
    order: number,
    values: Float64Array,
    vectors: Float64Array | null,
    count?: number,
  ): void
  /**
   * Singular values down to rounding of the largest, where the Gram route sees nothing below about 2e-7 of it (curves/resolution.ts): one-sided Jacobi. `values` (descending) of
   * the count x length f64 matrix W, count <= length, row-major; the rows of W become the singular vectors of its row space (rows of value 0 are 0), and the
   * rows of `J` (count x count), unless it is null, those of its column space: W = Jt diag(values) W'. Costs 4 (flat
   * spectrum) to 18 times (twelve decades) what `symmetricEigen` does, measured at 522 and 1024.
   */
  jacobiSvd(W: Float64Array, count: number, length: number, values: Float64Array, J: Float64Array | null): void
}
