/**
 * Counter-based normals from Philox4x32-10 and Box-Muller: the same operations in the same order as ../philox.ts, which says why, so the
 * same bits. Four counters of a row go through Philox side by side, then two at a time through Box-Muller; lanes do not mix.
 */

/** Pairs made at a time, a multiple of 4. */
const CHUNK: i32 = 256

/**
 * X, rows [first, first + rows) x cols at `to`, row stride `ld` bytes: entry (i, j) depends on (key, i, j) alone. First the words of a
 * chunk, then its normals: two short loops, of which the processor overlaps several turns, take a third of the time of one long one.
 * `spare`: 4096 bytes of scratch: words for the radius, words for the angle, constants, normals of a chunk that is not full.
 */
export function gaussianRows(k0: i32, k1: i32, first: i32, rows: i32, cols: i32, to: usize, ld: usize, spare: usize): void {
  const table: usize = spare + 8 * CHUNK
  const normals: usize = table + 512
  writeConstants(table)
  for (let i: i32 = 0; i < rows; i++) {
    const row: usize = to + i * ld
    for (let j: i32 = 0; j < cols; j += 2 * CHUNK) {
      const here: i32 = min(2 * CHUNK, cols - j)
      for (let pair: i32 = 0; pair < here; pair += 8) words(k0, k1, first + i, (j + pair) >> 1, spare + (pair << 1))
      let at: i32 = 0
      for (; at + 4 <= here; at += 4) boxMuller(spare + (at << 1), table, row + ((j + at) << 2))
      if (at < here) {
        boxMuller(spare + (at << 1), table, normals)
        memory.copy(row + ((j + at) << 2), normals, (here - at) << 2)
      }
    }
  }
}

/** First two words of the Philox blocks of the counters (row, pair, 0, 0) ... (row, pair + 3, 0, 0). */
@inline
function words(key0: i32, key1: i32, row: i32, pair: i32, to: usize): void {
  const m0 = i32x4.splat(0xd2511f53), m1 = i32x4.splat(0xcd9e8d57)
  let k0 = i32x4.splat(key0), k1 = i32x4.splat(key1)
  let x0 = i32x4.splat(row), x1 = i32x4.add(i32x4.splat(pair), i32x4(0, 1, 2, 3))
  let x2 = i32x4.splat(0), x3 = i32x4.splat(0)
  for (let round: i32 = 0; round < 10; round++) {
    const p0 = i64x2.extmul_low_i32x4_u(m0, x0), q0 = i64x2.extmul_high_i32x4_u(m0, x0)
    const p1 = i64x2.extmul_low_i32x4_u(m1, x2), q1 = i64x2.extmul_high_i32x4_u(m1, x2)
    x0 = v128.xor(v128.xor(v128.shuffle<i32>(p1, q1, 1, 3, 5, 7), x1), k0)
    x1 = v128.shuffle<i32>(p1, q1, 0, 2, 4, 6)
    x2 = v128.xor(v128.xor(v128.shuffle<i32>(p0, q0, 1, 3, 5, 7), x3), k1)
    x3 = v128.shuffle<i32>(p0, q0, 0, 2, 4, 6)
    k0 = i32x4.add(k0, i32x4.splat(0x9e3779b9))
    k1 = i32x4.add(k1, i32x4.splat(0xbb67ae85))
  }
  v128.store(to, x0)
  v128.store(to + 4 * CHUNK, x1)
}

/** Four normals from two words for the radius, at `from`, and two for the angle. */
@inline
function boxMuller(from: usize, table: usize, to: usize): void {
  const a = v128.load64_zero(from), b = v128.load64_zero(from + 4 * CHUNK)
  // Uniform in (0, 1]: never 0, whose logarithm is infinite.
  const unit = v128.load64_splat(table, 32)
  const u = f64x2.mul(f64x2.add(f64x2.convert_low_i32x4_u(a), v128.load64_splat(table)), unit)
  const radius = f64x2.sqrt(f64x2.mul(v128.load64_splat(table, 40), naturalLog(u, table)))
  // The eighth of the turn is the word's top three bits; then the distance to the nearest multiple of a quarter turn.
  const quarter = i32x4.shr_u(i32x4.add(i32x4.shr_u(b, 29), i32x4.splat(1)), 1)
  const turn = f64x2.mul(f64x2.convert_low_i32x4_u(b), unit)
  const x = f64x2.mul(
    f64x2.sub(turn, f64x2.mul(f64x2.convert_low_i32x4_u(quarter), v128.load64_splat(table, 48))),
    v128.load64_splat(table, 56))
  const x2 = f64x2.mul(x, x)
  const c = cosine(x2, table)
  const s = f64x2.mul(sine(x2, table), x)
  // Quarter 0: (c, s); 1: (-s, c); 2: (-c, -s); 3: (s, -c).
  const q = i64x2.extend_low_i32x4_u(quarter)
  const swap = i64x2.eq(v128.and(q, i64x2.splat(1)), i64x2.splat(1))
  const evenSign = i64x2.shl(v128.and(i64x2.add(q, i64x2.splat(1)), i64x2.splat(2)), 62)
  const oddSign = i64x2.shl(v128.and(q, i64x2.splat(2)), 62)
  const even = f64x2.mul(radius, v128.xor(v128.bitselect(s, c, swap), evenSign))
  const odd = f64x2.mul(radius, v128.xor(v128.bitselect(c, s, swap), oddSign))
  v128.store(to, v128.shuffle<i32>(f32x4.demote_f64x2_zero(even), f32x4.demote_f64x2_zero(odd), 0, 4, 1, 5))
}

/** ln x for 2^-32 <= x <= 1. The doubling loop of philox.ts is exact, so taking the exponent out of the bits gives the same f. */
@inline
function naturalLog(x: v128, table: usize): v128 {
  const one = v128.load64_splat(table)
  const fraction = v128.or(v128.and(x, i64x2.splat(0x000fffffffffffff)), one)
  // f in [sqrt(1/2), sqrt 2): fractions from sqrt 2 on are halved and their exponent raised by one.
  const high = f64x2.ge(fraction, v128.load64_splat(table, 8))
  const f = f64x2.mul(fraction, v128.bitselect(v128.load64_splat(table, 16), one, high))
  const biased = i64x2.sub(i64x2.shr_u(x, 52), i64x2.add(i64x2.splat(1023), high))
  const exponent = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(biased, biased, 0, 2, 0, 2))
  const t = f64x2.div(f64x2.sub(f, one), f64x2.add(f, one))
  const twice = f64x2.mul(f64x2.add(t, t), logSeries(f64x2.mul(t, t), table))
  return f64x2.add(f64x2.mul(exponent, v128.load64_splat(table, 24)), twice)
}

/** atanh(t) / t from t^2. */
@inline
function logSeries(t2: v128, table: usize): v128 {
  let y = v128.load64_splat(table, 64)
  y = f64x2.add(f64x2.mul(y, t2), v128.load64_splat(table, 72))
  y = f64x2.add(f64x2.mul(y, t2), v128.load64_splat(table, 80))
  y = f64x2.add(f64x2.mul(y, t2), v128.load64_splat(table, 88))
  y = f64x2.add(f64x2.mul(y, t2), v128.load64_splat(table, 96))
  y = f64x2.add(f64x2.mul(y, t2), v128.load64_splat(table, 104))
  y = f64x2.add(f64x2.mul(y, t2), v128.load64_splat(table, 112))
  y = f64x2.add(f64x2.mul(y, t2), v128.load64_splat(table, 120))
  y = f64x2.add(f64x2.mul(y, t2), v128.load64_splat(table, 128))
  y = f64x2.add(f64x2.mul(y, t2), v128.load64_splat(table, 136))
  return f64x2.add(f64x2.mul(y, t2), v128.load64_splat(table))
}

/** cos x from x^2. */
@inline
function cosine(x2: v128, table: usize): v128 {
  let y = v128.load64_splat(table, 144)
  y = f64x2.add(f64x2.mul(y, x2), v128.load64_splat(table, 152))
  y = f64x2.add(f64x2.mul(y, x2), v128.load64_splat(table, 160))
  y = f64x2.add(f64x2.mul(y, x2), v128.load64_splat(table, 168))
  y = f64x2.add(f64x2.mul(y, x2), v128.load64_splat(table, 176))
  y = f64x2.add(f64x2.mul(y, x2), v128.load64_splat(table, 184))
  y = f64x2.add(f64x2.mul(y, x2), v128.load64_splat(table, 192))
  y = f64x2.add(f64x2.mul(y, x2), v128.load64_splat(table, 200))
  return f64x2.add(f64x2.mul(y, x2), v128.load64_splat(table))
}

/** sin x / x from x^2. */
@inline
function sine(x2: v128, table: usize): v128 {
  let y = v128.load64_splat(table, 208)
  y = f64x2.add(f64x2.mul(y, x2), v128.load64_splat(table, 216))
  y = f64x2.add(f64x2.mul(y, x2), v128.load64_splat(table, 224))
  y = f64x2.add(f64x2.mul(y, x2), v128.load64_splat(table, 232))
  y = f64x2.add(f64x2.mul(y, x2), v128.load64_splat(table, 240))
  y = f64x2.add(f64x2.mul(y, x2), v128.load64_splat(table, 248))
  y = f64x2.add(f64x2.mul(y, x2), v128.load64_splat(table, 256))
  y = f64x2.add(f64x2.mul(y, x2), v128.load64_splat(table, 264))
  return f64x2.add(f64x2.mul(y, x2), v128.load64_splat(table))
}

/**
 * The constants, as one word each: a load that fills both lanes takes one step, a constant of the code four.
 * 1, sqrt 2, 1/2, ln 2, 2^-32, -2, 1/4, 2 pi; then the coefficients of the series, highest first, without their constant term 1.
 */
function writeConstants(table: usize): void {
  store<f64>(table, 1)
  store<f64>(table, 1.4142135623730951, 8)
  store<f64>(table, 0.5, 16)
  store<f64>(table, 0.6931471805599453, 24)
  store<f64>(table, 2.3283064365386963e-10, 32)
  store<f64>(table, -2, 40)
  store<f64>(table, 0.25, 48)
  store<f64>(table, 6.283185307179586, 56)
  store<f64>(table, 1.0 / 21.0, 64)
  store<f64>(table, 1.0 / 19.0, 72)
  store<f64>(table, 1.0 / 17.0, 80)
  store<f64>(table, 1.0 / 15.0, 88)
  store<f64>(table, 1.0 / 13.0, 96)
  store<f64>(table, 1.0 / 11.0, 104)
  store<f64>(table, 1.0 / 9.0, 112)
  store<f64>(table, 1.0 / 7.0, 120)
  store<f64>(table, 1.0 / 5.0, 128)
  store<f64>(table, 1.0 / 3.0, 136)
  store<f64>(table, 1.0 / 20922789888000.0, 144)
  store<f64>(table, -1.0 / 87178291200.0, 152)
  store<f64>(table, 1.0 / 479001600.0, 160)
  store<f64>(table, -1.0 / 3628800.0, 168)
  store<f64>(table, 1.0 / 40320.0, 176)
  store<f64>(table, -1.0 / 720.0, 184)
  store<f64>(table, 1.0 / 24.0, 192)
  store<f64>(table, -1.0 / 2.0, 200)
  store<f64>(table, 1.0 / 355687428096000.0, 208)
  store<f64>(table, -1.0 / 1307674368000.0, 216)
  store<f64>(table, 1.0 / 6227020800.0, 224)
  store<f64>(table, -1.0 / 39916800.0, 232)
  store<f64>(table, 1.0 / 362880.0, 240)
  store<f64>(table, -1.0 / 5040.0, 248)
  store<f64>(table, 1.0 / 120.0, 256)
  store<f64>(table, -1.0 / 6.0, 264)
}
