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
import { at, axpy, axpy2, clear, copy, dot, madd, put, scale, sum2 } from './vector'

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
  let i = start
  for (; i + 4 <= end; i += 4) fourRows(n, i, job.a + <usize>i * job.row, job.row, x, y)
  for (; i < end; i++) {
    const row = job.a + <usize>i * job.row
    const offset = <usize>i << 3
    const value = at(x, i)
    put(y, i, at(y, i) + at(row, i) * value + dot(n - i - 1, row + offset + 8, x + offset + 8))
    axpy(n - i - 1, value, row + offset + 8, y + offset + 8)
  }
}

/** y += the part of A x that rows i .. i + 3 of the upper triangle hold, their mirror images included. */
function fourRows(n: i32, i: i32, row: usize, stride: usize, x: usize, y: usize): void {
  const r0 = row
  const r1 = row + stride
  const r2 = r1 + stride
  const r3 = r2 + stride
  const x0 = at(x, i)
  const x1 = at(x, i + 1)
  const x2 = at(x, i + 2)
  const x3 = at(x, i + 3)
  const a01 = at(r0, i + 1)
  const a02 = at(r0, i + 2)
  const a03 = at(r0, i + 3)
  const a12 = at(r1, i + 2)
  const a13 = at(r1, i + 3)
  const a23 = at(r2, i + 3)
  let s0 = f64x2(0, 0)
  let s1 = f64x2(0, 0)
  let s2 = f64x2(0, 0)
  let s3 = f64x2(0, 0)
  const v0 = f64x2.splat(x0)
  const v1 = f64x2.splat(x1)
  const v2 = f64x2.splat(x2)
  const v3 = f64x2.splat(x3)
  let offset = <usize>(i + 4) << 3
  const count = n - i - 4
  const end = offset + ((<usize>(count & ~1)) << 3)
  for (; offset < end; offset += 16) {
    const xx = v128.load(x + offset)
    let yy = v128.load(y + offset)
    const q0 = v128.load(r0 + offset)
    const q1 = v128.load(r1 + offset)
    const q2 = v128.load(r2 + offset)
    const q3 = v128.load(r3 + offset)
    s0 = madd(q0, xx, s0)
    s1 = madd(q1, xx, s1)
    s2 = madd(q2, xx, s2)
    s3 = madd(q3, xx, s3)
    yy = madd(q0, v0, yy)
    yy = madd(q1, v1, yy)
    yy = madd(q2, v2, yy)
    yy = madd(q3, v3, yy)
    v128.store(y + offset, yy)
  }
  let t0 = sum2(s0)
  let t1 = sum2(s1)
  let t2 = sum2(s2)
  let t3 = sum2(s3)
  if (count & 1) {
    const xx = load<f64>(x + offset)
    const q0 = load<f64>(r0 + offset)
    const q1 = load<f64>(r1 + offset)
    const q2 = load<f64>(r2 + offset)
    const q3 = load<f64>(r3 + offset)
    t0 += q0 * xx
    t1 += q1 * xx
    t2 += q2 * xx
    t3 += q3 * xx
    store<f64>(y + offset, load<f64>(y + offset) + q0 * x0 + q1 * x1 + q2 * x2 + q3 * x3)
  }
  put(y, i, at(y, i) + t0 + at(r0, i) * x0 + a01 * x1 + a02 * x2 + a03 * x3)
  put(y, i + 1, at(y, i + 1) + t1 + a01 * x0 + at(r1, i + 1) * x1 + a12 * x2 + a13 * x3)
  put(y, i + 2, at(y, i + 2) + t2 + a02 * x0 + a12 * x1 + at(r2, i + 2) * x2 + a23 * x3)
  put(y, i + 3, at(y, i + 3) + t3 + a03 * x0 + a13 * x1 + a23 * x2 + at(r3, i + 3) * x3)
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
