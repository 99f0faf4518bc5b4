/** .aguf files as they are written: by a reader in numpy (test/fixtures/formats/read_aguf.py) and by this product's own. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { decodeFloat32 } from '../../../../core/formats/dtype.ts'
import { openWeightFile } from '../../../../core/formats/opening/open.ts'
import { compressFile } from '../../../../core/jobs/compress.ts'
import type { Params } from '../../../../core/params.ts'
import { agufNames } from '../../../../core/write/encodings/aguf-layout.ts'
import { python, pythonHas } from '../../../python.ts'
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
import { sentencesOf } from '../../messages/words.ts'

const reader = join(import.meta.dirname, '../../../fixtures/formats/read_aguf.py')

const model = [
  weights('model.layers.1.mlp.down_proj.weight', [96, 80], 'BF16'),
  weights('model.layers.0.self_attn.q_proj.weight', [80, 72]),
  weights('model.layers.0.cross.q_proj.weight', [72, 96]),
  weights('blocks.experts.weight', [2, 72, 80]),
  plain('norm', 'F32', [64], new Uint8Array(256)),
]
const names = ['layers.0.q_proj', 'layers.0.q_proj~2', 'layers.1.down_pro']

async function written(params: Partial<Params>, tensors: readonly TestTensor[] = model) {
  const folder = memoryFolder('out')
  const job = compressJob({ rank: 8, ...params }, { output: 'aguf' })
  const file = await openTensors(...tensors)
  const report = await compressFile({ model: file, target: { folder, name: 'o.aguf' } }, job, testContext())
  const bytes = folder.files.get('o.aguf')!
  expect(report.bytesAfter).toBe(bytes.byteLength)
  return { folder, report, bytes }
}

const kinds: [string, Partial<Params>][] = [
  ['F32', {}],
  ['INT8', { factorDType: 'INT8', int8Always: true }],
  ['a sparse part', { sparseDensity: 0.01 }],
  ['INT8 where it pays, to an error', { factorDType: 'INT8', goalError: 0.2 }],
]

describe.each(kinds)('output aguf with %s', (_, params) => {
  it('is opened as the products of its factors, with the errors that were reported', async () => {
    const { folder, report } = await written(params)
    expect(report.bytesAfter).toBe(report.plannedBytes)
    const file = await openWeightFile({ folder, entry: 'o.aguf' })
    expect(file.tensors.map(({ name }) => name)).toEqual(names)
    expect(JSON.parse(file.metadata.get('ghostsvd.names')!)).toEqual({
      'layers.0.q_proj': model[1]!.name,
      'layers.0.q_proj~2': model[2]!.name,
      'layers.1.down_pro': model[0]!.name,
    })
    for (const [i, source] of [model[1]!, model[2]!, model[0]!].entries()) {
      const product = decodeFloat32('F32', await file.read(file.tensors[i]!))
      const found = errorOf(product, decodeFloat32(source.dtype as 'F32', source.bytes))
      // Rounded once to F32 as it is read.
      expect(Math.abs(found - outcomeOf(report.tensors, source.name).relativeError!)).toBeLessThan(1e-6)
    }
  })

  test.runIf(pythonHas('numpy'))('is read by numpy to the same values', async () => {
    const { folder, bytes } = await written(params)
    const place = await mkdtemp(join(tmpdir(), 'ghostsvd-aguf-'))
    try {
      await writeFile(join(place, 'o.aguf'), bytes)
      const lines = execFileSync(python, [reader, join(place, 'o.aguf')], { encoding: 'utf8', maxBuffer: 2 ** 26 })
      const found = lines
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(found.map(({ layer, name }) => `layers.${layer}.${name}`)).toEqual(names)
      const file = await openWeightFile({ folder, entry: 'o.aguf' })
      for (const [i, tensor] of file.tensors.entries()) {
        const product = decodeFloat32('F32', await file.read(tensor))
        expect(errorOf(product, Float32Array.from(found[i].product.flat()))).toBeLessThan(2 ** -23)
      }
    } finally {
      await rm(place, { recursive: true })
    }
  })
})

describe('output aguf', () => {
  it('says which tensors have no place in it, and which names are numbered', async () => {
    const { report } = await written({})
    expect(outcomeOf(report.tensors, 'norm').reason).toContain('Not part of this output.')
    expect(outcomeOf(report.tensors, 'blocks.experts.weight').reason).toContain('A stack of experts has no place')
    expect(sentencesOf(report.notices).join(' ')).toContain('model.layers.0.cross.q_proj.weight is written as q_proj~2')
  })

  it('counts only what was written, where a tensor cannot be', async () => {
    // Its sparse part lies beyond F16.
    const huge = weights('model.layers.0.mlp.up.weight', [72, 80], 'F32', 1e9)
    const { folder, report } = await written({ sparseDensity: 0.01 }, [huge, ...model])
    expect(outcomeOf(report.tensors, huge.name).action).toBe('kept')
    const file = await openWeightFile({ folder, entry: 'o.aguf' })
    expect(file.tensors.map(({ name }) => name)).toEqual(names)
    const alone = weights('layers.7.up.weight', [72, 80], 'F32', 1e9)
    const second = await written({ sparseDensity: 0.01 }, [...model, alone])
    expect((await openWeightFile({ folder: second.folder, entry: 'o.aguf' })).tensors).toHaveLength(3)
  })

  it.each([
    [{ factorDType: 'BF16' }, 'This kind of file holds factors in F32 or INT8.'],
    [{ rank: 65_536 }, 'This kind of file holds ranks up to 65535; 65536 was asked for.'],
    [{ goalSize: 0.5 }, 'A size goal is for a file with the whole model'],
  ] as const)('is refused with %j', async (params, sentence) => {
    await expect(written(params)).rejects.toMatchObject({
      code: 'bad-request',
      message: expect.stringContaining(sentence),
    })
  })

  it('is known again when it is finished, and not when a byte of it has changed', async () => {
    const { folder, bytes } = await written({})
    const again = async () => {
      const job = compressJob({ rank: 8 }, { output: 'aguf', resume: true })
      return compressFile(
        { model: await openTensors(...model), target: { folder, name: 'o.aguf' } },
        job,
        testContext(),
      )
    }
    const report = await again()
    expect(sentencesOf(report.notices).join(' ')).toContain('finished before')
    expect(outcomeOf(report.tensors, model[0]!.name)).toMatchObject({
      action: 'factorized',
      rank: 8,
      factorDType: 'F32',
    })
    expect(outcomeOf(report.tensors, 'norm')).toMatchObject({ action: 'kept', bytesAfter: 0 })
    bytes[bytes.byteLength - 9]! ^= 1
    await expect(again()).rejects.toMatchObject({ code: 'would-overwrite' })
  })
})

describe('names of 8 bytes', () => {
  const shown = (...all: string[]) => [...agufNames(all).values()].map(({ shown }) => shown)
  it('are the last part before .weight, cut between characters', () => {
    expect(shown('a.3.self_attn.weight', 'weight', '重みの名前')).toEqual([
      'layers.3.self_att',
      'layers.0.weight',
      'layers.0.重み',
    ])
  })
  it('are numbered where two of a layer are equal, and only there', () => {
    expect(shown('a.3.self_attention', 'b.3.self_attn', 'a.4.self_attn', 'c.3.self_atte')).toEqual([
      'layers.3.self_att',
      'layers.3.self_a~2',
      'layers.4.self_att',
      'layers.3.self_a~3',
    ])
  })
})

function errorOf(found: Float32Array, source: Float32Array): number {
  let [off, whole] = [0, 0]
  for (const [i, value] of source.entries()) {
    off += (value - found[i]!) ** 2
    whole += value ** 2
  }
  return Math.sqrt(off / whole)
}
