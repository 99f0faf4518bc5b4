/**
 * Error against rank, from numbers alone: the page redraws these while the rank handle moves, no matrix needed.
 * PRODUCT definition: relative error = ||A - A_k||_F / ||A||_F; energy kept = 1 - error^2.
 */

/**
 * Relative error at rank 0..k from a sketch: ||A - A_k||^2 = ||A||^2 - sum_{i<=k} s_i^2, because B = QtA with orthonormal Q.
 * Good to 1e-5 while the relative squared error is above 1e-2; below that the residual is to be measured (measure/residual.ts).
 * A zero matrix has error 0 at every rank.
 */
export function errorCurve(frobeniusNorm: number, singularValues: ArrayLike<number>): number[] {
  const curve = new Array<number>(singularValues.length + 1).fill(0)
  if (frobeniusNorm === 0) return curve
  curve[0] = 1
  let captured = 0
  for (let i = 0; i < singularValues.length; i++) {
    // Ratios first: squares of norms near 1e-200 or 1e200 would leave the range of f64.
    captured += (singularValues[i]! / frobeniusNorm) ** 2
    curve[i + 1] = Math.sqrt(Math.max(0, 1 - captured))
  }
  return curve
}

/**
 * Eckart-Young: the least relative error any rank-k matrix can have, at rank 0..min(m, n), from all singular values (descending).
 * Tails are summed smallest first, never 1 minus the head, so small errors keep their digits.
 */
export function floorCurve(allSingularValues: ArrayLike<number>): number[] {
  const count = allSingularValues.length
  const curve = new Array<number>(count + 1).fill(0)
  const largest = count > 0 ? allSingularValues[0]! : 0
  if (largest === 0) return curve
  let tail = 0
  for (let i = count - 1; i >= 0; i--) {
    tail += (allSingularValues[i]! / largest) ** 2
    curve[i] = tail
  }
  const total = tail
  for (let i = 0; i < count; i++) curve[i] = Math.sqrt(curve[i]! / total)
  return curve
}

/** Share of ||A||^2 that stays: 1 - error^2. */
export function energyKept(relativeError: number): number {
  return 1 - relativeError ** 2
}

/**
 * How much worse than the best possible: error / floor - 1; 0 where the two are equal to rounding, that is no further apart than `resolution`
 * (curves/resolution.ts).
 */
export function excessOverFloor(relativeError: number, floor: number, resolution: number): number {
  return floor === 0 || Math.abs(relativeError - floor) <= resolution ? 0 : relativeError / floor - 1
}
