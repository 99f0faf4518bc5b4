/** y <- y + A x where only the upper triangle of A is stored: each entry is read once and used twice. Bound by memory for large A. */
import { at, axpy, dot, madd, put, sum2 } from './vector'

/** The part of A x that rows first .. last - 1 of the upper triangle hold, their mirror images included. @param a row-major, `stride` bytes from row to row */
export function addSymmetricProduct(n: i32, first: i32, last: i32, a: usize, stride: usize, x: usize, y: usize): void {
  let i = first
  for (; i + 4 <= last; i += 4) addFourRows(n, i, a + <usize>i * stride, stride, x, y)
  for (; i < last; i++) {
    const row = a + <usize>i * stride
    const offset = <usize>i << 3
    const value = at(x, i)
    put(y, i, at(y, i) + at(row, i) * value + dot(n - i - 1, row + offset + 8, x + offset + 8))
    axpy(n - i - 1, value, row + offset + 8, y + offset + 8)
  }
}

function addFourRows(n: i32, i: i32, row: usize, stride: usize, x: usize, y: usize): void {
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
