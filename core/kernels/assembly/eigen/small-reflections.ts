/**
 * One reflection I - tau v vt applied to blocks that lie in the first cache. Four rows at a time, so that v and w are loaded once for all of them; two
 * steps of 128 bits side by side, which V8's re-vectorizer can fuse.
 */
import { addSymmetricProduct } from './symmetric-product'
import { at, axpy, axpy2, clear, dot, madd, scale, sum2 } from './vector'

/** Rows r <- r - tau (r v) vt. @param stride bytes from row to row */
export function fromRight(rows: i32, length: i32, a: usize, stride: usize, v: usize, tau: f64): void {
  let i = 0
  for (; i + 4 <= rows; i += 4) {
    const r1 = a + stride
    const r2 = r1 + stride
    const r3 = r2 + stride
    let s0 = f64x2(0, 0)
    let s1 = f64x2(0, 0)
    let s2 = f64x2(0, 0)
    let s3 = f64x2(0, 0)
    const end = (<usize>(length & ~1)) << 3
    for (let j: usize = 0; j < end; j += 16) {
      const x = v128.load(v + j)
      s0 = madd(v128.load(a + j), x, s0)
      s1 = madd(v128.load(r1 + j), x, s1)
      s2 = madd(v128.load(r2 + j), x, s2)
      s3 = madd(v128.load(r3 + j), x, s3)
    }
    let t0 = sum2(s0)
    let t1 = sum2(s1)
    let t2 = sum2(s2)
    let t3 = sum2(s3)
    if (length & 1) {
      const x = load<f64>(v + end)
      t0 += load<f64>(a + end) * x
      t1 += load<f64>(r1 + end) * x
      t2 += load<f64>(r2 + end) * x
      t3 += load<f64>(r3 + end) * x
    }
    addToFour(length, a, stride, v, -tau * t0, -tau * t1, -tau * t2, -tau * t3)
    a += stride << 2
  }
  for (; i < rows; i++) {
    axpy(length, -tau * dot(length, a, v), v, a)
    a += stride
  }
}

/** Block <- (I - tau v vt) times itself. @param w columns f64 of scratch */
export function fromLeft(rows: i32, columns: i32, a: usize, stride: usize, v: usize, tau: f64, w: usize): void {
  clear(columns, w)
  let i = 0
  let row = a
  for (; i + 4 <= rows; i += 4) {
    addFour(columns, row, stride, at(v, i), at(v, i + 1), at(v, i + 2), at(v, i + 3), w)
    row += stride << 2
  }
  for (; i < rows; i++) {
    axpy(columns, at(v, i), row, w)
    row += stride
  }
  row = a
  for (i = 0; i + 4 <= rows; i += 4) {
    addToFour(columns, row, stride, w, -tau * at(v, i), -tau * at(v, i + 1), -tau * at(v, i + 2), -tau * at(v, i + 3))
    row += stride << 2
  }
  for (; i < rows; i++) {
    axpy(columns, -tau * at(v, i), w, row)
    row += stride
  }
}

/** Symmetric block <- H A H on its upper triangle (what lies left of the diagonal within four rows of it is overwritten). @param w length f64 of scratch */
export function bothSides(length: i32, a: usize, stride: usize, v: usize, tau: f64, w: usize): void {
  clear(length, w)
  addSymmetricProduct(length, 0, length, a, stride, v, w)
  scale(length, tau, w)
  axpy(length, -0.5 * tau * dot(length, w, v), v, w)
  for (let i = 0; i < length; i++) {
    const offset = <usize>i << 3
    axpy2(length - i, -at(v, i), w + offset, -at(w, i), v + offset, a + <usize>i * stride + offset)
  }
}

/** y += a0 r0 + a1 r1 + a2 r2 + a3 r3 for four consecutive rows. */
function addFour(length: i32, row: usize, stride: usize, a0: f64, a1: f64, a2: f64, a3: f64, y: usize): void {
  const r1 = row + stride
  const r2 = r1 + stride
  const r3 = r2 + stride
  const b0 = f64x2.splat(a0)
  const b1 = f64x2.splat(a1)
  const b2 = f64x2.splat(a2)
  const b3 = f64x2.splat(a3)
  const end4 = (<usize>(length & ~3)) << 3
  let j: usize = 0
  for (; j < end4; j += 32) {
    let low = v128.load(y + j)
    let high = v128.load(y + j, 16)
    low = madd(b0, v128.load(row + j), low)
    high = madd(b0, v128.load(row + j, 16), high)
    low = madd(b1, v128.load(r1 + j), low)
    high = madd(b1, v128.load(r1 + j, 16), high)
    low = madd(b2, v128.load(r2 + j), low)
    high = madd(b2, v128.load(r2 + j, 16), high)
    low = madd(b3, v128.load(r3 + j), low)
    high = madd(b3, v128.load(r3 + j, 16), high)
    v128.store(y + j, low)
    v128.store(y + j, high, 16)
  }
  for (const end = (<usize>length) << 3; j < end; j += 8)
    store<f64>(
      y + j,
      load<f64>(y + j) + a0 * load<f64>(row + j) + a1 * load<f64>(r1 + j) + a2 * load<f64>(r2 + j) + a3 * load<f64>(r3 + j),
    )
}

/** r0 += a0 x, r1 += a1 x, r2 += a2 x, r3 += a3 x for four consecutive rows. */
function addToFour(length: i32, row: usize, stride: usize, x: usize, a0: f64, a1: f64, a2: f64, a3: f64): void {
  const r1 = row + stride
  const r2 = r1 + stride
  const r3 = r2 + stride
  const b0 = f64x2.splat(a0)
  const b1 = f64x2.splat(a1)
  const b2 = f64x2.splat(a2)
  const b3 = f64x2.splat(a3)
  const end4 = (<usize>(length & ~3)) << 3
  let j: usize = 0
  for (; j < end4; j += 32) {
    const low = v128.load(x + j)
    const high = v128.load(x + j, 16)
    const low0 = madd(b0, low, v128.load(row + j))
    const high0 = madd(b0, high, v128.load(row + j, 16))
    const low1 = madd(b1, low, v128.load(r1 + j))
    const high1 = madd(b1, high, v128.load(r1 + j, 16))
    const low2 = madd(b2, low, v128.load(r2 + j))
    const high2 = madd(b2, high, v128.load(r2 + j, 16))
    const low3 = madd(b3, low, v128.load(r3 + j))
    const high3 = madd(b3, high, v128.load(r3 + j, 16))
    v128.store(row + j, low0)
    v128.store(row + j, high0, 16)
    v128.store(r1 + j, low1)
    v128.store(r1 + j, high1, 16)
    v128.store(r2 + j, low2)
    v128.store(r2 + j, high2, 16)
    v128.store(r3 + j, low3)
    v128.store(r3 + j, high3, 16)
  }
  for (const end = (<usize>length) << 3; j < end; j += 8) {
    const value = load<f64>(x + j)
    store<f64>(row + j, load<f64>(row + j) + a0 * value)
    store<f64>(r1 + j, load<f64>(r1 + j) + a1 * value)
    store<f64>(r2 + j, load<f64>(r2 + j) + a2 * value)
    store<f64>(r3 + j, load<f64>(r3 + j) + a3 * value)
  }
}
