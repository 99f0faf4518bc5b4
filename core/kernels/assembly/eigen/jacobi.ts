/**
 * Singular values and vectors by one-sided Jacobi (Hestenes 1958; Demmel and Veselic 1992): rotate rows of W until all are orthogonal; their lengths are
 * the singular values. No squares of the matrix decide the result, so values down to rounding of the largest are seen, where the Gram route ends at its square root.
 *
 * The Gram route still goes first: W <- Zt W with the eigenvectors Z of W Wt leaves rows that are orthogonal but for those small values. What is left is done
 * by blocks (after Drmac and Veselic 2008): the rows of two blocks are rotated by the angles that their own small Gram matrix gives, all at once, by GEMM.
 */
import { free, mark, take } from './arena'
import { forEachTile } from './crew'
import { gemm, gemmBytes, gemmHelperBytes, UPPER } from './gemm'
import { clearMatrix, largestMagnitudeOf, permuteRows, scaleMatrix, transposeRows } from './layout'
import { CANCELLED, DONE, NOT_FINITE, symmetricEigen, symmetricEigenBytes } from './symmetric-eigen'
import { JACOBI } from './tasks'
import { at, clear, copy, dot, exponentOf, index, put, rotate, scaleByPowerOfTwo, setIndex } from './vector'

const EPSILON: f64 = 1.1102230246251565e-16
/** Rows of a block: two of them and their products fit into the second cache. */
const BLOCK: i32 = 16
/** 2 (flat spectrum) to 8 (twelve decades) were seen behind the Gram route. */
const MOST_SWEEPS: i32 = 40
/** Rows shorter than this (of matrices scaled to about 1) are zero: their squares would underflow. */
const NOTHING: f64 = 1e-140

@unmanaged
class Sweep {
  count: i32
  length: i32
  w: usize
  j: usize
  blocks: i32
  /** Which pairs of blocks meet: rounds of a tournament. */
  round: i32
  tolerance: f64
  /** i32: pairs of rows rotated in this sweep. */
  rotated: usize
}

export function jacobiSvdBytes(count: i32, length: i32): f64 {
  const squares = <f64>count * <f64>count * 16
  return (
    squares + <f64>count * <f64>length * 8 + symmetricEigenBytes(count, count) +
    <f64>(gemmBytes(count, max(length, count)) + jacobiHelperBytes(count, length)) + <f64>count * 64
  )
}

/** Bytes that a tile takes from the arena of its thread. */
export function jacobiHelperBytes(count: i32, length: i32): usize {
  return (<usize>(2 * BLOCK) * <usize>max(count, length) + <usize>(2 * BLOCK) * <usize>(6 * BLOCK)) * 8 + 2 * gemmHelperBytes() + 8192
}

/**
 * @param w count x length row-major <- unit left-over rows by value, descending (rows of value 0 are 0) @param values f64[count]
 * @param j 0, or count x count <- the rotations: J (old W) = diag(values) (new W)
 */
export function jacobiSvd(count: i32, length: i32, w: usize, values: usize, j: usize): i32 {
  if (count == 0) return DONE
  const before = mark()
  const row = <usize>length << 3
  const square = <usize>count << 3
  const entries = <usize>count * <usize>length
  const largest = largestMagnitudeOf(count, length, w)
  if (!(largest < Infinity)) return NOT_FINITE
  const exponent = largest == 0 ? 0 : exponentOf(largest)
  const g = take(square * <usize>count)
  const z = take(square * <usize>count)
  const turned = take(entries << 3)
  let status = DONE
  let going = scaleMatrix(count, length, w, -exponent, false)
  going = going && clearMatrix(count, count, g, square) && clearMatrix(count, length, turned, row)
  going = going && gemm(count, count, length, 1, w, row, 8, w, 8, row, g, square, UPPER)
  if (going) status = symmetricEigen(count, g, values, z, count)
  going = going && status == DONE && gemm(count, length, count, 1, z, 8, square, w, row, 8, turned, row, 0)
  if (going && j) going = transposeRows(count, count, z, square, 0, j, square)
  going = going && sweeps(count, length, turned, j)
  going = going && finish(count, length, turned, j, w, values, g, exponent)
  free(before)
  return going ? DONE : CANCELLED
}

/** @returns false once cancelled */
function sweeps(count: i32, length: i32, w: usize, j: usize): bool {
  const before = mark()
  const job = changetype<Sweep>(take(offsetof<Sweep>()))
  const needed = (count + BLOCK - 1) / BLOCK
  job.count = count
  job.length = length
  job.w = w
  job.j = j
  job.blocks = max(2, (needed + 1) & ~1)
  job.tolerance = 4 * EPSILON * Math.sqrt(<f64>max(length, 16))
  job.rotated = take(64)
  let going = true
  for (let sweep = 0; sweep < MOST_SWEEPS && going; sweep++) {
    atomic.store<i32>(job.rotated, 0)
    for (let round = 0; round < job.blocks - 1 && going; round++) {
      job.round = round
      going = forEachTile(JACOBI, changetype<usize>(job), job.blocks >> 1)
    }
    if (atomic.load<i32>(job.rotated) == 0) break
  }
  free(before)
  return going
}

/** Task: one match of the round: all rows of two blocks against each other. */
export function jacobiTile(address: usize, tile: i32): void {
  const job = changetype<Sweep>(address)
  // Circle method: the last block stays, the others move on by one each round.
  const others = job.blocks - 1
  const a = tile == 0 ? others : (job.round + tile) % others
  const b = (job.round - tile + others) % others
  const firstStart = min(a, b) * BLOCK
  const secondStart = max(a, b) * BLOCK
  const firstCount = max(0, min(BLOCK, job.count - firstStart))
  const secondCount = max(0, min(BLOCK, job.count - secondStart))
  const n = firstCount + secondCount
  if (n < 2) return
  const before = mark()
  const row = <usize>job.length << 3
  const small = <usize>n << 3
  const rows = take(<usize>n * <usize>max(job.length, job.count) << 3)
  const g = take(small * <usize>n)
  const z = take(small * <usize>n)
  gather(job.w, row, firstStart, firstCount, secondStart, secondCount, job.length, rows)
  for (let i = 0; i < n; i++) clear(n, g + <usize>i * small)
  gemm(n, n, job.length, 1, rows, row, 8, rows, 8, row, g, small, UPPER)
  const rotations = rotateGram(n, g, z, job.tolerance)
  if (rotations > 0) {
    atomic.add<i32>(job.rotated, rotations)
    turn(job.w, row, firstStart, firstCount, secondStart, secondCount, job.length, rows, n, z)
    if (job.j) {
      const square = <usize>job.count << 3
      gather(job.j, square, firstStart, firstCount, secondStart, secondCount, job.count, rows)
      turn(job.j, square, firstStart, firstCount, secondStart, secondCount, job.count, rows, n, z)
    }
  }
  free(before)
}

function gather(w: usize, row: usize, first: i32, firstCount: i32, second: i32, secondCount: i32, length: i32, rows: usize): void {
  copy(firstCount * length, w + <usize>first * row, rows)
  copy(secondCount * length, w + <usize>second * row, rows + <usize>firstCount * row)
}

/** The rows of both blocks <- Zt (rows gathered). */
function turn(
  w: usize, row: usize, first: i32, firstCount: i32, second: i32, secondCount: i32, length: i32, rows: usize, n: i32, z: usize,
): void {
  const small = <usize>n << 3
  clear(firstCount * length, w + <usize>first * row)
  clear(secondCount * length, w + <usize>second * row)
  gemm(firstCount, length, n, 1, z, 8, small, rows, row, 8, w + <usize>first * row, row, 0)
  gemm(secondCount, length, n, 1, z + (<usize>firstCount << 3), 8, small, rows, row, 8, w + <usize>second * row, row, 0)
}

/**
 * One sweep of two-sided Jacobi on the small Gram matrix G (upper triangle given). Columns of Z <- the product of the rotations.
 * @returns how many pairs were not orthogonal to `tolerance`
 */
function rotateGram(n: i32, g: usize, z: usize, tolerance: f64): i32 {
  const row = <usize>n << 3
  let rotations = 0
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) put(g + <usize>i * row, k, at(g + <usize>k * row, i))
    clear(n, z + <usize>i * row)
    put(z + <usize>i * row, i, 1)
  }
  // Rows of Z while it is built: they become its columns at the end.
  for (let i = 0; i < n - 1; i++) {
    for (let k = i + 1; k < n; k++) {
      const gi = g + <usize>i * row
      const gk = g + <usize>k * row
      const a = at(gi, i)
      const b = at(gk, k)
      const x = at(gi, k)
      const product = Math.sqrt(max(a, 0)) * Math.sqrt(max(b, 0))
      if (!(product > NOTHING * NOTHING) || abs(x) <= tolerance * product) continue
      rotations++
      const zeta = (b - a) / (2 * x)
      const t = (zeta < 0 ? -1 : 1) / (abs(zeta) + Math.sqrt(1 + zeta * zeta))
      const c = 1 / Math.sqrt(1 + t * t)
      const s = c * t
      // Rows, then columns: (i, k) <- (c i - s k, s i + c k).
      rotate(n, c, -s, gi, gk)
      for (let p = 0; p < n; p++) {
        const gp = g + <usize>p * row
        const u = at(gp, i)
        const v = at(gp, k)
        put(gp, i, c * u - s * v)
        put(gp, k, s * u + c * v)
      }
      put(gi, i, a - t * x)
      put(gk, k, b + t * x)
      put(gi, k, 0)
      put(gk, i, 0)
      rotate(n, c, -s, z + <usize>i * row, z + <usize>k * row)
    }
  }
  if (rotations > 0)
    for (let i = 0; i < n; i++)
      for (let k = 0; k < i; k++) {
        const t = at(z + <usize>i * row, k)
        put(z + <usize>i * row, k, at(z + <usize>k * row, i))
        put(z + <usize>k * row, i, t)
      }
  return rotations
}

/** Lengths, descending; rows of W and J in that order, those of W as unit vectors. @param scratch count x count. @returns false once cancelled */
function finish(count: i32, length: i32, turned: usize, j: usize, w: usize, values: usize, scratch: usize, exponent: i32): bool {
  const before = mark()
  const lengths = take(<usize>count << 3)
  const factors = take(<usize>count << 3)
  const order = take(<usize>count << 2)
  for (let i = 0; i < count; i++) {
    const x = turned + ((<usize>i * <usize>length) << 3)
    const value = Math.sqrt(dot(length, x, x))
    put(lengths, i, value < NOTHING ? 0 : value)
    // Insertion: the Gram route has left them almost in order.
    let to = i
    for (; to > 0 && at(lengths, index(order, to - 1)) < at(lengths, i); to--) setIndex(order, to, index(order, to - 1))
    setIndex(order, to, i)
  }
  for (let i = 0; i < count; i++) {
    const value = at(lengths, index(order, i))
    put(values, i, value)
    put(factors, i, value > 0 ? 1 / value : 0)
  }
  let going = permuteRows(count, length, turned, order, factors, w)
  if (j) {
    copy(count * count, j, scratch)
    going = going && permuteRows(count, count, scratch, order, 0, j)
  }
  scaleByPowerOfTwo(count, exponent, values)
  free(before)
  return going
}
