/**
 * Packing for the float64 tiles: panels [p][24], zero-padded, for either side of a product. 24 = lcm(6, 8): a tile takes 6 (or 4) of the
 * 24 as its rows and 8 (or 4) as its columns. dtype as in pack.ts, and 3 for f64. `scale` multiplies f32 before it is widened, f64 as it is.
 */
import { STRIP, touch, widen, widenOne } from './pack'

/** Columns of the source are the panel's 24: to[panel][p][v] = source[p][24 panel + v]. */
export function packColumnsDouble(
  from: usize, ld: usize, dtype: i32, scale: f32, width: i32, depth: i32, to: usize,
): void {
  if (dtype == 0) columnsOf<f32>(from, ld, 0, scale, width, depth, to)
  else if (dtype == 1) columnsOf<u16>(from, ld, 1, scale, width, depth, to)
  else if (dtype == 2) columnsOf<u16>(from, ld, 2, scale, width, depth, to)
  else columnsOf<f64>(from, ld, 3, scale, width, depth, to)
}

/** Rows of the source are the panel's 24: to[panel][p][v] = source[24 panel + v][p]. */
export function packRowsDouble(
  from: usize, ld: usize, dtype: i32, scale: f32, rows: i32, depth: i32, to: usize,
): void {
  if (dtype == 0) rowsOf<f32>(from, ld, 0, scale, rows, depth, to)
  else if (dtype == 1) rowsOf<u16>(from, ld, 1, scale, rows, depth, to)
  else if (dtype == 2) rowsOf<u16>(from, ld, 2, scale, rows, depth, to)
  else rowsOf<f64>(from, ld, 3, scale, rows, depth, to)
}

@inline
function one(from: usize, dtype: i32, scale: f32): f64 {
  return dtype == 3 ? load<f64>(from) * scale : <f64>(widenOne(from, dtype) * scale)
}

/** Four values to four doubles. */
@inline
function four(from: usize, dtype: i32, scale: f32, to: usize): void {
  if (dtype == 3) {
    const factor = f64x2.splat(scale)
    v128.store(to, f64x2.mul(v128.load(from), factor))
    v128.store(to, f64x2.mul(v128.load(from, 16), factor), 16)
  } else {
    const x = f32x4.mul(widen(from, dtype), f32x4.splat(scale))
    v128.store(to, f64x2.promote_low_f32x4(x))
    v128.store(to, f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1)), 16)
  }
}

@inline
function columnsOf<T>(from: usize, ld: usize, dtype: i32, scale: f32, width: i32, depth: i32, to: usize): void {
  const size: i32 = sizeof<T>()
  const panel: usize = depth * 192
  for (let p: i32 = 0; p < depth; p++) {
    if (dtype != 3 && p % STRIP == 0) touch(from + p * ld, ld, min(STRIP, depth - p), width * size, to + p * 192)
    let source: usize = from + p * ld
    let target: usize = to + p * 192
    for (let j: i32 = 0; j < width; j += 24) {
      const here: i32 = min(width - j, 24)
      let v: i32 = 0
      for (; v + 4 <= here; v += 4) four(source + v * size, dtype, scale, target + (v << 3))
      for (; v < here; v++) store<f64>(target + (v << 3), one(source + v * size, dtype, scale))
      for (; v < 24; v++) store<f64>(target + (v << 3), 0)
      source += 24 * size
      target += panel
    }
  }
}

@inline
function rowsOf<T>(from: usize, ld: usize, dtype: i32, scale: f32, rows: i32, depth: i32, to: usize): void {
  const size: i32 = sizeof<T>()
  const factor = f32x4.splat(scale)
  for (let i: i32 = 0; i < rows; i += 24) {
    const here: i32 = min(rows - i, 24)
    let v: i32 = 0
    if (dtype != 3) {
      touch(from + i * ld, ld, here, depth * size, to)
      // 4 x 4 at a time, turned in registers.
      for (; v + 4 <= here; v += 4) {
        let s0: usize = from + (i + v) * ld, s1: usize = s0 + ld, s2: usize = s1 + ld, s3: usize = s2 + ld
        let target: usize = to + (v << 3)
        let p: i32 = 0
        for (; p + 4 <= depth; p += 4) {
          const a = f32x4.mul(widen(s0, dtype), factor), b = f32x4.mul(widen(s1, dtype), factor)
          const c = f32x4.mul(widen(s2, dtype), factor), d = f32x4.mul(widen(s3, dtype), factor)
          // [a0 b0 a1 b1] and so on: two rows at column p, then at p + 1.
          const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5), AB = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
          const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5), CD = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
          pair(target, ab, cd)
          pair(target + 384, AB, CD)
          s0 += 4 * size
          s1 += 4 * size
          s2 += 4 * size
          s3 += 4 * size
          target += 768
        }
        for (; p < depth; p++) {
          store<f64>(target, one(s0, dtype, scale))
          store<f64>(target, one(s1, dtype, scale), 8)
          store<f64>(target, one(s2, dtype, scale), 16)
          store<f64>(target, one(s3, dtype, scale), 24)
          s0 += size
          s1 += size
          s2 += size
          s3 += size
          target += 192
        }
      }
    } else {
      // 4 x 2 at a time.
      const factors = f64x2.splat(scale)
      for (; v + 4 <= here; v += 4) {
        let s0: usize = from + (i + v) * ld, s1: usize = s0 + ld, s2: usize = s1 + ld, s3: usize = s2 + ld
        let target: usize = to + (v << 3)
        let p: i32 = 0
        for (; p + 2 <= depth; p += 2) {
          const a = f64x2.mul(v128.load(s0), factors), b = f64x2.mul(v128.load(s1), factors)
          const c = f64x2.mul(v128.load(s2), factors), d = f64x2.mul(v128.load(s3), factors)
          v128.store(target, v128.shuffle<f64>(a, b, 0, 2))
          v128.store(target, v128.shuffle<f64>(c, d, 0, 2), 16)
          v128.store(target, v128.shuffle<f64>(a, b, 1, 3), 192)
          v128.store(target, v128.shuffle<f64>(c, d, 1, 3), 208)
          s0 += 16
          s1 += 16
          s2 += 16
          s3 += 16
          target += 384
        }
        if (p < depth) {
          store<f64>(target, one(s0, dtype, scale))
          store<f64>(target, one(s1, dtype, scale), 8)
          store<f64>(target, one(s2, dtype, scale), 16)
          store<f64>(target, one(s3, dtype, scale), 24)
        }
      }
    }
    for (; v < here; v++) {
      const source: usize = from + (i + v) * ld
      for (let p: i32 = 0; p < depth; p++) store<f64>(to + p * 192 + (v << 3), one(source + p * size, dtype, scale))
    }
    for (; v < 24; v++) for (let p: i32 = 0; p < depth; p++) store<f64>(to + p * 192 + (v << 3), 0)
    to += depth * 192
  }
}

/** Columns p and p + 1 of four rows: ab = [a_p b_p a_p+1 b_p+1], cd alike. */
@inline
function pair(to: usize, ab: v128, cd: v128): void {
  v128.store(to, f64x2.promote_low_f32x4(ab))
  v128.store(to, f64x2.promote_low_f32x4(cd), 16)
  v128.store(to, f64x2.promote_low_f32x4(v128.shuffle<i64>(ab, ab, 1, 1)), 192)
  v128.store(to, f64x2.promote_low_f32x4(v128.shuffle<i64>(cd, cd, 1, 1)), 208)
}
