/**
 * f64 vector steps. Addresses are in bytes and need 8-byte alignment only; every sum runs in one fixed order that depends on the length alone.
 */

/** a * b + c: fused where the module is compiled with relaxed SIMD, else rounded twice. The class of a module, see KernelInfo.arithmetic. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f64x2.relaxed_madd(a, b, c) : f64x2.add(f64x2.mul(a, b), c)
}

// @ts-ignore: decorator
@inline
export function sum2(a: v128): f64 {
  return f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1)
}

/** Sum of x[i] y[i]. */
export function dot(n: i32, x: usize, y: usize): f64 {
  let s0 = f64x2(0, 0)
  let s1 = f64x2(0, 0)
  let s2 = f64x2(0, 0)
  let s3 = f64x2(0, 0)
  const end8 = x + ((<usize>(n & ~7)) << 3)
  while (x < end8) {
    s0 = madd(v128.load(x), v128.load(y), s0)
    s1 = madd(v128.load(x, 16), v128.load(y, 16), s1)
    s2 = madd(v128.load(x, 32), v128.load(y, 32), s2)
    s3 = madd(v128.load(x, 48), v128.load(y, 48), s3)
    x += 64
    y += 64
  }
  let sum = sum2(f64x2.add(f64x2.add(s0, s2), f64x2.add(s1, s3)))
  for (let i = n & 7; i > 0; i--) {
    sum += load<f64>(x) * load<f64>(y)
    x += 8
    y += 8
  }
  return sum
}

/** y <- y + a x. */
export function axpy(n: i32, a: f64, x: usize, y: usize): void {
  const a2 = f64x2.splat(a)
  const end4 = x + ((<usize>(n & ~3)) << 3)
  while (x < end4) {
    v128.store(y, madd(a2, v128.load(x), v128.load(y)))
    v128.store(y, madd(a2, v128.load(x, 16), v128.load(y, 16)), 16)
    x += 32
    y += 32
  }
  for (let i = n & 3; i > 0; i--) {
    store<f64>(y, load<f64>(y) + a * load<f64>(x))
    x += 8
    y += 8
  }
}

/** y <- y + a x + b z. */
export function axpy2(n: i32, a: f64, x: usize, b: f64, z: usize, y: usize): void {
  const a2 = f64x2.splat(a)
  const b2 = f64x2.splat(b)
  const end2 = x + ((<usize>(n & ~1)) << 3)
  while (x < end2) {
    v128.store(y, madd(b2, v128.load(z), madd(a2, v128.load(x), v128.load(y))))
    x += 16
    y += 16
    z += 16
  }
  if (n & 1) store<f64>(y, load<f64>(y) + a * load<f64>(x) + b * load<f64>(z))
}

/** x <- a x. */
export function scale(n: i32, a: f64, x: usize): void {
  const end = x + ((<usize>n) << 3)
  for (; x < end; x += 8) store<f64>(x, load<f64>(x) * a)
}

/** Rotates two vectors: (x, y) <- (c x + s y, c y - s x). */
export function rotate(n: i32, c: f64, s: f64, x: usize, y: usize): void {
  const c2 = f64x2.splat(c)
  const s2 = f64x2.splat(s)
  const end2 = x + ((<usize>(n & ~1)) << 3)
  while (x < end2) {
    const a = v128.load(x)
    const b = v128.load(y)
    v128.store(x, madd(s2, b, f64x2.mul(c2, a)))
    v128.store(y, f64x2.sub(f64x2.mul(c2, b), f64x2.mul(s2, a)))
    x += 16
    y += 16
  }
  if (n & 1) {
    const a = load<f64>(x)
    const b = load<f64>(y)
    store<f64>(x, c * a + s * b)
    store<f64>(y, c * b - s * a)
  }
}

/** x <- 0. */
// @ts-ignore: decorator
@inline
export function clear(n: i32, x: usize): void {
  memory.fill(x, 0, (<usize>n) << 3)
}

// @ts-ignore: decorator
@inline
export function copy(n: i32, from: usize, to: usize): void {
  memory.copy(to, from, (<usize>n) << 3)
}

// @ts-ignore: decorator
@inline
export function at(x: usize, i: i32): f64 {
  return load<f64>(x + ((<usize>i) << 3))
}

// @ts-ignore: decorator
@inline
export function put(x: usize, i: i32, value: f64): void {
  store<f64>(x + ((<usize>i) << 3), value)
}

/** Entry of a list of i32. */
// @ts-ignore: decorator
@inline
export function index(list: usize, i: i32): i32 {
  return load<i32>(list + (<usize>i << 2))
}

// @ts-ignore: decorator
@inline
export function setIndex(list: usize, i: i32, value: i32): void {
  store<i32>(list + (<usize>i << 2), value)
}

/** Power of two of a positive finite number, so that x / 2^e is about 1. */
export function exponentOf(x: f64): i32 {
  const bits = <i32>((reinterpret<u64>(x) >> 52) & 0x7ff)
  return max(bits, 1) - 1023
}

/** x <- 2^exponent x. In two steps where 2^exponent itself is no normal number. */
export function scaleByPowerOfTwo(n: i32, exponent: i32, x: usize): void {
  const first = max(-1000, min(1000, exponent))
  scale(n, reinterpret<f64>(<u64>(1023 + first) << 52), x)
  if (exponent != first) scale(n, reinterpret<f64>(<u64>(1023 + exponent - first) << 52), x)
}
