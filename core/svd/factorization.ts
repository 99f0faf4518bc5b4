/** What every SVD algorithm returns, and the only thing that leaves this room. */

/**
 * A ~ U diag(s) Vt with U m x k and Vt k x n, row-major f32 (f64 where an F64 source was factorized in f64), s descending and not
 * negative, in the units of A (prescaling undone).
 * The arrays belong to the holder of the object; none of them lies in the kernels' memory.
 */
export interface Factorization {
  readonly rows: number
  readonly cols: number
  readonly rank: number
  readonly U: Float32Array | Float64Array
  readonly s: Float64Array
  readonly Vt: Float32Array | Float64Array
}

/** The first `rank` singular triplets. U is copied (its columns are strided), s and Vt are views. */
export function truncate(f: Factorization, rank: number): Factorization {
  if (rank >= f.rank) return f
  const U = f.U instanceof Float64Array ? new Float64Array(f.rows * rank) : new Float32Array(f.rows * rank)
  for (let i = 0; i < f.rows; i++) U.set(f.U.subarray(i * f.rank, i * f.rank + rank), i * rank)
  return { rows: f.rows, cols: f.cols, rank, U, s: f.s.subarray(0, rank), Vt: f.Vt.subarray(0, rank * f.cols) }
}
