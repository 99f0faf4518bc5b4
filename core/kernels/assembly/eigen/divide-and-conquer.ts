/**
 * Eigenvalues and vectors of a symmetric tridiagonal matrix by divide and conquer (Cuppen 1981; Gu and Eisenstat 1995; LAPACK dstedc): cut in halves,
 * solve each, join them by a rank-one update. Entries of that update that vanish, and pairs of equal values, drop out first (deflation: most of the work on real
 * spectra); the rest is one root of the secular equation per value and one product of matrices, where nearly all flops are.
 *
 * Vectors are the rows of Q (n x n) until the very end, so that a vector is contiguous. `order` ranks the values of each solved range ascending.
 * For values alone a row of Q is only the first and the last component of its vector: all that the next join asks for, at n^2 cost in all.
 */
import { free, mark, take } from './arena'
import { forEachTile } from './crew'
import { clearMatrix } from './layout'
import { join } from './join'
import { Problem } from './join-problem'
import { SUBTREE } from './tasks'
import { tridiagonalVectors } from './tridiagonal-vectors'
import { at, put } from './vector'

/** At most this many values by QL. */
const LEAF: i32 = 28
/** Ranges up to this size are solved whole by one thread, several at a time. */
export const SUBTREE_SIZE: i32 = 128

/** Arena bytes for `divideAndConquer` beside its matrices. */
export function divideAndConquerBytes(n: i32): usize {
  return <usize>n * 240 + 65536
}

/**
 * d[n] <- eigenvalues, rows of Q <- eigenvectors, order[n] <- ranks (ascending); e is destroyed.
 * @param gathered @param inner n x n scratch each
 * @param wanted how many vectors, of the largest values, are needed; the other rows of Q are undefined
 */
export function divideAndConquer(
  n: i32, d: usize, e: usize, q: usize, gathered: usize, inner: usize, order: usize, wanted: i32,
): bool {
  const before = mark()
  const problem = newProblem(n, d, e, q, gathered, inner, order)
  problem.wanted = wanted
  let going = clearMatrix(n, n, q, problem.row)
  if (going) going = forEachTile(SUBTREE, changetype<usize>(problem), problem.subtreeCount)
  if (going) going = joinUp(problem, 0, n)
  free(before)
  return going
}

/** d[n] <- eigenvalues, order[n] <- ranks (ascending); e is destroyed. @param inner n x n scratch */
export function divideAndConquerValues(n: i32, d: usize, e: usize, inner: usize, order: usize): bool {
  const before = mark()
  const problem = newProblem(n, d, e, take(<usize>n << 4), 0, inner, order)
  problem.valuesOnly = true
  problem.qRow = 16
  problem.qColumn = 0
  const going = forEachTile(SUBTREE, changetype<usize>(problem), problem.subtreeCount) && joinUp(problem, 0, n)
  free(before)
  return going
}

function newProblem(n: i32, d: usize, e: usize, q: usize, gathered: usize, inner: usize, order: usize): Problem {
  const problem = changetype<Problem>(take(offsetof<Problem>()))
  problem.n = n
  problem.valuesOnly = false
  problem.wanted = n
  problem.row = <usize>n << 3
  problem.qRow = problem.row
  problem.qColumn = 8
  problem.d = d
  problem.e = e
  problem.q = q
  problem.gathered = gathered
  problem.inner = inner
  problem.order = order
  problem.subtrees = take(<usize>n << 3)
  problem.subtreeCount = 0
  cut(problem, 0, n)
  return problem
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
    if (problem.valuesOnly) leafEnds(n, problem.d + first, problem.e + first, problem.q + <usize>low * problem.qRow)
    else tridiagonalVectors(n, problem.d + first, problem.e + first, problem.q + <usize>low * problem.row + first, problem.row)
    for (let i = 0; i < n; i++) store<i32>(problem.order + (<usize>(low + i) << 2), i)
    return true
  }
  const middle = (low + high) >> 1
  uncouple(problem, middle)
  return solve(problem, low, middle) && solve(problem, middle, high) && join(problem, low, middle, high)
}

/** A leaf of which only the first and last component of each vector stay. */
function leafEnds(n: i32, d: usize, e: usize, ends: usize): void {
  const before = mark()
  const row = <usize>n << 3
  const vectors = take(row * <usize>n)
  tridiagonalVectors(n, d, e, vectors, row)
  for (let i = 0; i < n; i++) {
    store<f64>(ends + (<usize>i << 4), at(vectors + <usize>i * row, 0))
    store<f64>(ends + (<usize>i << 4), at(vectors + <usize>i * row, n - 1), 8)
  }
  free(before)
}
