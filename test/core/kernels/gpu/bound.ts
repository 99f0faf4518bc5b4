/** Weights of every kind for products of a device, and how far what came back is from the bound of its sums. */
import { depthOf, type Mode } from '../../../../core/kernels/gpu/wgsl.ts'
import type { WeightDType, Weights } from '../../../../core/kernels/kernels.ts'
import { widen } from '../../../../core/kernels/widen.ts'

/** Unit roundoff of f32. */
export const U = 2 ** -24

/** Values in (-1, 1), always the same. */
export function noise(seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}

/** Every sign and exponent near 1, F16's subnormals among them. */
export function weightsOf(rows: number, cols: number, dtype: WeightDType, scale = 1): Weights {
  const next = noise(rows * 5041 + cols)
  const count = rows * cols
  if (dtype === 'F32') {
    const values = new Float32Array(count)
    for (let i = 0; i < count; i++) values[i] = next()
    return { rows, cols, dtype, scale, data: new Uint8Array(values.buffer) }
  }
  const halves = new Uint16Array(count)
  for (let i = 0; i < count; i++) {
    const bits = Math.floor((next() + 1) * 32768)
    halves[i] = dtype === 'F16' ? bits & 0xbbff : (bits & 0x80ff) | 0x3f00
  }
  return { rows, cols, dtype, scale, data: new Uint8Array(halves.buffer) }
}

/** Largest error of any entry over depth u sum |a||x|: above 1 it is none of rounding. */
export function worst(
  A: Weights,
  mode: Mode,
  right: Float32Array,
  k: number,
  out: Float32Array,
  before?: Float32Array,
): number {
  const values = widen(A)
  const [rows, inner] = mode === 'plain' ? [A.rows, A.cols] : [A.cols, A.rows]
  let most = 0
  for (let i = 0; i < rows; i++) {
    const sums = new Float64Array(k)
    const sizes = new Float64Array(k)
    for (let d = 0; d < inner; d++) {
      const a = A.scale * values[mode === 'plain' ? i * inner + d : d * rows + i]!
      for (let j = 0; j < k; j++) {
        const term = a * right[d * k + j]!
        sums[j]! += term
        sizes[j]! += Math.abs(term)
      }
    }
    for (let j = 0; j < k; j++) {
      const was = before?.[i * k + j] ?? 0
      const error = Math.abs(out[i * k + j]! - was - sums[j]!) / (depthOf(inner) * U * (sizes[j]! + Math.abs(was)))
      if (!(error <= most)) most = error
    }
  }
  return most
}
