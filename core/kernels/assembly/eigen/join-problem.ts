/** What divide and conquer solves, and one join of it: the fields that its loops share between threads. */

/** The matrix and the three n x n buffers; two for values alone: Q is n x 2 then, `gathered` unused. */
@unmanaged
export class Problem {
  n: i32
  valuesOnly: bool
  row: usize
  /** Bytes from row to row of Q, and from the first column of one range to that of the next. */
  qRow: usize
  qColumn: usize
  d: usize
  e: usize
  q: usize
  gathered: usize
  inner: usize
  /** i32[n]: index of the value of each rank, within each solved range. */
  order: usize
  /** i32 pairs: the ranges one thread solves. */
  subtrees: usize
  subtreeCount: i32
  /** Leading vectors that somebody wants: the last join makes no others. */
  wanted: i32
}

/** One join of [low, middle) and [middle, high). */
@unmanaged
export class Join {
  problem: Problem
  low: i32
  middle: i32
  high: i32
  /** Values that stay in the update, and how many of them have vectors in the upper half only, in both, in the lower half only. */
  kept: i32
  /** First root whose vector is wanted. */
  firstWanted: i32
  upperOnly: i32
  both: i32
  rho: f64
  /** f64[kept], ascending: poles, weights, refined weights, roots. */
  poles: usize
  weights: usize
  refined: usize
  roots: usize
  /** i32[kept]: row of Q of each pole, and its place when ordered by kind of vector. */
  rows: usize
  place: usize
  /** i32[high - low - kept]: rows of Q that dropped out. */
  dropped: usize
  top: usize
  bottom: usize
  aside: usize
}
