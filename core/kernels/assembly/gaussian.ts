/**
 * Counter-based normals, two at a time from Philox4x32-10 and Box-Muller: the same operations in the same order as ../philox.ts, which says
 * why, so the same bits. Here two rows (or two pairs of a row) share a register; lanes do not mix, so the bits do not change.
 */

/** X, rows [first, first + rows) x cols at `to`, row stride `ld` bytes: entry (i, j) depends on (key, i, j) alone. */
export function gaussianRows(k0: u32, k1: u32, first: u32, rows: i32, cols: i32, to: usize, ld: usize): void {
  for (let i: i32 = 0; i < rows; i++) {
    const row: usize = to + i * ld
    for (let j: i32 = 0; j < cols; j += 4) {
      const w0 = philox(k0, k1, first + i, j >>> 1)
      const w1 = philox(k0, k1, first + i, (j >>> 1) + 1)
      // Uniform in (0, 1]: never 0, whose logarithm is infinite.
      const a = f64x2.mul(
        f64x2.add(f64x2.convert_low_i32x4_u(i32x4(<i32>w0, <i32>w1, 0, 0)), f64x2.splat(1)), f64x2.splat(2.3283064365386963e-10))
      const b = f64x2.mul(
        f64x2.convert_low_i32x4_u(i32x4(<i32>(w0 >> 32), <i32>(w1 >> 32), 0, 0)), f64x2.splat(2.3283064365386963e-10))
      const radius = f64x2.sqrt(f64x2.mul(f64x2.splat(-2), naturalLog(a)))
      // Distance to the nearest multiple of a quarter turn.
      const octant = f64x2.floor(f64x2.mul(b, f64x2.splat(8)))
      const quarter = i32x4.shr_u(i32x4.add(i32x4.trunc_sat_f64x2_u_zero(octant), i32x4.splat(1)), 1)
      const x = f64x2.mul(
        f64x2.sub(b, f64x2.mul(f64x2.convert_low_i32x4_u(quarter), f64x2.splat(0.25))), f64x2.splat(6.283185307179586))
      const x2 = f64x2.mul(x, x)
      const c = cosine(x2)
      const s = f64x2.mul(sine(x2), x)
      // Quarter 0: (c, s); 1: (-s, c); 2: (-c, -s); 3: (s, -c).
      const q = i64x2.extend_low_i32x4_u(quarter)
      const swap = i64x2.eq(v128.and(q, i64x2.splat(1)), i64x2.splat(1))
      const firstNegative = i64x2.shl(v128.and(i64x2.add(q, i64x2.splat(1)), i64x2.splat(2)), 62)
      const secondNegative = i64x2.shl(v128.and(q, i64x2.splat(2)), 62)
      const even = f64x2.mul(radius, v128.xor(v128.bitselect(s, c, swap), firstNegative))
      const odd = f64x2.mul(radius, v128.xor(v128.bitselect(c, s, swap), secondNegative))
      const e = f32x4.demote_f64x2_zero(even), o = f32x4.demote_f64x2_zero(odd)
      const four = v128.shuffle<i32>(e, o, 0, 4, 1, 5)
      if (j + 4 <= cols) v128.store(row + (j << 2), four)
      else {
        store<f32>(row + (j << 2), f32x4.extract_lane(four, 0))
        if (j + 1 < cols) store<f32>(row + (j << 2), f32x4.extract_lane(four, 1), 4)
        if (j + 2 < cols) store<f32>(row + (j << 2), f32x4.extract_lane(four, 2), 8)
      }
    }
  }
}

/** First two words of the Philox block for counter (c0, c1, 0, 0), the first one low. */
@inline
function philox(key0: u32, key1: u32, c0: u32, c1: u32): u64 {
  let k0 = key0, k1 = key1
  let x0 = c0, x1 = c1, x2: u32 = 0, x3: u32 = 0
  for (let round: i32 = 0; round < 10; round++) {
    const p0 = <u64>0xd2511f53 * <u64>x0
    const p1 = <u64>0xcd9e8d57 * <u64>x2
    x0 = <u32>(p1 >> 32) ^ x1 ^ k0
    x1 = <u32>p1
    x2 = <u32>(p0 >> 32) ^ x3 ^ k1
    x3 = <u32>p0
    k0 += 0x9e3779b9
    k1 += 0xbb67ae85
  }
  return <u64>x0 | (<u64>x1 << 32)
}

/** ln x for 2^-32 <= x <= 1. The doubling loop of philox.ts is exact, so taking the exponent out of the bits gives the same f. */
@inline
function naturalLog(x: v128): v128 {
  const fraction = v128.or(v128.and(x, i64x2.splat(0x000fffffffffffff)), i64x2.splat(0x3ff0000000000000))
  // f in [sqrt(1/2), sqrt 2): fractions from sqrt 2 on are halved and their exponent raised by one.
  const high = f64x2.ge(fraction, f64x2.splat(1.4142135623730951))
  const f = f64x2.mul(fraction, v128.bitselect(f64x2.splat(0.5), f64x2.splat(1), high))
  const biased = i64x2.sub(i64x2.shr_u(x, 52), i64x2.add(i64x2.splat(1023), high))
  const exponent = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(biased, biased, 0, 2, 0, 2))
  const t = f64x2.div(f64x2.sub(f, f64x2.splat(1)), f64x2.add(f, f64x2.splat(1)))
  const t2 = f64x2.mul(t, t)
  let series = f64x2.splat(1.0 / 21.0)
  series = f64x2.add(f64x2.mul(series, t2), f64x2.splat(1.0 / 19.0))
  series = f64x2.add(f64x2.mul(series, t2), f64x2.splat(1.0 / 17.0))
  series = f64x2.add(f64x2.mul(series, t2), f64x2.splat(1.0 / 15.0))
  series = f64x2.add(f64x2.mul(series, t2), f64x2.splat(1.0 / 13.0))
  series = f64x2.add(f64x2.mul(series, t2), f64x2.splat(1.0 / 11.0))
  series = f64x2.add(f64x2.mul(series, t2), f64x2.splat(1.0 / 9.0))
  series = f64x2.add(f64x2.mul(series, t2), f64x2.splat(1.0 / 7.0))
  series = f64x2.add(f64x2.mul(series, t2), f64x2.splat(1.0 / 5.0))
  series = f64x2.add(f64x2.mul(series, t2), f64x2.splat(1.0 / 3.0))
  series = f64x2.add(f64x2.mul(series, t2), f64x2.splat(1))
  const twice = f64x2.mul(f64x2.mul(f64x2.splat(2), t), series)
  return f64x2.add(f64x2.mul(exponent, f64x2.splat(0.6931471805599453)), twice)
}

@inline
function cosine(x2: v128): v128 {
  let y = f64x2.splat(1.0 / 20922789888000.0)
  y = f64x2.add(f64x2.mul(y, x2), f64x2.splat(-1.0 / 87178291200.0))
  y = f64x2.add(f64x2.mul(y, x2), f64x2.splat(1.0 / 479001600.0))
  y = f64x2.add(f64x2.mul(y, x2), f64x2.splat(-1.0 / 3628800.0))
  y = f64x2.add(f64x2.mul(y, x2), f64x2.splat(1.0 / 40320.0))
  y = f64x2.add(f64x2.mul(y, x2), f64x2.splat(-1.0 / 720.0))
  y = f64x2.add(f64x2.mul(y, x2), f64x2.splat(1.0 / 24.0))
  y = f64x2.add(f64x2.mul(y, x2), f64x2.splat(-1.0 / 2.0))
  return f64x2.add(f64x2.mul(y, x2), f64x2.splat(1))
}

/** sin x / x. */
@inline
function sine(x2: v128): v128 {
  let y = f64x2.splat(1.0 / 355687428096000.0)
  y = f64x2.add(f64x2.mul(y, x2), f64x2.splat(-1.0 / 1307674368000.0))
  y = f64x2.add(f64x2.mul(y, x2), f64x2.splat(1.0 / 6227020800.0))
  y = f64x2.add(f64x2.mul(y, x2), f64x2.splat(-1.0 / 39916800.0))
  y = f64x2.add(f64x2.mul(y, x2), f64x2.splat(1.0 / 362880.0))
  y = f64x2.add(f64x2.mul(y, x2), f64x2.splat(-1.0 / 5040.0))
  y = f64x2.add(f64x2.mul(y, x2), f64x2.splat(1.0 / 120.0))
  y = f64x2.add(f64x2.mul(y, x2), f64x2.splat(-1.0 / 6.0))
  return f64x2.add(f64x2.mul(y, x2), f64x2.splat(1))
}
