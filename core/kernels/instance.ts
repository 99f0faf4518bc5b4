/** One thread's instances of the modules on the shared memory, with the signatures of their exports. Pointers are byte offsets, strides are bytes. */
import type { Modules } from './modules.ts'

interface Common {
  packRows(
    from: number,
    ld: number,
    dtype: number,
    scale: number,
    rows: number,
    padded: number,
    depth: number,
    to: number,
  ): void
  packColumns(
    from: number,
    ld: number,
    dtype: number,
    scale: number,
    width: number,
    depth: number,
    group: number,
    to: number,
  ): void
  packPanels(
    from: number,
    ld: number,
    dtype: number,
    scale: number,
    cols: number,
    depth: number,
    width: number,
    to: number,
  ): void
  packPanelsDouble(from: number, ld: number, cols: number, depth: number, width: number, to: number): void
  packColumnsDouble(
    from: number,
    ld: number,
    dtype: number,
    scale: number,
    width: number,
    depth: number,
    to: number,
  ): void
  packRowsDouble(from: number, ld: number, dtype: number, scale: number, rows: number, depth: number, to: number): void
  statisticsOf(from: number, dtype: number, count: number, to: number): void
  differenceOf(
    tuned: number,
    tunedType: number,
    base: number,
    baseType: number,
    count: number,
    d: number,
    to: number,
  ): void
  squaredDifference(
    a: number,
    lda: number,
    dtype: number,
    scale: number,
    p: number,
    ldp: number,
    rows: number,
    cols: number,
    to: number,
    reset: number,
    spare: number,
  ): void
  squaredDifferenceDouble(
    a: number,
    lda: number,
    dtype: number,
    scale: number,
    p: number,
    ldp: number,
    rows: number,
    cols: number,
    to: number,
    reset: number,
  ): void
  transposeBlock(from: number, ldFrom: number, to: number, ldTo: number, rows: number, cols: number): void
  mirrorBlock(g: number, order: number, i0: number, i1: number, j0: number, j1: number): void
  unitDiagonal(g: number, order: number, d: number): number
  choleskyBlock(g: number, ld: number, n: number, tolerance: number): number
  invertBlock(l: number, ld: number, n: number, w: number, ldw: number): void
  scaledTranspose(from: number, order: number, d: number, to: number, first: number, rows: number): void
  signColumns(u: number, ld: number, rows: number, width: number, margin: number, flips: number, spare: number): void
  negateWhere(flip: number, v: number, count: number): void
  roundColumns: RoundVectors
  roundRows: RoundVectors
  gaussianRows(
    k0: number,
    k1: number,
    first: number,
    rows: number,
    cols: number,
    to: number,
    ld: number,
    spare: number,
  ): void
}

/** assembly/factors.ts. */
type RoundVectors = (
  m: number,
  ld: number,
  rows: number,
  cols: number,
  scales: number,
  dtype: number,
  codes: number,
  stored: number,
  whole: number,
  off: number,
  beyond: number,
  spare: number,
) => void

/** C <- (add ? C : 0) + A B over one block of the inner dimension: assembly/f32-6x16.ts. */
type Block = (
  a: number,
  aGroup: number,
  aRow: number,
  aStep: number,
  b: number,
  c: number,
  ldc: number,
  rows: number,
  cols: number,
  depth: number,
  add: number,
  edge: number,
) => void

/** The float64 twin on panels of 24: assembly/f64-6x8.ts. */
type DoubleBlock = (
  a: number,
  b: number,
  c: number,
  ldc: number,
  rows: number,
  cols: number,
  depth: number,
  add: number,
  below: number,
  edge: number,
) => void

/** assembly/eigen/module.ts. */
export interface Eigen {
  eigenHelperBytes(order: number): number
  eigenLeaderBytes(order: number, count: number): number
  svdHelperBytes(count: number, length: number): number
  svdLeaderBytes(count: number, length: number): number
  clearCrew(workspace: number): void
  symmetricEigen(
    order: number,
    g: number,
    values: number,
    vectors: number,
    count: number,
    workspace: number,
    helperBytes: number,
    threads: number,
    wide: number,
    status: number,
  ): void
  jacobiSvd(
    count: number,
    length: number,
    w: number,
    values: number,
    j: number,
    workspace: number,
    helperBytes: number,
    threads: number,
    wide: number,
    status: number,
  ): void
  help(helper: number, workspace: number, helperBytes: number, wide: number): void
  dismiss(): void
}

export const tileNames = ['simd', 'relaxed', 'revectorized'] as const
export type TileName = (typeof tileNames)[number]

/** A choice of micro-kernels: rows x cols of the f32 tile, the two block functions, and the eigensolver of the class. */
export interface Tiles {
  readonly rows: number
  readonly cols: number
  readonly block: Block
  readonly doubleBlock: DoubleBlock
  readonly eigen: Eigen
}

export interface Instance {
  readonly common: Common
  /** `relaxed` and `revectorized` are null without relaxed SIMD. */
  readonly tiles: Readonly<Record<TileName, Tiles | null>>
  /** Whether relaxed multiply-add rounds once on this machine. */
  readonly fused: boolean
}

/** @param poll see control.ts */
export function instantiate(modules: Modules, memory: WebAssembly.Memory, poll: () => number): Instance {
  const imports = { env: { memory }, host: { poll } }
  const exportsOf = <T>(module: WebAssembly.Module) => new WebAssembly.Instance(module, imports).exports as unknown as T
  const plain = exportsOf<{ block5x8: Block; block4x4Double: DoubleBlock }>(modules.plain)
  const fused =
    modules.fused &&
    exportsOf<{
      block6x16: Block
      block6x8: Block
      block6x8Double: DoubleBlock
      block6x4Double: DoubleBlock
      isFused(e: number): number
    }>(modules.fused)
  const plainEigen = exportsOf<Eigen>(modules.plainEigen)
  const fusedEigen = modules.fusedEigen && exportsOf<Eigen>(modules.fusedEigen)
  return {
    common: exportsOf<Common>(modules.common),
    tiles: {
      simd: { rows: 5, cols: 8, block: plain.block5x8, doubleBlock: plain.block4x4Double, eigen: plainEigen },
      relaxed: fused &&
        fusedEigen && {
          rows: 6,
          cols: 8,
          block: fused.block6x8,
          doubleBlock: fused.block6x4Double,
          eigen: fusedEigen,
        },
      revectorized: fused &&
        fusedEigen && {
          rows: 6,
          cols: 16,
          block: fused.block6x16,
          doubleBlock: fused.block6x8Double,
          eigen: fusedEigen,
        },
    },
    fused: fused !== null && fused.isFused(2 ** -12) !== 0,
  }
}
