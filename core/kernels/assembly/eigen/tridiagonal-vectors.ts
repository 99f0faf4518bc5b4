/**
 * Eigenvalues and vectors of a small symmetric tridiagonal matrix by implicit QL (Dubrulle, Martin, Wilkinson 1968; EISPACK tql2): the leaves of
 * divide and conquer, where its 3 n^3 rotations stay in the first cache. Vectors are rows here.
 */
import { at, put, rotate } from './vector'

const EPSILON: f64 = 1.1102230246251565e-16
/** Couplings below this (of a matrix scaled to about 1) are zero. */
const NOTHING: f64 = 1e-60
/** Sweeps for one value; 1 to 3 are usual. A value that needs more is left as it stands: it never was seen. */
const MOST_SWEEPS: i32 = 60

/** d[n] ascending, e[n - 1] destroyed, rows of Q (n x n, `stride` bytes apart) <- eigenvectors. */
export function tridiagonalVectors(n: i32, d: usize, e: usize, q: usize, stride: usize): void {
  for (let i = 0; i < n; i++) {
    memory.fill(q + <usize>i * stride, 0, <usize>n << 3)
    put(q + <usize>i * stride, i, 1)
  }
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
      let m = l
      while (m < n - 1) {
        const coupling = abs(at(e, m))
        if (coupling <= EPSILON * (abs(at(d, m)) + abs(at(d, m + 1))) || coupling < NOTHING) break
        m++
      }
      if (m == l) break
      sweepFrom(l, m, n, d, e, q, stride)
    }
  }
  sortAscending(n, d, q, stride)
}

function sweepFrom(l: i32, m: i32, n: i32, d: usize, e: usize, q: usize, stride: usize): void {
  let g = (at(d, l + 1) - at(d, l)) / (2 * at(e, l))
  let r = Math.sqrt(g * g + 1)
  g = at(d, m) - at(d, l) + at(e, l) / (g + (g < 0 ? -r : r))
  let s: f64 = 1
  let c: f64 = 1
  let p: f64 = 0
  for (let i = m - 1; i >= l; i--) {
    const f = s * at(e, i)
    const b = c * at(e, i)
    r = Math.sqrt(f * f + g * g)
    if (r < NOTHING) {
      // Underflow: the block splits here.
      if (i + 1 < m) put(e, i + 1, 0)
      put(d, i + 1, at(d, i + 1) - p)
      put(e, m, 0)
      return
    }
    if (i + 1 < m) put(e, i + 1, r)
    s = f / r
    c = g / r
    g = at(d, i + 1) - p
    r = (at(d, i) - g) * s + 2 * c * b
    p = s * r
    put(d, i + 1, g + p)
    g = c * r - b
    const row = q + <usize>i * stride
    rotate(n, c, s, row + stride, row)
  }
  put(d, l, at(d, l) - p)
  put(e, l, g)
  if (m < n - 1) put(e, m, 0)
}

function sortAscending(n: i32, d: usize, q: usize, stride: usize): void {
  for (let i = 0; i < n - 1; i++) {
    let least = i
    for (let j = i + 1; j < n; j++) if (at(d, j) < at(d, least)) least = j
    if (least == i) continue
    const value = at(d, i)
    put(d, i, at(d, least))
    put(d, least, value)
    const a = q + <usize>i * stride
    const b = q + <usize>least * stride
    for (let j = 0; j < n; j++) {
      const t = at(a, j)
      put(a, j, at(b, j))
      put(b, j, t)
    }
  }
}
