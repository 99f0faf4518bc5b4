/**
 * The exact SVD without squares of the matrix: one-sided Jacobi on all entries in f64. Absolute error of the values about 1e-15 s_1, where the Gram
 * route (exact.ts) has no digits below about 2e-7 s_1; in exchange for 8 bytes an entry and several times the time.
 *
 * Legend: A m x n, d = min(m, n); W is At (m >= n) or A (m < n), d x max(m, n), and ends as the singular vectors of the longer side.
 */
import type { GaussianKey, Kernels, Matrix } from '../kernels/kernels.ts'
import type { ExactSvd } from './exact.ts'
import type { Observer, Stopwatch } from './observer.ts'
import type { Operand } from './operand.ts'
import { completeColumns } from './orthonormalize.ts'
import { allocateMatrix } from './small-svd.ts'

/** Columns of the identity that one product reads entries with: a streamed matrix is passed over d / 512 times. */
const PANEL = 512

/**
 * As `exactSvd` (exact.ts), with `wide` factors in f64 where the operand has f64 entries; 8 (d max(m, n) + d^2) bytes of the kernels' memory while it runs.
 * @throws AppError `out-of-memory`, `cancelled`, `engine-died`
 */
export async function exactSvdByJacobi(
  kernels: Kernels,
  operand: Operand,
  rank: number,
  key: GaussianKey,
  observer: Observer,
  watch: Stopwatch,
): Promise<ExactSvd> {
  const { rows, cols } = operand
  const order = Math.min(rows, cols)
  const length = Math.max(rows, cols)
  const Near = allocateMatrix(kernels, order, rank)
  const Far = allocateMatrix(kernels, length, rank)
  const mark = kernels.mark()
  const W = kernels.allocateFloat64(order * length)
  await readEntries(kernels, operand, W, observer)
  watch.lap('read')
  const values = kernels.allocateFloat64(order)
  const J = kernels.allocateFloat64(order * order)
  kernels.jacobiSvd(W, order, length, values, J)
  watch.lap('jacobi')
  observer.checkCancelled()
  transposeRows(J, order, Near)
  transposeRows(W, length, Far)
  const spectrum = values.slice()
  // Copies: what follows takes their place.
  const wide = operand.wide && { near: J.slice(0, rank * order), far: W.slice(0, rank * length) }
  kernels.release(mark)
  const zero = spectrum.indexOf(0)
  const kept = zero < 0 ? rank : Math.min(zero, rank)
  completeColumns(kernels, Far, kept, key)
  watch.lap('lift')
  const tall = rows >= cols
  const [U, V] = tall ? [Far, Near] : [Near, Far]
  const found = { U, V, s: spectrum.slice(0, rank), spectrum }
  if (!wide) return found
  completeRows(wide.far, kept, Far)
  const columns = tall ? wide.far : wide.near
  return { ...found, wide: { U: transpose(columns, rank, rows), Vt: tall ? wide.near : wide.far } }
}

/** Rows of X from `kept` on <- the columns of Y, which are orthonormal to f32, made so to f64 beside the rows before them: Gram-Schmidt, twice. */
function completeRows(X: Float64Array, kept: number, { rows: length, cols: count, data }: Matrix): void {
  for (let i = kept; i < count; i++) {
    const x = X.subarray(i * length, (i + 1) * length)
    for (let p = 0; p < length; p++) x[p] = data[p * count + i]!
    for (let pass = 0; pass < 2; pass++)
      for (let k = 0; k < i; k++) {
        const y = X.subarray(k * length, (k + 1) * length)
        const along = dot(x, y)
        for (let p = 0; p < length; p++) x[p]! -= along * y[p]!
      }
    const norm = Math.sqrt(dot(x, x))
    for (let p = 0; p < length; p++) x[p]! /= norm
  }
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0
  for (let p = 0; p < x.length; p++) sum += x[p]! * y[p]!
  return sum
}

/** count x length to length x count. */
function transpose(X: Float64Array, count: number, length: number): Float64Array {
  const to = new Float64Array(count * length)
  for (let i = 0; i < count; i++) for (let p = 0; p < length; p++) to[p * count + i] = X[i * length + p]!
  return to
}

/** W <- the entries of A or At, by products with columns of the identity: every sum has one term, so they are exact. */
async function readEntries(kernels: Kernels, operand: Operand, W: Float64Array, observer: Observer): Promise<void> {
  const { rows, cols, wide } = operand
  const tall = rows >= cols
  const order = Math.min(rows, cols)
  const length = Math.max(rows, cols)
  if (wide) {
    await wide(({ data, rows: height }, start) => {
      const panel = new Float64Array(data.buffer, data.byteOffset, height * cols)
      for (let i = 0; i < height; i++)
        for (let j = 0; j < cols; j++)
          W[tall ? j * length + start + i : (start + i) * length + j] = panel[i * cols + j]!
      observer.checkCancelled()
    })
    return
  }
  for (let first = 0; first < order; first += PANEL) {
    const mark = kernels.mark()
    const width = Math.min(PANEL, order - first)
    const Unit = allocateMatrix(kernels, order, width)
    const Entries = allocateMatrix(kernels, length, width)
    Unit.data.fill(0)
    for (let j = 0; j < width; j++) Unit.data[(first + j) * width + j] = 1
    await (tall ? operand.multiply(Unit, Entries) : operand.multiplyTransposed(Unit, Entries))
    for (let i = 0; i < length; i++)
      for (let j = 0; j < width; j++) W[(first + j) * length + i] = Entries.data[i * width + j]!
    kernels.release(mark)
    observer.checkCancelled()
  }
}

/** To <- the first To.cols rows of `from` as columns, rounded to f32. */
function transposeRows(from: Float64Array, length: number, To: Matrix): void {
  const { rows, cols, data } = To
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) data[i * cols + j] = from[j * length + i]!
}
