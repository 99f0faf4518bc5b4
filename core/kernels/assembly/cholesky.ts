/**
 * The small dense steps of the blocked Cholesky factorization and inversion (tasks/cholesky.ts); all that is large is done by the float64
 * tiles. G is order x order, row-major, f64, lower triangle; `ld` bytes from row to row.
 */

/** G <- D G D with D = diag(1 / sqrt(g_ii)), stored at `d`: unit diagonal, so that scale alone breaks nothing. False for a diagonal entry not positive. */
export function unitDiagonal(g: usize, order: i32, d: usize): bool {
  const ld: usize = order << 3
  for (let i: i32 = 0; i < order; i++) {
    const square = load<f64>(g + i * ld + (i << 3))
    if (!(square > 0)) return false
    store<f64>(d + (i << 3), 1 / sqrt(square))
  }
  for (let i: i32 = 0; i < order; i++) {
    const di = load<f64>(d + (i << 3))
    for (let j: i32 = 0; j <= i; j++) {
      const at: usize = g + i * ld + (j << 3)
      store<f64>(at, load<f64>(at) * (di * load<f64>(d + (j << 3))))
    }
  }
  return true
}

/** One diagonal block, n x n: L with L Lt = G in its place; false at the first pivot not above `tolerance` (NaN included). */
export function choleskyBlock(g: usize, ld: usize, n: i32, tolerance: f64): bool {
  for (let j: i32 = 0; j < n; j++) {
    const gj: usize = g + j * ld
    const pivot = load<f64>(gj + (j << 3)) - dot(gj, gj, j)
    if (!(pivot > tolerance)) return false
    const root = sqrt(pivot)
    store<f64>(gj + (j << 3), root)
    for (let i: i32 = j + 1; i < n; i++) {
      const gi: usize = g + i * ld
      store<f64>(gi + (j << 3), (load<f64>(gi + (j << 3)) - dot(gi, gj, j)) / root)
    }
  }
  return true
}

/** W <- L^-1 for one diagonal block, n x n, zero above the diagonal. */
export function invertBlock(l: usize, ld: usize, n: i32, w: usize, ldw: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const li: usize = l + i * ld
    const wi: usize = w + i * ldw
    memory.fill(wi, 0, n << 3)
    const inverse = 1 / load<f64>(li + (i << 3))
    // w_i = (e_i - sum_{p < i} l_ip w_p) / l_ii
    for (let p: i32 = 0; p < i; p++) {
      const factor = f64x2.splat(load<f64>(li + (p << 3)))
      const wp: usize = w + p * ldw
      for (let j: i32 = 0; j <= p; j += 2) {
        const at: usize = wi + (j << 3)
        v128.store(at, f64x2.sub(v128.load(at), f64x2.mul(factor, v128.load(wp + (j << 3)))))
      }
    }
    store<f64>(wi + (i << 3), 1)
    for (let j: i32 = 0; j <= i; j++) {
      const at: usize = wi + (j << 3)
      store<f64>(at, load<f64>(at) * inverse)
    }
  }
}

/** Rows [first, first + rows) of to <- diag(d) fromT, zero below the diagonal; both order x order. Two rows at a time, turned 2 x 2 in registers. */
export function scaledTranspose(from: usize, order: i32, d: usize, to: usize, first: i32, rows: i32): void {
  const ld: usize = order << 3
  let i: i32 = first
  for (; i + 2 <= first + rows; i += 2) {
    const t0: usize = to + i * ld, t1: usize = t0 + ld
    memory.fill(t0, 0, i << 3)
    memory.fill(t1, 0, (i + 1) << 3)
    const d0 = load<f64>(d + (i << 3)), d1 = load<f64>(d + (i << 3), 8)
    const column: usize = from + (i << 3)
    store<f64>(t0 + (i << 3), d0 * load<f64>(column + i * ld))
    let j: i32 = i + 1
    for (; j + 2 <= order; j += 2) {
      const a = v128.load(column + j * ld), b = v128.load(column + j * ld + ld)
      v128.store(t0 + (j << 3), f64x2.mul(f64x2.splat(d0), v128.shuffle<f64>(a, b, 0, 2)))
      v128.store(t1 + (j << 3), f64x2.mul(f64x2.splat(d1), v128.shuffle<f64>(a, b, 1, 3)))
    }
    if (j < order) {
      store<f64>(t0 + (j << 3), d0 * load<f64>(column + j * ld))
      store<f64>(t1 + (j << 3), d1 * load<f64>(column + j * ld, 8))
    }
  }
  if (i < first + rows) {
    const ti: usize = to + i * ld
    memory.fill(ti, 0, i << 3)
    const di = load<f64>(d + (i << 3))
    for (let j: i32 = i; j < order; j++) store<f64>(ti + (j << 3), di * load<f64>(from + j * ld + (i << 3)))
  }
}

/** Two chains of two lanes; the same order for every length, so the same bits. */
@inline
function dot(x: usize, y: usize, n: i32): f64 {
  let s0 = f64x2.splat(0), s1 = f64x2.splat(0)
  let i: i32 = 0
  for (; i + 4 <= n; i += 4) {
    s0 = f64x2.add(s0, f64x2.mul(v128.load(x + (i << 3)), v128.load(y + (i << 3))))
    s1 = f64x2.add(s1, f64x2.mul(v128.load(x + (i << 3), 16), v128.load(y + (i << 3), 16)))
  }
  s0 = f64x2.add(s0, s1)
  let sum = f64x2.extract_lane(s0, 0) + f64x2.extract_lane(s0, 1)
  for (; i < n; i++) sum += load<f64>(x + (i << 3)) * load<f64>(y + (i << 3))
  return sum
}
