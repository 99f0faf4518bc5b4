import { describe, expect, it } from 'vitest'
import type { WeightFile } from '../../../core/formats/format.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { describeFile } from '../../../core/plan/describe.ts'
import { planFile } from '../../../core/plan/plan.ts'
import { noRules, type Rules } from '../../../core/rules.ts'
import { type DType, dtypeBits, elementCount } from '../../../core/tensor.ts'

/** A file of which only the header exists: plans read no weights. */
function fileOf(...tensors: [name: string, shape: number[], dtype?: DType][]): WeightFile {
  return {
    format: 'safetensors',
    safety: 'safe',
    totalBytes: 0,
    tensors: tensors.map(([name, shape, dtype = 'F32']) => ({
      name,
      dtype,
      shape,
      byteLength: (elementCount(shape) * dtypeBits[dtype]) / 8,
    })),
    metadata: new Map(),
    notices: [],
    shards: [],
    read: () => Promise.reject(new Error('a plan reads no weights')),
    close: async () => {},
  }
}

function reasons(file: WeightFile, params: Partial<Params> = {}, rules: Partial<Rules> = {}) {
  const plans = planFile(file, { ...defaultParams, ...params }, { ...noRules, ...rules })
  return Object.fromEntries(plans.map(({ info, action, reason }) => [info.name, `${action}: ${inEnglish(reason)}`]))
}

describe('planFile', () => {
  it('keeps what is no matrix or no weight, and says so', () => {
    const found = reasons(
      fileOf(
        ['norm.weight', [512]],
        ['scalar', []],
        ['empty', [0, 128]],
        ['deep', [2, 2, 2, 2, 2, 2]],
        ['ids', [512, 512], 'I64'],
      ),
    )
    expect(found['norm.weight']).toMatch(/^keep: It is one-dimensional/)
    expect(found.scalar).toMatch(/^keep: It is a single number/)
    expect(found.empty).toMatch(/^keep: It has no entries/)
    expect(found.deep).toMatch(/^keep: It has 6 dimensions/)
    expect(found.ids).toMatch(/^keep: I64 values/)
  })

  it('keeps embeddings, output heads, routers and narrow matrices by habit', () => {
    const names = [
      'model.embed_tokens.weight',
      'transformer.wte.weight',
      'bert.embeddings.word_embeddings.weight',
      'token_embd.weight',
      'lm_head.weight',
      'output.weight',
      'model.layers.0.mlp.gate.weight',
      'model.layers.0.block_sparse_moe.router.weight',
      'blk.0.ffn_gate_inp.weight',
    ]
    const found = reasons(
      fileOf(...names.map((name): [string, number[]] => [name, [1024, 1024]]), ['slim', [1024, 63]]),
    )
    for (const name of names) expect(found[name], name).toMatch(/^keep: .*--include/)
    expect(found.slim).toBe(
      'keep: Its smaller dimension (1024 x 63) is below 64: little to save. Kept unless it is named with --include.',
    )
  })

  it('does not take layers that merely sound alike for them', () => {
    const names = [
      'model.layers.0.mlp.gate_proj.weight',
      'bert.encoder.layer.0.attention.output.dense.weight',
      'time_embedding.linear_1.weight',
      'patch_embed.proj.weight',
      'blk.0.attn_output.weight',
    ]
    const found = reasons(fileOf(...names.map((name): [string, number[]] => [name, [1024, 1024]])))
    for (const name of names) expect(found[name], name).toMatch(/^factorize: 1024 x 1024 to rank 64: 4.19 MB to 524 kB/)
  })

  it('tells a tensor that a smaller rank would shrink from one that is kept at any', () => {
    const file = fileOf(['small', [96, 96]], ['narrow', [32, 4096]], ['large', [1024, 1024]])
    const plans = describeFile(file).map(({ name, plan }) => [name, plan])
    expect(plans).toEqual([
      ['small', 'grows'],
      ['narrow', 'keep'],
      ['large', 'factorize'],
    ])
  })

  it('shows a table of integers as no matrix, so that nobody chooses it', () => {
    expect(describeFile(fileOf(['ids', [512, 512], 'I64']))).toMatchObject([{ matrix: null, kind: null, plan: 'keep' }])
  })

  it('refuses a rank that would grow the tensor, with the largest useful one', () => {
    const file = fileOf(['w', [4096, 4096], 'BF16'])
    expect(reasons(file, { rank: 3000 }).w).toBe(
      'keep: At rank 3000 with BF16 factors it would grow from 33.6 MB to 49.2 MB. Largest useful rank: 2047.',
    )
    expect(reasons(file, { rank: 2048 }).w).toMatch(/would not shrink: .* Largest useful rank: 2047/)
    expect(reasons(file, { rank: 2047 }).w).toMatch(/^factorize/)
    // Factors of twice the width break even at half the rank.
    expect(reasons(file, { rank: 1024, factorDType: 'F32' }).w).toMatch(/Largest useful rank: 1023/)
  })

  it('holds factors against the bytes of a block encoding, not those of its values', () => {
    const file = fileOf(['w', [4096, 4096]])
    const storedBytes = (4096 * 4096 * 4.5) / 8
    const quantized = { ...file, tensors: file.tensors.map((info) => ({ ...info, storedAs: 'Q4_K', storedBytes })) }
    expect(reasons(quantized, { rank: 64 }).w).toMatch(/^factorize: 4096 x 4096 to rank 64: 9.44 MB to 2.10 MB/)
    expect(reasons(quantized, { rank: 512 }).w).toBe(
      'keep: At rank 512 with F32 factors it would grow from 9.44 MB to 16.8 MB. Largest useful rank: 287. A copy is written as F32: 67.1 MB.',
    )
    expect(describeFile(quantized)).toMatchObject([
      { dtype: 'Q4_K', byteLength: storedBytes, decodedBytes: 4 * 4096 * 4096 },
    ])
  })

  it('lets --include choose and override the habits, and --exclude have the last word', () => {
    const file = fileOf(
      ['lm_head.weight', [1024, 1024]],
      ['a.up', [256, 256]],
      ['a.slim', [256, 32]],
      ['b.up', [256, 256]],
      ['a.norm', [256]],
    )
    const found = reasons(file, { rank: 8 }, { include: ['lm_head.*', 'a.*'], exclude: ['*.up'] })
    expect(found['lm_head.weight']).toMatch(/^factorize/)
    expect(found['a.slim']).toMatch(/^factorize/)
    expect(found['a.up']).toBe('keep: Left out by the rule "*.up".')
    expect(found['b.up']).toMatch(/^keep: Left out/)
    expect(found['a.norm']).toMatch(/^keep: It is one-dimensional/)
    expect(reasons(file, {}, { include: ['a.*'] })['b.up']).toBe('keep: Not among the included tensors.')
  })

  it('takes a name literally but for its wildcards', () => {
    const names = ['a.b', 'axb', 'a[0](1)', '__proto__', 'a,b']
    const file = fileOf(...names.map((name): [string, number[]] => [name, [128, 128]]))
    const hit = (...include: string[]) =>
      planFile(file, { ...defaultParams, rank: 8 }, { include, exclude: [] }).flatMap((plan) =>
        plan.action === 'factorize' ? [plan.info.name] : [],
      )
    expect(hit('a.b')).toEqual(['a.b'])
    expect(hit('a?b')).toEqual(['a.b', 'axb', 'a,b'])
    expect(hit('a[0](1)')).toEqual(['a[0](1)'])
    expect(hit('__proto__')).toEqual(['__proto__'])
    expect(hit('{a.b,axb}')).toEqual(['a.b', 'axb'])
  })
})

describe('describeFile', () => {
  it('shows tensors as matrices: linear, conv flattened, experts stacked', () => {
    const tensors = describeFile(
      fileOf(
        ['conv1.weight', [128, 129, 3]],
        ['layers.0.experts.up', [8, 256, 512]],
        ['fc.weight', [256, 512]],
        ['b', [9]],
      ),
    )
    expect(tensors.map(({ matrix, kind }) => [kind, matrix])).toEqual([
      ['conv', [128, 387]],
      ['experts', [8, 256, 512]],
      ['linear', [256, 512]],
      [null, null],
    ])
  })
})
