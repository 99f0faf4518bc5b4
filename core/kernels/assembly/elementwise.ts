/** Single passes over a matrix: statistics, squared differences, transposition, mirroring. Sums are f64, in an order fixed by the caller's blocks. */
import { widenOne } from './pack'

/**
 * Of `count` weights: at `to` four f64: sum of squares of the finite entries, largest finite magnitude, count of NaN, count of Inf.
 * Four chains, joined as (0 + 1) + (2 + 3).
 */
export function statisticsOf(from: usize, dtype: i32, count: i32, to: usize): void {
  const shift: i32 = dtype == 0 ? 2 : 1
  let s0: f64 = 0, s1: f64 = 0, s2: f64 = 0, s3: f64 = 0
  let maxAbs: f32 = 0
  let nan: i32 = 0, infinite: i32 = 0
  let i: i32 = 0
  for (; i + 4 <= count; i += 4) {
    let x0 = abs(widenOne(from, dtype)), x1 = abs(widenOne(from + (1 << shift), dtype))
    let x2 = abs(widenOne(from + (2 << shift), dtype)), x3 = abs(widenOne(from + (3 << shift), dtype))
    if (!(max(max(x0, x1), max(x2, x3)) < Infinity)) {
      if (!(x0 < Infinity)) { if (x0 != x0) nan++; else infinite++; x0 = 0 }
      if (!(x1 < Infinity)) { if (x1 != x1) nan++; else infinite++; x1 = 0 }
      if (!(x2 < Infinity)) { if (x2 != x2) nan++; else infinite++; x2 = 0 }
      if (!(x3 < Infinity)) { if (x3 != x3) nan++; else infinite++; x3 = 0 }
    }
    maxAbs = max(maxAbs, max(max(x0, x1), max(x2, x3)))
    s0 += <f64>x0 * <f64>x0
    s1 += <f64>x1 * <f64>x1
    s2 += <f64>x2 * <f64>x2
    s3 += <f64>x3 * <f64>x3
    from += 4 << shift
  }
  for (; i < count; i++) {
    let x0 = abs(widenOne(from, dtype))
    if (!(x0 < Infinity)) { if (x0 != x0) nan++; else infinite++; x0 = 0 }
    maxAbs = max(maxAbs, x0)
    s0 += <f64>x0 * <f64>x0
    from += 1 << shift
  }
  store<f64>(to, (s0 + s1) + (s2 + s3))
  store<f64>(to, maxAbs, 8)
  store<f64>(to, nan, 16)
  store<f64>(to, infinite, 24)
}

/** At `to`: f64 <- (reset ? 0 : what is there) + sum over rows x cols of (scale * A - P)^2. */
export function squaredDifference(
  a: usize, lda: usize, dtype: i32, scale: f32, p: usize, ldp: usize, rows: i32, cols: i32, to: usize, reset: i32,
): void {
  const shift: i32 = dtype == 0 ? 2 : 1
  let s0: f64 = 0, s1: f64 = 0
  for (let i: i32 = 0; i < rows; i++) {
    const ai: usize = a + i * lda
    const pi: usize = p + i * ldp
    let j: i32 = 0
    for (; j + 2 <= cols; j += 2) {
      const d0 = <f64>(widenOne(ai + (j << shift), dtype) * scale) - <f64>load<f32>(pi + (j << 2))
      const d1 = <f64>(widenOne(ai + ((j + 1) << shift), dtype) * scale) - <f64>load<f32>(pi + (j << 2), 4)
      s0 += d0 * d0
      s1 += d1 * d1
    }
    for (; j < cols; j++) {
      const d0 = <f64>(widenOne(ai + (j << shift), dtype) * scale) - <f64>load<f32>(pi + (j << 2))
      s0 += d0 * d0
    }
  }
  const sum = s0 + s1
  store<f64>(to, reset ? sum : load<f64>(to) + sum)
}

/** to[j][i] = from[i][j]; 4 x 4 in registers. */
export function transposeBlock(from: usize, ldFrom: usize, to: usize, ldTo: usize, rows: i32, cols: i32): void {
  let i: i32 = 0
  for (; i + 4 <= rows; i += 4) {
    const f0: usize = from + i * ldFrom, f1: usize = f0 + ldFrom, f2: usize = f1 + ldFrom, f3: usize = f2 + ldFrom
    let j: i32 = 0
    for (; j + 4 <= cols; j += 4) {
      const a = v128.load(f0 + (j << 2)), b = v128.load(f1 + (j << 2))
      const c = v128.load(f2 + (j << 2)), d = v128.load(f3 + (j << 2))
      const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5), AB = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
      const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5), CD = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
      const target: usize = to + j * ldTo + (i << 2)
      v128.store(target, v128.shuffle<i64>(ab, cd, 0, 2))
      v128.store(target + ldTo, v128.shuffle<i64>(ab, cd, 1, 3))
      v128.store(target + 2 * ldTo, v128.shuffle<i64>(AB, CD, 0, 2))
      v128.store(target + 3 * ldTo, v128.shuffle<i64>(AB, CD, 1, 3))
    }
    for (; j < cols; j++) {
      for (let r: i32 = 0; r < 4; r++) {
        store<f32>(to + j * ldTo + ((i + r) << 2), load<f32>(from + (i + r) * ldFrom + (j << 2)))
      }
    }
  }
  for (; i < rows; i++) {
    for (let j: i32 = 0; j < cols; j++) store<f32>(to + j * ldTo + (i << 2), load<f32>(from + i * ldFrom + (j << 2)))
  }
}

/** The upper triangle of an order x order f64 matrix becomes the mirror of the lower: the block of rows [i0, i1) and columns [j0, j1). */
export function mirrorBlock(g: usize, order: i32, i0: i32, i1: i32, j0: i32, j1: i32): void {
  const ld: usize = order << 3
  for (let i: i32 = i0; i < i1; i++) {
    for (let j: i32 = j0; j < min(j1, i); j++) store<f64>(g + j * ld + (i << 3), load<f64>(g + i * ld + (j << 3)))
  }
}
