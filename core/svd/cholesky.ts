/** Cholesky factorization and triangular inverse of small f64 matrices (k x k, row-major), for orthonormalization. */

/**
 * G = RtR with R upper triangular, in place: the upper triangle of G becomes R, the strict lower triangle is left as it is.
 * k^3 / 3 flop. Returns false, with G half done, at the first pivot that is not above `tolerance` times its diagonal entry of G.
 */
export function cholesky(G: Float64Array, order: number, tolerance: number): boolean {
  const diagonal = Float64Array.from({ length: order }, (_, i) => G[i * order + i]!)
  for (let p = 0; p < order; p++) {
    const pivot = G[p * order + p]!
    // Written so that NaN fails too.
    if (!(pivot > tolerance * diagonal[p]!)) return false
    const root = Math.sqrt(pivot)
    const row = G.subarray(p * order, (p + 1) * order)
    for (let j = p; j < order; j++) row[j]! /= root
    for (let i = p + 1; i < order; i++) {
      const factor = row[i]!
      const target = G.subarray(i * order, (i + 1) * order)
      for (let j = i; j < order; j++) target[j]! -= factor * row[j]!
    }
  }
  return true
}

/** Inverse <- R^-1 for upper triangular R (only its upper triangle is read); the strict lower triangle of the inverse is zero. k^3 / 3 flop. */
export function invertUpper(R: Float64Array, order: number, Inverse: Float64Array): void {
  Inverse.fill(0)
  // Row i of R^-1 from the rows below it: r_ii x_i = e_i - sum_{p > i} r_ip x_p.
  for (let i = order - 1; i >= 0; i--) {
    const target = Inverse.subarray(i * order, (i + 1) * order)
    target[i] = 1
    for (let p = i + 1; p < order; p++) {
      const factor = R[i * order + p]!
      const source = Inverse.subarray(p * order, (p + 1) * order)
      for (let j = p; j < order; j++) target[j]! -= factor * source[j]!
    }
    const pivot = R[i * order + i]!
    for (let j = i; j < order; j++) target[j]! /= pivot
  }
}
