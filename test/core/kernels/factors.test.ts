import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Kernels, WeightDType } from '../../../core/kernels/kernels.ts'
import { referenceKernels } from '../../../core/kernels/reference.ts'
import type { TeamKernels } from '../../../core/kernels/wasm.ts'
import { testKernels } from './team-kernels.ts'

const reference = referenceKernels()
let kernels: TeamKernels
beforeAll(async () => {
  kernels = await testKernels({ threads: 3, choice: 'auto', aloneBelowFlop: 0 })
})
afterAll(() => kernels.shutdown())

const size = fc.integer({ min: 1, max: 150 })
const bits = (array: ArrayBufferView) => Buffer.from(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))

/** Of all magnitudes that f32 has, halfway cases of the small dtypes and zeros among them. */
function values(count: number, seed: number): Float32Array {
  let state = (seed * 2654435761 + 1) >>> 0
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 8
  }
  const words = new Uint32Array(count)
  for (let i = 0; i < count; i++) {
    const kind = next() % 8
    const exponent = kind < 3 ? 100 + (next() % 40) : next() % 255
    const fraction = kind === 1 ? (next() & 0xff) << 15 : kind === 2 ? (next() & 0x7ff) << 12 : next() & 0x7fffff
    words[i] = kind === 7 ? (next() & 1) << 31 : ((next() & 1) << 31) | (exponent << 23) | fraction
  }
  return new Float32Array(words.buffer)
}

function within<T>(owner: Kernels, use: () => T): T {
  const mark = owner.mark()
  try {
    return use()
  } finally {
    owner.release(mark)
  }
}

it('rounds scaled vectors to the bits of the reference, and sums what that takes in the same order', () => {
  const dtype = fc.constantFrom<WeightDType>('F32', 'F16', 'BF16')
  const side = fc.constantFrom<'rows' | 'cols'>('rows', 'cols')
  fc.assert(
    fc.property(size, size, dtype, side, fc.nat(), fc.boolean(), (rows, cols, dtype, side, seed, plain) => {
      const entries = values(rows * cols, seed)
      const count = side === 'rows' ? rows : cols
      // Up to 2^60 and down to 2^-60: what is finite in f32 leaves it as well.
      const scales = Float64Array.from({ length: count }, (_, i) =>
        plain ? 1 : 1.1 * 2 ** (((seed + 7 * i) % 120) - 60),
      )
      const [ours, theirs] = [kernels, reference].map((each) =>
        within(each, () => {
          const M = { rows, cols, data: each.allocateFloat32(rows * cols) }
          M.data.set(entries)
          const stored = { ...M, data: each.allocateFloat32(rows * cols) }
          const codes = each.allocateBytes(rows * cols * (dtype === 'F32' ? 4 : 2))
          const sums = each.roundScaled(M, side, scales, dtype, codes, stored)
          return { codes: bits(codes), stored: bits(stored.data), ...sums }
        }),
      )
      expect(ours).toEqual(theirs)
    }),
    { numRuns: 200 },
  )
})

it('stores zero for what would be subnormal in F32 and BF16, and keeps what is in F16', () => {
  const entries = [1, 2 ** -126, 2 ** -127, -(2 ** -149), 2 ** -20, 0, -1, 1e-39, -1e-39, 3, 2 ** -130]
  const zeros = entries.map((value) => (Math.abs(value) < 2 ** -126 ? value * 0 : value))
  for (const each of [kernels, reference])
    for (const side of ['rows', 'cols'] as const)
      for (const dtype of ['F32', 'BF16', 'F16'] as const)
        within(each, () => {
          const [rows, cols] = side === 'rows' ? [1, entries.length] : [entries.length, 1]
          const M = { rows, cols, data: each.allocateFloat32(entries.length) }
          M.data.set(entries)
          const stored = { ...M, data: each.allocateFloat32(entries.length) }
          const codes = each.allocateBytes(entries.length * 4)
          each.roundScaled(M, side, Float64Array.of(1), dtype, codes, stored)
          if (dtype === 'F16') expect(stored.data[4]).toBe(2 ** -20)
          else expect([...stored.data]).toEqual(zeros)
        })
})

it('fixes signs as the reference does, ties to rounding included', () => {
  fc.assert(
    fc.property(size, size, size, fc.nat(), (rows, cols, rank, seed) => {
      const [u, vt] = [values(rows * rank, seed), values(rank * cols, seed + 1)]
      // Two entries of nearly the same magnitude: the first decides.
      for (let j = 0; j < rank; j += 3) if (rows > 2) u[(rows - 1) * rank + j] = -u[rank + j]! * (1 + 2 ** -12)
      const [ours, theirs] = [kernels, reference].map((each) =>
        within(each, () => {
          const U = { rows, cols: rank, data: each.allocateFloat32(rows * rank) }
          const Vt = { rows: rank, cols, data: each.allocateFloat32(rank * cols) }
          U.data.set(u)
          Vt.data.set(vt)
          each.fixSigns(U, Vt)
          return [bits(U.data), bits(Vt.data)]
        }),
      )
      expect(ours).toEqual(theirs)
    }),
    { numRuns: 100 },
  )
})
