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
  const scales = memory.allocate(order * 8)
  const w = memory.allocate(order * order * 8)
  // The panels want the inverse of every diagonal block, and so does R^-1.
  const inverses = { at: (p: number) => w + (p * order + p) * 8, ld: order * 8 }
  if (!factor({ run, leader, tile, g, order, scales }, inverses)) return false
  run('choleskyInverse', Math.ceil(order / CHOLESKY_BLOCK), tile, g, order, w)
  run('scaledTranspose', Math.ceil(order / 64), w, order, scales, inverse)
  return true
}

/** The lower triangle of G <- L, order x order f64 at a byte offset; see Kernels.cholesky. That of the scaled matrix is D L. */
export function cholesky(
  run: RunTasks,
  leader: Worker,
  memory: StackMemory,
  tile: number,
  g: number,
  order: number,
): boolean {
  const scales = memory.allocate(order * 8)
  const block = memory.allocate(CHOLESKY_BLOCK * CHOLESKY_BLOCK * 8)
  const inverses = { at: () => block, ld: CHOLESKY_BLOCK * 8 }
  if (!factor({ run, leader, tile, g, order, scales }, inverses)) return false
  const L = new Float64Array(memory.buffer(), g, order * order)
  const D = new Float64Array(memory.buffer(), scales, order)
  for (let i = 0; i < order; i++) for (let j = 0; j <= i; j++) L[i * order + j]! /= D[i]!
  return true
}

interface Problem {
  readonly run: RunTasks
  readonly leader: Worker
  readonly tile: number
  readonly g: number
  readonly order: number
  readonly scales: number
}

/** Where the inverse of the diagonal block from row p on goes. */
interface Inverses {
  at(p: number): number
  /** Bytes from row to row. */
  readonly ld: number
}

/** G scaled to unit diagonal, then L in its lower triangle. False where it is singular. */
function factor({ run, leader, tile, g, order, scales }: Problem, inverses: Inverses): boolean {
  const { common } = leader.instance
  const tolerance = 16 * order * 2 ** -53
  const ld = order * 8
  if (!common.unitDiagonal(g, order, scales)) return false
  for (let p = 0; p < order; p += CHOLESKY_BLOCK) {
    const n = Math.min(CHOLESKY_BLOCK, order - p)
    const diagonal = g + (p * order + p) * 8
    if (!common.choleskyBlock(diagonal, ld, n, tolerance)) return false
    const inverse = inverses.at(p)
    common.invertBlock(diagonal, ld, n, inverse, inverses.ld)
    const rest = order - p - n
    if (rest === 0) break
    run('choleskyPanel', Math.ceil(rest / CHOLESKY_ROWS), tile, g, order, p, n, inverse, inverses.ld)
    run('choleskyUpdate', lowerBlockCount(rest, CHOLESKY_ROWS), tile, g, order, p, n)
  }
  return true
}
