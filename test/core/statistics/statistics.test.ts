import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AppError } from '../../../core/errors.ts'
import type { WeightFile } from '../../../core/formats/format.ts'
import { readStatistics } from '../../../core/statistics/entries.ts'
import { modelStatistics } from '../../../core/statistics/statistics.ts'
import type { TensorInfo } from '../../../core/tensor.ts'
import { checkpoints } from '../adapters/checkpoints.ts'
import { le32 } from '../formats/archives/archives.ts'
import { concat, openBytes, openFolder, refusal, text } from '../formats/corpus.ts'
import { fileBytes, openTensors, plain } from '../jobs/harness.ts'

// Made by make_statistics.py.
const fixtures = join(import.meta.dirname, '../../fixtures/statistics')
const load = (name: string) => new Uint8Array(readFileSync(join(fixtures, name)))
const hessians = () =>
  openFolder(Object.fromEntries(readdirSync(join(fixtures, 'hessians')).map((n) => [n, load(`hessians/${n}`)])))
const means = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as Record<string, number[] | number[][]>
const expected = means as Record<string, number[]>
const ofExperts = (key: string, expert: number) => (means[key] as number[][])[expert]!

type Model = Pick<WeightFile, 'tensors' | 'format'>
const tensor = (name: string, shape: number[]): TensorInfo => ({
  name,
  dtype: 'F32',
  shape,
  byteLength: 4 * shape.reduce((a, b) => a * b),
})
const modelOf = (...tensors: TensorInfo[]): Model => ({ format: 'safetensors', tensors })

const attention = (i: number) =>
  ['q_proj', 'k_proj', 'v_proj', 'o_proj'].map((name) => tensor(`model.layers.${i}.self_attn.${name}.weight`, [8, 8]))
const experts = (i: number) =>
  [0, 1].flatMap((e) => [
    ...['gate_proj', 'up_proj'].map((name) => tensor(`model.layers.${i}.mlp.experts.${e}.${name}.weight`, [12, 8])),
    tensor(`model.layers.${i}.mlp.experts.${e}.down_proj.weight`, [8, 12]),
  ])
const qwenMoe = modelOf(
  tensor('model.embed_tokens.weight', [20, 8]),
  tensor('lm_head.weight', [20, 8]),
  ...[0, 1].flatMap((i) => [...attention(i), ...experts(i)]),
)
const gguf = modelOf(
  ...[0, 1].flatMap((i) => [
    ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].map((name) => tensor(`blk.${i}.${name}.weight`, [8, 8])),
    ...['ffn_gate_exps', 'ffn_up_exps'].map((name) => tensor(`blk.${i}.${name}.weight`, [2, 12, 8])),
    tensor(`blk.${i}.ffn_down_exps.weight`, [2, 8, 12]),
  ]),
)
const close = (found: Float64Array, wanted: readonly number[], digits: number) => {
  expect(found.length).toBe(wanted.length)
  const most = Math.max(...wanted.map(Math.abs))
  for (const [i, value] of wanted.entries()) expect(Math.abs(found[i]! - value)).toBeLessThan(digits * most)
}

describe('an imatrix', () => {
  it.each(['imatrix.gguf', 'imatrix.dat'])('%s says the mean squares of every input, of experts too', async (name) => {
    const { of, form, coverage } = await modelStatistics(qwenMoe, await openBytes(name, load(name)))
    expect(form).toBe('imatrix')
    // Sums of squares are F32: 2^-24 each, and once more as means.
    const attn = await of('model.layers.0.self_attn.q_proj.weight')!.load(0)
    close(
      attn.values,
      Array.from({ length: 8 }, (_, i) => expected['attn.0']![9 * i]!),
      2 ** -22,
    )
    for (const e of [0, 1]) {
      const gate = await of(`model.layers.0.mlp.experts.${e}.gate_proj.weight`)!.load(0)
      close(gate.values, ofExperts('experts.0', e), 2 ** -22)
      const down = await of(`model.layers.0.mlp.experts.${e}.down_proj.weight`)!.load(0)
      close(down.values, ofExperts('down.0', e), 2 ** -22)
    }
    expect(coverage.total).toBe(22)
    expect(of('model.embed_tokens.weight')).toBeNull()
    expect(of('lm_head.weight')).not.toBeNull()
  })

  it('has nothing of an expert that no sample reached, and its mean in a stack', async () => {
    const file = await openBytes('imatrix.gguf', load('imatrix.gguf'))
    const apart = await modelStatistics(qwenMoe, file)
    expect(apart.of('model.layers.1.mlp.experts.0.up_proj.weight')).not.toBeNull()
    expect(apart.of('model.layers.1.mlp.experts.1.up_proj.weight')).toBeNull()
    // 8 of attention, 6 and 3 of experts, the head.
    expect(apart.coverage).toEqual({ total: 22, covered: 18, borrowed: 0 })
    const stacked = await modelStatistics(gguf, file)
    expect(stacked.coverage).toEqual({ total: 14, covered: 14, borrowed: 0 })
    const up = stacked.of('blk.1.ffn_up_exps.weight')!
    close((await up.load(0)).values, ofExperts('experts.1', 0), 2 ** -22)
    close((await up.load(1)).values, ofExperts('experts.1', 0), 2 ** -22)
  })

  it('is refused where it is of another width, by name and numbers', async () => {
    const file = await openBytes('imatrix.gguf', load('imatrix.gguf'))
    const other = modelOf(tensor('model.layers.0.self_attn.o_proj.weight', [16, 16]), ...attention(1))
    await expect(modelStatistics(other, file)).rejects.toThrow(
      'imatrix.gguf is of another model: it counts 8 inputs of model.layers.0.self_attn.o_proj.weight, which has 16.',
    )
  })

  it('is refused where it speaks of another number of matrices, by these numbers', async () => {
    const sums = (matrices: number) => [
      plain('w.sum2', 'F32', [matrices, 8], new Uint8Array(32 * matrices)),
      plain('w.count', 'F32', [1], new Uint8Array(4)),
    ]
    const file = await openTensors(...sums(3))
    await expect(modelStatistics(modelOf(tensor('w', [4, 8])), file)).rejects.toThrow(
      'is of another model: of w it has statistics of 3 matrices, and there is 1.',
    )
  })

  it('counts of a stack are read once, however many matrices it has', async () => {
    const [name, count] = ['blk.0.ffn_up_exps.weight', 500] as const
    const counts = new Float32Array(count).fill(1)
    counts[7] = 0
    const open = await openTensors(
      plain(`${name}.sum2`, 'F32', [count, 8], new Uint8Array(32 * count)),
      plain(`${name}.count`, 'F32', [count], new Uint8Array(counts.buffer)),
    )
    const reads: string[] = []
    const file: WeightFile = {
      ...open,
      read: (tensor, ...range) => {
        reads.push(tensor.name)
        return open.read(tensor, ...range)
      },
    }
    const { of } = await modelStatistics(modelOf(tensor(name, [count, 4, 8])), file)
    expect(of(name)).not.toBeNull()
    expect(reads).toEqual([`${name}.count`])
  })

  it('is refused where it has no matrix of the model', async () => {
    const file = await openBytes('imatrix.gguf', load('imatrix.gguf'))
    await expect(modelStatistics(modelOf(tensor('vit.weight', [8, 8])), file)).rejects.toThrow(
      'None of the 15 entries of imatrix.gguf',
    )
    const weights = await openTensors(plain('w', 'F32', [1, 1], new Uint8Array(4)))
    await expect(modelStatistics(qwenMoe, weights)).rejects.toThrow('holds no statistics that GhostSVD can read')
  })
})

/** An older .dat, entry by entry. */
const dat = (...entries: readonly [name: string, calls: number, values: number[]][]) =>
  concat(
    le32(entries.length),
    ...entries.map(([name, calls, values]) =>
      concat(
        le32(name.length),
        text(name),
        le32(calls),
        le32(values.length),
        new Uint8Array(Float32Array.from(values).buffer),
      ),
    ),
  )

describe('a .dat', () => {
  it('is read without the end that newer writers add', async () => {
    const file = await openBytes('old.dat', dat(['blk.0.attn_q.weight', 2, [2, 4, 6]]))
    const { of } = await modelStatistics(modelOf(tensor('blk.0.attn_q.weight', [5, 3])), file)
    expect([...(await of('blk.0.attn_q.weight')!.load(0)).values]).toEqual([1, 2, 3])
  })

  const whole = dat(['blk.0.attn_q.weight', 2, [2, 4, 6]], ['blk.0.attn_k.weight', 2, [2, 4, 6]])
  it('is refused wherever it is cut', async () => {
    // What is left of less than a name is no statistics at all.
    for (let length = 1; length < whole.byteLength; length++) {
      const error = await refusal(() => openBytes('cut.dat', whole.subarray(0, length)))
      expect(error.code).toBe('bad-file')
    }
  })
  const changed = (at: number, value: number) => {
    const bytes = whole.slice()
    new DataView(bytes.buffer).setInt32(at, value, true)
    return bytes
  }
  it.each([
    ['more entries than there are', changed(0, 3), 'bad-file'],
    ['a name twice', dat(['a.weight', 1, [1]], ['a.weight', 1, [1]]), 'bad-file'],
    ['a negative number of calls', changed(8 + 19, -1), 'bad-file'],
    ['values beyond the file', changed(12 + 19, 1_000_000), 'bad-file'],
    ['a billion values', changed(12 + 19, 2 ** 30), 'over-limit'],
    ['no values', changed(12 + 19, 0), 'bad-file'],
    ['bytes behind its end', concat(whole, le32(3), le32(1), text('ab')), 'bad-file'],
  ] as const)('is refused with %s', async (_, bytes, code) => {
    expect((await refusal(() => openBytes('x.dat', bytes))).code).toBe(code)
  })

  it('takes no file of another kind', async () => {
    expect(
      (await refusal(() => openBytes('x.dat', concat(le32(3), le32(4), text('abcd'), new Uint8Array(40))))).code,
    ).toBe('bad-file')
  })
})

/** What loading says of a file of ours. */
async function ours(tensors: Parameters<typeof fileBytes>[0], model = modelOf(tensor('w', [4, 2]))) {
  const statistics = await modelStatistics(model, await openBytes('s.safetensors', fileBytes(tensors)))
  return statistics.of('w')?.load(0)
}
const f64 = (name: string, shape: number[], values: number[]) =>
  plain(name, 'F64', shape, new Uint8Array(Float64Array.from(values).buffer))
const count = f64('w.count', [], [2])

describe('sums of ours', () => {
  it('are divided by their count', async () => {
    const file = await openBytes('sums.safetensors', load('sums.safetensors'))
    const { of, coverage, form } = await modelStatistics(qwenMoe, file)
    expect(form).toBe('sums')
    const q = (await of('model.layers.1.self_attn.q_proj.weight')!.load(0))!
    expect(q.kind).toBe('full')
    close(q.values, expected['attn.1']!, 2 ** -50)
    close((await of('model.layers.1.self_attn.o_proj.weight')!.load(0)).values, expected['out.1']!, 2 ** -50)
    // k and v have the inputs of q.
    expect(of('model.layers.1.self_attn.v_proj.weight')).toMatchObject({
      kind: 'full',
      from: 'model.layers.1.self_attn.q_proj.weight',
    })
    expect(coverage).toEqual({ total: 22, covered: 8, borrowed: 4 })
  })

  it('belong to the side of the matrix that is as wide', async () => {
    const model = modelOf(tensor('w', [2, 4]))
    const statistics = await modelStatistics(
      model,
      await openBytes('s.safetensors', fileBytes([f64('w.sum2', [2], [2, 4]), count])),
    )
    expect(statistics.of('w')).toMatchObject({ side: 'rows', width: 2 })
    const conv1d = modelOf(
      tensor('h.0.attn.c_proj.weight', [2, 2]),
      ...checkpoints.gpt2.filter((name) => !name.startsWith('h.0.')).map((name) => tensor(name, [3, 3])),
    )
    const sums = [f64('h.0.attn.c_proj.weight.sum2', [2], [2, 4]), f64('h.0.attn.c_proj.weight.count', [], [1])]
    expect(
      (await modelStatistics(conv1d, await openBytes('s.safetensors', fileBytes(sums)))).of('h.0.attn.c_proj.weight'),
    ).toMatchObject({ side: 'rows' })
  })

  it.each([
    ['a stack of none', [f64('w.sum2', [0, 2], []), count]],
    ['products of a stack of none', [f64('w.gram', [0, 2, 2], []), count]],
    ['no count', [f64('w.sum2', [2], [1, 1])]],
    ['a negative count', [f64('w.sum2', [2], [1, 1]), f64('w.count', [], [-1])]],
    ['a count that is none', [f64('w.sum2', [2], [1, 1]), f64('w.count', [], [Number.NaN])]],
    ['two counts', [f64('w.sum2', [2], [1, 1]), f64('w.count', [2], [1, 1])]],
    ['a negative sum of squares', [f64('w.sum2', [2], [1, -1]), count]],
    ['NaN', [f64('w.sum2', [2], [1, Number.NaN]), count]],
    ['a Gram matrix that is not square', [f64('w.gram', [2, 3], [1, 0, 0, 0, 1, 0]), count]],
    ['one that is not symmetric', [f64('w.gram', [2, 2], [1, 0.5, 0.4, 1]), count]],
    ['products larger than their squares', [f64('w.gram', [2, 2], [1, 1.1, 1.1, 1]), count]],
    ['a negative square', [f64('w.gram', [2, 2], [1, 0, 0, -1]), count]],
    ['Inf', [f64('w.gram', [2, 2], [Number.POSITIVE_INFINITY, 0, 0, 1]), count]],
    ['one number', [f64('w.sum2', [], [1]), count]],
    ['integers', [plain('w.sum2', 'I64', [2], new Uint8Array(16)), count]],
    ['a triangle of no whole order', [f64('w.flatH', [4], [1, 0, 1, 0])]],
    ['a mean of another width', [f64('w.flatH', [3], [1, 0, 1]), f64('w.mu', [3], [0, 0, 0])]],
  ] as [string, Parameters<typeof ours>[0]][])('are refused with %s', async (_, tensors) => {
    const error = (await ours(tensors).catch((thrown: unknown) => thrown)) as AppError
    expect(error).toMatchObject({ code: 'bad-file' })
    expect(error.message).not.toMatch(/NaN|undefined|null|Infinity at/)
  })

  it('say nothing of what has no samples', async () => {
    await expect(ours([f64('w.sum2', [2], [0, 0]), f64('w.count', [], [0])])).rejects.toThrow('None of the 1 entries')
  })
})

describe('statistics of PyTorch tools', () => {
  it('are Hessians of relaxml, with their mean, for all that share an input', async () => {
    const file = await hessians()
    const dense = modelOf(
      ...attention(0),
      ...attention(1),
      ...[0, 1].flatMap((i) => ['gate', 'up'].map((n) => tensor(`model.layers.${i}.mlp.${n}_proj.weight`, [12, 8]))),
      tensor('model.layers.1.mlp.down_proj.weight', [8, 12]),
    )
    const { of, coverage, form } = await modelStatistics(dense, file)
    expect(form).toBe('relaxml')
    // Stored as F32.
    close((await of('model.layers.1.self_attn.k_proj.weight')!.load(0)).values, expected['attn.1']!, 2 ** -20)
    expect(coverage).toEqual({ total: 13, covered: 13, borrowed: 6 })
    const alone = await openBytes('1_qkv.pt', load('hessians/1_qkv.pt'))
    expect((await modelStatistics(dense, alone)).coverage.covered).toBe(3)
  })

  it("are SVD-LLM's factors and CorDA's covariances", async () => {
    const factors = await modelStatistics(qwenMoe, await openBytes('profile.pt', load('profile.pt')))
    expect(factors.form).toBe('factors')
    const C = await factors.of('model.layers.1.self_attn.v_proj.weight')!.load(0)
    expect(C.kind).toBe('factor')
    close(C.values, expected['factor.1']!, 2 ** -50)
    const corda = await modelStatistics(qwenMoe, await openBytes('corda.pt', load('corda.pt')))
    expect(corda.form).toBe('covariance')
    expect(corda.coverage).toMatchObject({ covered: 6, borrowed: 4 })
    expect(corda.notices.map(({ key }) => key)).toEqual(['statistics.coverage', 'statistics.relative'])
  })

  it('are not seen in a checkpoint', async () => {
    const file = await openBytes('profile.pt', load('profile.pt'))
    const mixed = { ...file, tensors: [...file.tensors, tensor('norm.weight', [8])] }
    expect(readStatistics(mixed)).toBeNull()
  })
})

describe('names', () => {
  const imatrixOf = (entries: readonly [string, number][]) =>
    openBytes(
      'i.dat',
      dat(...entries.map(([name, width]): [string, number, number[]] => [`${name}.weight`, 1, Array(width).fill(1)])),
    )
  const shaped = (names: readonly string[]) => modelOf(...names.map((name) => tensor(name, [6, 6])))

  it.each([
    ['llama', ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'], []],
    [
      'deepseek',
      [
        'attn_q_a',
        'attn_q_b',
        'attn_kv_a_mqa',
        'attn_kv_b',
        'attn_output',
        'ffn_gate_shexp',
        'ffn_up_shexp',
        'ffn_down_shexp',
      ],
      ['ffn_gate_exps', 'ffn_up_exps', 'ffn_down_exps'],
    ],
    ['mixtral', ['attn_q', 'attn_k', 'attn_v', 'attn_output'], ['ffn_gate_exps', 'ffn_up_exps', 'ffn_down_exps']],
  ] as const)('of GGUF mean every matrix of %s', async (id, single, stacks) => {
    const names = checkpoints[id].filter((name) => !/embed_tokens|\.gate\.weight$/.test(name))
    const layers = new Set(names.flatMap((name) => /layers\.(\d+)/.exec(name)?.[1] ?? []))
    const experts = new Set(names.flatMap((name) => /experts\.(\d+)/.exec(name)?.[1] ?? [])).size
    const entries = [...layers].flatMap((i) => [
      ...single.map((name): [string, number] => [`blk.${i}.${name}`, 6]),
      ...stacks.map((name): [string, number] => [`blk.${i}.${name}`, 6 * experts]),
    ])
    const { of, coverage } = await modelStatistics(shaped(names), await imatrixOf([...entries, ['output', 6]]))
    expect(names.filter((name) => !of(name))).toEqual([])
    expect(coverage.borrowed).toBe(0)
  })
})
