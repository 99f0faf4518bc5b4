/** Symmetric f64 products: only blocks on and below the diagonal are computed, then mirrored. Sums over blocks of BLOCK_DEPTH in order. */
import { BLOCK_DEPTH, bytesPer, DOUBLE_BLOCK, edgeOf, F32, tilesOf, type Worker } from '../task.ts'

/** Block `index` of the lower triangle, row by row: (0,0), (1,0), (1,1), (2,0) ... */
export function lowerBlock(index: number): readonly [number, number] {
  const i = Math.floor((Math.sqrt(8 * index + 1) - 1) / 2)
  return [i, index - (i * (i + 1)) / 2]
}

/** Number of tasks for `order` in blocks of `block`. */
export function lowerBlockCount(order: number, block: number): number {
  const blocks = Math.ceil(order / block)
  return (blocks * (blocks + 1)) / 2
}

/** One block of G <- (add ? G : 0) + At A (`byRows` 0, order = cols) or A At (`byRows` 1, order = rows), lower triangle. */
export function symmetricProduct(
  index: number,
  worker: Worker,
  tile: number,
  a: number,
  rows: number,
  cols: number,
  dtype: number,
  scale: number,
  byRows: number,
  g: number,
  accumulate: number,
  block: number,
): void {
  const { common } = worker.instance
  const { doubleBlock } = tilesOf(worker, tile)
  const [order, inner] = byRows ? [rows, cols] : [cols, rows]
  const [i, j] = lowerBlock(index)
  const [i0, j0] = [i * block, j * block]
  const [height, width] = [Math.min(block, order - i0), Math.min(block, order - j0)]
  const size = bytesPer(dtype)
  const ld = cols * size
  const left = worker.scratch
  const right = i === j ? left : left + DOUBLE_BLOCK * BLOCK_DEPTH * 8
  const pack = (start: number, count: number, p: number, depth: number, to: number) => {
    if (byRows) common.packRowsDouble(a + start * ld + p * size, ld, dtype, scale, count, depth, to)
    else common.packColumnsDouble(a + p * ld + start * size, ld, dtype, scale, count, depth, to)
  }
  for (let p = 0; p < inner; p += BLOCK_DEPTH) {
    if (worker.cancelled()) return
    const depth = Math.min(BLOCK_DEPTH, inner - p)
    pack(i0, height, p, depth, left)
    if (i !== j) pack(j0, width, p, depth, right)
    const add = accumulate || p > 0 ? 1 : 0
    const target = g + (i0 * order + j0) * 8
    doubleBlock(left, right, target, order * 8, height, width, depth, add, i0 - j0, edgeOf(worker))
  }
}

/** Block (index / columns, index mod columns) of C <- XtY, for X rows x k and Y rows x j, both f32, in blocks of `block`. */
export function crossProduct(
  index: number,
  worker: Worker,
  tile: number,
  x: number,
  k: number,
  y: number,
  j: number,
  rows: number,
  c: number,
  block: number,
): void {
  const { common } = worker.instance
  const { doubleBlock } = tilesOf(worker, tile)
  const columns = Math.ceil(j / block)
  const [i0, j0] = [Math.floor(index / columns) * block, (index % columns) * block]
  const [height, width] = [Math.min(block, k - i0), Math.min(block, j - j0)]
  const left = worker.scratch
  const right = left + DOUBLE_BLOCK * BLOCK_DEPTH * 8
  for (let p = 0; p < rows; p += BLOCK_DEPTH) {
    if (worker.cancelled()) return
    const depth = Math.min(BLOCK_DEPTH, rows - p)
    common.packColumnsDouble(x + (p * k + i0) * 4, k * 4, F32, 1, height, depth, left)
    common.packColumnsDouble(y + (p * j + j0) * 4, j * 4, F32, 1, width, depth, right)
    const target = c + (i0 * j + j0) * 8
    doubleBlock(left, right, target, j * 8, height, width, depth, p > 0 ? 1 : 0, width, edgeOf(worker))
  }
}

/** One block of the lower triangle is copied to its mirror image. */
export function mirror(index: number, worker: Worker, g: number, order: number, block: number): void {
  const [i, j] = lowerBlock(index)
  const end = (start: number) => Math.min(start + block, order)
  worker.instance.common.mirrorBlock(g, order, i * block, end(i * block), j * block, end(j * block))
}
