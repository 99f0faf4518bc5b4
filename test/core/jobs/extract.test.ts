import { describe, expect, it } from 'vitest'
import { readAdapter } from '../../../core/adapters/read.ts'
import type { JobOf } from '../../../core/contract.ts'
import { decodeFloat64, encode } from '../../../core/formats/dtype.ts'
import type { WeightFile } from '../../../core/formats/format.ts'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { memorySource, pickedAlone } from '../../../core/io.ts'
import { extractAdapter } from '../../../core/jobs/extract.ts'
import { normalPair } from '../../../core/kernels/philox.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { type ComputableDType, elementCount } from '../../../core/tensor.ts'
import { memoryFolder } from '../memory-folder.ts'
import { openTensors, type TestTensor, testContext } from './harness.ts'

type Make = (i: number) => number
function tensor(name: string, shape: readonly number[], make: Make, dtype: ComputableDType = 'F32'): TestTensor {
  const values = Float64Array.from({ length: elementCount(shape) }, (_, i) => make(i))
  return { name, dtype, shape, bytes: encode(dtype, values).bytes }
}
const noise = (key: number) => (i: number) => normalPair([key, 7], i, 0)[0]
/** Of this rank, a twentieth of the noise. */
const lowRank =
  (key: number, cols: number, rank: number): Make =>
  (i) => {
    let sum = 0
    for (let k = 0; k < rank; k++)
      sum += normalPair([key, k], Math.floor(i / cols), 1)[0] * normalPair([key, k], i % cols, 2)[0]
    return 0.05 * sum
  }
const plus =
  (a: Make, b: Make): Make =>
  (i) =>
    a(i) + b(i)

const q = 'model.layers.0.self_attn.q_proj.weight'
const up = 'model.layers.0.mlp.up_proj.weight'
const same = 'model.layers.0.mlp.down_proj.weight'
const norm = 'model.layers.0.input_layernorm.weight'

function pair(dtype: ComputableDType = 'F32') {
  const base = [
    tensor(q, [48, 32], noise(1), dtype),
    tensor(up, [80, 32], noise(2), dtype),
    tensor(same, [32, 80], noise(3), dtype),
    tensor(norm, [32], noise(4), dtype),
  ]
  const tuned = [
    tensor(q, [48, 32], plus(noise(1), lowRank(11, 32, 3)), dtype),
    tensor(up, [80, 32], plus(noise(2), lowRank(12, 32, 5)), dtype),
    tensor(same, [32, 80], noise(3), dtype),
    tensor(
      norm,
      [32],
      plus(noise(4), () => 0.5),
      dtype,
    ),
    tensor('model.layers.0.extra.weight', [8, 8], noise(5), dtype),
  ]
  return { base, tuned }
}

function request(params: Partial<Params>, rest: Partial<JobOf<'extract'>> = {}): JobOf<'extract'> {
  const choices = {
    convRank: null,
    whole: 'list',
    oneRank: false,
    rule: null,
    force: false,
    resume: false,
    part: null,
  } as const
  return {
    kind: 'extract',
    files: { base: 'b', tuned: 't' },
    target: 't',
    form: 'peft',
    params: { ...defaultParams, ...params },
    ...choices,
    include: [],
    exclude: [],
    ...rest,
  }
}

async function extracted(base: readonly TestTensor[], tuned: readonly TestTensor[], job: JobOf<'extract'>) {
  const files = { base: await openTensors(...base), tuned: await openTensors(...tuned) }
  const folder = memoryFolder('out')
  const report = await extractAdapter({ ...files, target: { folder, name: 'out' } }, job, testContext())
  const inFolder = folder.folders.get('out')
  const file = await openWeightFile(
    inFolder ? { folder: inFolder, entry: 'adapter_model.safetensors' } : { folder, entry: 'out' },
  )
  return { report, file, folder: inFolder ?? folder }
}

async function values(file: WeightFile, name: string) {
  const found = file.tensors.find((each) => each.name === name)!
  return { shape: found.shape, values: decodeFloat64(found.dtype as 'F32', await file.read(found)) }
}

/** ||base + B A - tuned|| / ||tuned - base|| */
async function missed(
  file: WeightFile,
  module: string,
  base: TestTensor,
  tuned: TestTensor,
  endings = ['lora_A', 'lora_B'],
) {
  const A = await values(file, `${module}.${endings[0]}.weight`)
  const B = await values(file, `${module}.${endings[1]}.weight`)
  const [W, T] = [base, tuned].map(({ dtype, bytes }) => decodeFloat64(dtype as 'F32', bytes)) as [
    Float64Array,
    Float64Array,
  ]
  const rank = A.shape[0]!
  const cols = A.values.length / rank
  let [off, whole] = [0, 0]
  for (let i = 0; i < W.length; i++) {
    let sum = W[i]!
    for (let k = 0; k < rank; k++) sum += B.values[Math.floor(i / cols) * rank + k]! * A.values[k * cols + (i % cols)]!
    off += (sum - T[i]!) ** 2
    whole += (T[i]! - W[i]!) ** 2
  }
  return Math.sqrt(off / whole)
}

describe('extract', () => {
  it('finds a low-rank difference, module by module, and leaves out what did not change', async () => {
    const { base, tuned } = pair()
    const { report, file, folder } = await extracted(
      base,
      tuned,
      request({ goalError: 0.001, minRank: 1, method: 'exact' }),
    )
    const found = Object.fromEntries(report.tensors.map(({ name, rank }) => [name, rank]))
    expect(found).toMatchObject({ [q]: 3, [up]: 5, [same]: null })
    expect(await missed(file, 'base_model.model.model.layers.0.self_attn.q_proj', base[0]!, tuned[0]!)).toBeLessThan(
      1e-5,
    )
    expect(await missed(file, 'base_model.model.model.layers.0.mlp.up_proj', base[1]!, tuned[1]!)).toBeLessThan(1e-5)
    expect(report.retained).toBeCloseTo(1, 6)
    const config = JSON.parse(new TextDecoder().decode(folder.files.get('adapter_config.json'))) as Record<
      string,
      unknown
    >
    expect(config.rank_pattern).toEqual({ 'model.layers.0.self_attn.q_proj': 3 })
    expect(config.r).toBe(5)
  })

  it('says what it left out, and why', async () => {
    const { base, tuned } = pair()
    const { report } = await extracted(base, tuned, request({ rank: 8 }))
    const reasons = Object.fromEntries(report.tensors.map(({ name, reason }) => [name, inEnglish(reason)]))
    expect(reasons[same]).toMatch(/^Identical in both models/)
    const notices = report.notices.map((notice) => inEnglish(notice))
    expect(notices).toContainEqual(expect.stringMatching(/1 tensors are in the tuned model alone.*extra/))
    expect(notices).toContainEqual(expect.stringMatching(/1 tensors that are no matrices differ.*input_layernorm/))
  })

  it('gives the same bytes again, and knows what is finished', async () => {
    const { base, tuned } = pair('BF16')
    const job = request({ rank: 4 }, { form: 'kohya', resume: true })
    const files = { base: await openTensors(...base), tuned: await openTensors(...tuned) }
    const folder = memoryFolder('out')
    const run = () =>
      extractAdapter({ ...files, target: { folder, name: 'out' } }, { ...job, form: 'peft' }, testContext())
    await run()
    const first = folder.folders.get('out')!.files.get('adapter_model.safetensors')!
    const again = await run()
    expect(again.notices.map((notice) => inEnglish(notice))).toContainEqual(expect.stringMatching(/finished before/))
    expect(folder.folders.get('out')!.files.get('adapter_model.safetensors')).toEqual(first)
  })

  it.each([
    ['a fine-tune', 0.05, 'A fine-tune'],
    ['an unrelated model', 30, 'unrelated'],
    ['something between', 1.2, 'neither a plain fine-tune nor unrelated'],
  ])('calls %s that', async (_, weight, words) => {
    const base = [tensor(q, [48, 32], noise(1))]
    const tuned = [
      tensor(
        q,
        [48, 32],
        plus(noise(1), (i) => weight * noise(9)(i)),
      ),
    ]
    const { report } = await extracted(base, tuned, request({ rank: 8 }))
    expect(inEnglish(report.verdict)).toContain(words)
    expect(inEnglish(report.verdict)).toMatch(/No low-rank structure/)
  })

  it('finds structure where there is some', async () => {
    const { base, tuned } = pair()
    const { report } = await extracted(base, tuned, request({ rank: 3 }))
    expect(inEnglish(report.verdict)).not.toMatch(/No low-rank structure/)
  })

  it.each([
    ['identical models', (t: TestTensor[]) => t, /The two models are identical\. There is nothing to extract/],
    ['models without a tensor in common', () => [tensor('other.weight', [8, 8], noise(1))], /not of one family/],
  ])('refuses %s', async (_, change, sentence) => {
    const { base } = pair()
    await expect(extracted(base, change(base), request({ rank: 4 }))).rejects.toThrow(sentence)
  })

  it('lists tensors whose shapes differ, and extracts the others', async () => {
    const { base, tuned } = pair()
    const wider = tensor(up, [81, 32], noise(2))
    const { report } = await extracted(base, [tuned[0]!, wider], request({ rank: 4 }))
    const reason = report.tensors.find(({ name }) => name === up)!.reason
    expect(inEnglish(reason)).toMatch(/Its shapes differ: \[80, 32\] in the base, \[81, 32\] in the tuned model/)
  })

  it('puts a fused projection of the base together from the parts of the tuned model, for a loader that has it fused', async () => {
    const fused = 'model.diffusion_model.double_blocks.0.img_attn.qkv.weight'
    const parts = ['q', 'k', 'v'].map((letter) => `transformer.transformer_blocks.0.attn.to_${letter}.weight`)
    const own =
      (at: number): Make =>
      (i) =>
        noise(1)(at * 16 * 24 + i)
    const added = lowRank(13, 24, 2)
    const base = [tensor(fused, [48, 24], noise(1))]
    const tuned = parts.map((name, at) =>
      tensor(
        name,
        [16, 24],
        plus(own(at), (i) => added(at * 16 * 24 + i)),
      ),
    )
    const whole = tensor(fused, [48, 24], plus(noise(1), added))
    const { file } = await extracted(base, tuned, request({ rank: 2 }, { form: 'kohya' }))
    expect(
      await missed(file, 'lora_unet_double_blocks_0_img_attn_qkv', base[0]!, whole, ['lora_down', 'lora_up']),
    ).toBeLessThan(1e-5)
    const other = await extracted(base, tuned, request({ rank: 2 }, { form: 'diffusers' }))
    expect(
      await missed(other.file, 'transformer.transformer_blocks.0.attn.to_k', tensor('', [16, 24], own(1)), tuned[1]!),
    ).toBeLessThan(1e-5)
  })

  it('writes norms whole for PEFT, as the tuned model has them, and no bias of a module with a matrix', async () => {
    const { base, tuned } = pair('BF16')
    const bias = (value: number) => tensor('model.layers.0.self_attn.q_proj.bias', [48], () => value, 'BF16')
    const models = [
      [...base, bias(0)],
      [...tuned, bias(1)],
    ] as const
    const { report, file, folder } = await extracted(...models, request({ rank: 3 }, { whole: 'save' }))
    const config = JSON.parse(new TextDecoder().decode(folder.files.get('adapter_config.json'))) as Record<
      string,
      unknown
    >
    expect(config.modules_to_save).toEqual(['model.layers.0.input_layernorm'])
    const saved = file.tensors.find(({ name }) => name === `base_model.model.${norm}`)
    expect(Buffer.from(await file.read(saved!))).toEqual(Buffer.from(tuned[3]!.bytes))
    expect(report.notices.find(({ key }) => key === 'extract.whole-left')?.values).toMatchObject({ count: 1 })
  })

  it('stacks experts as llama.cpp has them, whichever way each model does', async () => {
    const [experts, rows, cols, rank] = [3, 80, 64, 2]
    const own = (e: number): Make => noise(30 + e)
    const added = (e: number): Make => lowRank(40 + e, cols, rank)
    const name = (e: number) => `model.layers.0.mlp.experts.${e}.gate_proj.weight`
    const stack: Make = (i) => own(Math.floor(i / rows / cols))(i % (rows * cols))
    const base = await openTensors(tensor('blk.0.ffn_gate_exps.weight', [experts, rows, cols], stack))
    const tuned = await openTensors(
      ...[0, 1, 2].map((e) => tensor(name(e), [rows, cols], plus(own(e), added(e)))),
      tensor('model.layers.0.mlp.experts.0.up_proj.weight', [rows, cols], noise(9)),
    )
    const metadata = new Map([['general.architecture', 'qwen2moe']])
    const folder = memoryFolder('out')
    const files = { base: { ...base, metadata }, tuned, target: { folder, name: 'out' } }
    const report = await extractAdapter(files, request({ rank, factorDType: 'F32' }, { form: 'gguf' }), testContext())
    expect(report.tensors.find((each) => each.name === name(0))?.relativeError).toBeLessThan(1e-5)
    const file = await openWeightFile(pickedAlone(memorySource('out', folder.files.get('out')!)))
    const [A, B] = [
      await values(file, 'blk.0.ffn_gate_exps.weight.lora_a'),
      await values(file, 'blk.0.ffn_gate_exps.weight.lora_b'),
    ]
    expect([A.shape, B.shape]).toEqual([
      [experts, rank, cols],
      [experts, rows, rank],
    ])
    for (const [e, i, j] of [
      [0, 0, 0],
      [1, 79, 63],
      [2, 40, 7],
    ] as const) {
      let sum = 0
      for (let k = 0; k < rank; k++) sum += B.values[(e * rows + i) * rank + k]! * A.values[(e * rank + k) * cols + j]!
      expect(sum).toBeCloseTo(added(e)(i * cols + j), 5)
    }
  })

  it.each([4_000_000_000, 99_999_999_999])('makes no room for expert %i of a stack', async (number) => {
    const metadata = new Map([['general.architecture', 'qwen2moe']])
    const name = (e: number) => `model.layers.0.mlp.experts.${e}.gate_proj.weight`
    const models = await Promise.all(
      [1, 2].map((seed) => openTensors(...[0, number].map((e) => tensor(name(e), [80, 64], noise(seed + (e % 7)))))),
    )
    const [base, tuned] = models.map((each) => ({ ...each, metadata }))
    const files = { base: base!, tuned: tuned!, target: { folder: memoryFolder('out'), name: 'out' } }
    const extracted = extractAdapter(files, request({ rank: 2, factorDType: 'F32' }, { form: 'gguf' }), testContext())
    await expect(extracted).rejects.toMatchObject({ code: 'bad-request' })
  })

  it('undoes the order that GGUF has the rows of heads in', async () => {
    const head = 8
    const order = (r: number) => {
      const [h, k, j] = [Math.floor(r / head), Math.floor((r % head) / 2), r % 2]
      return h * head + j * (head / 2) + k
    }
    const hf = noise(1)
    const gguf: Make = (i) => hf(order(Math.floor(i / 32)) * 32 + (i % 32))
    const tuned = [tensor(q, [48, 32], plus(hf, lowRank(11, 32, 3)))]
    const base = await openTensors(tensor('blk.0.attn_q.weight', [48, 32], gguf))
    const metadata = new Map([
      ['general.architecture', 'llama'],
      ['llama.attention.head_count', '6'],
      ['llama.attention.head_count_kv', '6'],
    ])
    const folder = memoryFolder('out')
    const files = { base: { ...base, metadata }, tuned: await openTensors(...tuned) }
    const report = await extractAdapter(
      { ...files, target: { folder, name: 'out.gguf' } },
      request({ rank: 3, factorDType: 'F32' }, { form: 'gguf' }),
      testContext(),
    )
    expect(report.retained).toBeCloseTo(1, 6)
    const adapter = await readAdapter(await openWeightFile({ folder, entry: 'out.gguf' }))
    expect(adapter.modules).toMatchObject([{ name: 'blk.0.attn_q', rank: 3, scale: 1 }])
    const B = await values(adapter.file, 'blk.0.attn_q.weight.lora_b')
    const A = await values(adapter.file, 'blk.0.attn_q.weight.lora_a')
    let [off, whole] = [0, 0]
    for (let r = 0; r < 48; r++)
      for (let c = 0; c < 32; c++) {
        const expected = lowRank(11, 32, 3)(order(r) * 32 + c)
        let sum = 0
        for (let k = 0; k < 3; k++) sum += B.values[r * 3 + k]! * A.values[k * 32 + c]!
        off += (sum - expected) ** 2
        whole += expected ** 2
      }
    expect(Math.sqrt(off / whole)).toBeLessThan(1e-5)
  })

  it('writes Conv1D and embeddings transposed, as PEFT has them', async () => {
    const conv = 'h.0.attn.c_attn.weight'
    const table = 'wte.weight'
    const base = [tensor(conv, [32, 96], noise(1)), tensor(table, [70, 32], noise(2))]
    const tuned = [
      tensor(conv, [32, 96], plus(noise(1), lowRank(3, 96, 2))),
      tensor(table, [70, 32], plus(noise(2), lowRank(4, 32, 2))),
    ]
    const { file, folder, report } = await extracted(base, tuned, request({ rank: 2 }, { include: ['*'] }))
    expect(report.retained).toBeCloseTo(1, 6)
    const shapes = Object.fromEntries(
      file.tensors.map(({ name, shape }) => [name.replace('base_model.model.transformer.', ''), shape]),
    )
    expect(shapes).toEqual({
      'h.0.attn.c_attn.lora_A.weight': [2, 32],
      'h.0.attn.c_attn.lora_B.weight': [96, 2],
      'wte.lora_embedding_A': [2, 70],
      'wte.lora_embedding_B': [32, 2],
    })
    const config = JSON.parse(new TextDecoder().decode(folder.files.get('adapter_config.json'))) as Record<
      string,
      unknown
    >
    expect(config.fan_in_fan_out).toBe(true)
  })

  it('saves whole differences for ComfyUI, and leaves convolutions out unless they get a rank', async () => {
    const at = 'model.diffusion_model.'
    const names = [
      `${at}input_blocks.1.0.in_layers.2.weight`,
      `${at}input_blocks.1.1.norm.weight`,
      `${at}input_blocks.1.1.norm.bias`,
    ]
    const base = [
      tensor(names[0]!, [16, 8, 3, 3], noise(1)),
      tensor(names[1]!, [8], noise(2)),
      tensor(names[2]!, [8], noise(3)),
    ]
    const tuned = [
      tensor(names[0]!, [16, 8, 3, 3], plus(noise(1), lowRank(3, 72, 2))),
      tensor(
        names[1]!,
        [8],
        plus(noise(2), () => 1),
      ),
      tensor(
        names[2]!,
        [8],
        plus(noise(3), () => 2),
      ),
    ]
    const { file } = await extracted(base, tuned, request({ rank: 4 }, { form: 'comfy', whole: 'save', convRank: 2 }))
    expect((await values(file, 'diffusion_model.input_blocks.1.1.norm.diff')).values[0]).toBeCloseTo(1, 5)
    expect((await values(file, 'diffusion_model.input_blocks.1.1.norm.diff_b')).values[0]).toBeCloseTo(2, 5)
    const module = 'diffusion_model.input_blocks.1.0.in_layers.2'
    expect((await values(file, `${module}.lora_down.weight`)).shape).toEqual([2, 8, 3, 3])
    expect(await missed(file, module, base[0]!, tuned[0]!, ['lora_down', 'lora_up'])).toBeLessThan(1e-5)
    await expect(extracted(base, tuned, request({ rank: 4 }, { form: 'comfy' }))).rejects.toThrow(/nothing to extract/)
  })
})

describe('an extraction weighed by statistics', () => {
  it('has a smaller output error than one of the weights, and says the weight error beside it', async () => {
    const { base, tuned } = pair()
    // Inputs of which a few are a hundred times as large as the others.
    const squares = (name: string) => [
      tensor(`${name}.sum2`, [32], (i) => (i % 8 === 0 ? 1e4 : 1)),
      tensor(`${name}.count`, [1], () => 1),
    ]
    const files = async () => ({
      base: await openTensors(...base),
      tuned: await openTensors(...tuned),
      statistics: await openTensors(...squares(q), ...squares(up)),
    })
    const run = async (weighed: boolean, rank: number) => {
      const { statistics, ...models } = await files()
      const target = { folder: memoryFolder('out'), name: 'a' }
      const given = weighed ? { ...models, statistics, target } : { ...models, target }
      return extractAdapter(given as never, request({ rank, method: 'exact' }), testContext())
    }
    const [plain, weighed] = [await run(false, 2), await run(true, 2)]
    const of = (report: typeof plain) => report.tensors.find(({ name }) => name === q)!
    expect(weighed.statistics).toMatchObject({ covered: 2 })
    // The directions of the weights are not those of the outputs: each is the nearest in its own norm.
    expect(of(weighed).weightError!).toBeGreaterThan(of(plain).relativeError!)
    expect(of(weighed).relativeError!).toBeLessThan(of(weighed).weightError!)
    expect(weighed.retained).toBeLessThan(plain.retained)
  })
})
