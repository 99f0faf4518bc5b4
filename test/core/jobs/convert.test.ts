import { describe, expect, it } from 'vitest'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { convertFile } from '../../../core/jobs/convert.ts'
import { memoryFolder } from '../memory-folder.ts'
import { openTensors, plain, testContext, weights } from './harness.ts'

const up = weights('up.weight', [8, 12], 'BF16')
const ids = plain(
  'ids',
  'I64',
  [3],
  Uint8Array.from({ length: 24 }, (_, i) => i),
)
const flag = plain('flag', 'BOOL', [1], Uint8Array.of(1))

async function converted(name: string, tensor: string | null = null, force = false) {
  const folder = memoryFolder('out')
  const job = { kind: 'convert', files: { model: 'f' }, target: 't', tensor, force } as const
  const report = await convertFile(
    { model: await openTensors(flag, up, ids), target: { folder, name } },
    job,
    testContext(),
  )
  return { folder, report, file: await openWeightFile({ folder, entry: name }) }
}

describe('convert', () => {
  it('to safetensors: every tensor with its dtype, shape and bytes', async () => {
    const { file, report, folder } = await converted('out.safetensors')
    expect(report).toMatchObject({
      tensors: 3,
      verified: true,
      bytesAfter: folder.files.get('out.safetensors')!.byteLength,
    })
    for (const source of [up, ids, flag]) {
      const tensor = file.tensors.find(({ name }) => name === source.name)!
      expect(tensor).toMatchObject({ dtype: source.dtype, shape: source.shape })
      expect(await file.read(tensor)).toEqual(source.bytes)
    }
  })

  it('one tensor to .npy', async () => {
    const { file } = await converted('ids.npy', 'ids')
    expect(file.tensors[0]).toMatchObject({ name: 'array', dtype: 'I64', shape: [3] })
    expect(await file.read(file.tensors[0]!)).toEqual(ids.bytes)
  })

  it('refuses, in a sentence, what it cannot write', async () => {
    await expect(converted('all.npy')).rejects.toThrow(/holds one tensor; this file has 3/)
    await expect(converted('out.bin')).rejects.toThrow(/\.safetensors or \.npy/)
    await expect(converted('x.npy', 'nobody')).rejects.toThrow(/no tensor "nobody"/)
    // NPY has no bfloat16.
    await expect(converted('up.npy', 'up.weight')).rejects.toMatchObject({ code: 'unsupported' })
  })
})
