/**
 * One join of divide and conquer: T = diag(halves) + rho z zt, of which the halves are solved. What need not take part drops out
 * (deflation.ts); the rest is roots of the secular equation, weights refined so that the vectors are orthogonal, and one product of matrices.
 */
import { free, mark, take } from './arena'
import { forEachTile } from './crew'
import { deflate, mergeOrders } from './deflation'
import { gemm } from './gemm'
import { COLUMNS_PER_TILE, ROWS_PER_TILE } from './join-tiles'
import { Join, Problem } from './join-problem'
import { clearMatrix } from './layout'
import { GATHER, RESTORE, ROOT, VECTOR, WEIGHT } from './tasks'
import { at, copy, index, put, setIndex } from './vector'

const EPSILON: f64 = 1.1102230246251565e-16

/** Solves [low, high) from its solved halves. @returns false once cancelled */
export function join(problem: Problem, low: i32, middle: i32, high: i32): bool {
  const before = mark()
  const n = high - low
  const upper = middle - low
  const d = problem.d + (<usize>low << 3)
  const q = problem.q + <usize>low * problem.qRow + <usize>low * problem.qColumn
  const order = problem.order + (<usize>low << 2)
  const coupling = at(problem.e, middle - 1)
  const rank = take(<usize>n << 2)
  mergeOrders(n, upper, d, order, rank)

  // T = diag(halves) + rho z zt with z = (last components of the upper vectors, first of the lower) / sqrt(2).
  const z = take(<usize>n << 3)
  const half = Math.sqrt(0.5)
  let largest: f64 = 0
  for (let i = 0; i < n; i++) {
    const component = problem.valuesOnly ? takeEnd(q + (<usize>i << 4), i < upper) : at(q + <usize>i * problem.row, i < upper ? upper - 1 : upper)
    const value = i >= upper && coupling < 0 ? -half * component : half * component
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
  job.firstWanted = 0
  job.poles = take(<usize>n << 3)
  job.weights = take(<usize>n << 3)
  job.refined = take(<usize>n << 3)
  job.roots = take(<usize>n << 3)
  job.rows = take(<usize>n << 2)
  job.place = take(<usize>n << 2)
  job.dropped = take(<usize>n << 2)
  deflate(job, d, z, q, rank, tolerance)
  const going = problem.valuesOnly ? updateValues(job, d, q, order) : update(job, d, q, order)
  free(before)
  return going
}

/** The component beside the cut: the last of an upper vector, the first of a lower one. In the joined vector it is an end no more. */
function takeEnd(ends: usize, upper: bool): f64 {
  const at = upper ? ends + 8 : ends
  const value = load<f64>(at)
  store<f64>(at, 0)
  return value
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
  rankValues(job, d, order)
  if (n == problem.n) job.firstWanted = firstWanted(kept, n, problem.wanted, order)
  const count = kept - job.firstWanted
  const target = q + <usize>job.firstWanted * problem.row
  const rows = inner + <usize>job.firstWanted * innerRow
  if (!forEachTile(WEIGHT, address, tiles(kept, COLUMNS_PER_TILE))) return false
  if (!forEachTile(VECTOR, address, tiles(count, ROWS_PER_TILE))) return false
  if (!clearMatrix(count, n, target, problem.row)) return false
  const topRow = <usize>upper << 3
  const bottomRow = <usize>lower << 3
  if (!gemm(count, upper, inUpper, 1, rows, innerRow, 8, job.top, topRow, 8, target, problem.row, 0)) return false
  const shift = <usize>job.upperOnly << 3
  if (!gemm(count, lower, inLower, 1, rows + shift, innerRow, 8, job.bottom, bottomRow, 8, target + topRow, problem.row, 0)) return false
  return forEachTile(RESTORE, address, tiles(n - kept, ROWS_PER_TILE))
}

/** The same where only the ends of the vectors go on. */
function updateValues(job: Join, d: usize, q: usize, order: usize): bool {
  const before = mark()
  const n = job.high - job.low
  const kept = job.kept
  // First and last components of the old vectors, by pole; pairs of those that dropped out.
  job.top = take(<usize>kept << 3)
  job.bottom = take(<usize>kept << 3)
  job.aside = take((<usize>(n - kept) << 4) + 16)
  for (let k = 0; k < kept; k++) {
    const ends = q + (<usize>index(job.rows, k) << 4)
    put(job.top, k, load<f64>(ends))
    put(job.bottom, k, load<f64>(ends, 8))
  }
  for (let k = 0; k < n - kept; k++) memory.copy(job.aside + (<usize>k << 4), q + (<usize>index(job.dropped, k) << 4), 16)
  const address = changetype<usize>(job)
  const going =
    forEachTile(ROOT, address, tiles(kept, ROWS_PER_TILE)) &&
    forEachTile(WEIGHT, address, tiles(kept, COLUMNS_PER_TILE)) &&
    forEachTile(VECTOR, address, tiles(kept, ROWS_PER_TILE))
  rankValues(job, d, order)
  memory.copy(q + (<usize>kept << 4), job.aside, <usize>(n - kept) << 4)
  free(before)
  return going
}

// @ts-ignore: decorator
@inline
function tiles(count: i32, each: i32): i32 {
  return (count + each - 1) / each
}

/** First root among the `wanted` largest values; `kept` if there is none. */
function firstWanted(kept: i32, n: i32, wanted: i32, order: usize): i32 {
  let first = kept
  for (let rank = n - wanted; rank < n; rank++) first = min(first, index(order, rank))
  return first
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
