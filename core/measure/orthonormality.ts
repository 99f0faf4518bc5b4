/** How orthonormal the factors of an SVD are. */
import type { Kernels } from '../kernels/kernels.ts'
import type { Factorization } from '../svd/factorization.ts'

/** Largest entry of |UtU - I|: how far the columns of U (m x k) are from orthonormal. */
export function distanceFromOrthonormal(
  kernels: Kernels,
  { U, rows, rank }: Pick<Factorization, 'U' | 'rows' | 'rank'>,
): number {
  const mark = kernels.mark()
  const copy = { rows, cols: rank, data: kernels.allocateFloat32(rows * rank) }
  copy.data.set(U)
  const G = kernels.allocateFloat64(rank * rank)
  kernels.gram(copy, G)
  let worst = 0
  for (let i = 0; i < G.length; i++) worst = Math.max(worst, Math.abs(G[i]! - (i % (rank + 1) === 0 ? 1 : 0)))
  kernels.release(mark)
  return worst
}
