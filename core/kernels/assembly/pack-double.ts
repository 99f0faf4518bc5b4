/**
 * Packing for the float64 tiles: panels [p][24], zero-padded, for either side of a product. 24 = lcm(6, 8): a tile takes 6 (or 4) of the
 * 24 as its rows and 8 (or 4) as its columns. dtype as in pack.ts, and 3 for f64.
 */
import { widenOne } from './pack'

@inline
function read(from: usize, dtype: i32, scale: f32): f64 {
  return dtype == 3 ? load<f64>(from) * scale : <f64>(widenOne(from, dtype) * scale)
}

/** Columns of the source are the panel's 24: to[panel][p][v] = source[p][24 panel + v]. */
export function packColumnsDouble(
  from: usize, ld: usize, dtype: i32, scale: f32, width: i32, depth: i32, to: usize,
): void {
  const shift: i32 = dtype == 3 ? 3 : dtype == 0 ? 2 : 1
  for (let j: i32 = 0; j < width; j += 24) {
    const here: i32 = min(width - j, 24)
    for (let p: i32 = 0; p < depth; p++) {
      const source: usize = from + p * ld + (j << shift)
      let v: i32 = 0
      if (dtype == 0) {
        const factor = f32x4.splat(scale)
        for (; v + 4 <= here; v += 4) {
          const four = f32x4.mul(v128.load(source + (v << 2)), factor)
          v128.store(to + (v << 3), f64x2.promote_low_f32x4(four))
          v128.store(to + (v << 3), f64x2.promote_low_f32x4(v128.shuffle<i32>(four, four, 2, 3, 2, 3)), 16)
        }
      } else if (dtype == 2) {
        const factor = f32x4.splat(scale)
        for (; v + 4 <= here; v += 4) {
          const four = f32x4.mul(i32x4.shl(v128.load16x4_u(source + (v << 1)), 16), factor)
          v128.store(to + (v << 3), f64x2.promote_low_f32x4(four))
          v128.store(to + (v << 3), f64x2.promote_low_f32x4(v128.shuffle<i32>(four, four, 2, 3, 2, 3)), 16)
        }
      }
      for (; v < here; v++) store<f64>(to + (v << 3), read(source + (v << shift), dtype, scale))
      for (; v < 24; v++) store<f64>(to + (v << 3), 0)
      to += 192
    }
  }
}

/** Rows of the source are the panel's 24: to[panel][p][v] = source[24 panel + v][p]. */
export function packRowsDouble(
  from: usize, ld: usize, dtype: i32, scale: f32, rows: i32, depth: i32, to: usize,
): void {
  const shift: i32 = dtype == 3 ? 3 : dtype == 0 ? 2 : 1
  for (let i: i32 = 0; i < rows; i += 24) {
    for (let v: i32 = 0; v < 24; v++) {
      const source: usize = from + (i + v) * ld
      const target: usize = to + (v << 3)
      if (i + v < rows) {
        for (let p: i32 = 0; p < depth; p++) store<f64>(target + p * 192, read(source + (p << shift), dtype, scale))
      } else {
        for (let p: i32 = 0; p < depth; p++) store<f64>(target + p * 192, 0)
      }
    }
    to += depth * 192
  }
}
