/**
 * Which values take part in a join (LAPACK dlaed2): an entry of z below rounding leaves its value as it is, and of two values that cannot be told apart one
 * leaves after a rotation. On real spectra that is most of them.
 */
import { free, mark, take } from './arena'
import { Join } from './join-problem'
import { at, index, put, rotate, setIndex } from './vector'

/** rank[n] <- indices of the values of both halves, ascending. */
export function mergeOrders(n: i32, upper: i32, d: usize, order: usize, rank: usize): void {
  let a = 0
  let b = upper
  for (let i = 0; i < n; i++) {
    const ia = a < upper ? index(order, a) : 0
    const ib = b < n ? upper + index(order, b) : 0
    if (b >= n || (a < upper && at(d, ia) <= at(d, ib))) {
      setIndex(rank, i, ia)
      a++
    } else {
      setIndex(rank, i, ib)
      b++
    }
  }
}

/** Splits the values into those that stay in the rank-one update and those that drop out (LAPACK dlaed2). */
export function deflate(job: Join, d: usize, z: usize, q: usize, rank: usize, tolerance: f64): void {
  const before = mark()
  const n = job.high - job.low
  const upper = job.middle - job.low
  const stride = job.problem.qRow
  const length = job.problem.valuesOnly ? 2 : n
  // Kind of each vector: 0 upper half only, 1 both, 2 lower half only.
  const kinds = take(<usize>n)
  for (let i = 0; i < n; i++) store<u8>(kinds + <usize>i, i < upper ? 0 : 2)
  let kept = 0
  let dropped = 0
  let previous = -1
  for (let r = 0; r < n; r++) {
    const i = index(rank, r)
    if (job.rho * abs(at(z, i)) <= tolerance) {
      setIndex(job.dropped, dropped++, i)
      continue
    }
    if (previous >= 0) {
      const zp = at(z, previous)
      const zi = at(z, i)
      const norm = Math.sqrt(zp * zp + zi * zi)
      const c = zi / norm
      const s = -zp / norm
      const gap = at(d, i) - at(d, previous)
      if (abs(gap * c * s) <= tolerance) {
        // Two values that cannot be told apart: rotate so that one of them leaves the update.
        put(z, i, norm)
        put(z, previous, 0)
        rotate(length, c, s, q + <usize>previous * stride, q + <usize>i * stride)
        if (load<u8>(kinds + <usize>i) != load<u8>(kinds + <usize>previous)) store<u8>(kinds + <usize>i, 1)
        const dp = at(d, previous)
        const di = at(d, i)
        put(d, previous, dp * c * c + di * s * s)
        put(d, i, dp * s * s + di * c * c)
        setIndex(job.dropped, dropped++, previous)
        previous = i
        continue
      }
      setIndex(job.rows, kept++, previous)
    }
    previous = i
  }
  setIndex(job.rows, kept++, previous)
  job.kept = kept
  let counts0 = 0
  let counts1 = 0
  for (let k = 0; k < kept; k++) {
    const kind = load<u8>(kinds + <usize>index(job.rows, k))
    if (kind == 0) counts0++
    else if (kind == 1) counts1++
  }
  job.upperOnly = counts0
  job.both = counts1
  let next0 = 0
  let next1 = counts0
  let next2 = counts0 + counts1
  for (let k = 0; k < kept; k++) {
    const i = index(job.rows, k)
    put(job.poles, k, at(d, i))
    put(job.weights, k, at(z, i))
    const kind = load<u8>(kinds + <usize>i)
    setIndex(job.place, k, kind == 0 ? next0++ : kind == 1 ? next1++ : next2++)
  }
  free(before)
}
