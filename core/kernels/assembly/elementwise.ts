/** Single passes over a matrix: statistics, differences and their squares, transposition, mirroring. Sums are f64, in an order fixed by the caller's blocks. */
import { STRIP, touch, widen, widenOne } from './pack'

/** Entries whose cache lines are fetched together. */
const AHEAD: i32 = 4096

/**
 * Of `count` weights: at `to` four f64: sum of squares of the finite entries, largest finite magnitude, count of NaN, count of Inf.
 * Eight chains, joined two by two, then the entries past the last eight.
 */
export function statisticsOf(from: usize, dtype: i32, count: i32, to: usize): void {
  if (dtype == 0) statisticsAs<f32>(from, 0, count, to)
  else if (dtype == 1) statisticsAs<u16>(from, 1, count, to)
  else statisticsAs<u16>(from, 2, count, to)
}

/** Exponent of Inf and NaN. */
const INFINITE: i32 = 0x7f800000

@inline
function statisticsAs<T>(from: usize, dtype: i32, count: i32, to: usize): void {
  const size: i32 = sizeof<T>()
  let s0 = f64x2.splat(0), s1 = f64x2.splat(0), s2 = f64x2.splat(0), s3 = f64x2.splat(0)
  // Magnitudes of finite floats are ordered as their bits are.
  let most = i32x4.splat(0)
  let nan = i32x4.splat(0), infinite = i32x4.splat(0)
  let i: i32 = 0
  for (; i + 8 <= count; i += 8) {
    if (i % AHEAD == 0) touch(from, 0, 1, min(AHEAD, count - i) * size, to)
    const x = v128.and(widen(from, dtype), i32x4.splat(0x7fffffff))
    const y = v128.and(widen(from + 4 * size, dtype), i32x4.splat(0x7fffffff))
    const finiteX = i32x4.lt_s(x, i32x4.splat(INFINITE)), finiteY = i32x4.lt_s(y, i32x4.splat(INFINITE))
    if (!i32x4.all_true(v128.and(finiteX, finiteY))) {
      // A lane that compares true is -1.
      nan = i32x4.add(nan, i32x4.add(i32x4.gt_s(x, i32x4.splat(INFINITE)), i32x4.gt_s(y, i32x4.splat(INFINITE))))
      infinite = i32x4.add(infinite, i32x4.add(i32x4.eq(x, i32x4.splat(INFINITE)), i32x4.eq(y, i32x4.splat(INFINITE))))
    }
    const u = v128.and(x, finiteX), v = v128.and(y, finiteY)
    most = i32x4.max_s(most, i32x4.max_s(u, v))
    const u0 = f64x2.promote_low_f32x4(u), u1 = f64x2.promote_low_f32x4(v128.shuffle<i64>(u, u, 1, 1))
    const v0 = f64x2.promote_low_f32x4(v), v1 = f64x2.promote_low_f32x4(v128.shuffle<i64>(v, v, 1, 1))
    s0 = f64x2.add(s0, f64x2.mul(u0, u0))
    s1 = f64x2.add(s1, f64x2.mul(u1, u1))
    s2 = f64x2.add(s2, f64x2.mul(v0, v0))
    s3 = f64x2.add(s3, f64x2.mul(v1, v1))
    from += 8 * size
  }
  const s = f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3))
  let sum = f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1)
  let largest = reinterpret<f32>(max(
    max(i32x4.extract_lane(most, 0), i32x4.extract_lane(most, 1)),
    max(i32x4.extract_lane(most, 2), i32x4.extract_lane(most, 3))))
  let nans = -lanes(nan), infinities = -lanes(infinite)
  for (; i < count; i++) {
    const x = abs(widenOne(from, dtype))
    if (x != x) nans++
    else if (x == Infinity) infinities++
    else {
      largest = max(largest, x)
      sum += <f64>x * <f64>x
    }
    from += size
  }
  store<f64>(to, sum)
  store<f64>(to, largest, 8)
  store<f64>(to, nans, 16)
  store<f64>(to, infinities, 24)
}

@inline
function lanes(x: v128): i32 {
  return i32x4.extract_lane(x, 0) + i32x4.extract_lane(x, 1) + i32x4.extract_lane(x, 2) + i32x4.extract_lane(x, 3)
}

/**
 * D = T - B in f32, rounded once, for `count` weights of either dtype. At `to` five f64, over the entries where D is finite: sums of the squares of B, T
 * and D; then how many of D are NaN, and Inf. Two chains a sum, then the entries past the last four.
 */
export function differenceOf(t: usize, tType: i32, b: usize, bType: i32, count: i32, d: usize, to: usize): void {
  if (tType == 0) differenceFrom<f32>(t, 0, b, bType, count, d, to)
  else if (tType == 1) differenceFrom<u16>(t, 1, b, bType, count, d, to)
  else differenceFrom<u16>(t, 2, b, bType, count, d, to)
}

@inline
function differenceFrom<T>(t: usize, tType: i32, b: usize, bType: i32, count: i32, d: usize, to: usize): void {
  if (bType == 0) differenceBetween<T, f32>(t, tType, b, 0, count, d, to)
  else if (bType == 1) differenceBetween<T, u16>(t, tType, b, 1, count, d, to)
  else differenceBetween<T, u16>(t, tType, b, 2, count, d, to)
}

@inline
function differenceBetween<T, B>(t: usize, tType: i32, b: usize, bType: i32, count: i32, d: usize, to: usize): void {
  let b0 = f64x2.splat(0), b1 = f64x2.splat(0), t0 = f64x2.splat(0), t1 = f64x2.splat(0)
  let d0 = f64x2.splat(0), d1 = f64x2.splat(0)
  let nan = i32x4.splat(0), infinite = i32x4.splat(0)
  let i: i32 = 0
  for (; i + 4 <= count; i += 4) {
    let x = widen(t, tType), y = widen(b, bType)
    let z = f32x4.sub(x, y)
    v128.store(d, z)
    const magnitude = v128.and(z, i32x4.splat(0x7fffffff))
    const finite = i32x4.lt_s(magnitude, i32x4.splat(INFINITE))
    if (!i32x4.all_true(finite)) {
      // A lane that compares true is -1.
      nan = i32x4.add(nan, i32x4.gt_s(magnitude, i32x4.splat(INFINITE)))
      infinite = i32x4.add(infinite, i32x4.eq(magnitude, i32x4.splat(INFINITE)))
      x = v128.and(x, finite)
      y = v128.and(y, finite)
      z = v128.and(z, finite)
    }
    const xl = f64x2.promote_low_f32x4(x), xh = f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1))
    const yl = f64x2.promote_low_f32x4(y), yh = f64x2.promote_low_f32x4(v128.shuffle<i64>(y, y, 1, 1))
    const zl = f64x2.promote_low_f32x4(z), zh = f64x2.promote_low_f32x4(v128.shuffle<i64>(z, z, 1, 1))
    t0 = f64x2.add(t0, f64x2.mul(xl, xl))
    t1 = f64x2.add(t1, f64x2.mul(xh, xh))
    b0 = f64x2.add(b0, f64x2.mul(yl, yl))
    b1 = f64x2.add(b1, f64x2.mul(yh, yh))
    d0 = f64x2.add(d0, f64x2.mul(zl, zl))
    d1 = f64x2.add(d1, f64x2.mul(zh, zh))
    t += 4 * sizeof<T>()
    b += 4 * sizeof<B>()
    d += 16
  }
  let ofBase = across(b0, b1), ofTuned = across(t0, t1), ofDifference = across(d0, d1)
  let nans = -lanes(nan), infinities = -lanes(infinite)
  for (; i < count; i++) {
    const x = widenOne(t, tType), y = widenOne(b, bType), z = x - y
    store<f32>(d, z)
    if (z != z) nans++
    else if (abs(z) == Infinity) infinities++
    else {
      ofBase += <f64>y * <f64>y
      ofTuned += <f64>x * <f64>x
      ofDifference += <f64>z * <f64>z
    }
    t += sizeof<T>()
    b += sizeof<B>()
    d += 4
  }
  store<f64>(to, ofBase)
  store<f64>(to, ofTuned, 8)
  store<f64>(to, ofDifference, 16)
  store<f64>(to, nans, 24)
  store<f64>(to, infinities, 32)
}

@inline
function across(x: v128, y: v128): f64 {
  const s = f64x2.add(x, y)
  return f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1)
}

/** At `to`: f64 <- (reset ? 0 : what is there) + sum over rows x cols of (scale * A - P)^2. `spare`: 16 bytes that nobody needs. */
export function squaredDifference(
  a: usize, lda: usize, dtype: i32, scale: f32, p: usize, ldp: usize, rows: i32, cols: i32, to: usize, reset: i32, spare: usize,
): void {
  const sum = dtype == 0 ? differenceAs<f32>(a, lda, 0, scale, p, ldp, rows, cols, spare)
    : dtype == 1 ? differenceAs<u16>(a, lda, 1, scale, p, ldp, rows, cols, spare)
    : differenceAs<u16>(a, lda, 2, scale, p, ldp, rows, cols, spare)
  store<f64>(to, reset ? sum : load<f64>(to) + sum)
}

@inline
function differenceAs<T>(
  a: usize, lda: usize, dtype: i32, scale: f32, p: usize, ldp: usize, rows: i32, cols: i32, spare: usize,
): f64 {
  const size: usize = sizeof<T>()
  const factor = f32x4.splat(scale)
  let s0 = f64x2.splat(0), s1 = f64x2.splat(0)
  let rest: f64 = 0
  for (let i: i32 = 0; i < rows; i++) {
    if (i % STRIP == 0) touch(a, lda, min(STRIP, rows - i), cols * <i32>size, spare)
    let ai: usize = a
    let pi: usize = p
    let j: i32 = 0
    // Two steps of the same chains at a time.
    for (; j + 8 <= cols; j += 8) {
      const x = f32x4.mul(widen(ai, dtype), factor), X = f32x4.mul(widen(ai + 4 * size, dtype), factor)
      const d0 = f64x2.sub(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(v128.load64_zero(pi)))
      const d1 = f64x2.sub(upper(x), f64x2.promote_low_f32x4(v128.load64_zero(pi, 8)))
      const D0 = f64x2.sub(f64x2.promote_low_f32x4(X), f64x2.promote_low_f32x4(v128.load64_zero(pi, 16)))
      const D1 = f64x2.sub(upper(X), f64x2.promote_low_f32x4(v128.load64_zero(pi, 24)))
      s0 = f64x2.add(f64x2.add(s0, f64x2.mul(d0, d0)), f64x2.mul(D0, D0))
      s1 = f64x2.add(f64x2.add(s1, f64x2.mul(d1, d1)), f64x2.mul(D1, D1))
      ai += 8 * size
      pi += 32
    }
    if (j + 4 <= cols) {
      const x = f32x4.mul(widen(ai, dtype), factor)
      const d0 = f64x2.sub(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(v128.load64_zero(pi)))
      const d1 = f64x2.sub(upper(x), f64x2.promote_low_f32x4(v128.load64_zero(pi, 8)))
      s0 = f64x2.add(s0, f64x2.mul(d0, d0))
      s1 = f64x2.add(s1, f64x2.mul(d1, d1))
      ai += 4 * size
      pi += 16
      j += 4
    }
    for (; j < cols; j++) {
      const d = <f64>(widenOne(ai, dtype) * scale) - <f64>load<f32>(pi)
      rest += d * d
      ai += size
      pi += 4
    }
    a += lda
    p += ldp
  }
  const s = f64x2.add(s0, s1)
  return f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1) + rest
}

/** The upper two of four. */
@inline
function upper(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1))
}

/** The same for P in f64, and for A in f64 (dtype 3) as well. */
export function squaredDifferenceDouble(
  a: usize, lda: usize, dtype: i32, scale: f32, p: usize, ldp: usize, rows: i32, cols: i32, to: usize, reset: i32,
): void {
  const sum = dtype == 0 ? wideDifferenceAs<f32>(a, lda, 0, scale, p, ldp, rows, cols)
    : dtype == 1 ? wideDifferenceAs<u16>(a, lda, 1, scale, p, ldp, rows, cols)
    : dtype == 2 ? wideDifferenceAs<u16>(a, lda, 2, scale, p, ldp, rows, cols)
    : wideDifferenceAs<f64>(a, lda, 3, scale, p, ldp, rows, cols)
  store<f64>(to, reset ? sum : load<f64>(to) + sum)
}

@inline
function wideDifferenceAs<T>(
  a: usize, lda: usize, dtype: i32, scale: f32, p: usize, ldp: usize, rows: i32, cols: i32,
): f64 {
  const size: i32 = sizeof<T>()
  let s0: f64 = 0, s1: f64 = 0
  for (let i: i32 = 0; i < rows; i++) {
    let ai: usize = a + i * lda
    let pi: usize = p + i * ldp
    let j: i32 = 0
    for (; j + 2 <= cols; j += 2) {
      const d = wideOne(ai, dtype, scale) - load<f64>(pi), e = wideOne(ai + size, dtype, scale) - load<f64>(pi, 8)
      s0 += d * d
      s1 += e * e
      ai += 2 * size
      pi += 16
    }
    if (j < cols) {
      const d = wideOne(ai, dtype, scale) - load<f64>(pi)
      s0 += d * d
    }
  }
  return s0 + s1
}

@inline
function wideOne(from: usize, dtype: i32, scale: f32): f64 {
  return dtype == 3 ? load<f64>(from) * scale : <f64>(widenOne(from, dtype) * scale)
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
  let i: i32 = i0
  // Two rows at a time, turned 2 x 2 in registers, as far as both are below the diagonal.
  for (; i + 2 <= i1; i += 2) {
    const r0: usize = g + i * ld, r1: usize = r0 + ld
    let j: i32 = j0
    for (; j + 2 <= min(j1, i); j += 2) {
      const a = v128.load(r0 + (j << 3)), b = v128.load(r1 + (j << 3))
      const target: usize = g + j * ld + (i << 3)
      v128.store(target, v128.shuffle<f64>(a, b, 0, 2))
      v128.store(target + ld, v128.shuffle<f64>(a, b, 1, 3))
    }
    mirrorRow(g, ld, i, j, j1)
    mirrorRow(g, ld, i + 1, j, j1)
  }
  if (i < i1) mirrorRow(g, ld, i, j0, j1)
}

@inline
function mirrorRow(g: usize, ld: usize, i: i32, j0: i32, j1: i32): void {
  for (let j: i32 = j0; j < min(j1, i); j++) store<f64>(g + j * ld + (i << 3), load<f64>(g + i * ld + (j << 3)))
}
