import { describe, expect, it } from 'vitest'
import { decodeFloat64, encode } from '../../../../core/formats/dtype.ts'
import { openWeightFile } from '../../../../core/formats/opening/open.ts'
import { applyScale, readScale, scaleConventions } from '../../../../core/formats/quantized/fp8-scale.ts'
import { analyzeTensor } from '../../../../core/jobs/analyze.ts'
import { compressFile } from '../../../../core/jobs/compress.ts'
import { scanValues, sumOfSquares } from '../../../../core/matrix/scan.ts'
import { inEnglish } from '../../../../core/messages/english.ts'
import { defaultParams } from '../../../../core/params.ts'
import { planFile } from '../../../../core/plan/plan.ts'
import { type DType, dtypeBits, elementCount, hasComputableDType } from '../../../../core/tensor.ts'
import { mergeParts } from '../../../../core/write/parts/merge.ts'
import {
  compressJob,
  fileBytes,
  openTensors,
  outcomeOf,
  plain,
  type TestTensor,
  testContext,
  weights,
} from '../../jobs/harness.ts'
import { memoryFolder } from '../../memory-folder.ts'
import { sentencesOf } from '../../messages/words.ts'

const f32 = (name: string, shape: readonly number[], values: ArrayLike<number>): TestTensor =>
  plain(name, 'F32', shape, encode('F32', Float32Array.from(values)).bytes)

/** Scales a W of these rows and columns as a quantizer would: each block's largest value becomes 256. */
function quantized(values: Float64Array, rows: number, cols: number, block: readonly [number, number]) {
  const grid = [Math.ceil(rows / block[0]), Math.ceil(cols / block[1])] as const
  const factors = new Float64Array(grid[0] * grid[1])
  const at = (i: number, j: number) => Math.floor(i / block[0]) * grid[1] + Math.floor(j / block[1])
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < cols; j++)
      factors[at(i, j)] = Math.max(factors[at(i, j)]!, Math.abs(values[i * cols + j]!) / 256)
  const rounded = Float64Array.from(factors, Math.fround)
  const codes = encode(
    'F8_E4M3',
    values.map((value, n) => value / rounded[at(Math.floor(n / cols), n % cols)]!),
  ).bytes
  const back = decodeFloat64('F8_E4M3', codes).map((value, n) => value * rounded[at(Math.floor(n / cols), n % cols)]!)
  return { codes, factors: rounded, grid, back }
}

const rows = 200
const cols = 260
const original = decodeFloat64('F32', weights('w', [rows, cols]).bytes)

describe.each([
  ['blocks of 128', 'x.weight_scale_inv', [128, 128], null],
  ['blocks that divide', 'x.weight_scale', [50, 65], null],
  ['a factor a row', 'x.weight_scale', [1, cols], null],
  ['a factor a row, as a vector', 'x.weight_scale', [1, cols], [rows]],
  ['one factor', 'x.weight_scale', [rows, cols], null],
  ['one factor without dimensions', 'x.scale_weight', [rows, cols], []],
] as const)('%s', (_, name, block, shape) => {
  const { codes, factors, grid, back } = quantized(original, rows, cols, block as unknown as readonly [number, number])
  const tensors = [plain('x.weight', 'F8_E4M3', [rows, cols], codes), f32(name, shape ?? grid, factors)]

  it('is found, and gives value x factor for any range', async () => {
    const file = await openTensors(...tensors)
    const tensor = file.tensors.find((each) => each.name === 'x.weight')!
    expect(tensor.scale).toEqual({ tensor: name, blocks: [...block] })
    const scale = (await readScale(file, tensor))!
    for (const [start, end] of [
      [0, rows * cols],
      [1, 2],
      [cols - 1, cols + 1],
      [12_345, 40_001],
    ] as const) {
      const values = decodeFloat64('F8_E4M3', await file.read(tensor, start, end))
      applyScale(values, start, scale)
      expect(values).toEqual(back.slice(start, end))
    }
  })

  it('is part of the spectrum', async () => {
    const params = { ...defaultParams, rank: 4, method: 'exact' } as const
    const job = { kind: 'analyze', files: { model: '' }, tensor: 'x.weight', params, repeat: 0, reuse: false } as const
    const scaled = await analyzeTensor({ model: await openTensors(...tensors) }, job, testContext())
    const plainFile = await openTensors(f32('x.weight', [rows, cols], back))
    const judged = await analyzeTensor({ model: plainFile }, job, testContext())
    for (const [i, value] of judged.singularValues.entries())
      expect(Math.abs(scaled.singularValues[i]! - value)).toBeLessThanOrEqual(
        rows * 2 ** -24 * judged.singularValues[0]!,
      )
  })
})

it('factors hold value x factor, so the scale is not written beside them', async () => {
  const { codes, factors, grid, back } = quantized(original, rows, cols, [128, 128])
  const file = await openTensors(
    plain('x.weight', 'F8_E4M3', [rows, cols], codes),
    f32('x.weight_scale_inv', grid, factors),
  )
  const folder = memoryFolder('out')
  const job = compressJob({ rank: 20 })
  const report = await compressFile({ model: file, target: { folder, name: 'o.safetensors' } }, job, testContext())
  expect(outcomeOf(report.tensors, 'x.weight_scale_inv')).toMatchObject({
    action: 'kept',
    reason: 'Already multiplied into the factors of x.weight; not written.',
    bytesAfter: 0,
  })
  const output = await openWeightFile({ folder, entry: 'o.safetensors' })
  expect(output.tensors.map(({ name }) => name)).toEqual(['x.weight.lowrank_A', 'x.weight.lowrank_B'])
  const read = async (name: string) => {
    const tensor = output.tensors.find((each) => each.name === name)!
    return decodeFloat64(tensor.dtype as 'BF16', await output.read(tensor))
  }
  const [A, B] = [await read('x.weight.lowrank_A'), await read('x.weight.lowrank_B')]
  let error = 0
  let norm = 0
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < cols; j++) {
      let value = 0
      for (let k = 0; k < 20; k++) value += B[i * 20 + k]! * A[k * cols + j]!
      error += (value - back[i * cols + j]!) ** 2
      norm += back[i * cols + j]! ** 2
    }
  expect(Math.sqrt(error / norm)).toBeCloseTo(outcomeOf(report.tensors, 'x.weight').relativeError!, 5)
})

it('dense output divides by the scale again', async () => {
  const { codes, factors, grid, back } = quantized(
    original.map((value) => value / 4),
    rows,
    cols,
    [128, 128],
  )
  // Room above 256 for what a lower rank overshoots.
  const file = await openTensors(
    plain('x.weight', 'F8_E4M3', [rows, cols], codes),
    f32('x.weight_scale_inv', grid, factors),
  )
  const folder = memoryFolder('out')
  const job = compressJob({ rank: 30 }, { output: 'dense' })
  const report = await compressFile({ model: file, target: { folder, name: 'o.safetensors' } }, job, testContext())
  const outcome = outcomeOf(report.tensors, 'x.weight')
  expect(outcome.action).toBe('factorized')
  const output = await openWeightFile({ folder, entry: 'o.safetensors' })
  const tensor = output.tensors.find((each) => each.name === 'x.weight')!
  const values = decodeFloat64('F8_E4M3', await output.read(tensor))
  applyScale(values, 0, (await readScale(output, tensor))!)
  let error = 0
  let norm = 0
  for (const [i, value] of values.entries()) {
    error += (value - back[i]!) ** 2
    norm += back[i]! ** 2
  }
  expect(Math.sqrt(error / norm)).toBeCloseTo(outcome.relativeError!, 6)
  expect(Math.sqrt(error / norm)).toBeLessThan(0.5)
})

it('a sparse part holds what the factors miss of value x factor', async () => {
  const { codes, factors, grid } = quantized(original, rows, cols, [128, 128])
  const file = await openTensors(
    plain('x.weight', 'F8_E4M3', [rows, cols], codes),
    f32('x.weight_scale_inv', grid, factors),
  )
  const errors: number[] = []
  for (const sparseDensity of [0, 0.05]) {
    const target = { folder: memoryFolder('out'), name: 'o.safetensors' }
    const report = await compressFile({ model: file, target }, compressJob({ rank: 8, sparseDensity }), testContext())
    errors.push(outcomeOf(report.tensors, 'x.weight').relativeError!)
  }
  expect(errors[1]!).toBeLessThan(errors[0]!)
})

it('a stack of experts has its own factors each', async () => {
  const values = original.slice(0, 2 * 6 * 8)
  const factors = [0.5, 2]
  const stack = plain('experts.w', 'F8_E4M3', [2, 6, 8], encode('F8_E4M3', values).bytes)
  const file = await openTensors(stack, f32('experts.w_scale', [2, 1, 1], factors))
  const tensor = file.tensors.find((each) => each.name === 'experts.w')!
  const plainValues = decodeFloat64('F8_E4M3', await file.read(tensor))
  const scaled = plainValues.slice()
  applyScale(scaled, 0, (await readScale(file, tensor))!)
  expect(scaled).toEqual(plainValues.map((value, i) => value * factors[i < 48 ? 0 : 1]!))
})

/** Codes of ones beside factors of this name, dtype and shape; `config` is the model's config.json. */
async function beside(
  [weight, shape]: readonly [string, readonly number[]],
  scales: readonly (readonly [string, DType, readonly number[]])[],
  config?: object,
) {
  const ones = (name: string, dtype: DType, dims: readonly number[]) =>
    plain(name, dtype, dims, new Uint8Array((elementCount(dims) * dtypeBits[dtype]) / 8).fill(127))
  const tensors = [ones(weight, 'F8_E4M3', shape), ...scales.map((scale) => ones(...scale))]
  const files = new Map([['m.safetensors', fileBytes(tensors)]])
  if (config) files.set('config.json', new TextEncoder().encode(JSON.stringify(config)))
  return openWeightFile({ folder: memoryFolder('in', files), entry: 'm.safetensors' })
}

const declaring = (block: readonly number[]) => ({
  quantization_config: { quant_method: 'fp8', weight_block_size: block },
})

describe('the conventions', () => {
  it.each(scaleConventions)('$writers: X$weight, X$scale', async ({ weight, scale }) => {
    const stem = weight === '' ? 'm.q.weight' : weight.startsWith('.') ? 'm.q.weight' : 'm.q.'
    for (const grid of [[], [1], [256], [256, 1], [2, 3]] as const) {
      const file = await beside([stem + weight, [256, 384]], [[stem + scale, 'F32', grid]])
      const blocks = grid.length === 0 || grid[0] === 1 ? [256, 384] : grid[0] === 256 ? [1, 384] : [128, 128]
      expect(file.tensors.find(({ dtype }) => dtype === 'F8_E4M3')!.scale).toEqual({ tensor: stem + scale, blocks })
      expect(file.notices).toEqual([])
    }
  })

  it.each([
    ['m.q.weight', 'm.q.input_scale'],
    ['m.q.weight', 'm.q.activation_scale'],
    ['m.q.weight', 'm.q.activation_scaling_factor'],
    ['m.q.weight', 'm.q.scale_input'],
    ['m.q.weight', 'm.q.qscale_act'],
    ['m.q.weight', 'm.q.k_scale'],
    ['experts.up', 'experts.down_scale'],
  ])('%s is not scaled by %s', async (weight, scale) => {
    const file = await beside([weight, [64, 64]], [[scale, 'F32', []]])
    expect(file.tensors.every((each) => each.scale === undefined && each.unfit === undefined)).toBe(true)
  })
})

describe('exponents', () => {
  it.each(['F8_E8M0', 'U8'] as const)('as %s are 2^(x - 127), one for 32 of a row', async (dtype) => {
    const exponents = Uint8Array.from({ length: 8 }, (_, i) => 120 + i)
    const codes = new Uint8Array(4 * 64).fill(0x38)
    const file = await openTensors(
      plain('x.weight', 'F8_E4M3', [4, 64], codes),
      plain('x.weight_scale', dtype, [4, 2], exponents),
    )
    const tensor = file.tensors.find(({ name }) => name === 'x.weight')!
    expect(tensor.scale).toEqual({ tensor: 'x.weight_scale', blocks: [1, 32] })
    const values = decodeFloat64('F8_E4M3', await file.read(tensor))
    applyScale(values, 0, (await readScale(file, tensor))!)
    expect([...values]).toEqual(Array.from({ length: 256 }, (_, i) => 2 ** (Math.floor(i / 32) - 7)))
  })

  it('of blocks that bytes do not have are not taken from bytes', async () => {
    const file = await beside(['x.weight', [64, 64]], [['x.weight_scale', 'U8', [4, 4]]])
    expect(inEnglish(file.tensors[0]!.unfit!)).toContain('fits no known layout')
    const exponents = await beside(['x.weight', [64, 64]], [['x.weight_scale', 'F8_E8M0', [4, 4]]])
    expect(exponents.tensors.find(({ dtype }) => dtype === 'F8_E4M3')!.scale!.blocks).toEqual([16, 16])
  })

  it('that say NaN make the tensor one that has NaN', async () => {
    const file = await openTensors(
      plain('x.weight', 'F8_E4M3', [64, 64], new Uint8Array(4096).fill(0x38)),
      plain('x.weight_scale', 'F8_E8M0', [64, 2], new Uint8Array(128).fill(127).fill(255, 3, 5)),
    )
    const tensor = file.tensors.find(hasComputableDType)!
    expect((await scanValues(file, tensor, testContext())).nanCount).toBe(64)
  })
})

describe('a layout that is not certain', () => {
  it.each([
    ['more axes than the weight', [128, 256], [['x.scale_weight', 'F32', [128, 4, 1]]]],
    ['a factor a column', [128, 256], [['x.weight_scale', 'F32', [256]]]],
    ['a grid that divides nothing', [200, 260], [['x.weight_scale', 'F32', [3, 7]]]],
    ['96 or 128', [192, 256], [['x.weight_scale', 'F32', [2, 2]]]],
    ['integers', [128, 256], [['x.weight_scale', 'I32', [128, 1]]]],
    ['a name that no convention has', [128, 256], [['x.weight_scaling', 'F32', [128, 1]]]],
    [
      'two scales',
      [128, 256],
      [
        ['x.weight_scale', 'F32', [128, 1]],
        ['x.weight_scale_2', 'F32', []],
      ],
    ],
  ] as const)('%s: kept with a sentence, in every command', async (_, shape, scales) => {
    const file = await beside(['x.weight', shape], scales)
    const tensor = file.tensors.find(({ dtype }) => dtype === 'F8_E4M3')!
    expect(tensor.scale).toBeUndefined()
    expect(inEnglish(tensor.unfit!)).toMatch(
      /^Its scales? "x\..*what its F8_E4M3 codes stand for is not known\. Kept as it is\.$/,
    )
    expect(sentencesOf(file.notices)).toEqual([
      'The scale factors beside "x.weight" are not understood; these F8 tensors are kept as they are.',
    ])
    for (const [name] of scales)
      expect(inEnglish(file.tensors.find((each) => each.name === name)!.unfit!)).toContain('x.weight')
    const plans = planFile(file, defaultParams, { include: ['*'], exclude: [] })
    for (const { action, view } of plans) expect([action, view]).toEqual(['keep', null])
    const report = await compressFile(
      { model: file, target: { folder: memoryFolder('out'), name: 'o' } },
      compressJob({ rank: 4 }),
      testContext(),
    )
    expect(outcomeOf(report.tensors, 'x.weight')).toMatchObject({ action: 'kept', reason: inEnglish(tensor.unfit!) })
    const job = {
      kind: 'analyze',
      files: { model: '' },
      tensor: 'x.weight',
      params: defaultParams,
      repeat: 0,
      reuse: false,
    } as const
    await expect(analyzeTensor({ model: file }, job, testContext())).rejects.toThrow(inEnglish(tensor.unfit!))
  })

  it('is settled by the block that config.json declares', async () => {
    for (const [block, blocks] of [
      [
        [128, 128],
        [128, 128],
      ],
      [
        [96, 128],
        [96, 128],
      ],
    ] as const) {
      const file = await beside(['x.weight', [192, 256]], [['x.weight_scale', 'F32', [2, 2]]], declaring(block))
      expect(file.tensors.find(({ dtype }) => dtype === 'F8_E4M3')!.scale!.blocks).toEqual(blocks)
    }
    const other = await beside(['x.weight', [192, 256]], [['x.weight_scale', 'F32', [2, 2]]], declaring([64, 64]))
    expect(inEnglish(other.tensors.find(({ dtype }) => dtype === 'F8_E4M3')!.unfit!)).toContain('"x.weight_scale"')
  })

  it('is settled by a convention that has one block', async () => {
    const file = await beside(['x.weight', [192, 256]], [['x.weight_scale_inv', 'F32', [2, 2]]])
    expect(file.tensors.find(({ dtype }) => dtype === 'F8_E4M3')!.scale!.blocks).toEqual([128, 128])
  })
})

describe('a scale whose tensor is kept', () => {
  const { codes, factors, grid, back } = quantized(original, rows, cols, [128, 128])
  const tensors = [
    plain('x.weight', 'F8_E4M3', [rows, cols], codes),
    f32('x.weight_scale_inv', grid, factors),
    weights('y', [96, 64]),
  ]

  it.each([
    ['by a rule', { exclude: ['x.*'] }, {}],
    // Factors of values near 1e12 leave F16, which shows only when they are written.
    ['because its factors overflow', {}, { factorDType: 'F16' }],
  ] as const)('is kept with it: %s', async (why, rest, params) => {
    const large = why === 'by a rule' ? factors : factors.map((factor) => factor * 1e12)
    const source = [tensors[0]!, f32('x.weight_scale_inv', grid, large), tensors[2]!]
    const folder = memoryFolder('out')
    const job = compressJob({ rank: 8, ...params }, { ...rest, exclude: [...('exclude' in rest ? rest.exclude : [])] })
    const report = await compressFile(
      { model: await openTensors(...source), target: { folder, name: 'o' } },
      job,
      testContext(),
    )
    expect(outcomeOf(report.tensors, 'x.weight').action).toBe('kept')
    expect(outcomeOf(report.tensors, 'x.weight_scale_inv')).toMatchObject({
      reason: 'It holds the scale of x.weight.',
      bytesAfter: source[1]!.bytes.byteLength,
    })
    const output = await openWeightFile({ folder, entry: 'o' })
    for (const { name, bytes } of source.slice(0, 2))
      expect(await output.read(output.tensors.find((each) => each.name === name)!)).toEqual(bytes)
  })

  it('belongs to its norm, and is no matrix of the model', async () => {
    const file = await openTensors(...tensors)
    const norm = back.reduce((sum, value) => sum + value * value, 0)
    const found = await sumOfSquares(file, file.tensors.find(({ name }) => name === 'x.weight')!, testContext())
    expect(Math.abs(found / norm - 1)).toBeLessThan(rows * cols * 2 ** -53)

    const target = { folder: memoryFolder('out'), name: 'o' }
    const report = await compressFile(
      { model: file, target },
      compressJob({ rank: 8 }, { exclude: ['x.*'] }),
      testContext(),
    )
    const y = outcomeOf(report.tensors, 'y').relativeError!
    expect(report.relativeError).toBeCloseTo(y * Math.sqrt((96 * 64) / (96 * 64 + rows * cols)), 12)
  })

  it.each(['factors', 'dense'] as const)('merges from parts to the bytes of one run: %s', async (output) => {
    const folder = memoryFolder('out')
    const rest = { output, exclude: ['x.*'] }
    await compressFile(
      { model: await openTensors(...tensors), target: { folder, name: 'whole' } },
      compressJob({}, rest),
      testContext(),
    )
    for (const index of [1, 2]) {
      const job = compressJob({}, { ...rest, part: { index, of: 2 } })
      await compressFile(
        { model: await openTensors(...tensors), target: { folder, name: `${index}` } },
        job,
        testContext(),
      )
    }
    const parts = await Promise.all(['1', '2'].map((entry) => openWeightFile({ folder, entry })))
    await mergeParts({ parts, target: { folder, name: 'merged' } }, { force: false }, testContext())
    expect(folder.files.get('merged')).toEqual(folder.files.get('whole'))
  })
})
