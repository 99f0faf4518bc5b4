/**
 * Blocked Cholesky factorization and inversion, f64, lower triangle: L Lt = G, then L^-1 by columns of blocks. Nearly all of the
 * 2/3 k^3 flop are products of the float64 tiles. Blocks are CHOLESKY_BLOCK wide, whatever the number of threads.
 */
import { edgeOf, tilesOf, type Worker } from '../task.ts'
import { lowerBlock } from './gram.ts'

/** A multiple of the panel width 24. */
export const CHOLESKY_BLOCK = 48
/** Rows per task of a panel or an update. */
export const CHOLESKY_ROWS = 96
/** Depth of the products of the inversion, a multiple of CHOLESKY_BLOCK. */
const INVERSION_DEPTH = 240
/** f64 in packed doubles, as assembly/pack-double.ts numbers it. */
const F64 = 3

/** Task i: CHOLESKY_ROWS rows below the diagonal block at `p`: L <- G Wt, with W, n x n, the block's inverse, `ldw` bytes from row to row. */
export function choleskyPanel(
  index: number,
  worker: Worker,
  tile: number,
  g: number,
  order: number,
  p: number,
  n: number,
  w: number,
  ldw: number,
): void {
  const { common } = worker.instance
  const first = p + n + index * CHOLESKY_ROWS
  const here = Math.min(CHOLESKY_ROWS, order - first)
  const target = g + (first * order + p) * 8
  const right = worker.scratch + CHOLESKY_ROWS * CHOLESKY_BLOCK * 8
  common.packRowsDouble(target, order * 8, F64, 1, here, n, worker.scratch)
  common.packRowsDouble(w, ldw, F64, 1, n, n, right)
  const { doubleBlock } = tilesOf(worker, tile)
  doubleBlock(worker.scratch, right, target, order * 8, here, n, n, 0, n, edgeOf(worker))
}

/** Task i: one block of the lower triangle behind the panel at `p`: G <- G - L Lt. */
export function choleskyUpdate(
  index: number,
  worker: Worker,
  tile: number,
  g: number,
  order: number,
  p: number,
  n: number,
): void {
  const { common } = worker.instance
  const [i, j] = lowerBlock(index)
  const [i0, j0] = [p + n + i * CHOLESKY_ROWS, p + n + j * CHOLESKY_ROWS]
  const [height, width] = [Math.min(CHOLESKY_ROWS, order - i0), Math.min(CHOLESKY_ROWS, order - j0)]
  const right = worker.scratch + CHOLESKY_ROWS * CHOLESKY_BLOCK * 8
  common.packRowsDouble(g + (i0 * order + p) * 8, order * 8, F64, -1, height, n, worker.scratch)
  common.packRowsDouble(g + (j0 * order + p) * 8, order * 8, F64, 1, width, n, right)
  const target = g + (i0 * order + j0) * 8
  const { doubleBlock } = tilesOf(worker, tile)
  doubleBlock(worker.scratch, right, target, order * 8, height, width, n, 1, i0 - j0, edgeOf(worker))
}

/** Task j: the column of blocks j of W = L^-1, whose diagonal blocks are there: W_ij = -W_ii sum_{j <= q < i} L_iq W_qj. */
export function choleskyInverse(
  index: number,
  worker: Worker,
  tile: number,
  l: number,
  order: number,
  w: number,
): void {
  const { common } = worker.instance
  const { doubleBlock } = tilesOf(worker, tile)
  const j0 = index * CHOLESKY_BLOCK
  const width = Math.min(CHOLESKY_BLOCK, order - j0)
  const ld = order * 8
  const left = worker.scratch
  const right = left + CHOLESKY_BLOCK * INVERSION_DEPTH * 8
  const sum = right + CHOLESKY_BLOCK * INVERSION_DEPTH * 8
  const ldSum = CHOLESKY_BLOCK * 8
  for (let i0 = j0 + width; i0 < order; i0 += CHOLESKY_BLOCK) {
    if (worker.cancelled()) return
    const height = Math.min(CHOLESKY_BLOCK, order - i0)
    for (let q = j0; q < i0; q += INVERSION_DEPTH) {
      const depth = Math.min(INVERSION_DEPTH, i0 - q)
      common.packRowsDouble(l + (i0 * order + q) * 8, ld, F64, -1, height, depth, left)
      common.packColumnsDouble(w + (q * order + j0) * 8, ld, F64, 1, width, depth, right)
      doubleBlock(left, right, sum, ldSum, height, width, depth, q > j0 ? 1 : 0, width, edgeOf(worker))
    }
    common.packRowsDouble(w + (i0 * order + i0) * 8, ld, F64, 1, height, height, left)
    common.packColumnsDouble(sum, ldSum, F64, 1, width, height, right)
    const target = w + (i0 * order + j0) * 8
    doubleBlock(left, right, target, ld, height, width, height, 0, width, edgeOf(worker))
  }
}

/** Task i: 64 rows of to <- diag(d) wT. */
export function scaledTranspose(index: number, worker: Worker, w: number, order: number, d: number, to: number): void {
  const first = index * 64
  worker.instance.common.scaledTranspose(w, order, d, to, first, Math.min(64, order - first))
}
