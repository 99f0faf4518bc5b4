/**
 * Factors on their way out: signs fixed, then scaled in f64 and rounded once to the dtype they are stored in, with what that takes away.
 *
 * A small float of `fraction` bits counts its codes up through subnormals and normals alike (core/formats/dtype.ts), so the bits of a double, shifted to
 * that fraction after half a step was added, are its code but for an origin. Ties go to even: from one half the odd code alone is lifted.
 *
 * What is subnormal in F32 or BF16 becomes zero: nothing beside the other entries of a factor, and slow to multiply by (core/formats/dtype.ts).
 * (Those of F16 have digits, and are normal once they are widened.)
 *
 * dtype 0 F32, 1 F16, 2 BF16. All matrices are row-major; `ld` is in bytes of f32. Sums are f64, each along its vector in order.
 */
import { STRIP, touch, widenHalfLanes } from './pack'

const MAGNITUDE: i64 = 0x7fffffffffffffff
const INFINITE: i64 = 0x7ff0000000000000
const INFINITE_SINGLE: i32 = 0x7f800000
/** The exponent of BF16, all of it. */
const INFINITE_HALF: i32 = 0x7f80
/** Of F32 and BF16. */
const LEAST_NORMAL: f32 = 1.1754943508222875e-38
/** Entries of a row whose cache lines are fetched together. */
const AHEAD: i32 = 1024

/**
 * Of `width` <= 64 columns of U (rows at `u`): `flips`, one i32 a column, is the sign bit where the first entry within `margin` of the largest magnitude
 * is negative, else 0; and the columns with it are negated. 256 bytes at `flips`; `spare`: 16 bytes that nobody needs.
 */
export function signColumns(u: usize, ld: usize, rows: i32, width: i32, margin: f64, flips: usize, spare: usize): void {
  memory.fill(flips, 0, 256)
  // Largest magnitudes first, in the order of memory.
  let at = u
  for (let i: i32 = 0; i < rows; i++) {
    if (i % STRIP == 0) touch(at, ld, min(STRIP, rows - i), width << 2, spare)
    let j: i32 = 0
    for (; j + 4 <= width; j += 4) {
      const to: usize = flips + (j << 2)
      v128.store(to, f32x4.pmax(v128.load(to), f32x4.abs(v128.load(at + (j << 2)))))
    }
    for (; j < width; j++) {
      const to: usize = flips + (j << 2)
      store<f32>(to, max(load<f32>(to), abs(load<f32>(at + (j << 2)))))
    }
    at += ld
  }
  let j: i32 = 0
  for (; j + 4 <= width; j += 4) flipsOfFour(u + (j << 2), ld, rows, margin, flips + (j << 2))
  for (; j < width; j++) flipOfOne(u + (j << 2), ld, rows, margin, flips + (j << 2))
  at = u
  for (let i: i32 = 0; i < rows; i++) {
    j = 0
    for (; j + 4 <= width; j += 4) {
      v128.store(at + (j << 2), v128.xor(v128.load(at + (j << 2)), v128.load(flips + (j << 2))))
    }
    for (; j < width; j++) store<i32>(at + (j << 2), load<i32>(at + (j << 2)) ^ load<i32>(flips + (j << 2)))
    at += ld
  }
}

/** Four columns at once, whose largest magnitudes stand at `flips`, to be replaced. */
function flipsOfFour(u: usize, ld: usize, rows: i32, margin: f64, flips: usize): void {
  for (let at: usize = flips; at < flips + 16; at += 4) store<f32>(at, enoughOf(load<f32>(at), margin))
  const enough = v128.load(flips)
  let found = i32x4.splat(0), negative = i32x4.splat(0)
  for (let i: i32 = 0; i < rows && !i32x4.all_true(found); i++) {
    const x = v128.load(u)
    const hit = v128.andnot(f32x4.ge(f32x4.abs(x), enough), found)
    negative = v128.or(negative, v128.and(hit, f32x4.lt(x, f32x4.splat(0))))
    found = v128.or(found, hit)
    u += ld
  }
  v128.store(flips, i32x4.shl(negative, 31))
}

function flipOfOne(u: usize, ld: usize, rows: i32, margin: f64, flip: usize): void {
  const enough = enoughOf(load<f32>(flip), margin)
  let i: i32 = 1
  while (i < rows && abs(load<f32>(u)) < enough) {
    u += ld
    i++
  }
  store<i32>(flip, load<f32>(u) < 0 ? i32.MIN_VALUE : 0)
}

/** The least f32 that is not below largest * margin. */
@inline
function enoughOf(largest: f32, margin: f64): f32 {
  const exact = <f64>largest * margin
  const near = <f32>exact
  return <f64>near < exact ? reinterpret<f32>(reinterpret<i32>(near) + 1) : near
}

/** `count` floats at `v` are negated where the i32 at `flip` is not 0. */
export function negateWhere(flip: usize, v: usize, count: i32): void {
  if (load<i32>(flip) == 0) return
  let i: i32 = 0
  for (; i + 4 <= count; i += 4) {
    v128.store(v, f32x4.neg(v128.load(v)))
    v += 16
  }
  for (; i < count; i++) {
    store<i32>(v, load<i32>(v) ^ i32.MIN_VALUE)
    v += 4
  }
}

/**
 * `cols` columns of M (rows x any), each times its scale: codes, and `stored` what they say, both where M has the entry. At `whole` and `off`, one f64 a
 * column: sums of the squares of the exact values and of what rounding took. `beyond` (i32) counts the finite ones that left the range; `spare`: 16 bytes that nobody needs.
 */
export function roundColumns(
  m: usize, ld: usize, rows: i32, cols: i32, scales: usize, dtype: i32, codes: usize, stored: usize,
  whole: usize, off: usize, beyond: usize, spare: usize,
): void {
  if (dtype == 0) columnsAs(m, ld, rows, cols, scales, 0, codes, stored, whole, off, beyond, spare)
  else if (dtype == 1) columnsAs(m, ld, rows, cols, scales, 1, codes, stored, whole, off, beyond, spare)
  else columnsAs(m, ld, rows, cols, scales, 2, codes, stored, whole, off, beyond, spare)
}

@inline
function columnsAs(
  m: usize, ld: usize, rows: i32, cols: i32, scales: usize, dtype: i32, codes: usize, stored: usize,
  whole: usize, off: usize, beyond: usize, spare: usize,
): void {
  const size: usize = dtype == 0 ? 4 : 2
  const ldCodes: usize = dtype == 0 ? ld : ld >> 1
  memory.fill(whole, 0, cols << 3)
  memory.fill(off, 0, cols << 3)
  for (let i: i32 = 0; i < rows; i++) {
    if (i % STRIP == 0) touch(m, ld, min(STRIP, rows - i), cols << 2, spare)
    let j: i32 = 0
    for (; j + 4 <= cols; j += 4) {
      const x = v128.load(m + (j << 2))
      const at: usize = j << 3
      const lo = f64x2.mul(f64x2.promote_low_f32x4(x), v128.load(scales + at))
      const hi = f64x2.mul(f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1)), v128.load(scales + at, 16))
      const y = roundFour(lo, hi, dtype, codes + j * size, beyond)
      v128.store(stored + (j << 2), y)
      const gapLo = f64x2.sub(lo, f64x2.promote_low_f32x4(y))
      const gapHi = f64x2.sub(hi, f64x2.promote_low_f32x4(v128.shuffle<i64>(y, y, 1, 1)))
      v128.store(whole + at, f64x2.add(v128.load(whole + at), f64x2.mul(lo, lo)))
      v128.store(whole + at, f64x2.add(v128.load(whole + at, 16), f64x2.mul(hi, hi)), 16)
      v128.store(off + at, f64x2.add(v128.load(off + at), f64x2.mul(gapLo, gapLo)))
      v128.store(off + at, f64x2.add(v128.load(off + at, 16), f64x2.mul(gapHi, gapHi)), 16)
    }
    for (; j < cols; j++) {
      const x = <f64>load<f32>(m + (j << 2)) * load<f64>(scales + (j << 3))
      const y = roundOne(x, dtype, codes + j * size, beyond)
      store<f32>(stored + (j << 2), y)
      add(whole + (j << 3), off + (j << 3), x, y)
    }
    m += ld
    codes += ldCodes
    stored += ld
  }
}

@inline
function add(whole: usize, off: usize, x: f64, y: f32): void {
  const gap = x - <f64>y
  store<f64>(whole, load<f64>(whole) + x * x)
  store<f64>(off, load<f64>(off) + gap * gap)
}

/** The same for rows of M (any x cols), two at a time, so that two sums are under way; `ld` bytes from row to row, which is all of it. */
export function roundRows(
  m: usize, ld: usize, rows: i32, cols: i32, scales: usize, dtype: i32, codes: usize, stored: usize,
  whole: usize, off: usize, beyond: usize, spare: usize,
): void {
  if (dtype == 0) rowsAs(m, ld, rows, cols, scales, 0, codes, stored, whole, off, beyond, spare)
  else if (dtype == 1) rowsAs(m, ld, rows, cols, scales, 1, codes, stored, whole, off, beyond, spare)
  else rowsAs(m, ld, rows, cols, scales, 2, codes, stored, whole, off, beyond, spare)
}

@inline
function rowsAs(
  m: usize, ld: usize, rows: i32, cols: i32, scales: usize, dtype: i32, codes: usize, stored: usize,
  whole: usize, off: usize, beyond: usize, spare: usize,
): void {
  const size: usize = dtype == 0 ? 4 : 2
  const ldCodes: usize = dtype == 0 ? ld : ld >> 1
  memory.fill(whole, 0, rows << 3)
  memory.fill(off, 0, rows << 3)
  let i: i32 = 0
  for (; i + 2 <= rows; i += 2) {
    const scale = v128.load64_splat(scales + (i << 3)), next = v128.load64_splat(scales + (i << 3), 8)
    let sum = f64x2.splat(0), lost = f64x2.splat(0)
    let j: i32 = 0
    for (; j + 4 <= cols; j += 4) {
      if (j % AHEAD == 0) touch(m + (j << 2), ld, 2, min(AHEAD, cols - j) << 2, spare)
      const x = v128.load(m + (j << 2)), X = v128.load(m + ld + (j << 2))
      const lo = f64x2.mul(f64x2.promote_low_f32x4(x), scale)
      const hi = f64x2.mul(f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1)), scale)
      const LO = f64x2.mul(f64x2.promote_low_f32x4(X), next)
      const HI = f64x2.mul(f64x2.promote_low_f32x4(v128.shuffle<i64>(X, X, 1, 1)), next)
      const y = roundFour(lo, hi, dtype, codes + j * size, beyond)
      const Y = roundFour(LO, HI, dtype, codes + ldCodes + j * size, beyond)
      v128.store(stored + (j << 2), y)
      v128.store(stored + ld + (j << 2), Y)
      sum = inOrder(sum, f64x2.mul(lo, lo), f64x2.mul(LO, LO))
      sum = inOrder(sum, f64x2.mul(hi, hi), f64x2.mul(HI, HI))
      const gap = f64x2.sub(lo, f64x2.promote_low_f32x4(y)), GAP = f64x2.sub(LO, f64x2.promote_low_f32x4(Y))
      lost = inOrder(lost, f64x2.mul(gap, gap), f64x2.mul(GAP, GAP))
      const rest = f64x2.sub(hi, f64x2.promote_low_f32x4(v128.shuffle<i64>(y, y, 1, 1)))
      const REST = f64x2.sub(HI, f64x2.promote_low_f32x4(v128.shuffle<i64>(Y, Y, 1, 1)))
      lost = inOrder(lost, f64x2.mul(rest, rest), f64x2.mul(REST, REST))
    }
    v128.store(whole + (i << 3), sum)
    v128.store(off + (i << 3), lost)
    restOfRow(m, cols, j, scales + (i << 3), dtype, codes, stored, whole + (i << 3), off + (i << 3), beyond)
    m += ld
    codes += ldCodes
    stored += ld
    restOfRow(m, cols, j, scales + (i << 3) + 8, dtype, codes, stored, whole + (i << 3) + 8, off + (i << 3) + 8, beyond)
    m += ld
    codes += ldCodes
    stored += ld
  }
  if (i < rows) restOfRow(m, cols, 0, scales + (i << 3), dtype, codes, stored, whole + (i << 3), off + (i << 3), beyond)
}

/** sum + [x_0 X_0] + [x_1 X_1]: lane 0 of each sum is a row, lane 1 the next. */
@inline
function inOrder(sum: v128, x: v128, X: v128): v128 {
  return f64x2.add(f64x2.add(sum, v128.shuffle<i64>(x, X, 0, 2)), v128.shuffle<i64>(x, X, 1, 3))
}

@inline
function restOfRow(
  m: usize, cols: i32, from: i32, scale: usize, dtype: i32, codes: usize, stored: usize, whole: usize, off: usize, beyond: usize,
): void {
  const size: usize = dtype == 0 ? 4 : 2
  for (let j: i32 = from; j < cols; j++) {
    const x = <f64>load<f32>(m + (j << 2)) * load<f64>(scale)
    const y = roundOne(x, dtype, codes + j * size, beyond)
    store<f32>(stored + (j << 2), y)
    add(whole, off, x, y)
  }
}

/** Four doubles to codes at `codes`; what they say, in f32. */
@inline
function roundFour(lo: v128, hi: v128, dtype: i32, codes: usize, beyond: usize): v128 {
  if (dtype == 0) {
    const near = v128.shuffle<i64>(f32x4.demote_f64x2_zero(lo), f32x4.demote_f64x2_zero(hi), 0, 2)
    const exponent = v128.and(near, i32x4.splat(INFINITE_SINGLE))
    const y = v128.and(near, v128.or(i32x4.ne(exponent, i32x4.splat(0)), i32x4.splat(i32.MIN_VALUE)))
    const over = i32x4.ge_s(exponent, i32x4.splat(INFINITE_SINGLE))
    if (v128.any_true(over))
      countFinite(beyond, v128.shuffle<i32>(over, over, 0, 0, 1, 1), v128.shuffle<i32>(over, over, 2, 2, 3, 3), lo, hi)
    v128.store(codes, y)
    return y
  }
  const codeLo = codeOf(lo, dtype, beyond), codeHi = codeOf(hi, dtype, beyond)
  let code = v128.shuffle<i32>(codeLo, codeHi, 0, 2, 4, 6)
  if (dtype == 2) code = v128.and(code, i32x4.ne(v128.and(code, i32x4.splat(INFINITE_HALF)), i32x4.splat(0)))
  const sign = i32x4.shl(i32x4.shr_u(v128.shuffle<i32>(lo, hi, 1, 3, 5, 7), 31), 15)
  const signed = v128.or(code, sign)
  v128.store64_lane(codes, i16x8.narrow_i32x4_u(signed, signed), 0)
  return dtype == 2 ? i32x4.shl(signed, 16) : widenHalfLanes(signed)
}

@inline
function roundOne(x: f64, dtype: i32, to: usize, beyond: usize): f32 {
  if (dtype == 0) {
    const near = <f32>x
    const y = abs(near) < LEAST_NORMAL ? near * 0 : near
    if (abs(y) == Infinity && abs(x) != Infinity) store<i32>(beyond, load<i32>(beyond) + 1)
    store<f32>(to, y)
    return y
  }
  const pair = f64x2.replace_lane(f64x2.splat(0), 0, x)
  const sign = <i32>(reinterpret<i64>(x) >>> 63) << 15
  let code = <i32>i64x2.extract_lane(codeOf(pair, dtype, beyond), 0)
  if (dtype == 2 && (code & INFINITE_HALF) == 0) code = 0
  const signed = code | sign
  store<u16>(to, <u16>signed)
  return dtype == 2 ? reinterpret<f32>(signed << 16) : f32x4.extract_lane(widenHalfLanes(i32x4.splat(signed)), 0)
}

/** Codes of two doubles' magnitudes, in 64-bit lanes. */
@inline
function codeOf(x: v128, dtype: i32, beyond: usize): v128 {
  const shift = dtype == 2 ? 45 : 42
  const half: i64 = ((<i64>1) << (shift - 1)) - 1
  const origin: i64 = dtype == 2 ? (<i64>896) << 7 : (<i64>1008) << 10
  const smallest: i64 = dtype == 2 ? (<i64>897) << 52 : (<i64>1009) << 52
  // 1 over the step of subnormals: 2^133, 2^24.
  const steps: f64 = dtype == 2 ? 1.0889035741470030830827987437816582766592e40 : 16777216
  const limit: i64 = dtype == 2 ? 0x7f80 : 0x7c00
  const magnitude = v128.and(x, i64x2.splat(MAGNITUDE))
  const odd = v128.and(i64x2.shr_u(magnitude, shift), i64x2.splat(1))
  const up = i64x2.add(i64x2.add(magnitude, i64x2.splat(half)), odd)
  const normal = i64x2.sub(i64x2.shr_u(up, shift), i64x2.splat(origin))
  // Adding 2^52 rounds what is below it to a whole number, ties to even, in the low bits.
  const whole = f64x2.add(f64x2.mul(magnitude, f64x2.splat(steps)), f64x2.splat(4503599627370496))
  const tiny = v128.and(whole, i64x2.splat(0x000fffffffffffff))
  const code = v128.bitselect(tiny, normal, i64x2.lt_s(magnitude, i64x2.splat(smallest)))
  const over = i64x2.ge_s(code, i64x2.splat(limit))
  if (!v128.any_true(over)) return code
  countFinite(beyond, over, i64x2.splat(0), x, x)
  const isNaN = i64x2.gt_s(magnitude, i64x2.splat(INFINITE))
  return v128.bitselect(v128.bitselect(i64x2.splat(dtype == 2 ? 0x7fc0 : 0x7e00), i64x2.splat(limit), isNaN), code, over)
}

/** Adds to `beyond` the lanes of x (and y) that are finite and beyond the range. */
function countFinite(beyond: usize, overX: v128, overY: v128, x: v128, y: v128): void {
  const finiteX = i64x2.lt_s(v128.and(x, i64x2.splat(MAGNITUDE)), i64x2.splat(INFINITE))
  const finiteY = i64x2.lt_s(v128.and(y, i64x2.splat(MAGNITUDE)), i64x2.splat(INFINITE))
  const lost = popcnt(i64x2.bitmask(v128.and(overX, finiteX))) + popcnt(i64x2.bitmask(v128.and(overY, finiteY)))
  store<i32>(beyond, load<i32>(beyond) + lost)
}
