/**
 * Watches the iterations: each one's Z = AtQ already holds the singular values as they stand, at the price of a small eigenproblem
 * that is only paid when a listener wants estimates or a tolerance may stop the iteration.
 */
import type { Kernels } from '../kernels/kernels.ts'
import type { FittedParams } from '../params.ts'
import type { Observer } from './observer.ts'
import type { Operand } from './operand.ts'
import { singularFromSquares } from './small-svd.ts'

export interface ConvergenceWatch {
  /** Whether `see` can end the iteration: then every Q must be fully orthonormal: any of them may be returned. */
  readonly mayStop: boolean
  /** After iteration `index`, with a way to ZtZ over all blocks (left alone): true when the error curve has come to rest. */
  see(index: number, gramOfZ: () => Float64Array): Promise<boolean>
}

/**
 * Reports estimates to `observer.iteration` and stops once no point of the error curve (relative errors at rank 1..k) has moved by
 * more than `tolerance` since the iteration before; a tolerance of 0 never stops.
 * @param iterations after the first pass
 */
export function watchConvergence(
  kernels: Kernels,
  operand: Operand,
  { rank, tolerance }: Pick<FittedParams, 'rank' | 'tolerance'>,
  iterations: number,
  observer: Observer,
): ConvergenceWatch {
  let previous: Float64Array | null = null
  let sumOfSquares: number | null = null
  return {
    mayStop: tolerance > 0,
    see: async (index, gramOfZ) => {
      if (!observer.iteration && tolerance === 0) return false
      const mark = kernels.mark()
      const s = leadingValues(kernels, gramOfZ(), rank)
      kernels.release(mark)
      observer.iteration?.(
        index,
        iterations,
        s.map((value) => value / operand.scale),
      )
      if (tolerance === 0) return false
      sumOfSquares ??= await operand.squaredNorm()
      const errors = relativeErrors(s, sumOfSquares)
      const moved = previous === null ? Number.POSITIVE_INFINITY : largestGap(errors, previous)
      previous = errors
      return moved <= tolerance
    },
  }
}

/** The first `count` singular values (fewer where there are fewer) from their squares' matrix G, which is copied. */
function leadingValues(kernels: Kernels, G: Float64Array, count: number): Float64Array {
  const order = Math.round(Math.sqrt(G.length))
  const copy = kernels.allocateFloat64(G.length)
  copy.set(G)
  const values = kernels.allocateFloat64(order)
  kernels.symmetricEigen(copy, order, values, null)
  return singularFromSquares(values.slice(0, count))
}

function relativeErrors(s: Float64Array, sumOfSquares: number): Float64Array {
  let captured = 0
  return s.map((value) => {
    captured += value * value
    return sumOfSquares === 0 ? 0 : Math.sqrt(Math.max(0, 1 - captured / sumOfSquares))
  })
}

function largestGap(a: Float64Array, b: Float64Array): number {
  let worst = a.length === b.length ? 0 : Number.POSITIVE_INFINITY
  for (let i = 0; i < Math.min(a.length, b.length); i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!))
  return worst
}
