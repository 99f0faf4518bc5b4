/** One number for many matrices. */

export interface MatrixError {
  /** m * n. */
  readonly entries: number
  /** Relative error; 0 for a matrix that was kept. */
  readonly error: number
}

export interface NormedError {
  /** ||W||_F. */
  readonly norm: number
  /** Relative error; 0 for a matrix that was kept. */
  readonly error: number
}

/** sqrt(sum ||W - What||^2 / sum ||W||^2): what large weights decide; null where the squares leave the range of f64. */
export function absoluteError(matrices: Iterable<NormedError>): number | null {
  let whole = 0
  let lost = 0
  for (const { norm, error } of matrices) {
    whole += norm ** 2
    lost += (norm * error) ** 2
  }
  const ratio = whole === 0 ? 0 : Math.sqrt(lost / whole)
  return Number.isFinite(whole) ? ratio : null
}

export interface ResolvedError extends MatrixError {
  /** Differences of `error` below this are rounding; 0 for a matrix that was kept. */
  readonly resolution: number
}

/** How far the model's error rises where each matrix's is off by all of its resolution: differences below it are rounding. */
export function modelResolution(matrices: readonly ResolvedError[]): number {
  const most = matrices.map(({ entries, error, resolution }) => ({ entries, error: error + resolution }))
  return modelError(most) - modelError(matrices)
}

/** sqrt(sum N e^2 / sum N): scale-free, the default weight of every whole-model goal. 0 without matrices. */
export function modelError(matrices: Iterable<MatrixError>): number {
  let entries = 0
  let weighted = 0
  for (const matrix of matrices) {
    entries += matrix.entries
    weighted += matrix.entries * matrix.error ** 2
  }
  return entries === 0 ? 0 : Math.sqrt(weighted / entries)
}

/**
 * sqrt(sum ||W_i||^2 e_i^2 / sum ||W_i||^2) of several matrices that are one thing, by ratios of norms: squares of norms near 1e200 would leave the range
 * of f64. 0 where all norms are.
 * @param norms ||W_i||_F
 * @param errors e_i, relative to ||W_i||_F
 */
export function errorOver(norms: readonly number[], errors: readonly number[]): number {
  const largest = norms.reduce((most, norm) => Math.max(most, norm), 0)
  if (largest === 0) return 0
  let lost = 0
  let whole = 0
  for (const [i, norm] of norms.entries()) {
    const share = (norm / largest) ** 2
    whole += share
    lost += share * errors[i]! ** 2
  }
  return Math.sqrt(lost / whole)
}
