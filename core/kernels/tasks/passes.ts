/** Single passes over a matrix, in blocks whose size never depends on the number of threads, since sums are taken per block. */
import { BLOCK_DEPTH, bytesPer, DOUBLE_BLOCK, edgeOf, F64, roundUp, tilesOf, type Worker } from '../task.ts'

/** Elements per task of statistics, and of differences. */
export const STATISTICS_CHUNK = 262144
/** Rows, and columns at a time, of a residual task: the product's block stays in the second-level cache. */
export const RESIDUAL_ROWS = 96
const RESIDUAL_COLS = 256
/** Twice as wide entries, in what the panels of both sides leave of the scratch. */
const DOUBLE_COLS = 192

/** Task i: four f64 at to + 32 i; see assembly/elementwise.ts. */
export function statistics(index: number, worker: Worker, a: number, dtype: number, count: number, to: number): void {
  const start = index * STATISTICS_CHUNK
  const here = Math.min(STATISTICS_CHUNK, count - start)
  worker.instance.common.statisticsOf(a + start * bytesPer(dtype), dtype, here, to + 32 * index)
}

/** Task i: entries i * STATISTICS_CHUNK on of D <- T - B, and five f64 at to + 40 i; see assembly/elementwise.ts. */
export function difference(
  index: number,
  worker: Worker,
  tuned: number,
  tunedType: number,
  base: number,
  baseType: number,
  count: number,
  d: number,
  to: number,
): void {
  const start = index * STATISTICS_CHUNK
  const here = Math.min(STATISTICS_CHUNK, count - start)
  const at = (side: number, dtype: number) => side + start * bytesPer(dtype)
  const { common } = worker.instance
  common.differenceOf(
    at(tuned, tunedType),
    tunedType,
    at(base, baseType),
    baseType,
    here,
    d + 4 * start,
    to + 40 * index,
  )
}

/** Task i: f64 at to + 8 i <- sum of (scale A - L R)^2 over RESIDUAL_ROWS rows, R packed by packRight. */
export function residual(
  index: number,
  worker: Worker,
  tile: number,
  a: number,
  rows: number,
  cols: number,
  dtype: number,
  scale: number,
  l: number,
  inner: number,
  packed: number,
  to: number,
): void {
  const { rows: group, cols: width, block } = tilesOf(worker, tile)
  const { common } = worker.instance
  const first = index * RESIDUAL_ROWS
  const here = Math.min(RESIDUAL_ROWS, rows - first)
  const size = bytesPer(dtype)
  const padded = roundUp(cols, width)
  const packedRows = worker.scratch
  const product = worker.scratch + roundUp(RESIDUAL_ROWS, 30) * BLOCK_DEPTH * 4
  for (let j = 0; j < cols; j += RESIDUAL_COLS) {
    const columns = Math.min(RESIDUAL_COLS, cols - j)
    for (let p = 0; p < inner; p += BLOCK_DEPTH) {
      if (worker.cancelled()) return
      const depth = Math.min(BLOCK_DEPTH, inner - p)
      const row = depth * 4
      // Packed again for every block of columns: inner is small beside cols, and the rows are in the cache.
      common.packRows(l + (first * inner + p) * 4, inner * 4, 0, 1, here, roundUp(here, group), depth, packedRows)
      const right = packed + p * padded * 4 + j * row
      const add = p > 0 ? 1 : 0
      block(
        packedRows,
        group * row,
        row,
        4,
        right,
        product,
        RESIDUAL_COLS * 4,
        here,
        columns,
        depth,
        add,
        edgeOf(worker),
      )
    }
    const from = a + (first * cols + j) * size
    const reset = j === 0 ? 1 : 0
    common.squaredDifference(
      from,
      cols * size,
      dtype,
      scale,
      product,
      RESIDUAL_COLS * 4,
      here,
      columns,
      to + 8 * index,
      reset,
      edgeOf(worker),
    )
  }
}

/**
 * Task i: f64 at to + 8 i <- sum of (scale A - L R)^2 over RESIDUAL_ROWS rows, for L rows x inner and R inner x cols in f64. R is packed again by
 * each task: a hundredth of the products it serves.
 */
export function residualDouble(
  index: number,
  worker: Worker,
  tile: number,
  a: number,
  rows: number,
  cols: number,
  dtype: number,
  scale: number,
  l: number,
  inner: number,
  r: number,
  to: number,
): void {
  const { doubleBlock } = tilesOf(worker, tile)
  const { common } = worker.instance
  const first = index * RESIDUAL_ROWS
  const here = Math.min(RESIDUAL_ROWS, rows - first)
  const size = bytesPer(dtype)
  const left = worker.scratch
  const right = left + RESIDUAL_ROWS * BLOCK_DEPTH * 8
  const product = right + DOUBLE_BLOCK * BLOCK_DEPTH * 8
  const ld = DOUBLE_COLS * 8
  for (let j = 0; j < cols; j += DOUBLE_COLS) {
    const columns = Math.min(DOUBLE_COLS, cols - j)
    for (let p = 0; p < inner; p += BLOCK_DEPTH) {
      if (worker.cancelled()) return
      const depth = Math.min(BLOCK_DEPTH, inner - p)
      common.packRowsDouble(l + (first * inner + p) * 8, inner * 8, F64, 1, here, depth, left)
      common.packColumnsDouble(r + (p * cols + j) * 8, cols * 8, F64, 1, columns, depth, right)
      doubleBlock(left, right, product, ld, here, columns, depth, p > 0 ? 1 : 0, columns, edgeOf(worker))
    }
    const from = a + (first * cols + j) * size
    const reset = j === 0 ? 1 : 0
    common.squaredDifferenceDouble(from, cols * size, dtype, scale, product, ld, here, columns, to + 8 * index, reset)
  }
}

/** Task i: rows i * blockRows on of `from`, rows x cols, become columns of `to`. */
export function transpose(
  index: number,
  worker: Worker,
  from: number,
  rows: number,
  cols: number,
  to: number,
  blockRows: number,
): void {
  const first = index * blockRows
  const here = Math.min(blockRows, rows - first)
  const { common } = worker.instance
  // 64 columns at a time: the lines being written stay in the first-level cache.
  for (let j = 0; j < cols; j += 64) {
    const columns = Math.min(64, cols - j)
    common.transposeBlock(from + (first * cols + j) * 4, cols * 4, to + (j * rows + first) * 4, rows * 4, here, columns)
  }
}

/** Task i: rows i * blockRows on of X <- normals. */
export function gaussian(
  index: number,
  worker: Worker,
  key0: number,
  key1: number,
  x: number,
  rows: number,
  cols: number,
  blockRows: number,
): void {
  const first = index * blockRows
  const here = Math.min(blockRows, rows - first)
  const target = x + first * cols * 4
  worker.instance.common.gaussianRows(key0, key1, first, here, cols, target, cols * 4, worker.scratch)
}
