/** The two sides of a difference to D = tuned - base in the kernels' memory, by the kernels wherever they know both dtypes. */
import { subtractValues, valuesOf } from '../adapters/difference.ts'
import type { Side, Sides } from '../formats/format.ts'
import { discard } from '../io.ts'
import type { DifferenceSums, Kernels, Weights } from '../kernels/kernels.ts'

/**
 * D <- tuned - base, rounded to f32 once: the bits that the file's `read` gives.
 * @param D in the kernels' memory
 * @param sides used up
 * @param beside what this thread does while others begin
 */
export function subtractSides(kernels: Kernels, sides: Sides, D: Float32Array, beside?: () => void): DifferenceSums {
  const { base, tuned } = sides
  if (base.dtype === 'F64' || tuned.dtype === 'F64') {
    beside?.()
    return subtractWide(sides, D)
  }
  const mark = kernels.mark()
  try {
    const [t, b] = [loadSide(kernels, tuned, D.length), loadSide(kernels, base, D.length)]
    return kernels.subtract(t, b, D, beside)
  } finally {
    kernels.release(mark)
  }
}

function loadSide(kernels: Kernels, { dtype, bytes }: Side, count: number): Weights {
  const data = kernels.allocateBytes(bytes.byteLength)
  data.set(bytes)
  discard(bytes)
  return { rows: 1, cols: count, dtype: dtype as Weights['dtype'], data, scale: 1 }
}

/** What was scaled has more digits than f32: subtracted before anything is rounded. */
function subtractWide(sides: Sides, D: Float32Array): DifferenceSums {
  subtractValues(sides, D)
  const [b, t] = [valuesOf(sides.base), valuesOf(sides.tuned)]
  const sums = { base: 0, tuned: 0, difference: 0, nanCount: 0, infCount: 0 }
  for (let i = 0; i < D.length; i++) {
    const d = D[i]!
    if (Number.isFinite(d)) {
      sums.base += b[i]! * b[i]!
      sums.tuned += t[i]! * t[i]!
      sums.difference += d * d
    } else if (Number.isNaN(d)) sums.nanCount++
    else sums.infCount++
  }
  return sums
}
