/** Householder reflections of f64 vectors (LAPACK dlarfg): H = I - tau v vt with v[0] = 1 takes x to (beta, 0, ..., 0). */
import { dot, scale } from './vector'

/** Below this squared norm (of matrices scaled to about 1) a vector counts as zero: its square would lose digits to underflow. */
const NOTHING: f64 = 1e-280

let lastTau: f64 = 0

/** tau of the latest `reflect` on this thread; 0 means H = I. */
export function reflectorTau(): f64 {
  return lastTau
}

/** x <- v. @returns beta */
export function reflect(n: i32, x: usize): f64 {
  const alpha = load<f64>(x)
  const rest = n > 1 ? dot(n - 1, x + 8, x + 8) : 0
  store<f64>(x, 1)
  if (rest < NOTHING) {
    lastTau = 0
    return alpha
  }
  const norm = Math.sqrt(alpha * alpha + rest)
  const beta = alpha > 0 ? -norm : norm
  lastTau = (beta - alpha) / beta
  scale(n - 1, 1 / (alpha - beta), x + 8)
  return beta
}
