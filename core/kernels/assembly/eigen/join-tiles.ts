/** The loops of a join, tile by tile. */
import { free, mark, take } from './arena'
import { Join } from './join-problem'
import { secularRoot } from './secular'
import { at, copy, dot, index, put, scale } from './vector'

/** Roots, vectors or rows of Q that one tile handles. */
export const ROWS_PER_TILE: i32 = 8
/** Weights that one tile refines. */
export const COLUMNS_PER_TILE: i32 = 64

/** Task: copies old vectors out of Q: their upper and lower parts by kind, the dropped ones aside. */
export function gatherTile(address: usize, tile: i32): void {
  const job = changetype<Join>(address)
  const stride = job.problem.row
  const q = job.problem.q + <usize>job.low * stride + (<usize>job.low << 3)
  const n = job.high - job.low
  const upper = job.middle - job.low
  const lower = n - upper
  const last = min((tile + 1) * ROWS_PER_TILE, n)
  for (let k = tile * ROWS_PER_TILE; k < last; k++) {
    if (k >= job.kept) {
      copy(n, q + <usize>index(job.dropped, k - job.kept) * stride, job.aside + ((<usize>(k - job.kept) * <usize>n) << 3))
      continue
    }
    const row = q + <usize>index(job.rows, k) * stride
    const place = index(job.place, k)
    if (place < job.upperOnly + job.both) copy(upper, row, job.top + ((<usize>place * <usize>upper) << 3))
    if (place >= job.upperOnly)
      copy(lower, row + (<usize>upper << 3), job.bottom + ((<usize>(place - job.upperOnly) * <usize>lower) << 3))
  }
}

/** Task: roots, and row i of `inner` <- poles - root i. */
export function rootTile(address: usize, tile: i32): void {
  const job = changetype<Join>(address)
  const inner = job.problem.inner + <usize>job.low * job.problem.row
  const last = min((tile + 1) * ROWS_PER_TILE, job.kept)
  for (let i = tile * ROWS_PER_TILE; i < last; i++)
    put(job.roots, i, secularRoot(i, job.kept, job.poles, job.weights, job.rho, inner + ((<usize>i * <usize>job.kept) << 3)))
}

/**
 * Task: the weights for which the computed roots are exact (Gu and Eisenstat): z[j]^2 = - product over i of (d[j] - x[i]) / (d[j] - d[i]), without the
 * denominator at i = j. The vectors made from them are orthogonal however close the roots are.
 */
export function weightTile(address: usize, tile: i32): void {
  const job = changetype<Join>(address)
  const kept = job.kept
  const first = tile * COLUMNS_PER_TILE
  const last = min(first + COLUMNS_PER_TILE, kept)
  const inner = job.problem.inner + <usize>job.low * job.problem.row
  for (let j = first; j < last; j++) put(job.refined, j, 1)
  for (let i = 0; i < kept; i++) {
    const row = inner + ((<usize>i * <usize>kept) << 3)
    const pole = at(job.poles, i)
    multiplyRatios(first, min(last, max(first, i)), row, job.poles, pole, job.refined)
    multiplyRatios(max(first, min(last, i + 1)), last, row, job.poles, pole, job.refined)
    if (i >= first && i < last) put(job.refined, i, at(job.refined, i) * at(row, i))
  }
  for (let j = first; j < last; j++) {
    const root = Math.sqrt(abs(at(job.refined, j)))
    put(job.refined, j, at(job.weights, j) < 0 ? -root : root)
  }
}

/** w[j] *= distances[j] / (poles[j] - pole) for first <= j < last. */
function multiplyRatios(first: i32, last: i32, distances: usize, poles: usize, pole: f64, w: usize): void {
  const pole2 = f64x2.splat(pole)
  let j = first
  for (; j + 2 <= last; j += 2) {
    const offset = <usize>j << 3
    const ratio = f64x2.div(v128.load(distances + offset), f64x2.sub(v128.load(poles + offset), pole2))
    v128.store(w + offset, f64x2.mul(v128.load(w + offset), ratio))
  }
  if (j < last) put(w, j, at(w, j) * (at(distances, j) / (at(poles, j) - pole)))
}

/** q <- x / y. */
function divide(n: i32, x: usize, y: usize, q: usize): void {
  const end = q + ((<usize>(n & ~1)) << 3)
  while (q < end) {
    v128.store(q, f64x2.div(v128.load(x), v128.load(y)))
    q += 16
    x += 16
    y += 16
  }
  if (n & 1) store<f64>(q, load<f64>(x) / load<f64>(y))
}

/** Task: row i of `inner` <- the unit vector of root i, ordered by kind; for values alone only the ends of the vector it stands for, into Q. */
export function vectorTile(address: usize, tile: i32): void {
  const job = changetype<Join>(address)
  const kept = job.kept
  const before = mark()
  const vector = take((<usize>kept << 3) + 16)
  const inner = job.problem.inner + <usize>job.low * job.problem.row
  const first = job.firstWanted + tile * ROWS_PER_TILE
  const last = min(first + ROWS_PER_TILE, kept)
  for (let i = first; i < last; i++) {
    const row = inner + ((<usize>i * <usize>kept) << 3)
    divide(kept, job.refined, row, vector)
    const factor = 1 / Math.sqrt(dot(kept, vector, vector))
    if (job.problem.valuesOnly) {
      const ends = job.problem.q + (<usize>(job.low + i) << 4)
      store<f64>(ends, factor * dot(kept, vector, job.top))
      store<f64>(ends, factor * dot(kept, vector, job.bottom), 8)
      continue
    }
    scale(kept, factor, vector)
    for (let j = 0; j < kept; j++) put(row, index(job.place, j), at(vector, j))
  }
  free(before)
}

/** Task: the dropped vectors back into Q, behind the new ones. */
export function restoreTile(address: usize, tile: i32): void {
  const job = changetype<Join>(address)
  const stride = job.problem.row
  const n = job.high - job.low
  const q = job.problem.q + <usize>(job.low + job.kept) * stride + (<usize>job.low << 3)
  const last = min((tile + 1) * ROWS_PER_TILE, n - job.kept)
  for (let k = tile * ROWS_PER_TILE; k < last; k++)
    copy(n, job.aside + ((<usize>k * <usize>n) << 3), q + <usize>k * stride)
}
