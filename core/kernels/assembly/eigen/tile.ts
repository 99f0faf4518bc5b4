/**
 * The innermost tiles of the f64 product: C (6 x 8) <- C + A B over packed panels (A 6 values a step, B 8). Each entry of C is one chain of
 * multiply-adds in the order of the inner dimension, so both shapes give the same bits.
 *
 * The 8-wide tile needs 24 registers of 128 bits and is the fast one only where V8 fuses pairs into 256 bits; the 4-wide one fits
 * into 16. Accumulators start from C, not from zero: adding C at the end hides the pairs from V8's re-vectorization.
 */
import { madd } from './vector'

/** Which of the two tiles `multiplyTile` uses: the host times both. */
let wide: bool = false

export function chooseTile(useWide: bool): void {
  wide = useWide
}

/** @param stride bytes from row to row of C */
export function multiplyTile(depth: i32, a: usize, b: usize, c: usize, stride: usize): void {
  if (wide) {
    tile8(depth, a, b, c, stride)
  } else {
    tile4(depth, a, b, c, stride)
    tile4(depth, a, b + 32, c + 32, stride)
  }
}

/** 6 x 8: 24 accumulators of 128 bits, 12 of 256. */
function tile8(depth: i32, a: usize, b: usize, c: usize, stride: usize): void {
  let c00 = v128.load(c, 0)
  let c01 = v128.load(c, 16)
  let c02 = v128.load(c, 32)
  let c03 = v128.load(c, 48)
  let c10 = v128.load(c + 1 * stride, 0)
  let c11 = v128.load(c + 1 * stride, 16)
  let c12 = v128.load(c + 1 * stride, 32)
  let c13 = v128.load(c + 1 * stride, 48)
  let c20 = v128.load(c + 2 * stride, 0)
  let c21 = v128.load(c + 2 * stride, 16)
  let c22 = v128.load(c + 2 * stride, 32)
  let c23 = v128.load(c + 2 * stride, 48)
  let c30 = v128.load(c + 3 * stride, 0)
  let c31 = v128.load(c + 3 * stride, 16)
  let c32 = v128.load(c + 3 * stride, 32)
  let c33 = v128.load(c + 3 * stride, 48)
  let c40 = v128.load(c + 4 * stride, 0)
  let c41 = v128.load(c + 4 * stride, 16)
  let c42 = v128.load(c + 4 * stride, 32)
  let c43 = v128.load(c + 4 * stride, 48)
  let c50 = v128.load(c + 5 * stride, 0)
  let c51 = v128.load(c + 5 * stride, 16)
  let c52 = v128.load(c + 5 * stride, 32)
  let c53 = v128.load(c + 5 * stride, 48)
  for (let p = 0; p < depth; p++) {
    const b0 = v128.load(b, 0)
    const b1 = v128.load(b, 16)
    const b2 = v128.load(b, 32)
    const b3 = v128.load(b, 48)
    let s = v128.load64_splat(a)
    c00 = madd(s, b0, c00)
    c01 = madd(s, b1, c01)
    c02 = madd(s, b2, c02)
    c03 = madd(s, b3, c03)
    s = v128.load64_splat(a, 8)
    c10 = madd(s, b0, c10)
    c11 = madd(s, b1, c11)
    c12 = madd(s, b2, c12)
    c13 = madd(s, b3, c13)
    s = v128.load64_splat(a, 16)
    c20 = madd(s, b0, c20)
    c21 = madd(s, b1, c21)
    c22 = madd(s, b2, c22)
    c23 = madd(s, b3, c23)
    s = v128.load64_splat(a, 24)
    c30 = madd(s, b0, c30)
    c31 = madd(s, b1, c31)
    c32 = madd(s, b2, c32)
    c33 = madd(s, b3, c33)
    s = v128.load64_splat(a, 32)
    c40 = madd(s, b0, c40)
    c41 = madd(s, b1, c41)
    c42 = madd(s, b2, c42)
    c43 = madd(s, b3, c43)
    s = v128.load64_splat(a, 40)
    c50 = madd(s, b0, c50)
    c51 = madd(s, b1, c51)
    c52 = madd(s, b2, c52)
    c53 = madd(s, b3, c53)
    a += 48
    b += 64
  }
  v128.store(c, c00, 0)
  v128.store(c, c01, 16)
  v128.store(c, c02, 32)
  v128.store(c, c03, 48)
  v128.store(c + 1 * stride, c10, 0)
  v128.store(c + 1 * stride, c11, 16)
  v128.store(c + 1 * stride, c12, 32)
  v128.store(c + 1 * stride, c13, 48)
  v128.store(c + 2 * stride, c20, 0)
  v128.store(c + 2 * stride, c21, 16)
  v128.store(c + 2 * stride, c22, 32)
  v128.store(c + 2 * stride, c23, 48)
  v128.store(c + 3 * stride, c30, 0)
  v128.store(c + 3 * stride, c31, 16)
  v128.store(c + 3 * stride, c32, 32)
  v128.store(c + 3 * stride, c33, 48)
  v128.store(c + 4 * stride, c40, 0)
  v128.store(c + 4 * stride, c41, 16)
  v128.store(c + 4 * stride, c42, 32)
  v128.store(c + 4 * stride, c43, 48)
  v128.store(c + 5 * stride, c50, 0)
  v128.store(c + 5 * stride, c51, 16)
  v128.store(c + 5 * stride, c52, 32)
  v128.store(c + 5 * stride, c53, 48)
}

/** 6 x 4: 12 accumulators of 128 bits, over every other half of the rows of a B panel. */
function tile4(depth: i32, a: usize, b: usize, c: usize, stride: usize): void {
  let c00 = v128.load(c, 0)
  let c01 = v128.load(c, 16)
  let c10 = v128.load(c + 1 * stride, 0)
  let c11 = v128.load(c + 1 * stride, 16)
  let c20 = v128.load(c + 2 * stride, 0)
  let c21 = v128.load(c + 2 * stride, 16)
  let c30 = v128.load(c + 3 * stride, 0)
  let c31 = v128.load(c + 3 * stride, 16)
  let c40 = v128.load(c + 4 * stride, 0)
  let c41 = v128.load(c + 4 * stride, 16)
  let c50 = v128.load(c + 5 * stride, 0)
  let c51 = v128.load(c + 5 * stride, 16)
  for (let p = 0; p < depth; p++) {
    const b0 = v128.load(b, 0)
    const b1 = v128.load(b, 16)
    let s = v128.load64_splat(a)
    c00 = madd(s, b0, c00)
    c01 = madd(s, b1, c01)
    s = v128.load64_splat(a, 8)
    c10 = madd(s, b0, c10)
    c11 = madd(s, b1, c11)
    s = v128.load64_splat(a, 16)
    c20 = madd(s, b0, c20)
    c21 = madd(s, b1, c21)
    s = v128.load64_splat(a, 24)
    c30 = madd(s, b0, c30)
    c31 = madd(s, b1, c31)
    s = v128.load64_splat(a, 32)
    c40 = madd(s, b0, c40)
    c41 = madd(s, b1, c41)
    s = v128.load64_splat(a, 40)
    c50 = madd(s, b0, c50)
    c51 = madd(s, b1, c51)
    a += 48
    b += 64
  }
  v128.store(c, c00, 0)
  v128.store(c, c01, 16)
  v128.store(c + 1 * stride, c10, 0)
  v128.store(c + 1 * stride, c11, 16)
  v128.store(c + 2 * stride, c20, 0)
  v128.store(c + 2 * stride, c21, 16)
  v128.store(c + 3 * stride, c30, 0)
  v128.store(c + 3 * stride, c31, 16)
  v128.store(c + 4 * stride, c40, 0)
  v128.store(c + 4 * stride, c41, 16)
  v128.store(c + 5 * stride, c50, 0)
  v128.store(c + 5 * stride, c51, 16)
}
