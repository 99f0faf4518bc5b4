/** Factors on their way out (assembly/factors.ts), a few vectors a task: sums along a vector are then taken by one thread, in order. */
import { bytesPer, type Worker } from '../task.ts'

/** Columns of U in a task: of thousands of rows they stay in the second-level cache. */
export const SIGN_COLUMNS = 64
/** Vectors in a task of `roundScaled`: columns whose codes fill a cache line; a few rows, of thousands of entries each. */
export const ROUND_COLUMNS = 32
export const ROUND_ROWS = 4

/** Task i: columns i * SIGN_COLUMNS on of U, rows x rank, and the same rows of Vt, rank x cols; an i32 a column at `flips`, in whole tasks. */
export function fixSigns(
  index: number,
  worker: Worker,
  u: number,
  rows: number,
  rank: number,
  vt: number,
  cols: number,
  margin: number,
  flips: number,
): void {
  const { common } = worker.instance
  const first = index * SIGN_COLUMNS
  const width = Math.min(SIGN_COLUMNS, rank - first)
  const mine = flips + 4 * first
  common.signColumns(u + 4 * first, 4 * rank, rows, width, margin, mine, worker.scratch)
  for (let j = 0; j < width; j++) common.negateWhere(mine + 4 * j, vt + 4 * (first + j) * cols, cols)
}

/**
 * Task i: ROUND_ROWS rows, or ROUND_COLUMNS columns, of M, rows x cols, each times its scale, as codes and what they say. At `sums`: f64 of each vector's
 * `whole`, then of its `off`, then an i32 of each task for what left the range, which its caller has cleared.
 */
export function roundScaled(
  index: number,
  worker: Worker,
  m: number,
  rows: number,
  cols: number,
  byRows: number,
  scales: number,
  dtype: number,
  codes: number,
  stored: number,
  sums: number,
): void {
  const { common } = worker.instance
  const [count, step] = byRows ? [rows, ROUND_ROWS] : [cols, ROUND_COLUMNS]
  const first = index * step
  const here = Math.min(step, count - first)
  const at = byRows ? first * cols : first
  const round = byRows ? common.roundRows : common.roundColumns
  const [height, width] = byRows ? [here, cols] : [rows, here]
  const [into, says] = [codes + bytesPer(dtype) * at, stored + 4 * at]
  const [whole, beyond] = [sums + 8 * first, sums + 16 * count + 4 * index]
  const [from, off, spare] = [scales + 8 * first, whole + 8 * count, worker.scratch]
  round(m + 4 * at, 4 * cols, height, width, from, dtype, into, says, whole, off, beyond, spare)
}
