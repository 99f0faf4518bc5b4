/** Passes over dense f64 matrices, in tiles: clear, transpose, magnitude, scale, permute. */
import { free, mark, take } from './arena'
import { forEachTile } from './crew'
import { CLEAR, LARGEST, PERMUTE, SCALE, TRANSPOSE } from './tasks'
import { at, clear, copy, index, put, scale, scaleByPowerOfTwo } from './vector'

const PASS_ROWS: i32 = 64
const CLEAR_ROWS: i32 = 64
const TRANSPOSE_ROWS: i32 = 16

@unmanaged
class Block {
  rows: i32
  columns: i32
  from: usize
  fromRow: usize
  to: usize
  toRow: usize
  /** Row of `from` that becomes each column of `to`. */
  order: usize
  factors: usize
  exponent: i32
  upper: bool
}

/** Zeros into rows x columns at `to`; strides in bytes. */
export function clearMatrix(rows: i32, columns: i32, to: usize, toRow: usize): bool {
  const before = mark()
  const job = changetype<Block>(take(offsetof<Block>()))
  job.rows = rows
  job.columns = columns
  job.to = to
  job.toRow = toRow
  const going = forEachTile(CLEAR, changetype<usize>(job), (rows + CLEAR_ROWS - 1) / CLEAR_ROWS)
  free(before)
  return going
}

export function clearTile(at: usize, tile: i32): void {
  const job = changetype<Block>(at)
  const last = min((tile + 1) * CLEAR_ROWS, job.rows)
  for (let i = tile * CLEAR_ROWS; i < last; i++) clear(job.columns, job.to + <usize>i * job.toRow)
}

/** to[i][j] <- from[order[j]][i], or from[j][i] where `order` is 0, for i < rows, j < columns. */
export function transposeRows(
  rows: i32, columns: i32, from: usize, fromRow: usize, order: usize, to: usize, toRow: usize,
): bool {
  const before = mark()
  const job = changetype<Block>(take(offsetof<Block>()))
  job.rows = rows
  job.columns = columns
  job.from = from
  job.fromRow = fromRow
  job.to = to
  job.toRow = toRow
  job.order = order
  const going = forEachTile(TRANSPOSE, changetype<usize>(job), (rows + TRANSPOSE_ROWS - 1) / TRANSPOSE_ROWS)
  free(before)
  return going
}

export function transposeTile(at: usize, tile: i32): void {
  const job = changetype<Block>(at)
  const first = tile * TRANSPOSE_ROWS
  const count = min(TRANSPOSE_ROWS, job.rows - first)
  const target = job.to + <usize>first * job.toRow
  let j = 0
  // Eight columns at a time: whole cache lines are written, however the rows collide in the cache.
  for (; j + 8 <= job.columns; j += 8) {
    for (let pair = 0; pair < 8; pair += 2) {
      const a = sourceRow(job, j + pair, first)
      const b = sourceRow(job, j + pair + 1, first)
      let to = target + (<usize>(j + pair) << 3)
      let i = 0
      for (; i + 2 <= count; i += 2) {
        const x = v128.load(a + (<usize>i << 3))
        const y = v128.load(b + (<usize>i << 3))
        v128.store(to, v128.shuffle<f64>(x, y, 0, 2))
        v128.store(to + job.toRow, v128.shuffle<f64>(x, y, 1, 3))
        to += job.toRow << 1
      }
      if (i < count) {
        store<f64>(to, load<f64>(a + (<usize>i << 3)))
        store<f64>(to, load<f64>(b + (<usize>i << 3)), 8)
      }
    }
  }
  for (; j < job.columns; j++) {
    const source = sourceRow(job, j, first)
    for (let i = 0; i < count; i++)
      store<f64>(target + <usize>i * job.toRow + (<usize>j << 3), load<f64>(source + (<usize>i << 3)))
  }
}

function sourceRow(job: Block, j: i32, first: i32): usize {
  const row = job.order ? index(job.order, j) : j
  return job.from + <usize>row * job.fromRow + (<usize>first << 3)
}

/** Largest magnitude in the upper triangle of G (n x n); not finite if any entry is not. */
export function largestMagnitude(n: i32, g: usize): f64 {
  return largestOf(n, n, g, true)
}

/** Largest magnitude of a rows x columns matrix; not finite if any entry is not. */
export function largestMagnitudeOf(rows: i32, columns: i32, x: usize): f64 {
  return largestOf(rows, columns, x, false)
}

function largestOf(rows: i32, columns: i32, x: usize, upper: bool): f64 {
  const before = mark()
  const job = changetype<Block>(take(offsetof<Block>()))
  const parts = (rows + PASS_ROWS - 1) / PASS_ROWS
  job.rows = rows
  job.columns = columns
  job.upper = upper
  job.from = x
  job.to = take(<usize>parts << 3)
  clear(parts, job.to)
  forEachTile(LARGEST, changetype<usize>(job), parts)
  let largest: f64 = 0
  for (let part = 0; part < parts; part++) largest = max(largest, at(job.to, part))
  free(before)
  return largest
}

export function largestTile(address: usize, tile: i32): void {
  const job = changetype<Block>(address)
  const n = job.columns
  const last = min((tile + 1) * PASS_ROWS, job.rows)
  let lanes = f64x2(0, 0)
  for (let i = tile * PASS_ROWS; i < last; i++) {
    const row = job.from + ((<usize>i * <usize>n) << 3)
    let j = job.upper ? i : 0
    // NaN survives max.
    for (; j + 2 <= n; j += 2) lanes = f64x2.max(lanes, f64x2.abs(v128.load(row + (<usize>j << 3))))
    if (j < n) lanes = f64x2.max(lanes, f64x2.splat(abs(at(row, j))))
  }
  put(job.to, tile, max(f64x2.extract_lane(lanes, 0), f64x2.extract_lane(lanes, 1)))
}

/** Upper triangle of G (n x n) <- 2^exponent times itself. */
export function scaleUpper(n: i32, g: usize, exponent: i32): bool {
  return scaleMatrix(n, n, g, exponent, true)
}

/** X (rows x columns) <- 2^exponent X, or its upper triangle only. */
export function scaleMatrix(rows: i32, columns: i32, x: usize, exponent: i32, upper: bool): bool {
  if (exponent == 0) return true
  const before = mark()
  const job = changetype<Block>(take(offsetof<Block>()))
  job.rows = rows
  job.columns = columns
  job.to = x
  job.exponent = exponent
  job.upper = upper
  const going = forEachTile(SCALE, changetype<usize>(job), (rows + PASS_ROWS - 1) / PASS_ROWS)
  free(before)
  return going
}

export function scaleTile(address: usize, tile: i32): void {
  const job = changetype<Block>(address)
  const n = job.columns
  const last = min((tile + 1) * PASS_ROWS, job.rows)
  for (let i = tile * PASS_ROWS; i < last; i++) {
    const first = job.upper ? i : 0
    scaleByPowerOfTwo(n - first, job.exponent, job.to + ((<usize>i * <usize>n + <usize>first) << 3))
  }
}

/** to[i] <- factors[i] * from[order[i]]: rows x columns, both without gaps; factors 0 stands for all ones. */
export function permuteRows(rows: i32, columns: i32, from: usize, order: usize, factors: usize, to: usize): bool {
  const before = mark()
  const job = changetype<Block>(take(offsetof<Block>()))
  job.rows = rows
  job.columns = columns
  job.from = from
  job.order = order
  job.factors = factors
  job.to = to
  const going = forEachTile(PERMUTE, changetype<usize>(job), (rows + PASS_ROWS - 1) / PASS_ROWS)
  free(before)
  return going
}

export function permuteTile(address: usize, tile: i32): void {
  const job = changetype<Block>(address)
  const n = job.columns
  const last = min((tile + 1) * PASS_ROWS, job.rows)
  for (let i = tile * PASS_ROWS; i < last; i++) {
    const row = job.to + ((<usize>i * <usize>n) << 3)
    copy(n, job.from + ((<usize>index(job.order, i) * <usize>n) << 3), row)
    if (job.factors) scale(n, at(job.factors, i), row)
  }
}
