/** Rounding of scaled vectors in plain loops: what `Kernels.roundScaled` is judged by. */
import type { Matrix, RoundingSums, WeightDType } from './kernels.ts'

const smallFloats = {
  F16: { fraction: 10, minExponent: -14, largest: 65504, infinity: 0x7c00, nan: 0x7e00 },
  BF16: { fraction: 7, minExponent: -126, largest: (2 - 2 ** -7) * 2 ** 127, infinity: 0x7f80, nan: 0x7fc0 },
} as const

/** Of F32 and BF16. */
const leastNormal = 2 ** smallFloats.BF16.minExponent

export function roundScaled(
  M: Matrix,
  side: 'rows' | 'cols',
  scales: Float64Array,
  dtype: WeightDType,
  codes: Uint8Array,
  stored: Matrix,
): RoundingSums {
  const { rows, cols } = M
  const count = side === 'rows' ? rows : cols
  const [whole, off] = [new Float64Array(count), new Float64Array(count)]
  const bytes = new DataView(codes.buffer, codes.byteOffset, codes.byteLength)
  let overflows = 0
  for (let i = 0, at = 0; i < rows; i++)
    for (let j = 0; j < cols; j++, at++) {
      const vector = side === 'rows' ? i : j
      const exact = M.data[at]! * scales[vector]!
      const near = dtype === 'F32' ? Math.fround(exact) : roundTo(exact, dtype)
      const value = dtype !== 'F16' && Math.abs(near) < leastNormal ? near * 0 : near
      if (Number.isFinite(exact) && !Number.isFinite(value)) overflows++
      if (dtype === 'F32') bytes.setFloat32(4 * at, value, true)
      else bytes.setUint16(2 * at, codeOf(value, dtype), true)
      stored.data[at] = value
      whole[vector]! += exact * exact
      off[vector]! += (exact - value) ** 2
    }
  return { whole, off, overflows }
}

/** To nearest, ties to even; infinite beyond the largest. */
function roundTo(value: number, dtype: 'F16' | 'BF16'): number {
  const { fraction, largest } = smallFloats[dtype]
  const magnitude = Math.abs(value)
  if (!Number.isFinite(value) || magnitude === 0) return value
  const step = 2 ** (exponentOf(magnitude, dtype) - fraction)
  const steps = magnitude / step
  const below = Math.floor(steps)
  const rest = steps - below
  const nearest = (rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below) * step
  return Math.sign(value) * (nearest > largest ? Number.POSITIVE_INFINITY : nearest)
}

/** Of a value that the dtype has. */
function codeOf(value: number, dtype: 'F16' | 'BF16'): number {
  const { fraction, minExponent, infinity, nan } = smallFloats[dtype]
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  if (Number.isNaN(value)) return nan
  const magnitude = Math.abs(value)
  if (magnitude === Number.POSITIVE_INFINITY) return sign | infinity
  const exponent = magnitude === 0 ? minExponent : exponentOf(magnitude, dtype)
  return sign | ((exponent - minExponent) * 2 ** fraction + magnitude / 2 ** (exponent - fraction))
}

function exponentOf(magnitude: number, dtype: 'F16' | 'BF16'): number {
  const { minExponent } = smallFloats[dtype]
  let exponent = Math.max(minExponent, Math.floor(Math.log2(magnitude)))
  // Math.log2 may be off by one next to a power of two.
  while (exponent > minExponent && 2 ** exponent > magnitude) exponent--
  while (2 ** (exponent + 1) <= magnitude) exponent++
  return exponent
}
