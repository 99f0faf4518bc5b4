import { describe, expect, it } from 'vitest'
import { decodeFloat32 } from '../../../../core/formats/dtype.ts'
import { openWeightFile } from '../../../../core/formats/opening/open.ts'
import { compressFile } from '../../../../core/jobs/compress.ts'
import { compressJob, openTensors, outcomeOf, plain, testContext, weights } from '../../jobs/harness.ts'
import { memoryFolder } from '../../memory-folder.ts'

const up = weights('up.weight', [96, 128], 'BF16')
const norm = weights('norm.weight', [128], 'BF16')
const ids = plain(
  'ids',
  'I64',
  [3],
  Uint8Array.from({ length: 24 }, (_, i) => i),
)
const none = plain('none', 'F32', [0], new Uint8Array(0))

describe('output npz', () => {
  it.each(['..\\x', '../x', '/x', 'a/../x', 'C:x'])(
    'is refused before anything is written where a tensor could not be read back: %j',
    async (name) => {
      const folder = memoryFolder('out')
      const file = await openTensors(up, plain(name, 'F32', [1], new Uint8Array(4)))
      const context = testContext()
      const job = compressJob({}, { output: 'npz' })
      await expect(compressFile({ model: file, target: { folder, name: 'o' } }, job, context)).rejects.toMatchObject({
        code: 'bad-request',
        message: expect.stringContaining('A NumPy archive cannot hold a tensor called'),
      })
      expect(context.events).toEqual([])
      expect(folder.partials.size).toBe(0)
    },
  )

  it('has the factors and the kept tensors, bfloat16 widened exactly', async () => {
    const folder = memoryFolder('out')
    const job = compressJob({ rank: 8 }, { output: 'npz' })
    const report = await compressFile(
      { model: await openTensors(up, norm, ids, none), target: { folder, name: 'out.npz' } },
      job,
      testContext(),
    )
    expect(report.bytesAfter).toBe(folder.files.get('out.npz')!.byteLength)

    const file = await openWeightFile({ folder, entry: 'out.npz' })
    const shapes = Object.fromEntries(file.tensors.map(({ name, dtype, shape }) => [name, [dtype, ...shape]]))
    expect(shapes).toEqual({
      'up.weight.lowrank_A': ['F32', 8, 128],
      'up.weight.lowrank_B': ['F32', 96, 8],
      'norm.weight': ['F32', 128],
      ids: ['I64', 3],
      none: ['F32', 0],
    })
    const read = async (name: string) => file.read(file.tensors.find((each) => each.name === name)!)
    expect(decodeFloat32('F32', await read('norm.weight'))).toEqual(decodeFloat32('BF16', norm.bytes))
    expect(await read('ids')).toEqual(ids.bytes)
    expect(outcomeOf(report.tensors, norm.name)).toMatchObject({ bytesBefore: 256, bytesAfter: 512 })
  })

  it('takes back a tensor that cannot be written, and keeps it', async () => {
    const folder = memoryFolder('out')
    const huge = weights('huge.weight', [96, 128], 'F32', 1e30)
    const job = compressJob({ rank: 8, factorDType: 'F16' }, { output: 'npz' })
    const report = await compressFile(
      { model: await openTensors(huge, up), target: { folder, name: 'out.npz' } },
      job,
      testContext(),
    )
    expect(outcomeOf(report.tensors, huge.name)).toMatchObject({ action: 'kept' })
    const file = await openWeightFile({ folder, entry: 'out.npz' })
    const kept = file.tensors.find(({ name }) => name === huge.name)!
    expect(await file.read(kept)).toEqual(huge.bytes)
  })
})
