/** Norms of the weights as stored. */
import type { WeightStatistics } from '../kernels/kernels.ts'

/** ||A||_F, from sums in f64: an f32 norm alone would put the error below the floor. */
export function frobeniusNorm(statistics: WeightStatistics): number {
  return Math.sqrt(statistics.sumOfSquares)
}
