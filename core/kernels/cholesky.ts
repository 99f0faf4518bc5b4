/** R^-1 of a Cholesky factor on the team: the loop over blocks; the work itself is in tasks/cholesky.ts. */
import type { StackMemory } from './memory.ts'
import type { Worker } from './task.ts'
import { CHOLESKY_BLOCK, CHOLESKY_ROWS } from './tasks/cholesky.ts'
import { lowerBlockCount } from './tasks/gram.ts'
import type { RunTasks } from './team.ts'

/**
 * Inverse <- R^-1 for RtR = G, all three order x order f64 at byte offsets; see Kernels.inverseCholesky.
 * With L = Rt of the matrix scaled to unit diagonal by D: R^-1 = D (L^-1)t.
 */
export function inverseCholesky(
  run: RunTasks,
  leader: Worker,
  memory: StackMemory,
  tile: number,
  g: number,
  order: number,
  inverse: number,
): boolean {
  const { common } = leader.instance
  const scales = memory.allocate(order * 8)
  const w = memory.allocate(order * order * 8)
  const block = memory.allocate(CHOLESKY_BLOCK * CHOLESKY_BLOCK * 8)
  const tolerance = 16 * order * 2 ** -53
  const ld = order * 8
  if (!common.unitDiagonal(g, order, scales)) return false
  for (let p = 0; p < order; p += CHOLESKY_BLOCK) {
    const n = Math.min(CHOLESKY_BLOCK, order - p)
    const diagonal = g + (p * order + p) * 8
    if (!common.choleskyBlock(diagonal, ld, n, tolerance)) return false
    common.invertBlock(diagonal, ld, n, block, CHOLESKY_BLOCK * 8)
    common.invertBlock(diagonal, ld, n, w + (p * order + p) * 8, ld)
    const rest = order - p - n
    run('choleskyPanel', Math.ceil(rest / CHOLESKY_ROWS), tile, g, order, p, n, block)
    run('choleskyUpdate', lowerBlockCount(rest, CHOLESKY_ROWS), tile, g, order, p, n)
  }
  run('choleskyInverse', Math.ceil(order / CHOLESKY_BLOCK), tile, g, order, w)
  run('scaledTranspose', Math.ceil(order / 64), w, order, scales, inverse)
  return true
}
