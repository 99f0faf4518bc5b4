/**
 * Dense symmetric -> band by block reflections (Bischof, Lang, Sun 2000), the first of two stages towards tridiagonal when no vectors are wanted.
 * Where `tridiagonalize` reads the whole trailing matrix for every column, this reads it once per `BANDWIDTH` columns: nearly all of its 4/3 n^3 flop are GEMM.
 *
 * Upper triangle, row-major, as in `tridiagonalize`: the panel of a step is the block of rows right of the diagonal block, made lower triangular from
 * the right, so that a reflection is a contiguous row.
 */
import { free, mark, take } from './arena'
import { triangle, triangleBytes } from './block-reflector'
import { forEachTile } from './crew'
import { gemm, gemmBytes, SYMMETRIC_A, UPPER } from './gemm'
import { clearMatrix, transposeRows } from './layout'
import { reflect, reflectorTau } from './reflector'
import { PANEL_ROWS } from './tasks'
import { axpy, clear, copy, dot, put } from './vector'

/** Wider bands make this stage cheaper and the next one, 6 n^2 bandwidth flop at vector speed, dearer. */
export const BANDWIDTH: i32 = 48
/** Rows of a panel that one tile updates. */
const ROWS_PER_TILE: i32 = 12

@unmanaged
class Panel {
  width: i32
  length: i32
  a: usize
  row: usize
  /** Row that became the latest reflection, with its 1 and the factor. */
  current: i32
  tau: f64
  v: usize
}

export function bandBytes(n: i32): usize {
  const block = <usize>BANDWIDTH * <usize>(n + 16) * 8
  return block * 6 + gemmBytes(n, n) + triangleBytes(BANDWIDTH) + <usize>(BANDWIDTH * BANDWIDTH) * 24 + 8192
}

/** A <- Qt A Q with A(i, j) = 0 for j > i + BANDWIDTH: those entries keep what the reflections left and count as 0. @returns false once cancelled */
export function reduceToBand(n: i32, a: usize): bool {
  let going = true
  for (let first = 0; first + BANDWIDTH + 1 < n && going; first += BANDWIDTH) going = reducePanel(n, first, a)
  return going
}

/** One step: rows first .. first + BANDWIDTH - 1, and the update of everything right of and below them. */
function reducePanel(n: i32, first: i32, a: usize): bool {
  const before = mark()
  const row = <usize>n << 3
  const next = first + BANDWIDTH
  const m = n - next
  const block = a + <usize>first * row + (<usize>next << 3)
  const trailing = a + <usize>next * row + (<usize>next << 3)
  const width = min(BANDWIDTH, m - 1)
  const mRow = <usize>((m + 7) & ~7) << 3
  const small = <usize>width << 3
  // Rows V, W, V: one product of twice the width updates the trailing matrix.
  const v = take(mRow * <usize>(3 * width))
  const w = v + mRow * <usize>width
  const again = w + mRow * <usize>width
  const tau = take(small)
  const t = take(small * <usize>width)
  const weighted = take(mRow * <usize>width)
  const y = take(<usize>m * small)
  const inner = take(small * <usize>width)
  const outer = take(small * <usize>width)
  let going = factorRows(width, m, block, row, v, mRow, tau)
  going = going && triangle(width, m, v, mRow, tau, t)
  // Pt = Tt Vt; Y = A P
  going = going && clearMatrix(width, m, weighted, mRow) && clearMatrix(m, width, y, small)
  going = going && gemm(width, m, width, 1, t, 8, small, v, mRow, 8, weighted, mRow, 0)
  going = going && gemm(m, width, m, 1, trailing, row, 8, weighted, 8, mRow, y, small, SYMMETRIC_A)
  // S = Tt (Vt Y), symmetric; Wt = Yt - 1/2 S Vt
  going = going && clearMatrix(width, width, inner, small) && clearMatrix(width, width, outer, small)
  going = going && gemm(width, width, m, 1, v, mRow, 8, y, small, 8, inner, small, 0)
  going = going && gemm(width, width, width, 1, t, 8, small, inner, small, 8, outer, small, 0)
  going = going && transposeRows(width, m, y, small, 0, w, mRow)
  memory.copy(again, v, mRow * <usize>width)
  going = going && gemm(width, m, width, -0.5, outer, small, 8, v, mRow, 8, w, mRow, 0)
  // A <- A - V Wt - W Vt
  going = going && gemm(m, m, 2 * width, -1, v, 8, mRow, w, mRow, 8, trailing, row, UPPER)
  free(before)
  return going
}

/** Rows of the panel <- lower triangle, from the right; v <- the reflections as rows, with their zeros and ones. */
function factorRows(width: i32, m: i32, block: usize, row: usize, v: usize, mRow: usize, tau: usize): bool {
  const before = mark()
  const job = changetype<Panel>(take(offsetof<Panel>()))
  job.width = BANDWIDTH
  job.length = m
  job.a = block
  job.row = row
  for (let i = 0; i < width; i++) {
    const x = block + <usize>i * row + (<usize>i << 3)
    const beta = reflect(m - i, x)
    const factor = reflectorTau()
    const reflection = v + <usize>i * mRow
    clear(i, reflection)
    copy(m - i, x, reflection + (<usize>i << 3))
    store<f64>(x, beta)
    put(tau, i, factor)
    if (factor == 0) continue
    job.current = i
    job.tau = factor
    job.v = reflection
    const rest = BANDWIDTH - 1 - i
    if (!forEachTile(PANEL_ROWS, changetype<usize>(job), (rest + ROWS_PER_TILE - 1) / ROWS_PER_TILE)) {
      free(before)
      return false
    }
  }
  free(before)
  return true
}

/** Task: the latest reflection applied to some of the rows after it. */
export function panelRowsTile(address: usize, tile: i32): void {
  const job = changetype<Panel>(address)
  const i = job.current
  const m = job.length - i
  const x = job.v + (<usize>i << 3)
  const from = i + 1 + tile * ROWS_PER_TILE
  const to = min(from + ROWS_PER_TILE, job.width)
  for (let r = from; r < to; r++) {
    const row = job.a + <usize>r * job.row + (<usize>i << 3)
    axpy(m, -job.tau * dot(m, row, x), x, row)
  }
}
