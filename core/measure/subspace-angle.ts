/** How far apart two subspaces are: what stays between the vectors of a sketch and those of the exact SVD. */
import type { Kernels, Matrix } from '../kernels/kernels.ts'

/**
 * Largest principal angle, in radians, between the spans of the orthonormal columns of U1 and U2 (rows x rank, row-major): asin of the
 * sine, from ||U2 - U1 U1tU2||, since the cosine of a small angle has lost it (Bjorck and Golub, Math. Comp. 27, 1973).
 * Cost: 4 rows rank^2 flop and a rank x rank eigenproblem. @throws AppError `out-of-memory`
 */
export function largestAngle(kernels: Kernels, U1: Float32Array, U2: Float32Array, rows: number, rank: number): number {
  const mark = kernels.mark()
  try {
    const first: Matrix = { rows, cols: rank, data: kernels.allocateFloat32(rows * rank) }
    const second: Matrix = { rows, cols: rank, data: kernels.allocateFloat32(rows * rank) }
    first.data.set(U1)
    second.data.set(U2)
    const C = kernels.allocateFloat64(rank * rank)
    kernels.crossGram(first, second, C)
    for (let i = 0; i < C.length; i++) C[i] = -C[i]!
    kernels.multiplySmall(first, C, second, true) // U2 - U1 U1tU2
    kernels.gram(second, C)
    const values = kernels.allocateFloat64(rank)
    kernels.symmetricEigen(C, rank, values, null)
    return Math.asin(Math.min(1, Math.sqrt(Math.max(0, values[0]!))))
  } finally {
    kernels.release(mark)
  }
}
