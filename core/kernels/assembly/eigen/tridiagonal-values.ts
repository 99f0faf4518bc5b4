/**
 * Eigenvalues of a symmetric tridiagonal matrix by the root-free QL / QR iteration of Pal, Walker and Kahan (LAPACK dsterf): about 1.7 sweeps a value,
 * n^2 short steps in all. Each unreduced block is chased from its smaller end, which keeps graded matrices accurate.
 */
import { cancelled } from './crew'
import { at, put } from './vector'

const EPSILON: f64 = 1.1102230246251565e-16
const EPSILON2: f64 = EPSILON * EPSILON
/** Squared couplings below this (of a matrix scaled to about 1) are zero, whatever stands beside them. */
const NOTHING: f64 = 1e-70
/** A cosine below this stands for 0: its inverse would overflow. */
const VANISHED: f64 = 1e-300
const SWEEPS_PER_VALUE: i32 = 30

/** d[n] <- eigenvalues in no order; e[n - 1] is destroyed. @returns false once cancelled, or if it does not converge (never seen) */
export function tridiagonalValues(n: i32, d: usize, e: usize): bool {
  for (let i = 0; i < n - 1; i++) put(e, i, at(e, i) * at(e, i))
  let sweeps = n * SWEEPS_PER_VALUE
  let first = 0
  while (first < n) {
    let last = first
    while (last < n - 1 && !negligible(d, e, last)) last++
    if (last < n - 1) put(e, last, 0)
    sweeps = abs(at(d, last)) < abs(at(d, first)) ? chaseUp(first, last, d, e, sweeps) : chaseDown(first, last, d, e, sweeps)
    if (sweeps < 0) return false
    first = last + 1
  }
  return !cancelled()
}

/** Whether e[i] (squared) couples d[i] and d[i + 1] by less than rounding. */
function negligible(d: usize, e: usize, i: i32): bool {
  const coupling = at(e, i)
  return coupling <= EPSILON2 * abs(at(d, i) * at(d, i + 1)) || coupling < NOTHING
}

/** Eigenvalues of (d0, sqrt(e2); sqrt(e2), d1) into d[i], d[j]. */
function pair(d: usize, i: i32, j: i32, e2: f64): void {
  const a = at(d, i)
  const b = at(d, j)
  const half = 0.5 * (a - b)
  const root = Math.sqrt(half * half + e2)
  const sum = a + b
  const large = sum < 0 ? 0.5 * sum - root : 0.5 * sum + root
  const major = abs(a) > abs(b) ? a : b
  const minor = abs(a) > abs(b) ? b : a
  // From the determinant, not from the difference: no cancellation.
  const small = large == 0 ? 0 : (major / large) * minor - e2 / large
  put(d, i, large)
  put(d, j, small)
}

function shift(p: f64, neighbour: f64, e2: f64): f64 {
  const root = Math.sqrt(e2)
  const g = (neighbour - p) / (2 * root)
  const r = Math.sqrt(g * g + 1)
  return p - root / (g + (g < 0 ? -r : r))
}

/** QL on first .. last: values appear at the front. @returns sweeps left, -1 once cancelled or out of sweeps */
function chaseDown(first: i32, last: i32, d: usize, e: usize, sweeps: i32): i32 {
  let l = first
  while (l <= last) {
    let m = l
    while (m < last && !negligible(d, e, m)) m++
    if (m < last) put(e, m, 0)
    if (m == l) {
      l++
      continue
    }
    if (m == l + 1) {
      pair(d, l, m, at(e, l))
      put(e, l, 0)
      l += 2
      continue
    }
    if (--sweeps < 0 || cancelled()) return -1
    const sigma = shift(at(d, l), at(d, l + 1), at(e, l))
    let c: f64 = 1
    let s: f64 = 0
    let gamma = at(d, m) - sigma
    let p = gamma * gamma
    for (let i = m - 1; i >= l; i--) {
      const b = at(e, i)
      const r = p + b
      if (i != m - 1) put(e, i + 1, s * r)
      const before = c
      c = p / r
      // Beside p / r, not after it: the two divisions overlap.
      const inverse = r / p
      s = b / r
      const old = gamma
      const alpha = at(d, i)
      gamma = c * (alpha - sigma) - s * old
      put(d, i + 1, old + (alpha - gamma))
      p = c > VANISHED ? gamma * gamma * inverse : before * b
    }
    put(e, l, s * p)
    put(d, l, sigma + gamma)
  }
  return sweeps
}

/** QR on first .. last: values appear at the back. */
function chaseUp(first: i32, last: i32, d: usize, e: usize, sweeps: i32): i32 {
  let l = last
  while (l >= first) {
    let m = l
    while (m > first && !negligible(d, e, m - 1)) m--
    if (m > first) put(e, m - 1, 0)
    if (m == l) {
      l--
      continue
    }
    if (m == l - 1) {
      pair(d, l, m, at(e, m))
      put(e, m, 0)
      l -= 2
      continue
    }
    if (--sweeps < 0 || cancelled()) return -1
    const sigma = shift(at(d, l), at(d, l - 1), at(e, l - 1))
    let c: f64 = 1
    let s: f64 = 0
    let gamma = at(d, m) - sigma
    let p = gamma * gamma
    for (let i = m; i < l; i++) {
      const b = at(e, i)
      const r = p + b
      if (i != m) put(e, i - 1, s * r)
      const before = c
      c = p / r
      const inverse = r / p
      s = b / r
      const old = gamma
      const alpha = at(d, i + 1)
      gamma = c * (alpha - sigma) - s * old
      put(d, i, old + (alpha - gamma))
      p = c > VANISHED ? gamma * gamma * inverse : before * b
    }
    put(e, l - 1, s * p)
    put(d, l, sigma + gamma)
  }
  return sweeps
}
