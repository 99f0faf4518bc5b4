import { describe, expect, it } from 'vitest'
import { decodeFloat64, encode } from '../../../../core/formats/dtype.ts'
import { openWeightFile } from '../../../../core/formats/opening/open.ts'
import { compressFile } from '../../../../core/jobs/compress.ts'
import type { Params } from '../../../../core/params.ts'
import {
  compressJob,
  openTensors,
  outcomeOf,
  plain,
  type TestTensor,
  testContext,
  weights,
} from '../../jobs/harness.ts'
import { memoryFolder } from '../../memory-folder.ts'
import { withSpectrum } from '../../svd/matrices.ts'

async function compressed(tensors: TestTensor[], params: Partial<Params>) {
  const file = await openTensors(...tensors)
  const folder = memoryFolder('out')
  const report = await compressFile(
    { model: file, target: { folder, name: 'o' } },
    compressJob({ method: 'exact', ...params }),
    testContext(),
  )
  const output = await openWeightFile({ folder, entry: 'o' })
  const read = async (name: string) => {
    const info = output.tensors.find((each) => each.name === name)
    if (!info) throw new Error(`no ${name} among ${output.tensors.map((each) => each.name).join(', ')}`)
    return { info, bytes: await output.read(info) }
  }
  return { report, output, read, of: (name: string) => outcomeOf(report.tensors, name) }
}

/** ||W - diag-scaled B A - S|| / ||W|| in f64, from the bytes of the file alone. */
async function judge(source: TestTensor, read: Awaited<ReturnType<typeof compressed>>['read'], sparse = false) {
  const W = decodeFloat64('F32', source.bytes)
  const [rows = 0] = source.shape
  const cols = W.length / rows
  const factor = async (which: 'A' | 'B') => {
    const { info, bytes } = await read(`${source.name}.lowrank_${which}`)
    if (info.dtype !== 'I8') return decodeFloat64(info.dtype as 'F32', bytes)
    const scale = await read(`${source.name}.lowrank_${which}_scale`)
    const scales = decodeFloat64('F32', scale.bytes)
    const width = info.shape[1]!
    const perRow = scale.info.shape[0] === info.shape[0] && scale.info.shape[1] === 1
    const values = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return Float64Array.from(values, (value, i) => value * scales[perRow ? Math.floor(i / width) : i % width]!)
  }
  const [A, B] = [await factor('A'), await factor('B')]
  const rank = B.length / rows
  const What = new Float64Array(W.length)
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < rank; k++)
      for (let j = 0; j < cols; j++) What[i * cols + j]! += B[i * rank + k]! * A[k * cols + j]!
  if (sparse) {
    const index = (await read(`${source.name}.sparse_index`)).bytes
    const value = decodeFloat64('F32', (await read(`${source.name}.sparse_value`)).bytes)
    const flat = new BigInt64Array(index.slice().buffer)
    for (const [i, at] of flat.entries()) {
      if (i > 0) expect(at).toBeGreaterThan(flat[i - 1]!)
      What[Number(at)]! += value[i]!
    }
  }
  let lost = 0
  let whole = 0
  for (let i = 0; i < W.length; i++) {
    lost += (W[i]! - What[i]!) ** 2
    whole += W[i]! ** 2
  }
  return Math.sqrt(lost / whole)
}

// Sums of 8 to 100 f32 products against f64: their rounding, relative to the matrix.
const tolerance = 128 * 2 ** -24

describe('INT8 factors', () => {
  it('add little where the truncation error is large, at 26 % of the F32 bytes', async () => {
    const source = weights('w', [96, 128])
    const exact = await compressed([source], { rank: 8 })
    const { read, of } = await compressed([source], { rank: 8, factorDType: 'INT8' })
    expect((await read('w.lowrank_A')).info).toMatchObject({ dtype: 'I8', shape: [8, 128] })
    expect((await read('w.lowrank_A_scale')).info).toMatchObject({ dtype: 'F32', shape: [8, 1] })
    expect((await read('w.lowrank_B_scale')).info).toMatchObject({ dtype: 'F32', shape: [1, 8] })
    expect(Math.abs(of('w').relativeError! - (await judge(source, read)))).toBeLessThan(tolerance)
    expect(exact.of('w').relativeError).toBeGreaterThan(0.1)
    expect(of('w').relativeError).toBeLessThan(1.05 * exact.of('w').relativeError!)
    // 8 bytes of scales for each direction, beside 96 + 128 values.
    expect(of('w').bytesAfter).toBe(8 * (96 + 128 + 8))
    expect(of('w').factorDType).toBe('INT8')
    expect(of('w').reason).toMatch(/INT8 adds/)
  })

  it('have a scale for each row from rank 100 on', async () => {
    const source = weights('w', [256, 256])
    const { read, of } = await compressed([source], { rank: 100, factorDType: 'INT8', int8Always: true })
    expect((await read('w.lowrank_A_scale')).info.shape).toEqual([1, 256])
    expect((await read('w.lowrank_B_scale')).info.shape).toEqual([256, 1])
    expect(Math.abs(of('w').relativeError! - (await judge(source, read)))).toBeLessThan(tolerance)
    expect(of('w').bytesAfter).toBeLessThanOrEqual(0.26 * 4 * 100 * 512)
  })

  it('give way to BF16 where rounding would show, unless forced', async () => {
    const s = Float64Array.from({ length: 96 }, (_, i) => 1e-3 ** i)
    const steep = plain('steep', 'F32', [96, 96], encode('F32', withSpectrum(96, 96, s).data).bytes)
    const { of, read } = await compressed([steep], { rank: 4, factorDType: 'INT8' })
    expect((await read('steep.lowrank_A')).info.dtype).toBe('BF16')
    expect(of('steep').factorDType).toBe('BF16')
    expect(of('steep').reason).toMatch(/INT8 would add .* BF16 factors/)
    const forced = await compressed([steep], { rank: 4, factorDType: 'INT8', int8Always: true })
    expect((await forced.read('steep.lowrank_A')).info.dtype).toBe('I8')
    expect(forced.of('steep').relativeError).toBeGreaterThan(of('steep').relativeError!)
  })
})

/** What a rounding error leaves over is orthogonal to the residual but for chance: 2 t r times a cosine of about 1 / sqrt(entries), four times that. */
const chance = (truncation: number, rounding: number, entries: number) =>
  (8 * truncation * rounding) / Math.sqrt(entries) + 1e-9

describe('a sparse part', () => {
  it.each(['F32', 'INT8'] as const)('takes away the largest of what %s factors leave over', async (factorDType) => {
    const source = weights('w', [64, 96])
    new Float32Array(source.bytes.buffer)[777] = 40
    const { read, of } = await compressed([source], { rank: 4, sparseDensity: 0.01, factorDType })
    const outcome = of('w')
    expect((await read('w.sparse_index')).info).toMatchObject({ dtype: 'I64', shape: [61] })
    expect(Math.abs(outcome.relativeError! - (await judge(source, read, true)))).toBeLessThan(tolerance)
    const { truncation, rounding, sparseGain } = outcome.split!
    const sum = truncation ** 2 + rounding ** 2 - sparseGain ** 2
    expect(Math.abs(sum - outcome.relativeError! ** 2)).toBeLessThan(chance(truncation, rounding, 64 * 96))
    expect(sparseGain).toBeGreaterThan(0.1)
  })

  it('of a stack has indices over the whole stack', async () => {
    const experts = weights('x.experts.w', [2, 64, 64])
    const { read } = await compressed([experts], { rank: 4, sparseDensity: 0.001 })
    const { bytes } = await read('x.experts.w.sparse_index')
    const flat = [...new BigInt64Array(bytes.slice().buffer)].map(Number)
    expect(flat.length).toBe(8)
    expect(flat.slice(0, 4).every((at) => at < 4096)).toBe(true)
    expect(flat.slice(4).every((at) => at >= 4096 && at < 8192)).toBe(true)
  })
})

it('the error splits into what the rank leaves out and what rounding adds', async () => {
  const source = weights('w', [96, 128])
  const { of } = await compressed([source], { rank: 8, factorDType: 'BF16' })
  const { truncation, rounding, sparseGain } = of('w').split!
  expect(sparseGain).toBe(0)
  // 8 bits of significand: about 2e-3 of what the factors hold.
  expect(rounding).toBeGreaterThan(2 ** -10)
  expect(rounding).toBeLessThan(2 ** -8)
  const sum = truncation ** 2 + rounding ** 2
  expect(Math.abs(sum - of('w').relativeError! ** 2)).toBeLessThan(chance(truncation, rounding, 96 * 128))
})
