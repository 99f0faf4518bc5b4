/** What every task of the team sees. A task computes one output tile (or block, or chunk) and depends on nothing but its index and arguments. */
import type { Instance, TileName, Tiles } from './instance.ts'
import { tileNames } from './instance.ts'
import type { WideWeights } from './kernels.ts'

/** What a task sees of the thread it runs on. */
export interface Worker {
  readonly instance: Instance
  /** Byte offset of SCRATCH_BYTES of this thread's own. */
  readonly scratch: number
  /** Long tasks ask between blocks, so that a cancel is seen within 50 ms, and return early. */
  cancelled(): boolean
}

/** Rows of A (or columns, of At) per block of the inner dimension. Fixed: the order of every sum, and so its bits, depend on it. */
export const BLOCK_DEPTH = 256

/** Edge of the largest block of a float64 product, a multiple of the panel width 24. */
export const DOUBLE_BLOCK = 192

/** Bytes between packed panels, so that they do not all begin in the same sets of the first-level cache: packing 384 columns 3 times as fast. As in assembly/pack.ts. */
export const PANEL_PAD = 64

const EDGE_BYTES = 4096
/** Packed panels for both sides of a float64 product, and one tile that sticks out. */
export const SCRATCH_BYTES = 2 * DOUBLE_BLOCK * BLOCK_DEPTH * 8 + EDGE_BYTES

/** Where a thread computes the tiles that stick out of the result. */
export function edgeOf(worker: Worker): number {
  return worker.scratch + SCRATCH_BYTES - EDGE_BYTES
}

export function tilesOf(worker: Worker, tile: number): Tiles {
  return worker.instance.tiles[tileNames[tile]!]!
}

export function tileNumber(name: TileName): number {
  return tileNames.indexOf(name)
}

/** As assembly/pack.ts numbers them. */
const dtypes: readonly WideWeights['dtype'][] = ['F32', 'F16', 'BF16', 'F64']
export function dtypeNumber(dtype: WideWeights['dtype']): number {
  return dtypes.indexOf(dtype)
}
export const F32 = 0
export const F64 = 3
export function bytesPer(dtype: number): number {
  return dtype === F32 ? 4 : dtype === F64 ? 8 : 2
}

export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit
}
