/**
 * Roots of the secular equation 1 / rho + sum z[j]^2 / (d[j] - x) = 0 (Gu and Eisenstat 1995; LAPACK dlaed4, after Li 1993): one between each two
 * poles and one above the last. A root is found as its distance from the nearer pole, so that all d[j] - x keep their leading digits: that is what
 * makes the vectors orthogonal later.
 *
 * Each step solves a two-pole model of the equation; a bracket guards it, and bisection takes over where the model does not shrink it.
 */
import { at, sum2 } from './vector'

const EPSILON: f64 = 1.1102230246251565e-16
const MOST_STEPS: i32 = 200
/** Model steps before every other step is a bisection; 4 to 6 are usual in all. */
const MODEL_STEPS: i32 = 24

/** Sums of the latest `evaluate`: poles up to the split and beyond, and their derivatives. */
let psi: f64 = 0
let psiSlope: f64 = 0
let phi: f64 = 0
let phiSlope: f64 = 0

/** Sum of z[j]^2 / delta[j] and of z[j]^2 / delta[j]^2, delta[j] = (d[j] - origin) - tau, over first <= j < last. */
function sumPoles(first: i32, last: i32, d: usize, z: usize, origin: f64, tau: f64, upper: bool): void {
  let sum = f64x2(0, 0)
  let slope = f64x2(0, 0)
  const origin2 = f64x2.splat(origin)
  const tau2 = f64x2.splat(tau)
  let j = first
  for (; j + 2 <= last; j += 2) {
    const offset = <usize>j << 3
    const zz = v128.load(z + offset)
    const t = f64x2.div(zz, f64x2.sub(f64x2.sub(v128.load(d + offset), origin2), tau2))
    sum = f64x2.add(sum, f64x2.mul(zz, t))
    slope = f64x2.add(slope, f64x2.mul(t, t))
  }
  let total = sum2(sum)
  let totalSlope = sum2(slope)
  if (j < last) {
    const zz = at(z, j)
    const t = zz / (at(d, j) - origin - tau)
    total += zz * t
    totalSlope += t * t
  }
  if (upper) {
    phi = total
    phiSlope = totalSlope
  } else {
    psi = total
    psiSlope = totalSlope
  }
}

/**
 * Root `i` of `count`; row[j] <- d[j] - root. d ascending and distinct, z without zeros (both after deflation).
 * @returns the root
 */
export function secularRoot(i: i32, count: i32, d: usize, z: usize, rho: f64, row: usize): f64 {
  const inverseRho = 1 / rho
  const top = i == count - 1
  let origin = at(d, i)
  let tau: f64 = 0
  if (count == 1) {
    tau = rho * at(z, 0) * at(z, 0)
    store<f64>(row, -tau)
    return origin + tau
  }
  // The model's two poles; psi sums up to the first of them.
  const left = top ? i - 1 : i
  let low: f64 = 0
  let high: f64
  const zLeft = at(z, left) * at(z, left)
  const zRight = at(z, left + 1) * at(z, left + 1)
  const gap = at(d, left + 1) - at(d, left)
  if (top) {
    let norm: f64 = 0
    for (let j = 0; j < count; j++) norm += at(z, j) * at(z, j)
    high = rho * norm
    const middle = 0.5 * high
    sumPoles(0, left, d, z, origin, middle, false)
    const c = inverseRho + psi
    const w = c + zLeft / (-gap - middle) - zRight / middle
    if (w <= 0) low = middle
    else high = middle
    tau = topGuess(c, gap, zLeft, zRight)
  } else {
    const middle = 0.5 * gap
    sumPoles(0, i, d, z, origin, middle, false)
    sumPoles(i + 2, count, d, z, origin, middle, true)
    const c = inverseRho + psi + phi
    const w = c - zLeft / middle + zRight / middle
    if (w >= 0) {
      high = middle
      const a = c * gap + zLeft + zRight
      const b = zLeft * gap
      const root = Math.sqrt(abs(a * a - 4 * b * c))
      tau = a > 0 ? (2 * b) / (a + root) : (a - root) / (2 * c)
    } else {
      origin = at(d, i + 1)
      low = -middle
      high = 0
      const a = c * gap - zLeft - zRight
      const b = zRight * gap
      const root = Math.sqrt(abs(a * a + 4 * b * c))
      tau = a < 0 ? (2 * b) / (a - root) : -(a + root) / (2 * c)
    }
  }
  if (!(tau > low && tau < high)) tau = 0.5 * (low + high)
  const fromLeft = origin == at(d, left) && !top
  let middleWay = top
  let lastError: f64 = Infinity
  for (let step = 0; step < MOST_STEPS; step++) {
    sumPoles(0, left + 1, d, z, origin, tau, false)
    sumPoles(left + 1, count, d, z, origin, tau, true)
    const w = inverseRho + psi + phi
    const slope = psiSlope + phiSlope
    if (abs(w) <= EPSILON * (8 * (abs(phi) + abs(psi)) + inverseRho + abs(tau) * slope)) break
    if (w < 0) low = tau
    else high = tau
    const deltaLeft = at(d, left) - origin - tau
    const deltaRight = at(d, left + 1) - origin - tau
    // Fixed weight at the nearer pole, or both weights from the two halves ("middle way"), whichever converges.
    if (!top && abs(w) > 0.1 * lastError) middleWay = !middleWay
    lastError = abs(w)
    let c: f64
    if (middleWay) c = w - deltaLeft * psiSlope - deltaRight * phiSlope
    else if (fromLeft) c = w - deltaRight * slope + (gap * zLeft) / (deltaLeft * deltaLeft)
    else c = w - deltaLeft * slope - (gap * zRight) / (deltaRight * deltaRight)
    const a = (deltaLeft + deltaRight) * w - deltaLeft * deltaRight * slope
    const b = deltaLeft * deltaRight * w
    let next = tau + modelStep(a, b, top ? abs(c) : c, top)
    if (!((next - tau) * w < 0)) next = tau - w / slope
    const bisect = step >= MODEL_STEPS && (step & 1) == 1
    if (bisect || !(next > low && next < high)) {
      // Toward a bracket end at 0 the geometric mean finds the magnitude.
      if (low > 0 && high > 4 * low) next = Math.sqrt(low) * Math.sqrt(high)
      else if (high < 0 && low < 4 * high) next = -Math.sqrt(-low) * Math.sqrt(-high)
      else next = 0.5 * (low + high)
    }
    if (next == tau || !(next > low && next < high)) break
    tau = next
  }
  writeDistances(count, d, origin, tau, row)
  return origin + tau
}

/** First guess above the last pole: the two-pole model with the other poles' sum c. */
function topGuess(c: f64, gap: f64, zLeft: f64, zRight: f64): f64 {
  const a = -c * gap + zLeft + zRight
  const b = zRight * gap
  const root = Math.sqrt(a * a + 4 * b * c)
  return a < 0 ? (2 * b) / (root - a) : (a + root) / (2 * c)
}

/** Root of c x^2 - a x + b that the model has between its poles, or above both. */
function modelStep(a: f64, b: f64, c: f64, top: bool): f64 {
  const root = Math.sqrt(abs(a * a - 4 * b * c))
  if (c == 0) return b / a
  if (top) return a >= 0 ? (a + root) / (2 * c) : (2 * b) / (a - root)
  return a <= 0 ? (a - root) / (2 * c) : (2 * b) / (a + root)
}

function writeDistances(count: i32, d: usize, origin: f64, tau: f64, row: usize): void {
  const origin2 = f64x2.splat(origin)
  const tau2 = f64x2.splat(tau)
  let j = 0
  for (; j + 2 <= count; j += 2) {
    const offset = <usize>j << 3
    v128.store(row + offset, f64x2.sub(f64x2.sub(v128.load(d + offset), origin2), tau2))
  }
  if (j < count) store<f64>(row + (<usize>j << 3), at(d, j) - origin - tau)
}
