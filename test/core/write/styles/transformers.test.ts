/** The folder for transformers, and its loader, run with torch on what was written. */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openWeightFile } from '../../../../core/formats/opening/open.ts'
import { compressFile } from '../../../../core/jobs/compress.ts'
import type { Params } from '../../../../core/params.ts'
import type { StyleId } from '../../../../core/styles.ts'
import { python, pythonHas } from '../../../python.ts'
import { compressJob, fileBytes, outcomeOf, plain, testContext, weights } from '../../jobs/harness.ts'
import { type MemoryFolder, memoryFolder } from '../../memory-folder.ts'

const config = { architectures: ['TwoLinears'], hidden_size: 72 }
const bias = (name: string, size: number) =>
  plain(name, 'F32', [size], new Uint8Array(Float32Array.from({ length: size }, (_, i) => Math.cos(i)).buffer))
/** Two Linears, and a Conv1D of GPT-2, whose weight is [in, out]. */
const model = [
  weights('first.weight', [96, 72]),
  bias('first.bias', 96),
  weights('second.weight', [80, 96]),
  weights('turned.weight', [80, 112]),
  bias('turned.bias', 112),
  weights('embed_tokens.weight', [100, 72]),
  weights('conv.weight', [64, 8, 3, 3]),
]

async function write(
  output: StyleId,
  params: Partial<Params> = {},
  beside: object | string | null = config,
  include: string[] = [],
) {
  const folder = memoryFolder('out')
  const source = memoryFolder('in', new Map([['model.safetensors', fileBytes(model)]]))
  if (beside !== null)
    source.files.set('config.json', Buffer.from(typeof beside === 'string' ? beside : JSON.stringify(beside)))
  const file = await openWeightFile({ folder: source, entry: 'model.safetensors' })
  const job = compressJob({ rank: 12, ...params }, { output, include })
  const report = await compressFile({ model: file, target: { folder, name: 'small' } }, job, testContext())
  return { report, folder, inside: folder.folders.get('small') }
}
const textOf = (folder: MemoryFolder | undefined, name: string) => new TextDecoder().decode(folder!.files.get(name)!)

describe('a folder for transformers', () => {
  it('has modules of two factors, the configuration with their ranks, and the loader', async () => {
    const { report, inside } = await write('transformers', {}, config, ['*'])
    expect(report.bytesAfter).toBe(report.plannedBytes)
    expect([...inside!.files.keys()].toSorted()).toEqual(['config.json', 'ghostsvd_loader.py', 'model.safetensors'])
    expect(JSON.parse(textOf(inside, 'config.json'))).toEqual({
      ...config,
      quantization_config: { quant_method: 'ghostsvd', ranks: { first: 12, second: 12, turned: 12 } },
    })
    const file = await openWeightFile({ folder: inside!, entry: 'model.safetensors' })
    expect(file.metadata.get('format')).toBe('pt')
    const shapes = Object.fromEntries(file.tensors.map(({ name, shape }) => [name, shape]))
    expect(shapes).toMatchObject({
      'first.A.weight': [12, 72],
      'first.B.weight': [96, 12],
      'turned.A.weight': [12, 112],
    })
    // Only what a module of two factors can stand for.
    for (const name of ['embed_tokens.weight', 'conv.weight'])
      expect(outcomeOf(report.tensors, name)).toMatchObject({
        action: 'kept',
        reason: expect.stringMatching(/linear module/),
      })
  })

  it.each([
    [
      '{\n  "rope": 1e6,\n  "jitter": 0.0,\n  "id": 9007199254740993\n}\n',
      /"rope": 1e6,\n {2}"jitter": 0\.0,\n {2}"id": 9007199254740993\n}\n$/,
    ],
    [' { } ', /^{\n {2}"quantization_config": [\s\S]*\}\n \} $/],
  ])('keeps the configuration %j to the digit: transformers refuses 0 where it wants 0.0', async (text, kept) => {
    const { inside } = await write('transformers', {}, text)
    const written = textOf(inside, 'config.json')
    expect(written).toMatch(kept)
    expect(JSON.parse(written)).toMatchObject({ quantization_config: { quant_method: 'ghostsvd' } })
  })

  it.each([
    ['without a configuration', null, /needs the config.json/],
    ['for a model that is quantized', { quantization_config: {} }, /names a quantization already/],
  ])('is refused %s', async (_, beside, sentence) => {
    await expect(write('transformers', {}, beside)).rejects.toThrow(sentence)
  })

  it('keeps INT8 factors and U, S, Vt for other outputs', async () => {
    const { report } = await write('transformers', { factorDType: 'INT8', int8Always: true })
    expect(outcomeOf(report.tensors, 'first.weight').reason).toMatch(/floating-point factors/)
    await expect(write('transformers', { factorLayout: 'usv' })).rejects.toThrow(/A and B/)
  })
})

/** A model of these modules with the loader's factors against one with a dense copy: the largest difference over the largest output. */
const script = `
import json, sys, torch
sys.path.insert(0, "transformers/small"); sys.dont_write_bytecode = True
import ghostsvd_loader as loader
class Conv1D(torch.nn.Module):
    def __init__(self, into, out):
        super().__init__()
        self.weight, self.bias = torch.nn.Parameter(torch.empty(into, out)), torch.nn.Parameter(torch.zeros(out))
    def forward(self, x):
        return torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight).view(*x.shape[:-1], -1)
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed_tokens, self.conv = torch.nn.Embedding(100, 72), torch.nn.Conv2d(8, 64, 3, bias=False)
        self.first, self.second, self.turned = torch.nn.Linear(72, 96), torch.nn.Linear(96, 80, bias=False), Conv1D(80, 112)
    def forward(self, ids):
        return self.turned(torch.relu(self.second(torch.relu(self.first(self.embed_tokens(ids))))))
ids = torch.arange(40).reshape(2, 20) * 2
answers = {}
for name, factors, dense in json.load(sys.stdin):
    ours, theirs = loader.apply_factors(Model(), factors), Model()
    theirs.load_state_dict(loader.tensors_of(dense))
    with torch.no_grad():
        a, b = ours(ids), theirs(ids)
    swapped = sum(type(module).__name__ == "LowRank" for module in ours.modules())
    answers[name] = [float((a - b).abs().max() / b.abs().max()), swapped, float(a.abs().max())]
    # Models fill the weights of their layers before they load them (GPT-2), and look at their dtype (T5).
    torch.nn.init.normal_(ours.turned.weight.detach())
    answers[name].append(max(float((getattr(ours, part).weight - getattr(theirs, part).weight).abs().max()) for part in ("first", "turned")))
print(json.dumps(answers))
`

describe.runIf(pythonHas('torch'))('the loader', () => {
  it('gives what a dense copy gives, of two Linears and a Conv1D: from the folder, from factors, from INT8', async () => {
    const place = await mkdtemp(join(tmpdir(), 'ghostsvd-loader-'))
    const put = async (name: string, { folder, inside }: Awaited<ReturnType<typeof write>>) => {
      const [at, files] = inside ? [join(place, name, 'small'), inside.files] : [join(place, name), folder.files]
      await mkdir(at, { recursive: true })
      for (const [file, bytes] of files) await writeFile(join(at, inside ? file : 'small.safetensors'), bytes)
      return inside ? at : join(at, 'small.safetensors')
    }
    const int8 = { factorDType: 'INT8', int8Always: true } as const
    const cases = [
      [
        'folder',
        await put('transformers', await write('transformers')),
        await put('dense', await write('dense', {}, config, ['first*', 'second*', 'turned*'])),
      ],
      ['factors', await put('factors', await write('factors')), await put('dense2', await write('dense'))],
      ['int8', await put('int8', await write('factors', int8)), await put('dense3', await write('dense', int8))],
    ]
    const found = JSON.parse(
      execFileSync(python, ['-c', script], { cwd: place, input: JSON.stringify(cases), encoding: 'utf8' }),
    )
    await rm(place, { recursive: true })
    for (const [name] of cases) {
      const [off, swapped, largest, ofWeights] = found[name!]
      expect(off, name).toBeLessThan(1e-5)
      expect(swapped).toBe(3)
      expect(largest).toBeGreaterThan(0.1)
      expect(ofWeights, name).toBeLessThan(1e-5)
    }
  }, 60_000)
})
