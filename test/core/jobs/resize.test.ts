import { describe, expect, it } from 'vitest'
import type { JobOf } from '../../../core/contract.ts'
import { decodeFloat64, encode } from '../../../core/formats/dtype.ts'
import type { WeightFile } from '../../../core/formats/format.ts'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { resizeAdapter } from '../../../core/jobs/resize.ts'
import { normalPair } from '../../../core/kernels/philox.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { elementCount } from '../../../core/tensor.ts'
import { memoryFolder } from '../memory-folder.ts'
import { fileBytes, openTensors, type TestTensor, testContext } from './harness.ts'

function values(name: string, shape: readonly number[], make: (i: number) => number): TestTensor {
  return {
    name,
    dtype: 'F32',
    shape,
    bytes: encode(
      'F32',
      Float64Array.from({ length: elementCount(shape) }, (_, i) => make(i)),
    ).bytes,
  }
}
const random = (name: string, shape: readonly number[]) =>
  values(name, shape, (i) => normalPair([name.length, shape[0] ?? 1], i, 0)[0] / Math.sqrt(shape.at(-1) ?? 1))

const module = 'lora_unet_single_blocks_0_linear2'
const qkv = 'lora_unet_double_blocks_0_img_attn_qkv'
const lora = (name: string, rows: number, rank: number, cols: number, alpha: number) => [
  random(`${name}.lora_down.weight`, [rank, cols]),
  random(`${name}.lora_up.weight`, [rows, rank]),
  values(`${name}.alpha`, [], () => alpha),
]

function request(params: Partial<Params>, rest: Partial<JobOf<'resize'>> = {}): JobOf<'resize'> {
  const common = { form: null, rule: null, keepRanks: false, oneRank: false, force: false } as const
  const rules = { include: [], exclude: [] }
  return {
    kind: 'resize',
    files: { adapter: 'a' },
    target: 't',
    params: { ...defaultParams, ...params },
    ...common,
    ...rules,
    ...rest,
  }
}

async function resized(adapter: WeightFile, job: JobOf<'resize'>) {
  const folder = memoryFolder('out')
  const report = await resizeAdapter({ adapter, target: { folder, name: 'out' } }, job, testContext())
  const inFolder = folder.folders.get('out')
  const file = await openWeightFile(
    inFolder ? { folder: inFolder, entry: 'adapter_model.safetensors' } : { folder, entry: 'out' },
  )
  return { report, file, folder: inFolder ?? folder }
}

async function matrix(file: WeightFile, name: string) {
  const tensor = file.tensors.find((each) => each.name === name)!
  return { shape: tensor.shape, values: decodeFloat64(tensor.dtype as 'F32', await file.read(tensor)) }
}

/** up down, times alpha / rank. */
async function added(file: WeightFile, name: string, [down, up] = ['lora_down', 'lora_up']): Promise<number[]> {
  const A = await matrix(file, `${name}.${down}.weight`)
  const B = await matrix(file, `${name}.${up}.weight`)
  const alpha = file.tensors.some((each) => each.name === `${name}.alpha`)
    ? (await matrix(file, `${name}.alpha`)).values[0]!
    : A.shape[0]!
  const [rank, cols] = A.shape as [number, number]
  return Array.from({ length: B.shape[0]! * cols }, (_, at) => {
    let sum = 0
    for (let p = 0; p < rank; p++)
      sum += B.values[Math.floor(at / cols) * rank + p]! * A.values[p * cols + (at % cols)]!
    return (sum * alpha) / rank
  })
}

function gap(a: readonly number[], b: readonly number[]): number {
  const square = (of: readonly number[]) => of.reduce((sum, value) => sum + value ** 2, 0)
  return Math.sqrt(square(a.map((value, i) => value - b[i]!)) / square(b))
}

describe('resize', () => {
  it('writes the best product of the rank, its scale in the factors', async () => {
    const file = await openTensors(...lora(module, 40, 8, 24, 2))
    const { report, file: out } = await resized(file, request({ rank: 3 }))
    const [found] = report.modules
    const s = found!.singularValues
    const floor = Math.sqrt(s.slice(3).reduce((sum, v) => sum + v * v, 0) / s.reduce((sum, v) => sum + v * v, 0))
    const error = gap(await added(out, module), await added(file, module))
    expect(error).toBeCloseTo(floor, 5)
    expect(found!.relativeError).toBeCloseTo(error, 6)
    expect(found).toMatchObject({ rankBefore: 8, rank: 3, scale: 0.25 })
    expect((await matrix(out, `${module}.alpha`)).values[0]).toBe(3)
  })

  it('keeps an odd rank above 256 in alpha to the digit', async () => {
    const file = await openTensors(...lora(module, 320, 301, 310, 301))
    const { file: out } = await resized(file, request({}, { keepRanks: true, form: 'comfy' }))
    const tensor = out.tensors.find(({ name }) => name.endsWith('.alpha'))!
    expect(tensor.dtype).toBe('F32')
    expect((await matrix(out, tensor.name)).values[0]).toBe(301)
  }, 60_000)

  it('shares one module out to three, and joins them again, without losing anything', async () => {
    const file = await openTensors(...lora(qkv, 48, 4, 16, 4))
    const apart = await resized(file, request({}, { keepRanks: true, form: 'diffusers' }))
    expect(apart.report.modules.map(({ name, rank }) => [name, rank])).toEqual(
      ['q', 'k', 'v'].map((letter) => [`transformer.transformer_blocks.0.attn.to_${letter}`, 4]),
    )
    const joined = await resized(apart.file, request({}, { keepRanks: true, form: 'kohya' }))
    expect(joined.report.modules).toMatchObject([{ name: qkv, rank: 12 }])
    expect(gap(await added(joined.file, qkv), await added(file, qkv))).toBeLessThan(1e-6)
    // What is redundant in it goes at the rank it had.
    const small = await resized(joined.file, request({ rank: 4 }))
    expect(small.report.relativeError).toBeLessThan(1e-5)
  })

  it('writes a PEFT folder whose configuration has the rank of each module', async () => {
    const file = await openTensors(
      ...lora(module, 32, 6, 24, 6),
      ...lora('lora_unet_single_blocks_1_linear2', 32, 3, 24, 3),
    )
    const { folder } = await resized(file, request({}, { keepRanks: true, form: 'peft' }))
    const config = JSON.parse(new TextDecoder().decode(folder.files.get('adapter_config.json'))) as Record<
      string,
      unknown
    >
    expect(config).toMatchObject({
      r: 6,
      lora_alpha: 6,
      rank_pattern: { 'single_transformer_blocks.1.proj_out': 3 },
      alpha_pattern: { 'single_transformer_blocks.1.proj_out': 3 },
    })
  })

  it('reads a PEFT folder by its configuration, patterns anchored at the end of a name', async () => {
    const folder = memoryFolder('peft')
    const tensors = ['proj', 'block.0.proj'].flatMap((name) => [
      random(`base_model.model.${name}.lora_A.weight`, [4, 16]),
      random(`base_model.model.${name}.lora_B.weight`, [24, 4]),
    ])
    folder.files.set('adapter_model.safetensors', fileBytes(tensors))
    const config = { r: 4, lora_alpha: 8, use_rslora: true, alpha_pattern: { '^proj': 2, other: 1 } }
    folder.files.set('adapter_config.json', new TextEncoder().encode(JSON.stringify(config)))
    const file = await openWeightFile({ folder, entry: null })
    const { report } = await resized(file, request({ rank: 4 }))
    expect(report.modules.map(({ scale }) => scale)).toEqual([1, 4])
  })

  it('refuses a configuration that nests deeper than whoever writes it again can follow', async () => {
    const folder = memoryFolder('peft')
    const tensors = [random('base_model.model.proj.lora_A.weight', [4, 16])]
    tensors.push(random('base_model.model.proj.lora_B.weight', [24, 4]))
    folder.files.set('adapter_model.safetensors', fileBytes(tensors))
    const deep = `{"r":4,"lora_alpha":8,"more":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
    folder.files.set('adapter_config.json', new TextEncoder().encode(deep))
    const file = await openWeightFile({ folder, entry: null })
    await expect(resized(file, request({ rank: 2 }))).rejects.toMatchObject({ code: 'bad-file' })
  })

  it('pads to one rank everywhere, with the same product', async () => {
    const file = await openTensors(...lora(module, 32, 6, 24, 6), ...lora(qkv, 48, 3, 24, 3))
    const { report, file: out } = await resized(file, request({ rank: 64 }, { oneRank: true }))
    expect(report.modules.map(({ rank }) => rank)).toEqual([6, 6])
    expect(gap(await added(out, qkv), await added(file, qkv))).toBeLessThan(1e-6)
  })

  it.each([
    [
      'an alpha that is no number',
      [...lora(module, 8, 2, 8, 2).slice(0, 2), values(`${module}.alpha`, [], () => Number.NaN)],
      /alpha that is a number/,
    ],
    [
      'factors that do not fit',
      [random(`${module}.lora_down.weight`, [4, 8]), random(`${module}.lora_up.weight`, [8, 3])],
      /factors that fit together, got \[8, 3\] and \[4, 8\]/,
    ],
    ['a factor alone', [random(`${module}.lora_down.weight`, [4, 8])], /a tensor for up, got none/],
    [
      'rank 0',
      [values(`${module}.lora_down.weight`, [0, 8], () => 0), values(`${module}.lora_up.weight`, [8, 0], () => 0)],
      /at least one entry/,
    ],
    ['no adapter at all', [random('model.layers.0.weight', [8, 8])], /holds no low-rank adapter/],
  ] as const)('refuses %s with a sentence', async (_, tensors, sentence) => {
    const file = await openTensors(...tensors)
    const error = await resized(file, request({ rank: 2 })).catch((found: unknown) => found)
    expect(String(error)).toMatch(sentence)
  })

  it('refuses a hundred thousand modules', async () => {
    const one = random('x', [1, 1])
    const names = Array.from({ length: 100_000 }, (_, i) => `lora_unet_${i}.lora_down.weight`)
    const file = {
      ...(await openTensors(one)),
      tensors: names.map((name) => ({ name, dtype: 'F32' as const, shape: [1, 1], byteLength: 4 })),
    }
    await expect(resized(file, request({ rank: 2 }))).rejects.toThrow(/at most 65536 modules, got 100000/)
  })

  it('says what a form has no place for, and what it does not know', async () => {
    const file = await openTensors(...lora(module, 8, 2, 8, 2), ...lora('lora_unet_of_nobody', 8, 2, 8, 2))
    const { report } = await resized(file, request({}, { keepRanks: true, form: 'diffusers' }))
    expect(report.modules).toHaveLength(1)
    expect(report.notices.map((notice) => inEnglish(notice))).toContainEqual(
      expect.stringMatching(/1 of 2 modules have no place in a diffusers adapter.*lora_unet_of_nobody/),
    )
  })

  it('says which factor is no number', async () => {
    const bad = lora('lora_unet_double_blocks_0_img_attn_proj', 6, 2, 5, 2)
    const broken = bad.map((each, k) => (k === 1 ? values(each.name, each.shape as number[], () => Number.NaN) : each))
    await expect(resized(await openTensors(...broken), request({ rank: 1 }))).rejects.toMatchObject({
      code: 'bad-file',
    })
  })
})
