/** One number for many matrices. */

export interface MatrixError {
  /** m * n. */
  readonly entries: number
  /** Relative error; 0 for a matrix that was kept. */
  readonly error: number
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
