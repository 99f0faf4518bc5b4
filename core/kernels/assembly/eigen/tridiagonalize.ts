/**
 * Dense symmetric -> tridiagonal by Householder reflections in panels (Dongarra, Hammarling, Sorensen 1989; LAPACK dsytrd / dlatrd).
 * Half of the work is a symmetric matrix times vector for every column, which reads the untouched triangle once; the rest is one GEMM a panel.
 *
 * A is n x n, row-major, and only its upper triangle (column >= row) is read or written: row c then is the contiguous "column" of the textbook.
 */
import { free, mark, take } from './arena'
import { forEachTile } from './crew'
import { gemm, UPPER } from './gemm'
import { reflect, reflectorTau } from './reflector'
import { CORRECTION, SYMMETRIC_PRODUCT } from './tasks'
import { addSymmetricProduct } from './symmetric-product'
import { at, axpy, axpy2, clear, copy, dot, put, scale } from './vector'

const PANEL: i32 = 32
/** Partial results of the symmetric product: a fixed number for each size, so that the order of the sums is fixed. */
const MOST_PARTS: i32 = 16
const ROWS_PER_PART: i32 = 64
const CORRECTION_COLUMNS: i32 = 1024

@unmanaged
class Column {
  order: i32
  row: usize
  a: usize
  /** First row and column of the trailing matrix. */
  first: i32
  x: usize
  y: usize
  parts: i32
  partials: usize
  vectorBytes: usize
  /** Earlier reflections of the panel: rows V, W, V again, and the products W x, V x. */
  earlier: i32
  panel: usize
  products: usize
}

export function tridiagonalizeBytes(n: i32): usize {
  return <usize>(n + 16) * 8 * <usize>(3 * PANEL + MOST_PARTS + 2) + 8192
}

/**
 * d[n], e[n - 1] and tau[n - 1] of T = Qt A Q, Q = H(0) H(1) ... H(n - 2), H(c) = I - tau[c] v vt; v lies in row c of A from column c + 1 on
 * (its first entry is 1). 4/3 n^3 flop. @returns false once cancelled
 */
export function tridiagonalize(n: i32, a: usize, d: usize, e: usize, tau: usize): bool {
  const before = mark()
  const row = <usize>n << 3
  const vectorBytes = <usize>((n + 9) & ~7) << 3
  const panel = take(vectorBytes * <usize>(3 * PANEL))
  const job = changetype<Column>(take(offsetof<Column>()))
  job.order = n
  job.row = row
  job.a = a
  job.vectorBytes = vectorBytes
  job.panel = panel
  job.partials = take(vectorBytes * <usize>MOST_PARTS)
  job.products = take(<usize>PANEL << 4)
  let going = true
  for (let first = 0; first < n - 1 && going; first += PANEL) {
    const width = min(PANEL, n - 1 - first)
    const v = panel
    const w = panel + <usize>width * vectorBytes
    const again = w + <usize>width * vectorBytes
    for (let i = 0; i < width && going; i++) {
      const c = first + i
      const x = a + <usize>c * row
      for (let p = 0; p < i; p++) {
        const offset = <usize>p * vectorBytes + (<usize>c << 3)
        axpy2(n - c, -load<f64>(v + offset), w + offset, -load<f64>(w + offset), v + offset, x + (<usize>c << 3))
      }
      put(d, c, at(x, c))
      const m = n - c - 1
      const tail = x + (<usize>(c + 1) << 3)
      put(e, c, reflect(m, tail))
      const t = reflectorTau()
      put(tau, c, t)
      const vRow = v + <usize>i * vectorBytes
      const wRow = w + <usize>i * vectorBytes
      clear(c + 1, vRow)
      copy(m, tail, vRow + (<usize>(c + 1) << 3))
      copy(n, vRow, again + <usize>i * vectorBytes)
      clear(c + 1, wRow)
      const y = wRow + (<usize>(c + 1) << 3)
      if (t == 0) {
        clear(m, y)
        continue
      }
      job.first = c + 1
      job.x = vRow
      job.y = wRow
      job.earlier = i
      job.parts = max(1, min(MOST_PARTS, m / ROWS_PER_PART))
      // The products with the panel's own vectors ride along as one more tile.
      going = forEachTile(SYMMETRIC_PRODUCT, changetype<usize>(job), job.parts + (i > 0 ? 1 : 0))
      if (going) going = forEachTile(CORRECTION, changetype<usize>(job), (m + CORRECTION_COLUMNS - 1) / CORRECTION_COLUMNS)
      // w = tau (y - (tau / 2) (yt v) v)
      scale(m, t, y)
      axpy(m, -0.5 * t * dot(m, y, tail), tail, y)
    }
    const next = first + width
    const m = n - next
    const offset = <usize>next << 3
    if (going && m > 0)
      going = gemm(
        m, m, 2 * width, -1, v + offset, 8, vectorBytes, w + offset, vectorBytes, 8,
        a + <usize>next * row + offset, row, UPPER,
      )
  }
  put(d, n - 1, at(a + <usize>(n - 1) * row, n - 1))
  free(before)
  return going
}

/** First row of a part: parts have equal areas of the triangle. */
function partStart(m: i32, parts: i32, part: i32): i32 {
  if (part >= parts) return m
  const share = 1 - Math.sqrt(1 - <f64>part / <f64>parts)
  return <i32>(<f64>m * share) & ~3
}

/** Task: partial y = A x of one band of rows of the trailing upper triangle, or (last tile) the products of the panel's vectors with x. */
export function symmetricProductTile(address: usize, tile: i32): void {
  const job = changetype<Column>(address)
  const n = job.order
  const x = job.x
  if (tile == job.parts) {
    const offset = <usize>job.first << 3
    const m = n - job.first
    const vectors = job.panel + offset
    const width = job.earlier
    // V, then W `width of the panel` rows further on: x is row `earlier` of V and y the same row of W.
    const w = vectors + (job.y - job.x)
    for (let p = 0; p < width; p++) {
      const row = <usize>p * job.vectorBytes
      put(job.products, 2 * p, dot(m, w + row, x + offset))
      put(job.products, 2 * p + 1, dot(m, vectors + row, x + offset))
    }
    return
  }
  const m = n - job.first
  const start = job.first + partStart(m, job.parts, tile)
  const end = job.first + partStart(m, job.parts, tile + 1)
  const y = job.partials + <usize>tile * job.vectorBytes
  clear(n - start, y + (<usize>start << 3))
  addSymmetricProduct(n, start, end, job.a, job.row, x, y)
}

/** Task: y <- sum of the partials - V (Wt x) - W (Vt x), for one chunk of columns. */
export function correctionTile(address: usize, tile: i32): void {
  const job = changetype<Column>(address)
  const m = job.order - job.first
  const from = job.first + tile * CORRECTION_COLUMNS
  const to = min(from + CORRECTION_COLUMNS, job.order)
  const offset = <usize>from << 3
  const y = job.y + offset
  clear(to - from, y)
  for (let part = 0; part < job.parts; part++) {
    const start = max(from, job.first + partStart(m, job.parts, part))
    if (start >= to) break
    axpy(to - start, 1, job.partials + <usize>part * job.vectorBytes + (<usize>start << 3), job.y + (<usize>start << 3))
  }
  const between = job.y - job.x
  for (let p = 0; p < job.earlier; p++) {
    const v = job.panel + <usize>p * job.vectorBytes + offset
    axpy2(to - from, -at(job.products, 2 * p), v, -at(job.products, 2 * p + 1), v + between, y)
  }
}
