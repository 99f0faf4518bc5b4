/**
 * Symmetric band -> tridiagonal by chasing bulges (Schwarz 1968; Lang 1993): a sweep takes one row to tridiagonal form by a reflection and pushes what that
 * spills down the band, one block of `bandwidth` rows a step. 6 n^2 bandwidth flop on blocks that fit into the first cache.
 *
 * Sweeps overlap: step t of a sweep touches what steps up to t + 2 of the sweep before it have left behind, so a thread may follow another at that
 * distance. GROUP sweeps run interleaved in one tile, so that a block is used several times while it is in the cache.
 *
 * Storage: row i of the band starts at its diagonal and rows are `stride + 8` bytes apart; then entry (i, j) lies at i * stride + j * 8, as in a
 * dense matrix with rows of `stride` bytes, for i <= j <= i + 2 * bandwidth.
 */
import { free, mark, take } from './arena'
import { forEachTile, waitFor } from './crew'
import { reflect, reflectorTau } from './reflector'
import { bothSides, fromLeft, fromRight } from './small-reflections'
import { CHASE } from './tasks'
import { clear, copy, put } from './vector'

const GROUP: i32 = 4
/** Steps that a sweep stays behind the one before it. */
const LAG: i32 = 2

@unmanaged
class Band {
  n: i32
  bandwidth: i32
  a: usize
  stride: usize
  /** i32 for each tile: finished steps of its last sweep. */
  progress: usize
}

// @ts-ignore: decorator
@inline
function strideOf(bandwidth: i32): usize {
  return <usize>(2 * bandwidth) << 3
}

export function bandToTridiagonalBytes(n: i32, bandwidth: i32): usize {
  return <usize>(n + 2) * (strideOf(bandwidth) + 8) + <usize>n * 4 + 4096
}

/** Bytes that a tile takes from the arena of its thread. */
export function chaseHelperBytes(bandwidth: i32): usize {
  return <usize>bandwidth * 24 + 512
}

/** d[n], e[n - 1] of a tridiagonal matrix with the eigenvalues of the band of A (n x n row-major, upper triangle). @returns false once cancelled */
export function bandToTridiagonal(n: i32, bandwidth: i32, dense: usize, d: usize, e: usize): bool {
  const before = mark()
  const job = changetype<Band>(take(offsetof<Band>()))
  const stride = strideOf(bandwidth)
  const step = stride + 8
  const a = take(<usize>(n + 1) * step)
  memory.fill(a, 0, <usize>(n + 1) * step)
  for (let i = 0; i < n; i++)
    copy(min(bandwidth + 1, n - i), dense + ((<usize>i * <usize>n + <usize>i) << 3), a + <usize>i * step)
  const sweeps = n - 2
  const groups = (sweeps + GROUP - 1) / GROUP
  job.n = n
  job.bandwidth = bandwidth
  job.a = a
  job.stride = stride
  job.progress = take(<usize>max(groups, 1) << 2)
  memory.fill(job.progress, 0, <usize>max(groups, 1) << 2)
  const going = bandwidth < 2 || forEachTile(CHASE, changetype<usize>(job), groups)
  for (let i = 0; i < n; i++) {
    put(d, i, load<f64>(a + <usize>i * step))
    if (i < n - 1) put(e, i, load<f64>(a + <usize>i * step, 8))
  }
  free(before)
  return going
}

/** Task: GROUP consecutive sweeps, behind those of the tile before. */
export function chaseTile(address: usize, tile: i32): void {
  const job = changetype<Band>(address)
  const before = mark()
  const scratch = take(<usize>job.bandwidth << 4)
  const first = tile * GROUP
  const last = min(first + GROUP, job.n - 2)
  // The first sweep of the group is the longest.
  const steps = stepsOf(job, first)
  const waves = steps + LAG * (last - first - 1)
  const ahead = job.progress + (<usize>(tile - 1) << 2)
  const mine = job.progress + (<usize>tile << 2)
  for (let wave = 0; wave < waves; wave++) {
    if (tile > 0 && wave < steps && !waitFor(ahead, wave + LAG + 1)) break
    for (let sweep = first; sweep < last; sweep++) {
      const t = wave - LAG * (sweep - first)
      if (t >= 0 && t < stepsOf(job, sweep)) step(job, sweep, t, scratch)
    }
    const done = wave - LAG * (last - 1 - first) + 1
    if (done > 0) atomic.store<i32>(mine, done)
  }
  atomic.store<i32>(mine, i32.MAX_VALUE)
  free(before)
}

function stepsOf(job: Band, sweep: i32): i32 {
  return (job.n - sweep - 2) / job.bandwidth + 1
}

/** Step t of a sweep: one reflection of rows and columns start .. end - 1. */
function step(job: Band, sweep: i32, t: i32, v: usize): void {
  const b = job.bandwidth
  const stride = job.stride
  const start = sweep + 1 + t * b
  const end = min(start + b, job.n)
  const length = end - start
  const w = v + (<usize>b << 3)
  // The row to clear: the sweep's own, then the first of each block that the step before filled.
  const source = t == 0 ? sweep : start - b
  const x = job.a + <usize>source * stride + (<usize>start << 3)
  copy(length, x, v)
  const beta = reflect(length, v)
  const tau = reflectorTau()
  clear(length, x)
  store<f64>(x, beta)
  if (tau == 0) return
  if (t > 0) fromRight(start - source - 1, length, x + stride, stride, v, tau)
  const diagonal = job.a + <usize>start * (stride + 8)
  bothSides(length, diagonal, stride, v, tau, w)
  const beyond = min(b, job.n - end)
  if (beyond > 0) fromLeft(length, beyond, job.a + <usize>start * stride + (<usize>end << 3), stride, v, tau, w)
}
