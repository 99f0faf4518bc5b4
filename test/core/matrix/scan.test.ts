import { describe, expect, it } from 'vitest'
import { crc32 } from '../../../core/formats/archives/crc32.ts'
import { decodeFloat64, encode } from '../../../core/formats/dtype.ts'
import type { WeightFile } from '../../../core/formats/format.ts'
import { READ_BYTES } from '../../../core/matrix/load.ts'
import { scanValues } from '../../../core/matrix/scan.ts'
import { type ComputableDType, computableDTypes, dtypeBits } from '../../../core/tensor.ts'
import { openTensors, plain, testContext } from '../jobs/harness.ts'

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
