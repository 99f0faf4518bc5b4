import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crc32 } from '../../../core/formats/archives/crc32.ts'
import { decodeFloat64, encode } from '../../../core/formats/dtype.ts'
import type { WeightFile } from '../../../core/formats/format.ts'
import type { TeamKernels } from '../../../core/kernels/wasm.ts'
import { loadMatrix, READ_BYTES } from '../../../core/matrix/load.ts'
import { scanValues } from '../../../core/matrix/scan.ts'
import { type ComputableDType, computableDTypes, dtypeBits, matrixView } from '../../../core/tensor.ts'
import { openTensors, plain, testContext, weights } from '../jobs/harness.ts'
import { testKernels } from '../kernels/team-kernels.ts'

/** What it counts in the only tensor of a file, and what the values themselves say. */
async function counted(dtype: ComputableDType, bytes: Uint8Array) {
  const file = await openTensors(plain('w', dtype, [(8 * bytes.byteLength) / dtypeBits[dtype]], bytes))
  const found = await scanValues(file, { ...file.tensors[0]!, dtype }, testContext())
  const values = decodeFloat64(dtype, bytes)
  const wanted = { nanCount: 0, infCount: 0, crc: crc32(bytes) }
  for (const value of values) {
    if (Number.isNaN(value)) wanted.nanCount++
    else if (!Number.isFinite(value)) wanted.infCount++
  }
  return { found, wanted }
}

describe.each(computableDTypes)('%s', (dtype) => {
  const size = dtypeBits[dtype] / 8
  const code = (value: number) => encode(dtype, Float64Array.of(value)).bytes

  it('finds one NaN and one infinity wherever they stand, ragged ends included', async () => {
    for (const length of [1, 2, 3, 4, 7, 16, 17, 18, 19, 33])
      for (let at = 0; at < length; at++)
        for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
          const bytes = new Uint8Array(length * size)
          bytes.set(code(value), at * size)
          const { found, wanted } = await counted(dtype, bytes)
          expect(found).toEqual(wanted)
          expect(found.nanCount + found.infCount).toBe(1)
        }
  })

  it('takes the largest numbers and their neighbors for what they are', async () => {
    const codes = new Uint8Array(65536 * size)
    // Every upper half of a word, over lower halves of ones: all signs and exponents beside the fullest fraction.
    for (let i = 0; i < 65536; i++) {
      codes.fill(255, i * size, (i + 1) * size)
      if (size > 1) codes[(i + 1) * size - 2] = i & 255
      codes[(i + 1) * size - 1] = size > 1 ? i >> 8 : i & 255
    }
    const { found, wanted } = await counted(dtype, codes)
    expect(found).toEqual(wanted)
    const finite: number[] = []
    for (let i = 0; i < 65536; i++) {
      const one = codes.subarray(i * size, (i + 1) * size)
      if (Number.isFinite(decodeFloat64(dtype, one.slice())[0])) finite.push(...one)
    }
    expect((await counted(dtype, Uint8Array.from(finite))).found).toMatchObject({ nanCount: 0, infCount: 0 })
  })
})

describe('a tensor of several pieces', () => {
  it('is counted whole, a piece being read while the one before it is counted', async () => {
    const bytes = new Uint8Array(2 * READ_BYTES + 6)
    for (const at of [0, READ_BYTES - 2, READ_BYTES, bytes.byteLength - 2]) bytes.set([0x80, 0x7f], at)
    const file = await openTensors(plain('w', 'BF16', [bytes.byteLength / 2], bytes))
    const asked: number[] = []
    const watched: WeightFile = {
      ...file,
      read: async (tensor, start, end) => {
        asked.push(start!)
        return file.read(tensor, start, end)
      },
    }
    const found = await scanValues(watched, { ...file.tensors[0]!, dtype: 'BF16' }, testContext())
    expect(found).toMatchObject({ nanCount: 0, infCount: 4 })
    expect(asked).toEqual([0, READ_BYTES, 2 * READ_BYTES])
  })
})

it.each([
  ['F8_E4M3', 3e38 / 448, 0],
  ['F8_E4M3', 3e38, 4],
  ['F8_E5M2', 3e38 / 57_344, 0],
  ['F8_E5M2', -1e35, 4],
] as const)('%s times a factor of %d has %d values beyond F32', async (dtype, factor, nanCount) => {
  const scale = new Uint8Array(Float32Array.of(factor).buffer)
  const codes = plain('m.weight', dtype, [2, 2], new Uint8Array(4).fill(0x3c))
  const file = await openTensors(codes, plain('m.weight_scale_inv', 'F32', [1, 1], scale))
  const found = await scanValues(file, { ...file.tensors[0]!, dtype }, testContext())
  expect(found).toMatchObject({ nanCount, infCount: 0 })
})

describe('matrices that the kernels read as they are stored', () => {
  let kernels: TeamKernels
  beforeAll(async () => {
    kernels = await testKernels({ threads: 2 })
  })
  afterAll(() => kernels.shutdown())
  const resident = { memoryLimit: 0, method: 'randomized' } as const

  it.each(['F32', 'F16', 'BF16'] as const)(
    'have the magnitudes that a load finds, to the bit, in %s',
    async (dtype) => {
      // More than a block of rows, and several matrices.
      for (const shape of [
        [2600, 70],
        [3, 1100, 40],
      ]) {
        const given = weights('model.experts.w', shape, dtype)
        const file = await openTensors(given)
        const context = testContext({ kernels })
        const tensor = { ...file.tensors[0]!, dtype }
        const found = await scanValues(file, tensor, context)
        expect(found).toMatchObject({ nanCount: 0, infCount: 0, crc: crc32(given.bytes) })
        const view = matrixView(tensor)!
        expect(found.magnitudes).toHaveLength(view.count)
        for (let index = 0; index < view.count; index++) {
          const load = (magnitudes?: NonNullable<typeof found.magnitudes>[number]) =>
            loadMatrix(file, tensor, view, index, context, resident, { magnitudes })
          const mark = kernels.mark()
          const [fresh, known] = [await load(), await load(found.magnitudes![index])]
          expect(known.frobeniusNorm).toBe(fresh.frobeniusNorm)
          expect(await known.operand.statistics()).toEqual(await fresh.operand.statistics())
          // Streamed in panels as well, where a pass over them is a pass over the file.
          const streamed = await loadMatrix(file, tensor, view, index, context, { ...resident, memoryLimit: 1 })
          expect(known.frobeniusNorm).toBe(streamed.frobeniusNorm)
          kernels.release(mark)
        }
      }
    },
  )

  it('have none where there is NaN or Inf, which are counted', async () => {
    const bytes = new Uint8Array(2 * 1500 * 30)
    for (const at of [0, 2 * 1100 * 30 + 6]) bytes.set([0x80, 0x7f], at)
    bytes.set([0x81, 0x7f], 2 * 20)
    const file = await openTensors(plain('w', 'BF16', [1500, 30], bytes))
    const found = await scanValues(file, { ...file.tensors[0]!, dtype: 'BF16' }, testContext({ kernels }))
    expect(found).toEqual({ nanCount: 1, infCount: 2, crc: crc32(bytes) })
  })
})
