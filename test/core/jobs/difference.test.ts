import { describe, expect, it } from 'vitest'
import { adapterModel, pairModel } from '../../../core/adapters/difference-model.ts'
import type { JobOf } from '../../../core/contract.ts'
import { decodeFloat32, encode } from '../../../core/formats/dtype.ts'
import type { WeightFile } from '../../../core/formats/format.ts'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { analyzeTensor } from '../../../core/jobs/analyze.ts'
import { extractAdapter } from '../../../core/jobs/extract.ts'
import { comparePair } from '../../../core/jobs/pair.ts'
import { planCompression } from '../../../core/jobs/plan.ts'
import { resizeAdapter } from '../../../core/jobs/resize.ts'
import { normalPair } from '../../../core/kernels/philox.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { SketchCache } from '../../../core/sketch-cache/sketch-cache.ts'
import type { OutputId } from '../../../core/styles.ts'
import { mergeParts } from '../../../core/write/parts/merge.ts'
import { memoryFolder } from '../memory-folder.ts'
import { openTensors, type TestTensor, testContext } from './harness.ts'

const noise = (key: number, i: number) => normalPair([key, 7], i, 0)[0]

function tensor(name: string, shape: readonly [number, number], make: (i: number) => number): TestTensor {
  const values = Float64Array.from({ length: shape[0] * shape[1] }, (_, i) => make(i))
  return { name, dtype: 'F32', shape, bytes: encode('F32', values).bytes }
}

/** A difference of this rank with falling singular values. */
const added = (key: number, cols: number, rank: number) => (i: number) => {
  let sum = 0
  for (let k = 0; k < rank; k++)
    sum += (normalPair([key, k], Math.floor(i / cols), 1)[0] * normalPair([key, k], i % cols, 2)[0]) / (k + 1)
  return 0.05 * sum
}

const q = 'model.layers.0.self_attn.q_proj.weight'
const up = 'model.layers.0.mlp.up_proj.weight'
const shapes = { [q]: [48, 32], [up]: [80, 32] } as const

async function models(rank = 6) {
  const names = [q, up] as const
  const base = names.map((name, k) => tensor(name, shapes[name], (i) => noise(k, i)))
  const tuned = names.map((name, k) => tensor(name, shapes[name], (i) => noise(k, i) + added(k + 20, 32, rank)(i)))
  return { base: await openTensors(...base), tuned: await openTensors(...tuned) }
}

function planJob(output: OutputId, params: Partial<Params>, rest: Partial<JobOf<'plan'>> = {}): JobOf<'plan'> {
  return {
    kind: 'plan',
    files: { model: 'm' },
    output,
    params: { ...defaultParams, ...params },
    include: [],
    exclude: [],
    knownCurves: true,
    ...rest,
  }
}

function extractJob(params: Partial<Params>, rest: Partial<JobOf<'extract'>> = {}): JobOf<'extract'> {
  return {
    kind: 'extract',
    files: { base: 'b', tuned: 't' },
    target: 't',
    form: 'peft',
    params: { ...defaultParams, ...params },
    ...{ convRank: null, whole: 'list', oneRank: false, rule: null, force: false, resume: false, part: null },
    ...{ include: [], exclude: [] },
    ...rest,
  }
}

async function extracted(files: Awaited<ReturnType<typeof models>>, job: JobOf<'extract'>, context = testContext()) {
  const folder = memoryFolder('out')
  return { report: await extractAdapter({ ...files, target: { folder, name: 'o' } }, job, context), folder }
}

const goals: [string, Partial<Params>][] = [
  ['a rank', { rank: 4 }],
  ['an error', { goalError: 0.2, minRank: 1 }],
  ['a size', { goalSize: 2400, minRank: 1 }],
]

describe('a file of differences', () => {
  it.each(goals)('is planned as it is extracted, to the byte: %s', async (_, params) => {
    const files = await models()
    const model = await pairModel(files.base, files.tuned, 'peft', false)
    const planned = await planCompression({ model }, planJob('peft', { ...params, method: 'exact' }), testContext())
    const { report } = await extracted(files, extractJob({ ...params, method: 'exact' }))
    expect(planned.bytesAfter).toBe(report.bytesAfter)
    const ranks = (tensors: readonly { readonly name: string; readonly rank: number | null }[]) =>
      tensors.map(({ name, rank }) => [name, rank])
    expect(ranks(planned.tensors)).toEqual(ranks(report.tensors))
  })

  it('is analyzed like any model', async () => {
    const files = await models()
    const model = await pairModel(files.base, files.tuned, 'peft', false)
    const params = { ...defaultParams, rank: 6 }
    const job = { kind: 'analyze', files: { model: 'm' }, tensor: q, params, repeat: 0, reuse: false } as const
    expect((await analyzeTensor({ model }, job, testContext())).relativeError).toBeLessThan(1e-4)
  })

  it('says what lies between the two', async () => {
    const files = await models()
    const model = await pairModel(files.base, files.tuned, null, false)
    expect(model.difference.form).toBe('peft')
    const report = await comparePair({ model }, { kind: 'pair', files: { model: 'm' } }, testContext())
    expect(report.verdict[0]).toMatchObject({ key: 'extract.verdict-fine-tune' })
    expect(report.differences.map(({ name }) => name)).toEqual([q, up])
    await expect(planCompression({ model }, planJob('factors', { rank: 4 }), testContext())).rejects.toMatchObject({
      code: 'bad-request',
    })
  })

  it('leaves what is no number out of every norm', async () => {
    const { base, tuned } = await models()
    const read: WeightFile['read'] = async (info, start, end) => {
      const bytes = await tuned.read(info, start, end)
      if (info.name === q) new Float32Array(bytes.buffer, bytes.byteOffset)[3] = Number.NaN
      return bytes
    }
    const model = await pairModel(base, { ...tuned, read }, null, false)
    const { differences, cosine } = await comparePair({ model }, { kind: 'pair', files: { model: 'm' } }, testContext())
    expect(cosine).toBeGreaterThan(0.9)
    for (const { share, norm } of differences) expect(share * norm).toBeGreaterThan(0)
  })

  it('keeps sketches of rows in another order apart', async () => {
    const { base, tuned } = await models()
    const config = { architectures: ['LlamaForCausalLM'], num_attention_heads: 4, num_key_value_heads: 4 }
    const beside = async () => new TextEncoder().encode(JSON.stringify(config))
    const files = { base: { ...base, beside }, tuned: { ...tuned, beside } }
    const cache = new SketchCache({ hotTensors: 8, warmTensors: 8 }, null)
    const shared = testContext({ sketches: { cache, sourceHash: 'pair' } })
    const goal = { goalError: 0.05, minRank: 1 }
    await extracted(files, extractJob(goal), shared)
    const after = await extracted(files, extractJob(goal, { form: 'gguf' }), shared)
    const alone = await extracted(files, extractJob(goal, { form: 'gguf' }))
    expect(after.folder.files.get('o')).toEqual(alone.folder.files.get('o'))
  })
})

describe('the rules of LoRA tools, in an extraction', () => {
  it.each([
    ['ratio', 4],
    ['cumulative', 0.8],
    ['fro', 0.9],
  ] as const)('%s', async (rule, value) => {
    const files = await models(8)
    const { report } = await extracted(
      files,
      extractJob({ method: 'exact', factorDType: 'F32' }, { rule: { rule, value } }),
    )
    const model = await pairModel(files.base, files.tuned, 'peft', false)
    for (const name of [q, up]) {
      const params = { ...defaultParams, method: 'exact', rank: 8 } as const
      const look = { kind: 'analyze', files: { model: 'm' }, tensor: name, params, repeat: 0, reuse: false } as const
      const { singularValues: s } = await analyzeTensor({ model }, look, testContext())
      const sum = (of: (value: number) => number, count = s.length) => s.slice(0, count).reduce((a, b) => a + of(b), 0)
      const wanted =
        rule === 'ratio'
          ? s.filter((each) => each > s[0]! / value).length
          : 1 +
            s.findIndex((_, i) => {
              const power = rule === 'fro' ? 2 : 1
              return sum((x) => x ** power, i + 1) >= value ** power * sum((x) => x ** power)
            })
      expect(report.tensors.find((each) => each.name === name)?.rank).toBe(wanted)
    }
  })
})

describe('an adapter as what it adds', () => {
  const lora = (name: string, rows: number, rank: number, cols: number, key: number) => [
    tensor(`${name}.lora_down.weight`, [rank, cols], (i) => noise(key, i)),
    tensor(`${name}.lora_up.weight`, [rows, rank], (i) => noise(key + 1, i) / (1 + (i % rank))),
    { name: `${name}.alpha`, dtype: 'F32', shape: [], bytes: encode('F32', Float64Array.of(rank / 2)).bytes } as const,
  ]
  const first = 'lora_unet_double_blocks_0_img_attn_proj'
  const second = 'lora_unet_double_blocks_1_img_attn_proj'
  const open = () => openTensors(...lora(first, 40, 8, 24, 1), ...lora(second, 24, 8, 40, 3))

  it('has the product with its scale as values', async () => {
    const model = await adapterModel(await open(), null)
    expect(model.difference.report.adapter).toMatchObject({
      form: 'kohya',
      modules: 2,
      ranks: [8, 8],
      scales: [0.5, 0.5],
    })
    const [info] = model.tensors
    const D = decodeFloat32('F32', await model.read(info!))
    let sum = 0
    for (let k = 0; k < 8; k++) sum += (noise(2, 3 * 8 + k) / (1 + k)) * noise(1, k * 24 + 5)
    expect(D[3 * 24 + 5]).toBeCloseTo(0.5 * sum, 5)
    expect(decodeFloat32('F32', await model.read(info!, 4 * 77, 4 * 78))[0]).toBe(D[77])
  })

  it('is not called quantized where it is a LoHa, whose product is what is analyzed', async () => {
    const factors = [1, 2].flatMap((k) => [
      tensor(`${first}.hada_w${k}_a`, [40, 4], (i) => noise(k, i)),
      tensor(`${first}.hada_w${k}_b`, [4, 24], (i) => noise(k + 2, i)),
    ])
    const model = await adapterModel(await openTensors(...factors), null)
    const common = { params: { ...defaultParams, rank: 8 }, repeat: 0, reuse: false }
    const job = { kind: 'analyze', files: { model: 'm' }, tensor: model.tensors[0]!.name, ...common } as const
    const { notices } = await analyzeTensor({ model }, job, testContext())
    expect(notices.map(inEnglish)).toEqual(['The product that a LoHa in F32 stands for.'])
  })

  it.each([...goals.slice(0, 2), ['a share', { goalSize: 0.5, minRank: 1 }] as [string, Partial<Params>]])(
    'is planned as it is resized, to the byte: %s',
    async (_, params) => {
      const file: WeightFile = await open()
      const model = await adapterModel(file, null)
      const planned = await planCompression({ model }, planJob('kohya', params), testContext())
      const folder = memoryFolder('out')
      const common = {
        form: null,
        rule: null,
        keepRanks: false,
        oneRank: false,
        include: [],
        exclude: [],
        force: false,
      }
      const job: JobOf<'resize'> = {
        ...{ kind: 'resize', files: { adapter: 'a' }, target: 't', ...common },
        params: { ...defaultParams, ...params },
      }
      const report = await resizeAdapter({ adapter: file, target: { folder, name: 'o' } }, job, testContext())
      expect(planned.bytesAfter).toBe(report.bytesAfter)
      expect(planned.tensors.map(({ rank }) => rank)).toEqual(report.modules.map(({ rank }) => rank))
      for (const [i, { relativeError }] of planned.tensors.entries())
        expect(relativeError).toBeCloseTo(report.modules[i]!.relativeError, 3)
    },
  )

  it('is planned beside its base as it is resized', async () => {
    const block = (i: number) => `double_blocks.${i}.img_attn.proj.weight`
    const base = await openTensors(
      tensor(block(0), [40, 24], (i) => 9 * noise(8, i)),
      tensor(block(1), [24, 40], (i) => 9 * noise(9, i)),
    )
    const params = { ...defaultParams, goalError: 0.1, minRank: 1 }
    const ranksOf = async (beside: WeightFile | undefined) => {
      const model = await adapterModel(await open(), null, beside)
      const planned = await planCompression({ model }, planJob('kohya', params), testContext())
      const job: JobOf<'resize'> = {
        ...{ kind: 'resize', files: { adapter: 'a' }, target: 't', form: null, rule: null, force: false },
        ...{ keepRanks: false, oneRank: false, include: [], exclude: [], params },
      }
      const target = { folder: memoryFolder('out'), name: 'o' }
      const report = await resizeAdapter(
        { adapter: await open(), target, ...(beside && { base: beside }) },
        job,
        testContext(),
      )
      const ranks = report.modules.map(({ rank }) => rank)
      expect(planned.tensors.map(({ rank }) => rank)).toEqual(ranks)
      return ranks
    }
    const [alone, beside] = [await ranksOf(undefined), await ranksOf(base)]
    for (const [i, rank] of beside.entries()) expect(rank).toBeLessThan(alone[i]!)
  })

  it('leaves out modules that are not chosen, and keeps ranks that are pinned', async () => {
    const folder = memoryFolder('out')
    const rules = { include: [], exclude: [second], pins: [{ match: first, rank: 3 }] }
    const job: JobOf<'resize'> = {
      ...{ kind: 'resize', files: { adapter: 'a' }, target: 't', form: null, rule: null, force: false },
      ...{ keepRanks: false, oneRank: false, params: { ...defaultParams, rank: 6 }, ...rules },
    }
    const report = await resizeAdapter({ adapter: await open(), target: { folder, name: 'o' } }, job, testContext())
    expect(report.modules.map(({ name, rank }) => [name, rank])).toEqual([[first, 3]])
  })
})

describe('parts of an extraction', () => {
  const names = [0, 1, 2, 3].flatMap((i) => [
    `double_blocks.${i}.img_attn.proj.weight`,
    `double_blocks.${i}.txt_mlp.0.weight`,
  ])
  const pair = async () => ({
    base: await openTensors(...names.map((name, k) => tensor(name, [48, 32], (i) => noise(k, i)))),
    tuned: await openTensors(
      ...names.map((name, k) => tensor(name, [48, 32], (i) => noise(k, i) + added(k + 40, 32, 2 + k)(i))),
    ),
  })

  it.each([
    ['kohya', { rank: 5 }],
    ['kohya', { goalError: 0.1, minRank: 1 }],
    ['diffusers', { goalError: 0.1, minRank: 1 }],
    ['comfy', { goalSize: 12_000, minRank: 1 }],
  ] as const)('are merged to the bytes of one run: %s, %o', async (form, params) => {
    const files = await pair()
    const whole = await extracted(files, extractJob(params, { form }))
    const parts: WeightFile[] = []
    for (const index of [1, 2, 3]) {
      const { folder } = await extracted(files, extractJob(params, { form, part: { index, of: 3 } }))
      parts.push(await openWeightFile({ folder, entry: 'o' }))
    }
    const folder = memoryFolder('out')
    await mergeParts({ parts, target: { folder, name: 'o' } }, { force: false }, testContext())
    expect(folder.files.get('o')).toEqual(whole.folder.files.get('o'))
  })

  it('are refused where the form has no place for them', async () => {
    const job = extractJob({ rank: 5 }, { form: 'peft', part: { index: 1, of: 3 } })
    await expect(extracted(await pair(), job)).rejects.toMatchObject({ code: 'bad-request' })
  })
})
