/**
 * Counter-based normals: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011), then Box-Muller on fixed pairs.
 * ECMAScript does not fix the bits of Math.log, sin and cos, so these are our own, from + - * / sqrt only: the same bits on every engine,
 * and the same operations in the same order as kernels/assembly.
 */
import type { GaussianKey } from './kernels.ts'

/** The two normals of `row` and columns 2 * pair, 2 * pair + 1, rounded to f32. */
export function normalPair(key: GaussianKey, row: number, pair: number): readonly [number, number] {
  const [a, b] = philox4x32(key, row, pair)
  // Uniform in (0, 1]: never 0, whose logarithm is infinite.
  const radius = Math.sqrt(-2 * naturalLog((a + 1) * 2 ** -32))
  const [cosine, sine] = cosineAndSineOfTurn(b * 2 ** -32)
  return [Math.fround(radius * cosine), Math.fround(radius * sine)]
}

/** First two words of the Philox block for counter (c0, c1, 0, 0). */
export function philox4x32(key: GaussianKey, c0: number, c1: number): readonly [number, number, number, number] {
  let [k0, k1] = [key[0] >>> 0, key[1] >>> 0]
  let [x0, x1, x2, x3] = [c0 >>> 0, c1 >>> 0, 0, 0]
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiply32(0xd2511f53, x0)
    const [high1, low1] = multiply32(0xcd9e8d57, x2)
    ;[x0, x1, x2, x3] = [(high1 ^ x1 ^ k0) >>> 0, low1, (high0 ^ x3 ^ k1) >>> 0, low0]
    k0 = (k0 + 0x9e3779b9) >>> 0
    k1 = (k1 + 0xbb67ae85) >>> 0
  }
  return [x0, x1, x2, x3]
}

/** 32 x 32 -> 64 bits as [high, low]. */
function multiply32(a: number, b: number): readonly [number, number] {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const low = aLow * bLow
  const middle = aHigh * bLow + (low >>> 16)
  const middle2 = aLow * bHigh + (middle & 0xffff)
  return [aHigh * bHigh + Math.floor(middle / 65536) + (middle2 >>> 16), Math.imul(a, b) >>> 0]
}

const LN2 = Math.LN2

/** ln x for 2^-32 <= x <= 1: x = 2^e f with f in [sqrt(1/2), sqrt 2), ln f = 2 atanh((f - 1) / (f + 1)) as a fixed series. Relative error below 1e-15. */
export function naturalLog(x: number): number {
  let exponent = 0
  let f = x
  while (f < Math.SQRT1_2) {
    f *= 2
    exponent--
  }
  const t = (f - 1) / (f + 1)
  const t2 = t * t
  // |t| <= 0.1716: term 10 of the series is below 1e-17.
  let series = 1 / 21
  for (let n = 19; n >= 1; n -= 2) series = series * t2 + 1 / n
  return exponent * LN2 + 2 * t * series
}

const TAU = 6.283185307179586

/** cos and sin of 2 pi u for u in [0, 1): reduced to an eighth turn, then fixed Taylor series. */
export function cosineAndSineOfTurn(u: number): readonly [number, number] {
  const octant = Math.floor(u * 8)
  // Distance to the nearest multiple of a quarter turn, |x| <= pi / 4.
  const quarter = (octant + 1) >> 1
  const x = (u - quarter * 0.25) * TAU
  const x2 = x * x
  let cosine = 1 / 20922789888000
  for (const c of [-1 / 87178291200, 1 / 479001600, -1 / 3628800, 1 / 40320, -1 / 720, 1 / 24, -1 / 2, 1])
    cosine = cosine * x2 + c
  let sine = 1 / 355687428096000
  for (const c of [-1 / 1307674368000, 1 / 6227020800, -1 / 39916800, 1 / 362880, -1 / 5040, 1 / 120, -1 / 6, 1])
    sine = sine * x2 + c
  sine *= x
  switch (quarter & 3) {
    case 0:
      return [cosine, sine]
    case 1:
      return [-sine, cosine]
    case 2:
      return [-cosine, -sine]
    default:
      return [sine, -cosine]
  }
}
