/**
 * Z <- Q Z, where Q is the product of the reflections that `tridiagonalize` left in A: blocks of them as I - V T Vt (Schreiber and Van Loan 1989), last block
 * first, so that all work is GEMM. 2 n^3 flop.
 */
import { free, mark, take } from './arena'
import { triangle, triangleBytes } from './block-reflector'
import { gemm, gemmBytes } from './gemm'
import { clearMatrix } from './layout'
import { clear, copy } from './vector'

const BLOCK: i32 = 64

export function backTransformBytes(n: i32, count: i32): usize {
  return <usize>BLOCK * <usize>(n + 2 * count + BLOCK + 32) * 8 + gemmBytes(n, max(n, count)) + triangleBytes(BLOCK) + 8192
}

/** @param a reflections (see `tridiagonalize`) @param z n x count row-major. @returns false once cancelled */
export function backTransform(n: i32, a: usize, tau: usize, z: usize, count: i32): bool {
  const before = mark()
  const row = <usize>n << 3
  const v = take(row * <usize>BLOCK)
  const zRow = <usize>count << 3
  const product = take(zRow * <usize>BLOCK)
  const weighted = take(zRow * <usize>BLOCK)
  const t = take((<usize>BLOCK * <usize>BLOCK) << 3)
  const blocks = (n - 1 + BLOCK - 1) / BLOCK
  let going = true
  for (let block = blocks - 1; block >= 0 && going; block--) {
    const first = block * BLOCK
    const width = min(BLOCK, n - 1 - first)
    // Rows of V: reflections of the block from column first + 1 on.
    const m = n - first - 1
    const vRow = <usize>m << 3
    for (let p = 0; p < width; p++) {
      const target = v + <usize>p * vRow
      clear(p, target)
      copy(m - p, a + <usize>(first + p) * row + (<usize>(first + p + 1) << 3), target + (<usize>p << 3))
    }
    const rows = z + <usize>(first + 1) * zRow
    going = triangle(width, m, v, vRow, tau + (<usize>first << 3), t)
    going = going && clearMatrix(width, count, product, zRow) && clearMatrix(width, count, weighted, zRow)
    // product = Vt Z, weighted = T product, Z -= V weighted
    going = going && gemm(width, count, m, 1, v, vRow, 8, rows, zRow, 8, product, zRow, 0)
    going = going && gemm(width, count, width, 1, t, <usize>width << 3, 8, product, zRow, 8, weighted, zRow, 0)
    going = going && gemm(m, count, width, -1, v, 8, vRow, weighted, zRow, 8, rows, zRow, 0)
  }
  free(before)
  return going
}
