/**
 * Eigenvalues and vectors of a symmetric tridiagonal matrix by divide and conquer (Cuppen 1981; Gu and Eisenstat 1995; LAPACK dstedc): cut in halves,
 * solve each, join them by a rank-one update. Entries of that update that vanish, and pairs of equal values, drop out first (deflation: most of the work on real
 * spectra); the rest is one root of the secular equation per value and one product of matrices, where nearly all flops are.
 *
 * Vectors are the rows of Q (n x n) until the very end, so that a vector is contiguous. `order` ranks the values of each solved range ascending.
 */
import { free, mark, take } from './arena'
import { forEachTile } from './crew'
import { gemm } from './gemm'
import { clearMatrix } from './layout'
import { secularRoot } from './secular'
import { GATHER, RESTORE, ROOT, SUBTREE, VECTOR, WEIGHT } from './tasks'
import { tridiagonalVectors } from './tridiagonal-vectors'
import { at, copy, dot, put, rotate, scale } from './vector'

const EPSILON: f64 = 1.1102230246251565e-16
/** At most this many values by QL. */
const LEAF: i32 = 28
/** Ranges up to this size are solved whole by one thread, several at a time. */
export const SUBTREE_SIZE: i32 = 128
const ROWS_PER_TILE: i32 = 8
const COLUMNS_PER_TILE: i32 = 64

/** The matrix and the three n x n buffers. */
@unmanaged
class Problem {
  n: i32
  row: usize
  d: usize
  e: usize
  q: usize
  gathered: usize
  inner: usize
  /** i32[n]: index of the value of each rank, within each solved range. */
  order: usize
  /** i32 pairs: the ranges one thread solves. */
  subtrees: usize
  subtreeCount: i32
}

/** One join of [low, middle) and [middle, high). */
@unmanaged
class Join {
  problem: Problem
  low: i32
  middle: i32
  high: i32
  /** Values that stay in the update, and how many of them have vectors in the upper half only, in both, in the lower half only. */
  kept: i32
  upperOnly: i32
  both: i32
  rho: f64
  /** f64[kept], ascending: poles, weights, refined weights, roots. */
  poles: usize
  weights: usize
  refined: usize
  roots: usize
  /** i32[kept]: row of Q of each pole, and its place when ordered by kind of vector. */
  rows: usize
  place: usize
  /** i32[high - low - kept]: rows of Q that dropped out. */
  dropped: usize
  top: usize
  bottom: usize
  aside: usize
}

/** Arena bytes for `divideAndConquer` beside its matrices. */
export function divideAndConquerBytes(n: i32): usize {
  return <usize>n * 160 + 65536
}

/**
 * d[n] <- eigenvalues, rows of Q <- eigenvectors, order[n] <- ranks (ascending); e is destroyed.
 * @param gathered @param inner n x n scratch each
 */
export function divideAndConquer(n: i32, d: usize, e: usize, q: usize, gathered: usize, inner: usize, order: usize): bool {
  const before = mark()
  const problem = changetype<Problem>(take(offsetof<Problem>()))
  problem.n = n
  problem.row = <usize>n << 3
  problem.d = d
  problem.e = e
  problem.q = q
  problem.gathered = gathered
  problem.inner = inner
  problem.order = order
  problem.subtrees = take(<usize>n << 3)
  problem.subtreeCount = 0
  cut(problem, 0, n)
  let going = clearMatrix(n, n, q, problem.row)
  if (going) going = forEachTile(SUBTREE, changetype<usize>(problem), problem.subtreeCount)
  if (going) going = joinUp(problem, 0, n)
  free(before)
  return going
}

/** Takes the couplings between halves out of the diagonal, down to the ranges that one thread solves. */
function cut(problem: Problem, low: i32, high: i32): void {
  if (high - low <= SUBTREE_SIZE) {
    const entry = problem.subtrees + (<usize>problem.subtreeCount << 3)
    store<i32>(entry, low)
    store<i32>(entry, high, 4)
    problem.subtreeCount++
    return
  }
  const middle = (low + high) >> 1
  uncouple(problem, middle)
  cut(problem, low, middle)
  cut(problem, middle, high)
}

function uncouple(problem: Problem, middle: i32): void {
  const coupling = abs(at(problem.e, middle - 1))
  put(problem.d, middle - 1, at(problem.d, middle - 1) - coupling)
  put(problem.d, middle, at(problem.d, middle) - coupling)
}

function joinUp(problem: Problem, low: i32, high: i32): bool {
  if (high - low <= SUBTREE_SIZE) return true
  const middle = (low + high) >> 1
  return joinUp(problem, low, middle) && joinUp(problem, middle, high) && join(problem, low, middle, high)
}

/** Task: solves one range alone. */
export function subtreeTile(address: usize, tile: i32): void {
  const problem = changetype<Problem>(address)
  const entry = problem.subtrees + (<usize>tile << 3)
  solve(problem, load<i32>(entry), load<i32>(entry, 4))
}

function solve(problem: Problem, low: i32, high: i32): bool {
  const n = high - low
  if (n <= LEAF) {
    const first = <usize>low << 3
    tridiagonalVectors(n, problem.d + first, problem.e + first, problem.q + <usize>low * problem.row + first, problem.row)
    for (let i = 0; i < n; i++) store<i32>(problem.order + (<usize>(low + i) << 2), i)
    return true
  }
  const middle = (low + high) >> 1
  uncouple(problem, middle)
  return solve(problem, low, middle) && solve(problem, middle, high) && join(problem, low, middle, high)
}

// @ts-ignore: decorator
@inline
function index(list: usize, i: i32): i32 {
  return load<i32>(list + (<usize>i << 2))
}

// @ts-ignore: decorator
@inline
function setIndex(list: usize, i: i32, value: i32): void {
  store<i32>(list + (<usize>i << 2), value)
}

/** Solves [low, high) from its solved halves. @returns false once cancelled */
function join(problem: Problem, low: i32, middle: i32, high: i32): bool {
  const before = mark()
  const n = high - low
  const upper = middle - low
  const d = problem.d + (<usize>low << 3)
  const q = problem.q + <usize>low * problem.row + (<usize>low << 3)
  const order = problem.order + (<usize>low << 2)
  const coupling = at(problem.e, middle - 1)
  const rank = take(<usize>n << 2)
  mergeOrders(n, upper, d, order, rank)

  // T = diag(halves) + rho z zt with z = (last components of the upper vectors, first of the lower) / sqrt(2).
  const z = take(<usize>n << 3)
  const half = Math.sqrt(0.5)
  let largest: f64 = 0
  for (let i = 0; i < n; i++) {
    const row = q + <usize>i * problem.row
    const value = half * (i < upper ? at(row, upper - 1) : coupling < 0 ? -at(row, upper) : at(row, upper))
    put(z, i, value)
    largest = max(largest, abs(value))
  }
  const rho = abs(2 * coupling)
  const extreme = max(abs(at(d, index(rank, 0))), abs(at(d, index(rank, n - 1))))
  const tolerance = 8 * EPSILON * max(extreme, largest)
  if (rho * largest <= tolerance) {
    memory.copy(order, rank, <usize>n << 2)
    free(before)
    return true
  }

  const job = changetype<Join>(take(offsetof<Join>()))
  job.problem = problem
  job.low = low
  job.middle = middle
  job.high = high
  job.rho = rho
  job.poles = take(<usize>n << 3)
  job.weights = take(<usize>n << 3)
  job.refined = take(<usize>n << 3)
  job.roots = take(<usize>n << 3)
  job.rows = take(<usize>n << 2)
  job.place = take(<usize>n << 2)
  job.dropped = take(<usize>n << 2)
  deflate(job, d, z, q, rank, tolerance)
  const going = update(job, d, q, order)
  free(before)
  return going
}

/** rank[n] <- indices of the values of both halves, ascending. */
function mergeOrders(n: i32, upper: i32, d: usize, order: usize, rank: usize): void {
  let a = 0
  let b = upper
  for (let i = 0; i < n; i++) {
    const ia = a < upper ? index(order, a) : 0
    const ib = b < n ? upper + index(order, b) : 0
    if (b >= n || (a < upper && at(d, ia) <= at(d, ib))) {
      setIndex(rank, i, ia)
      a++
    } else {
      setIndex(rank, i, ib)
      b++
    }
  }
}

/** Splits the values into those that stay in the rank-one update and those that drop out (LAPACK dlaed2). */
function deflate(job: Join, d: usize, z: usize, q: usize, rank: usize, tolerance: f64): void {
  const before = mark()
  const n = job.high - job.low
  const upper = job.middle - job.low
  const stride = job.problem.row
  // Kind of each vector: 0 upper half only, 1 both, 2 lower half only.
  const kinds = take(<usize>n)
  for (let i = 0; i < n; i++) store<u8>(kinds + <usize>i, i < upper ? 0 : 2)
  let kept = 0
  let dropped = 0
  let previous = -1
  for (let r = 0; r < n; r++) {
    const i = index(rank, r)
    if (job.rho * abs(at(z, i)) <= tolerance) {
      setIndex(job.dropped, dropped++, i)
      continue
    }
    if (previous >= 0) {
      const zp = at(z, previous)
      const zi = at(z, i)
      const norm = Math.sqrt(zp * zp + zi * zi)
      const c = zi / norm
      const s = -zp / norm
      const gap = at(d, i) - at(d, previous)
      if (abs(gap * c * s) <= tolerance) {
        // Two values that cannot be told apart: rotate so that one of them leaves the update.
        put(z, i, norm)
        put(z, previous, 0)
        rotate(n, c, s, q + <usize>previous * stride, q + <usize>i * stride)
        if (load<u8>(kinds + <usize>i) != load<u8>(kinds + <usize>previous)) store<u8>(kinds + <usize>i, 1)
        const dp = at(d, previous)
        const di = at(d, i)
        put(d, previous, dp * c * c + di * s * s)
        put(d, i, dp * s * s + di * c * c)
        setIndex(job.dropped, dropped++, previous)
        previous = i
        continue
      }
      setIndex(job.rows, kept++, previous)
    }
    previous = i
  }
  setIndex(job.rows, kept++, previous)
  job.kept = kept
  let counts0 = 0
  let counts1 = 0
  for (let k = 0; k < kept; k++) {
    const kind = load<u8>(kinds + <usize>index(job.rows, k))
    if (kind == 0) counts0++
    else if (kind == 1) counts1++
  }
  job.upperOnly = counts0
  job.both = counts1
  let next0 = 0
  let next1 = counts0
  let next2 = counts0 + counts1
  for (let k = 0; k < kept; k++) {
    const i = index(job.rows, k)
    put(job.poles, k, at(d, i))
    put(job.weights, k, at(z, i))
    const kind = load<u8>(kinds + <usize>i)
    setIndex(job.place, k, kind == 0 ? next0++ : kind == 1 ? next1++ : next2++)
  }
  free(before)
}

/** Solves the update: roots, refined weights, inner vectors, and their product with the old vectors. */
function update(job: Join, d: usize, q: usize, order: usize): bool {
  const problem = job.problem
  const n = job.high - job.low
  const upper = job.middle - job.low
  const lower = n - upper
  const kept = job.kept
  const inUpper = job.upperOnly + job.both
  const inLower = kept - job.upperOnly
  const base = <usize>job.low * problem.row
  const innerRow = <usize>kept << 3
  const inner = problem.inner + base
  job.top = problem.gathered + base
  job.bottom = job.top + ((<usize>inUpper * <usize>upper) << 3)
  job.aside = job.bottom + ((<usize>inLower * <usize>lower) << 3)
  const address = changetype<usize>(job)
  if (!forEachTile(GATHER, address, tiles(n, ROWS_PER_TILE))) return false
  if (!forEachTile(ROOT, address, tiles(kept, ROWS_PER_TILE))) return false
  if (!forEachTile(WEIGHT, address, tiles(kept, COLUMNS_PER_TILE))) return false
  if (!forEachTile(VECTOR, address, tiles(kept, ROWS_PER_TILE))) return false
  if (!clearMatrix(kept, n, q, problem.row)) return false
  const topRow = <usize>upper << 3
  const bottomRow = <usize>lower << 3
  if (!gemm(kept, upper, inUpper, 1, inner, innerRow, 8, job.top, topRow, 8, q, problem.row, 0)) return false
  const shift = <usize>job.upperOnly << 3
  if (!gemm(kept, lower, inLower, 1, inner + shift, innerRow, 8, job.bottom, bottomRow, 8, q + topRow, problem.row, 0)) return false
  rankValues(job, d, order)
  return forEachTile(RESTORE, address, tiles(n - kept, ROWS_PER_TILE))
}

// @ts-ignore: decorator
@inline
function tiles(count: i32, each: i32): i32 {
  return (count + each - 1) / each
}

/** Rows [0, kept) of the joined range hold the roots, ascending; the dropped values follow in any order. */
function rankValues(job: Join, d: usize, order: usize): void {
  const before = mark()
  const n = job.high - job.low
  const kept = job.kept
  const dropped = n - kept
  const values = take((<usize>dropped << 3) + 8)
  const sorted = take((<usize>dropped << 2) + 8)
  for (let k = 0; k < dropped; k++) {
    const value = at(d, index(job.dropped, k))
    put(values, k, value)
    let to = k
    // Almost in order already: only the rotated pairs moved.
    for (; to > 0 && at(values, index(sorted, to - 1)) > value; to--) setIndex(sorted, to, index(sorted, to - 1))
    setIndex(sorted, to, k)
  }
  copy(kept, job.roots, d)
  copy(dropped, values, d + (<usize>kept << 3))
  let a = 0
  let b = 0
  for (let i = 0; i < n; i++) {
    const ib = b < dropped ? kept + index(sorted, b) : 0
    if (b >= dropped || (a < kept && at(d, a) <= at(d, ib))) setIndex(order, i, a++)
    else {
      setIndex(order, i, ib)
      b++
    }
  }
  free(before)
}

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

/** Task: row i of `inner` <- the unit vector of root i, ordered by kind. */
export function vectorTile(address: usize, tile: i32): void {
  const job = changetype<Join>(address)
  const kept = job.kept
  const before = mark()
  const vector = take((<usize>kept << 3) + 16)
  const inner = job.problem.inner + <usize>job.low * job.problem.row
  const last = min((tile + 1) * ROWS_PER_TILE, kept)
  for (let i = tile * ROWS_PER_TILE; i < last; i++) {
    const row = inner + ((<usize>i * <usize>kept) << 3)
    for (let j = 0; j < kept; j++) put(vector, j, at(job.refined, j) / at(row, j))
    scale(kept, 1 / Math.sqrt(dot(kept, vector, vector)), vector)
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
