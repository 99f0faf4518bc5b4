/**
 * All eigenvalues, and on request all eigenvectors, of a dense symmetric f64 matrix: scale, reduce to tridiagonal, solve, transform back.
 */
import { free, mark, take } from './arena'
import { backTransform, backTransformBytes } from './back-transform'
import { BANDWIDTH, bandBytes, reduceToBand } from './band-reduction'
import { bandToTridiagonal, bandToTridiagonalBytes, chaseHelperBytes } from './band-to-tridiagonal'
import { divideAndConquer, divideAndConquerBytes, divideAndConquerValues, SUBTREE_SIZE } from './divide-and-conquer'
import { gemmBytes, gemmHelperBytes } from './gemm'
import { largestMagnitude, scaleUpper, transposeRows } from './layout'
import { tridiagonalValues } from './tridiagonal-values'
import { tridiagonalize, tridiagonalizeBytes } from './tridiagonalize'
import { at, clear, exponentOf, put, scaleByPowerOfTwo } from './vector'

/** Values alone go through a band from this order on (measured: even at 512). */
const TWO_STAGES_FROM: i32 = 512

/** Values alone of a tridiagonal matrix by divide and conquer from this order on, by QL below. */
const DIVIDE_FROM: i32 = 512

/** What `symmetricEigen` returns. */
export const DONE: i32 = 0
export const CANCELLED: i32 = 1
export const NOT_FINITE: i32 = 2

/** Scratch bytes of the leading thread: a number, since it may be more than an address holds. */
export function symmetricEigenBytes(n: i32, count: i32): f64 {
  const small = <f64>((<usize>n << 3) * 6 + tridiagonalizeBytes(n) + gemmBytes(n, n) + 65536)
  if (count == 0) return small + <f64>(bandBytes(n) + bandToTridiagonalBytes(n, BANDWIDTH) + divideAndConquerBytes(n))
  const squares: f64 = count == n ? 16 : 24
  return small + squares * <f64>n * <f64>n + <f64>(divideAndConquerBytes(n) + backTransformBytes(n, count))
}

/** Scratch bytes of each other thread: one subtree of divide and conquer of a matrix of order n. */
export function helperBytes(n: i32): usize {
  return gemmBytes(SUBTREE_SIZE, SUBTREE_SIZE) + gemmHelperBytes() + chaseHelperBytes(BANDWIDTH) + divideAndConquerBytes(max(n, SUBTREE_SIZE))
}

/** @param g n x n, destroyed @param values f64[n], descending @param vectors n x count row-major, the leading vectors as columns; count may be 0 */
export function symmetricEigen(n: i32, g: usize, values: usize, vectors: usize, count: i32): i32 {
  if (n == 0) return DONE
  const before = mark()
  const largest = largestMagnitude(n, g)
  if (!(largest < Infinity)) return NOT_FINITE
  if (largest == 0) {
    clear(n, values)
    for (let i = 0; i < n; i++) {
      clear(count, vectors + ((<usize>i * <usize>count) << 3))
      if (i < count) put(vectors + ((<usize>i * <usize>count) << 3), i, 1)
    }
    return DONE
  }
  const exponent = exponentOf(largest)
  const e = take((<usize>n << 3) + 64)
  const tau = take((<usize>n << 3) + 64)
  const d = take((<usize>n << 3) + 64)
  let going = scaleUpper(n, g, -exponent)
  if (count > 0) {
    going = going && tridiagonalize(n, g, d, e, tau) && withVectors(n, g, d, e, tau, values, vectors, count)
  } else {
    going = going && (n < TWO_STAGES_FROM ? tridiagonalize(n, g, d, e, tau) : throughBand(n, g, d, e))
    going = going && (n < DIVIDE_FROM ? tridiagonalValues(n, d, e) : dividedValues(n, d, e, g))
    if (going) sortDescending(n, d, values)
  }
  scaleByPowerOfTwo(n, exponent, values)
  free(before)
  return going ? DONE : CANCELLED
}

function throughBand(n: i32, g: usize, d: usize, e: usize): bool {
  return reduceToBand(n, g) && bandToTridiagonal(n, BANDWIDTH, g, d, e)
}

/** QL is one thread's work; divide and conquer is everybody's. @param g n x n scratch */
function dividedValues(n: i32, d: usize, e: usize, g: usize): bool {
  const before = mark()
  const going = divideAndConquerValues(n, d, e, g, take(<usize>n << 2))
  free(before)
  return going
}

function withVectors(n: i32, g: usize, d: usize, e: usize, tau: usize, values: usize, vectors: usize, count: i32): bool {
  const square = (<usize>n * <usize>n) << 3
  const q = take(square)
  const gathered = take(square)
  const order = take(<usize>n << 2)
  // A whole `vectors` holds the inner vectors until the result goes there.
  const inner = count == n ? vectors : take(square)
  if (!divideAndConquer(n, d, e, q, gathered, inner, order, count)) return false
  for (let i = 0; i < n >> 1; i++) {
    const first = order + (<usize>i << 2)
    const last = order + (<usize>(n - 1 - i) << 2)
    const t = load<i32>(first)
    store<i32>(first, load<i32>(last))
    store<i32>(last, t)
  }
  for (let i = 0; i < n; i++) put(values, i, at(d, load<i32>(order + (<usize>i << 2))))
  return (
    transposeRows(n, count, q, <usize>n << 3, order, vectors, <usize>count << 3) &&
    backTransform(n, g, tau, vectors, count)
  )
}

/** Heap sort: the values come almost, but not always, in order. */
function sortDescending(n: i32, x: usize, sorted: usize): void {
  memory.copy(sorted, x, <usize>n << 3)
  for (let root = (n >> 1) - 1; root >= 0; root--) sink(root, n, sorted)
  for (let end = n - 1; end > 0; end--) {
    const value = at(sorted, end)
    put(sorted, end, at(sorted, 0))
    put(sorted, 0, value)
    sink(0, end, sorted)
  }
}

/** Restores the heap (least on top) below `root`. */
function sink(root: i32, end: i32, x: usize): void {
  const value = at(x, root)
  for (let child = 2 * root + 1; child < end; child = 2 * root + 1) {
    if (child + 1 < end && at(x, child + 1) < at(x, child)) child++
    if (at(x, child) >= value) break
    put(x, root, at(x, child))
    root = child
  }
  put(x, root, value)
}
