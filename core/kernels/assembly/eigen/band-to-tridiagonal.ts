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
import { addSymmetricProduct } from './symmetric-product'
import { CHASE } from './tasks'
import { at, axpy, axpy2, clear, copy, dot, madd, put, scale, sum2 } from './vector'

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

/** Rows r <- r - tau (r v) vt. */
function fromRight(rows: i32, length: i32, a: usize, stride: usize, v: usize, tau: f64): void {
  let i = 0
  for (; i + 4 <= rows; i += 4) {
    fourFromRight(length, a, stride, v, tau)
    a += stride << 2
  }
  for (; i < rows; i++) {
    axpy(length, -tau * dot(length, a, v), v, a)
    a += stride
  }
}

function fourFromRight(length: i32, r0: usize, stride: usize, v: usize, tau: f64): void {
  const r1 = r0 + stride
  const r2 = r1 + stride
  const r3 = r2 + stride
  let s0 = f64x2(0, 0)
  let s1 = f64x2(0, 0)
  let s2 = f64x2(0, 0)
  let s3 = f64x2(0, 0)
  const end = (<usize>(length & ~1)) << 3
  for (let j: usize = 0; j < end; j += 16) {
    const x = v128.load(v + j)
    s0 = madd(v128.load(r0 + j), x, s0)
    s1 = madd(v128.load(r1 + j), x, s1)
    s2 = madd(v128.load(r2 + j), x, s2)
    s3 = madd(v128.load(r3 + j), x, s3)
  }
  let t0 = sum2(s0)
  let t1 = sum2(s1)
  let t2 = sum2(s2)
  let t3 = sum2(s3)
  if (length & 1) {
    const x = load<f64>(v + end)
    t0 += load<f64>(r0 + end) * x
    t1 += load<f64>(r1 + end) * x
    t2 += load<f64>(r2 + end) * x
    t3 += load<f64>(r3 + end) * x
  }
  t0 *= -tau
  t1 *= -tau
  t2 *= -tau
  t3 *= -tau
  s0 = f64x2.splat(t0)
  s1 = f64x2.splat(t1)
  s2 = f64x2.splat(t2)
  s3 = f64x2.splat(t3)
  for (let j: usize = 0; j < end; j += 16) {
    const x = v128.load(v + j)
    v128.store(r0 + j, madd(s0, x, v128.load(r0 + j)))
    v128.store(r1 + j, madd(s1, x, v128.load(r1 + j)))
    v128.store(r2 + j, madd(s2, x, v128.load(r2 + j)))
    v128.store(r3 + j, madd(s3, x, v128.load(r3 + j)))
  }
  if (length & 1) {
    const x = load<f64>(v + end)
    store<f64>(r0 + end, load<f64>(r0 + end) + t0 * x)
    store<f64>(r1 + end, load<f64>(r1 + end) + t1 * x)
    store<f64>(r2 + end, load<f64>(r2 + end) + t2 * x)
    store<f64>(r3 + end, load<f64>(r3 + end) + t3 * x)
  }
}

/** Symmetric block <- H A H on its upper triangle. @param w length f64 of scratch */
function bothSides(length: i32, a: usize, stride: usize, v: usize, tau: f64, w: usize): void {
  clear(length, w)
  addSymmetricProduct(length, 0, length, a, stride, v, w)
  scale(length, tau, w)
  axpy(length, -0.5 * tau * dot(length, w, v), v, w)
  for (let i = 0; i < length; i++) {
    const offset = <usize>i << 3
    axpy2(length - i, -at(v, i), w + offset, -at(w, i), v + offset, a + <usize>i * stride + offset)
  }
}

/** Block <- (I - tau v vt) times itself. @param w columns f64 of scratch */
function fromLeft(rows: i32, columns: i32, a: usize, stride: usize, v: usize, tau: f64, w: usize): void {
  clear(columns, w)
  let i = 0
  let row = a
  for (; i + 2 <= rows; i += 2) {
    axpy2(columns, at(v, i), row, at(v, i + 1), row + stride, w)
    row += stride << 1
  }
  if (i < rows) axpy(columns, at(v, i), row, w)
  row = a
  for (i = 0; i < rows; i++) {
    axpy(columns, -tau * at(v, i), w, row)
    row += stride
  }
}
