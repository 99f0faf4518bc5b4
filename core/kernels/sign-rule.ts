/**
 * Singular vectors are unique up to a common sign of u_i and v_i. The rule: in each column of U the first entry within 2^-10 of the largest
 * magnitude is positive. A plain argmax would flip where two entries tie to rounding.
 */

/** U m x k and Vt k x n, in whichever precision. */
interface Pairs {
  readonly rows: number
  readonly cols: number
  readonly rank: number
  readonly U: Float32Array | Float64Array
  readonly Vt: Float32Array | Float64Array
}

export const tieMargin = 1 - 2 ** -10

/** Flips the pairs that break the rule, in place. */
export function applySignRule({ rows, cols, rank, U, Vt }: Pairs): void {
  const largest = new Float32Array(rank)
  for (let i = 0, at = 0; i < rows; i++)
    for (let j = 0; j < rank; j++, at++) {
      const magnitude = Math.abs(U[at]!)
      if (magnitude > largest[j]!) largest[j] = magnitude
    }
  for (let j = 0; j < rank; j++) {
    const enough = largest[j]! * tieMargin
    let at = j
    while (Math.abs(U[at]!) < enough) at += rank
    if (U[at]! >= 0) continue
    for (let i = 0, p = j; i < rows; i++, p += rank) U[p] = -U[p]!
    for (let p = j * cols; p < (j + 1) * cols; p++) Vt[p] = -Vt[p]!
  }
}
