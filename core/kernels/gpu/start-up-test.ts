/**
 * Before a device is offered: every dtype, both ways, at a shape that is no multiple of any tile and has more than one plane, against sums in f64 with the
 * rigorous bound. A device that flushes, reorders or fuses passes; one that computes in half precision, drops an edge or returns what was there before does not.
 */
import type { WeightDType } from '../kernels.ts'
import { widen } from '../widen.ts'
import { bytesPerWeight, type DeviceKernels } from './device-kernels.ts'
import { depthOf, type Mode } from './wgsl.ts'

const [m, n, k] = [70, 2051, 35]
const scale = 0.25

/** What was wrong, in English for a log and a report; null where nothing was. Takes as long as its shaders take to compile. @throws DeviceError */
export async function startUpTest(kernels: DeviceKernels): Promise<string | null> {
  const next = noise()
  await kernels.compile()
  for (const dtype of ['F32', 'F16', 'BF16'] as const) {
    const data = weights(dtype, next)
    const values = widen({ rows: m, cols: n, dtype, data, scale })
    const A = await kernels.allocate({ rows: m, cols: n, dtype, scale })
    try {
      await kernels.write(A, 0, data)
      for (const mode of ['plain', 'transposed'] as const) {
        const [rows, inner] = mode === 'plain' ? [m, n] : [n, m]
        const right = Float32Array.from({ length: inner * k }, next)
        const out = new Float32Array(rows * k).fill(Number.NaN)
        await kernels.multiply(A, mode, right, k, out)
        const wrong = firstWrong(values, mode, right, out)
        if (wrong) return `${dtype}, ${mode === 'plain' ? 'A X' : 'At Y'}: ${wrong}`
      }
    } finally {
      kernels.release(A)
    }
  }
  return null
}

function firstWrong(values: Float32Array, mode: Mode, right: Float32Array, out: Float32Array): string | null {
  const [rows, inner] = mode === 'plain' ? [m, n] : [n, m]
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < k; j++) {
      let sum = 0
      let size = 0
      for (let d = 0; d < inner; d++) {
        const term = scale * values[mode === 'plain' ? i * n + d : d * n + i]! * right[d * k + j]!
        sum += term
        size += Math.abs(term)
      }
      const bound = depthOf(inner) * 2 ** -24 * size
      if (!(Math.abs(out[i * k + j]! - sum) <= bound))
        return `entry (${i}, ${j}) is ${out[i * k + j]} where ${sum} +- ${bound} was expected`
    }
  return null
}

/** Every exponent and sign of 16 bits that is finite and near 1; F16's subnormals among them. */
function weights(dtype: WeightDType, next: () => number): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(Float32Array.from({ length: m * n }, next).buffer)
  const halves = new Uint16Array((m * n * bytesPerWeight[dtype]) / 2)
  for (let i = 0; i < halves.length; i++) {
    const bits = Math.floor((next() + 1) * 32768)
    halves[i] = dtype === 'F16' ? bits & 0xbbff : (bits & 0x80ff) | 0x3f00
  }
  return new Uint8Array(halves.buffer)
}

/** Values in (-1, 1), always the same. */
function noise(): () => number {
  let state = 12345
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}
