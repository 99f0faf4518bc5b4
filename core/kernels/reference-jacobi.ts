/** One-sided Jacobi in plain loops (Hestenes 1958): rows are rotated pair by pair until all are orthogonal. Slow, and the judge of the fast one. */

const MOST_SWEEPS = 60
/** Rows shorter than this (of matrices scaled to about 1) are zero: their squares would underflow. */
const NOTHING = 1e-140

/** See Kernels.jacobiSvd. */
export function jacobiSvd(
  W: Float64Array,
  count: number,
  length: number,
  values: Float64Array,
  J: Float64Array | null,
): void {
  const row = (i: number) => W.subarray(i * length, (i + 1) * length)
  const turn = (i: number) => J?.subarray(i * count, (i + 1) * count)
  J?.fill(0)
  if (J) for (let i = 0; i < count; i++) J[i * count + i] = 1
  const largest = W.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  if (!Number.isFinite(largest)) throw new RangeError(`jacobi: expected finite entries, order ${count}`)
  const unit = largest === 0 ? 1 : 2 ** Math.max(-1000, Math.min(1000, Math.floor(Math.log2(largest))))
  for (let i = 0; i < count * length; i++) W[i]! /= unit
  const tolerance = 2 * Number.EPSILON * Math.sqrt(Math.max(length, 16))
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let rotations = 0
    for (let i = 0; i < count; i++)
      for (let k = i + 1; k < count; k++) if (orthogonalize(row(i), row(k), turn(i), turn(k), tolerance)) rotations++
    if (rotations === 0) break
  }
  const lengths = Array.from({ length: count }, (_, i) => Math.sqrt(dot(row(i), row(i))))
  for (let i = 0; i < count; i++) if (lengths[i]! < NOTHING) lengths[i] = 0
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]!)
  const rows = W.slice()
  const turns = J?.slice()
  for (const [to, from] of order.entries()) {
    const value = lengths[from]!
    values[to] = value * unit
    for (let p = 0; p < length; p++) W[to * length + p] = value > 0 ? rows[from * length + p]! / value : 0
    if (J && turns) J.set(turns.subarray(from * count, (from + 1) * count), to * count)
  }
}

function orthogonalize(
  x: Float64Array,
  y: Float64Array,
  jx: Float64Array | undefined,
  jy: Float64Array | undefined,
  tolerance: number,
): boolean {
  const a = dot(x, x)
  const b = dot(y, y)
  const c = dot(x, y)
  const product = Math.sqrt(a) * Math.sqrt(b)
  if (Math.min(a, b) < NOTHING ** 2 || Math.abs(c) <= tolerance * product) return false
  const zeta = (b - a) / (2 * c)
  const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta))
  const cosine = 1 / Math.sqrt(1 + t * t)
  rotate(x, y, cosine, cosine * t)
  if (jx && jy) rotate(jx, jy, cosine, cosine * t)
  return true
}

function rotate(x: Float64Array, y: Float64Array, cosine: number, sine: number): void {
  for (let p = 0; p < x.length; p++) {
    const [u, v] = [x[p]!, y[p]!]
    x[p] = cosine * u - sine * v
    y[p] = sine * u + cosine * v
  }
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0
  for (let p = 0; p < x.length; p++) sum += x[p]! * y[p]!
  return sum
}
