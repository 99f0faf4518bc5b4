/** Which loop body a number stands for: a function table would need static memory, and several modules share this one. */
import { panelRowsTile } from './band-reduction'
import { subtreeTile } from './divide-and-conquer'
import { gatherTile, restoreTile, rootTile, vectorTile, weightTile } from './join-tiles'
import { multiplyTileOfC, packTile } from './gemm'
import { correctionTile, symmetricProductTile } from './tridiagonalize'
import { chaseTile } from './band-to-tridiagonal'
import { jacobiTile } from './jacobi'
import { clearTile, largestTile, permuteTile, scaleTile, transposeTile } from './layout'

export const GEMM_PACK: i32 = 0
export const GEMM_MULTIPLY: i32 = 1
export const SYMMETRIC_PRODUCT: i32 = 2
export const CORRECTION: i32 = 3
export const SUBTREE: i32 = 4
export const GATHER: i32 = 5
export const ROOT: i32 = 6
export const WEIGHT: i32 = 7
export const VECTOR: i32 = 8
export const RESTORE: i32 = 9
export const CLEAR: i32 = 10
export const TRANSPOSE: i32 = 11
export const LARGEST: i32 = 12
export const SCALE: i32 = 13
export const PANEL_ROWS: i32 = 14
export const CHASE: i32 = 15
export const JACOBI: i32 = 16
export const PERMUTE: i32 = 17

export function perform(task: i32, job: usize, tile: i32): void {
  switch (task) {
    case GEMM_PACK:
      return packTile(job, tile)
    case GEMM_MULTIPLY:
      return multiplyTileOfC(job, tile)
    case SYMMETRIC_PRODUCT:
      return symmetricProductTile(job, tile)
    case CORRECTION:
      return correctionTile(job, tile)
    case SUBTREE:
      return subtreeTile(job, tile)
    case GATHER:
      return gatherTile(job, tile)
    case ROOT:
      return rootTile(job, tile)
    case WEIGHT:
      return weightTile(job, tile)
    case VECTOR:
      return vectorTile(job, tile)
    case RESTORE:
      return restoreTile(job, tile)
    case CLEAR:
      return clearTile(job, tile)
    case TRANSPOSE:
      return transposeTile(job, tile)
    case LARGEST:
      return largestTile(job, tile)
    case SCALE:
      return scaleTile(job, tile)
    case PANEL_ROWS:
      return panelRowsTile(job, tile)
    case CHASE:
      return chaseTile(job, tile)
    case JACOBI:
      return jacobiTile(job, tile)
    case PERMUTE:
      return permuteTile(job, tile)
  }
}
