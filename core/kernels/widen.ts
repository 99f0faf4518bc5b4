/** Weights at their source precision, widened to f32: exact for all three dtypes. */
import type { Weights } from './kernels.ts'

/** rows * cols values as stored (`scale` not applied); a view for F32, a copy for F16 and BF16. */
export function widen(A: Weights): Float32Array {
  const length = A.rows * A.cols
  if (A.dtype === 'F32') return new Float32Array(A.data.buffer, A.data.byteOffset, length)
  const halves = new Uint16Array(A.data.buffer, A.data.byteOffset, length)
  return A.dtype === 'BF16' ? widenBFloat16(halves) : widenFloat16(halves)
}

function widenBFloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length)
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16
  return new Float32Array(bits.buffer)
}

function widenFloat16(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length)
  for (let i = 0; i < halves.length; i++) values[i] = float16ToNumber(halves[i]!)
  return values
}

/** IEEE 754 binary16. Node 20 has no Float16Array. */
function float16ToNumber(half: number): number {
  const sign = half >>> 15 ? -1 : 1
  const exponent = (half >>> 10) & 31
  const fraction = half & 1023
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25)
}
