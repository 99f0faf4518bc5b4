/**
 * C <- C + alpha A B in f64, the way of Goto and van de Geijn (2008): both operands are packed into panels, a block of the inner dimension at a
 * time, then tiles of C go to the threads. Every entry of C is one chain of multiply-adds in the order of the inner dimension.
 *
 * Strides are in bytes and one of the two of each operand must be 8, so a transposed operand is a swap of strides.
 */
import { free, mark, take } from './arena'
import { forEachTile } from './crew'
import { GEMM_MULTIPLY, GEMM_PACK } from './tasks'
import { multiplyTile } from './tile'

const MR: i32 = 6
const NR: i32 = 8
/** Packed panels: A 12 KB and B 16 KB stay in the first cache, 96 x 256 of A and 256 x 128 of B (450 KB) in the second. */
const DEPTH: i32 = 256
/** Panels that one packing tile handles. */
const PACK_PANELS: i32 = 8

/** Only the tiles of C that touch j >= i are computed (others keep their contents, or not: those beside the diagonal are written whole). */
export const UPPER: i32 = 1
/** A is symmetric and only its upper triangle (column >= row) is read. */
export const SYMMETRIC_A: i32 = 2

@unmanaged
export class Gemm {
  m: i32
  n: i32
  k: i32
  flags: i32
  a: usize
  aRow: usize
  aColumn: usize
  b: usize
  bRow: usize
  bColumn: usize
  c: usize
  cRow: usize
  alpha: f64
  packedA: usize
  packedB: usize
  /** First inner index of the current block, and its length. */
  start: i32
  depth: i32
  tileRows: i32
  tileColumns: i32
  tilesDown: i32
  tilesAcross: i32
  packTilesA: i32
  packTilesB: i32
}

/** Bytes that `gemm` takes from the arena for C m x n. */
export function gemmBytes(m: i32, n: i32): usize {
  return <usize>(((m + 5) / 6) * 6 + ((n + 7) / 8) * 8) * <usize>DEPTH * 8 + gemmHelperBytes()
}

/** Bytes that a tile of another thread's product takes from this thread's arena. */
export function gemmHelperBytes(): usize {
  return <usize>(96 + MR + 128 + NR) * <usize>DEPTH * 8 + 4096
}

/** @returns false once cancelled; C is then unfinished */
export function gemm(
  m: i32, n: i32, k: i32, alpha: f64,
  a: usize, aRow: usize, aColumn: usize,
  b: usize, bRow: usize, bColumn: usize,
  c: usize, cRow: usize, flags: i32,
): bool {
  if (m <= 0 || n <= 0 || k <= 0) return true
  const before = mark()
  const job = changetype<Gemm>(take(offsetof<Gemm>()))
  job.m = m
  job.n = n
  job.k = k
  job.flags = flags
  job.a = a
  job.aRow = aRow
  job.aColumn = aColumn
  job.b = b
  job.bRow = bRow
  job.bColumn = bColumn
  job.c = c
  job.cRow = cRow
  job.alpha = alpha
  const panelsA = (m + MR - 1) / MR
  const panelsB = (n + NR - 1) / NR
  const blocks = (k + DEPTH - 1) / DEPTH
  const depth = (((k + blocks - 1) / blocks) + 7) & ~7
  // Small products are cut finer, so that every thread finds work.
  const large = <i64>m * <i64>n >= 1 << 18
  job.tileRows = large ? 96 : 48
  job.tileColumns = large ? 128 : 64
  job.tilesDown = (m + job.tileRows - 1) / job.tileRows
  job.tilesAcross = (n + job.tileColumns - 1) / job.tileColumns
  // An operand that each tile needs a part of its own of is packed by the tile, into memory that stays in its core's cache.
  job.packTilesA = job.tilesAcross == 1 ? 0 : (panelsA + PACK_PANELS - 1) / PACK_PANELS
  job.packTilesB = job.tilesDown == 1 && job.tilesAcross > 1 ? 0 : (panelsB + PACK_PANELS - 1) / PACK_PANELS
  if (job.packTilesA > 0) job.packedA = take(<usize>(panelsA * MR) * <usize>depth * 8)
  if (job.packTilesB > 0) job.packedB = take(<usize>(panelsB * NR) * <usize>depth * 8)
  let going = true
  for (let start = 0; start < k && going; start += depth) {
    job.start = start
    job.depth = min(depth, k - start)
    going = forEachTile(GEMM_PACK, changetype<usize>(job), job.packTilesA + job.packTilesB)
    if (going) going = forEachTile(GEMM_MULTIPLY, changetype<usize>(job), job.tilesDown * job.tilesAcross)
  }
  free(before)
  return going
}

/** Task: packs PACK_PANELS panels of A (alpha applied) or, for the later tiles, of B. */
export function packTile(at: usize, tile: i32): void {
  const job = changetype<Gemm>(at)
  if (tile < job.packTilesA) packRowsOfA(job, tile * PACK_PANELS * MR, (tile + 1) * PACK_PANELS * MR, job.packedA)
  else packColumnsOfB(job, (tile - job.packTilesA) * PACK_PANELS * NR, (tile - job.packTilesA + 1) * PACK_PANELS * NR, job.packedB)
}

/** Panels of rows first .. last - 1 of A to their places behind `base`, which belongs to row 0. */
function packRowsOfA(job: Gemm, first: i32, last: i32, base: usize): void {
  const end = min(last, job.m)
  for (let i = first; i < end; i += MR) packPanelOfA(job, i, base + <usize>i * <usize>job.depth * 8)
}

function packColumnsOfB(job: Gemm, first: i32, last: i32, base: usize): void {
  const end = min(last, job.n)
  for (let j = first; j < end; j += NR)
    pack(
      NR, min(NR, job.n - j), job.b + <usize>j * job.bColumn + <usize>job.start * job.bRow, job.bColumn, job.bRow,
      job.depth, 1, base + <usize>j * <usize>job.depth * 8,
    )
}

function packPanelOfA(job: Gemm, i: i32, target: usize): void {
  const rows = min(MR, job.m - i)
  const depth = job.depth
  if (!(job.flags & SYMMETRIC_A)) {
    const source = job.a + <usize>i * job.aRow + <usize>job.start * job.aColumn
    pack(MR, rows, source, job.aRow, job.aColumn, depth, job.alpha, target)
    return
  }
  // Inner index p left of the panel's rows: the mirror image (p, i); right of them: (i, p); the 6 x 6 in between value by value.
  const end = job.start + depth
  const left = max(job.start, min(end, i))
  const right = max(job.start, min(end, i + MR))
  if (left > job.start)
    pack(MR, rows, job.a + <usize>job.start * job.aRow + <usize>i * 8, 8, job.aRow, left - job.start, job.alpha, target)
  for (let p = left; p < right; p++) {
    const to = target + <usize>(p - job.start) * 48
    for (let r = 0; r < MR; r++) {
      const row = min(i + r, p)
      const column = max(i + r, p)
      store<f64>(to + <usize>r * 8, r < rows ? job.alpha * load<f64>(job.a + <usize>row * job.aRow + <usize>column * 8) : 0)
    }
  }
  if (end > right)
    pack(
      MR, rows, job.a + <usize>i * job.aRow + <usize>right * 8, job.aRow, 8,
      end - right, job.alpha, target + <usize>(right - job.start) * 48,
    )
}

/** target[p * width + i] <- alpha source[i * along + p * deep] for i < valid, 0 for the rest of the width (6 or 8). */
function pack(width: i32, valid: i32, source: usize, along: usize, deep: usize, depth: i32, alpha: f64, target: usize): void {
  const step = <usize>width * 8
  const factor = f64x2.splat(alpha)
  if (valid == width && along == 8) {
    for (let p = 0; p < depth; p++) {
      v128.store(target, f64x2.mul(factor, v128.load(source)))
      v128.store(target, f64x2.mul(factor, v128.load(source, 16)), 16)
      v128.store(target, f64x2.mul(factor, v128.load(source, 32)), 32)
      if (width == 8) v128.store(target, f64x2.mul(factor, v128.load(source, 48)), 48)
      source += deep
      target += step
    }
    return
  }
  if (valid == width && deep == 8) {
    const pairs = depth >> 1
    for (let i = 0; i < width; i += 2) {
      let row = source + <usize>i * along
      let to = target + <usize>i * 8
      for (let p = 0; p < pairs; p++) {
        const even = f64x2.mul(factor, v128.load(row))
        const odd = f64x2.mul(factor, v128.load(row + along))
        v128.store(to, v128.shuffle<f64>(even, odd, 0, 2))
        v128.store(to + step, v128.shuffle<f64>(even, odd, 1, 3))
        row += 16
        to += step << 1
      }
      if (depth & 1) {
        store<f64>(to, alpha * load<f64>(row))
        store<f64>(to, alpha * load<f64>(row + along), 8)
      }
    }
    return
  }
  for (let p = 0; p < depth; p++) {
    for (let i = 0; i < width; i++)
      store<f64>(target + <usize>i * 8, i < valid ? alpha * load<f64>(source + <usize>i * along + <usize>p * deep) : 0)
    target += step
  }
}

/** Task: one tile of C from the packed panels. */
export function multiplyTileOfC(at: usize, tile: i32): void {
  const job = changetype<Gemm>(at)
  const rowStart = (tile / job.tilesAcross) * job.tileRows
  const columnStart = (tile % job.tilesAcross) * job.tileColumns
  const rowEnd = min(rowStart + job.tileRows, job.m)
  const columnEnd = min(columnStart + job.tileColumns, job.n)
  const upper = (job.flags & UPPER) != 0
  if (upper && rowStart >= columnEnd) return
  const before = mark()
  const corner = take(MR * NR * 8)
  const depth = job.depth
  let packedA = job.packedA
  let packedB = job.packedB
  if (job.packTilesA == 0) {
    packedA = take(<usize>(job.tileRows + MR) * <usize>depth * 8) - <usize>rowStart * <usize>depth * 8
    packRowsOfA(job, rowStart, rowEnd, packedA)
  }
  if (job.packTilesB == 0) {
    packedB = take(<usize>(job.tileColumns + NR) * <usize>depth * 8) - <usize>columnStart * <usize>depth * 8
    packColumnsOfB(job, columnStart, columnEnd, packedB)
  }
  for (let j = columnStart; j < columnEnd; j += NR) {
    const b = packedB + <usize>j * <usize>depth * 8
    const rowsEnd = upper ? min(rowEnd, j + NR) : rowEnd
    for (let i = rowStart; i < rowsEnd; i += MR) {
      const a = packedA + <usize>i * <usize>depth * 8
      const c = job.c + <usize>i * job.cRow + <usize>j * 8
      if (i + MR <= job.m && j + NR <= job.n) {
        multiplyTile(depth, a, b, c, job.cRow)
        continue
      }
      const rows = min(MR, job.m - i)
      const columns = <usize>min(NR, job.n - j) * 8
      for (let r = 0; r < rows; r++) memory.copy(corner + <usize>r * 64, c + <usize>r * job.cRow, columns)
      multiplyTile(depth, a, b, corner, 64)
      for (let r = 0; r < rows; r++) memory.copy(c + <usize>r * job.cRow, corner + <usize>r * 64, columns)
    }
  }
  free(before)
}
