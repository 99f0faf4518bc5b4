/**
 * f32 products in the way of Goto and van de Geijn (ACM TOMS 34(3), 2008) and BLIS: the right-hand side is packed once for all, a block of
 * the weights at a time is packed (or, for F32 read by rows, used where it lies) and swept by the tiles.
 * Per output element: the sum over each block of BLOCK_DEPTH in order, rounded once per step, blocks added in order.
 */
import { BLOCK_DEPTH, bytesPer, edgeOf, F32, PANEL_PAD, roundUp, tilesOf, type Worker } from '../task.ts'

/** Columns of A packed at a time, a multiple of BLOCK_DEPTH: long stretches of each row come from memory faster. */
export const PACKED_DEPTH = 1024

/** Task p: rows p * BLOCK_DEPTH on of X, rows x cols, f32, to panels of `width`. */
export function packRight(
  index: number,
  worker: Worker,
  x: number,
  rows: number,
  cols: number,
  width: number,
  to: number,
): void {
  const start = index * BLOCK_DEPTH
  const depth = Math.min(BLOCK_DEPTH, rows - start)
  const target = to + start * roundUp(cols, width) * 4
  worker.instance.common.packPanels(x + start * cols * 4, cols * 4, F32, 1, cols, depth, width, target)
}

/** Bytes between groups of a left-hand side of `depth` columns. */
function leftStride(depth: number, group: number): number {
  return depth * group * 4 + PANEL_PAD
}

/** Bytes of a left-hand side, rows x cols, packed by packLeft. */
export function leftBytes(rows: number, cols: number, group: number): number {
  const groups = Math.ceil(cols / group)
  return groups * (rows * group * 4 + Math.ceil(rows / BLOCK_DEPTH) * PANEL_PAD)
}

/** Task p: rows p * BLOCK_DEPTH on of Y, rows x cols, f32: its columns in groups of `group` become rows of a tile. */
export function packLeft(
  index: number,
  worker: Worker,
  y: number,
  rows: number,
  cols: number,
  group: number,
  to: number,
): void {
  const start = index * BLOCK_DEPTH
  const depth = Math.min(BLOCK_DEPTH, rows - start)
  const target = to + leftBytes(start, cols, group)
  worker.instance.common.packColumns(y + start * cols * 4, cols * 4, F32, 1, cols, depth, group, target)
}

/** The same as packRight from f64, rounded to f32. */
export function packRightDouble(
  index: number,
  worker: Worker,
  x: number,
  rows: number,
  cols: number,
  width: number,
  to: number,
): void {
  const start = index * BLOCK_DEPTH
  const depth = Math.min(BLOCK_DEPTH, rows - start)
  const target = to + start * roundUp(cols, width) * 4
  worker.instance.common.packPanelsDouble(x + start * cols * 8, cols * 8, cols, depth, width, target)
}

/** Task i: rows i * blockRows on of Y <- (accumulate ? Y : 0) + A X, with A rows x inner and X packed by packRight, inner x cols. Y may be A while inner <= PACKED_DEPTH. */
export function multiply(
  index: number,
  worker: Worker,
  tile: number,
  a: number,
  rows: number,
  inner: number,
  dtype: number,
  scale: number,
  packed: number,
  cols: number,
  y: number,
  accumulate: number,
  blockRows: number,
): void {
  const { rows: group, cols: width, block } = tilesOf(worker, tile)
  const first = index * blockRows
  const here = Math.min(blockRows, rows - first)
  const size = bytesPer(dtype)
  const ld = inner * size
  const padded = roundUp(cols, width)
  // Rows of f32 are as good as packed ones, unless Y takes their place; a last group that is not full would make the tile read past the end.
  const inPlace = dtype === F32 && scale === 1 && here % group === 0 && a !== y
  const target = y + first * cols * 4
  for (let p0 = 0; p0 < inner; p0 += PACKED_DEPTH) {
    const length = Math.min(PACKED_DEPTH, inner - p0)
    let from = a + first * ld + p0 * size
    let row = ld
    if (!inPlace) {
      worker.instance.common.packRows(from, ld, dtype, scale, here, roundUp(here, group), length, worker.scratch)
      from = worker.scratch
      row = length * 4
    }
    for (let p = p0; p < p0 + length; p += BLOCK_DEPTH) {
      if (worker.cancelled()) return
      const depth = Math.min(BLOCK_DEPTH, inner - p)
      const right = packed + p * padded * 4
      const add = accumulate || p > 0 ? 1 : 0
      const left = from + (p - p0) * 4
      block(left, group * row, row, 4, right, target, cols * 4, here, cols, depth, add, edgeOf(worker))
    }
  }
}

/**
 * Task i: rows i * blockRows on of Out <- Y M for an upper triangular M, order x order, packed by packRightDouble: `multiply` without the
 * terms that are zero: the same numbers for half the work. Out may be Y while order <= PACKED_DEPTH.
 */
export function multiplyTriangular(
  index: number,
  worker: Worker,
  tile: number,
  y: number,
  rows: number,
  order: number,
  packed: number,
  out: number,
  blockRows: number,
): void {
  const { rows: group, cols: width, block } = tilesOf(worker, tile)
  const first = index * blockRows
  const here = Math.min(blockRows, rows - first)
  const padded = roundUp(order, width)
  const target = out + first * order * 4
  for (let p0 = 0; p0 < order; p0 += PACKED_DEPTH) {
    const length = Math.min(PACKED_DEPTH, order - p0)
    const row = length * 4
    const from = y + (first * order + p0) * 4
    worker.instance.common.packRows(from, order * 4, F32, 1, here, roundUp(here, group), length, worker.scratch)
    for (let p = p0; p < p0 + length; p += BLOCK_DEPTH) {
      if (worker.cancelled()) return
      const depth = Math.min(BLOCK_DEPTH, order - p)
      const left = worker.scratch + (p - p0) * 4
      // The panel of columns j on ends at row j + width.
      for (let j = p - (p % width); j < order; j += width) {
        const needed = Math.min(depth, j + width - p)
        const right = packed + p * padded * 4 + j * depth * 4
        const cols = Math.min(width, order - j)
        const add = p > 0 ? 1 : 0
        block(left, group * row, row, 4, right, target + j * 4, order * 4, here, cols, needed, add, edgeOf(worker))
      }
    }
  }
}

/** Task j: rows j * blockCols on of Z <- (add ? Z : 0) + At Y, with A rows x cols and Y packed by packRight, rows x width. */
export function multiplyTransposed(
  index: number,
  worker: Worker,
  tile: number,
  a: number,
  rows: number,
  cols: number,
  dtype: number,
  scale: number,
  packed: number,
  width: number,
  z: number,
  accumulate: number,
  blockCols: number,
): void {
  const { rows: group, cols: tileCols, block } = tilesOf(worker, tile)
  const first = index * blockCols
  const here = Math.min(blockCols, cols - first)
  const size = bytesPer(dtype)
  const ld = cols * size
  const padded = roundUp(width, tileCols)
  const target = z + first * width * 4
  const row = group * 4
  for (let p = 0; p < rows; p += BLOCK_DEPTH) {
    if (worker.cancelled()) return
    const depth = Math.min(BLOCK_DEPTH, rows - p)
    const from = a + p * ld + first * size
    worker.instance.common.packColumns(from, ld, dtype, scale, here, depth, group, worker.scratch)
    const panel = depth * row + PANEL_PAD
    const right = packed + p * padded * 4
    const add = accumulate || p > 0 ? 1 : 0
    block(worker.scratch, panel, 4, row, right, target, width * 4, here, width, depth, add, edgeOf(worker))
  }
}

/** Most columns of Y that are turned: what they make of TURNED_COLUMNS columns of A, and those packed, fill a thread's scratch. With more there is nothing to gain. */
export const MOST_TURNED = 240
const TURNED_COLUMNS = 384

/**
 * The same as Zt = Yt A, with Y packed by packLeft: rows of A are rows of a right-hand side as they lie, and the columns of a sketch (42, 138) are cut into a tile's
 * few rows with less left over than into its many columns.
 */
export function multiplyTurned(
  index: number,
  worker: Worker,
  tile: number,
  a: number,
  rows: number,
  cols: number,
  dtype: number,
  scale: number,
  packed: number,
  width: number,
  z: number,
  accumulate: number,
  blockCols: number,
): void {
  const { rows: group, cols: panel, block } = tilesOf(worker, tile)
  const { common } = worker.instance
  const first = index * blockCols
  const here = Math.min(blockCols, cols - first)
  const size = bytesPer(dtype)
  const ld = cols * size
  const target = z + first * width * 4
  const turned = worker.scratch
  const right = turned + roundUp(width * here * 4, 64)
  if (accumulate) common.transposeBlock(target, width * 4, turned, here * 4, here, width)
  for (let p = 0; p < rows; p += BLOCK_DEPTH) {
    if (worker.cancelled()) return
    const depth = Math.min(BLOCK_DEPTH, rows - p)
    common.packPanels(a + p * ld + first * size, ld, dtype, scale, here, depth, panel, right)
    const left = packed + leftBytes(p, width, group)
    const add = accumulate || p > 0 ? 1 : 0
    block(
      left,
      leftStride(depth, group),
      4,
      group * 4,
      right,
      turned,
      here * 4,
      width,
      here,
      depth,
      add,
      edgeOf(worker),
    )
  }
  common.transposeBlock(turned, here * 4, target, width * 4, width, here)
}

/** Columns of A per task of multiplyTurned: few enough for each thread to get some, wide enough for its rows to come in long stretches. */
export function turnedColumns(cols: number, panel: number, threads: number): number {
  const panels = Math.ceil(cols / panel)
  const tasks = Math.max(Math.ceil((panels * panel) / TURNED_COLUMNS), Math.min(4 * threads, Math.floor(panels / 8)))
  return panel * Math.ceil(panels / roundUp(tasks, threads))
}
