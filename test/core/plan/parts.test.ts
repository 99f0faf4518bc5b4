import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { compressFile } from '../../../core/jobs/compress.ts'
import type { Params } from '../../../core/params.ts'
import { parsePart, partOf } from '../../../core/plan/parts.ts'
import { mergeParts } from '../../../core/write/parts/merge.ts'
import { compressJob, openTensors, plain, testContext, weights } from '../jobs/harness.ts'
import { memoryFolder } from '../memory-folder.ts'

const model = [
  weights('a', [64, 96]),
  plain('norm', 'F32', [64], new Uint8Array(256)),
  weights('bb', [96, 64], 'BF16'),
  weights('x.experts.w', [2, 64, 64]),
  plain('ids', 'I64', [4], new Uint8Array(32)),
  weights('ccc', [64, 64]),
]

async function run(folder: ReturnType<typeof memoryFolder>, name: string, params: Partial<Params>, rest = {}) {
  const file = await openTensors(...model)
  return compressFile({ model: file, target: { folder, name } }, compressJob(params, rest), testContext())
}

describe('parts of a run', () => {
  it.each([
    ['factors', {}],
    ['factors', { factorDType: 'INT8', sparseDensity: 0.01 }],
    ['factors', { method: 'exact', goalSize: 0.6, minRank: 1 }],
    ['dense', {}],
  ] as const)('merge to the bytes of one run: %s %o', async (output, params) => {
    const folder = memoryFolder('out')
    const whole = await run(folder, 'whole', params, { output })
    for (let index = 1; index <= 3; index++)
      await run(folder, `part${index}`, params, { output, part: { index, of: 3 } })
    // In any order.
    const parts = await Promise.all([2, 3, 1].map((index) => openWeightFile({ folder, entry: `part${index}` })))
    const report = await mergeParts({ parts, target: { folder, name: 'merged' } }, { force: false }, testContext())
    expect(folder.files.get('merged')).toEqual(folder.files.get('whole'))
    expect(report).toMatchObject({ parts: 3, bytes: whole.bytesAfter })
  })

  it('are refused where their bytes are not those that were written', async () => {
    const folder = memoryFolder('out')
    for (const index of [1, 2]) await run(folder, `p${index}`, {}, { part: { index, of: 2 } })
    folder.files.get('p2')!.fill(0, -400, -300)
    const parts = await Promise.all(['p1', 'p2'].map((entry) => openWeightFile({ folder, entry })))
    await expect(
      mergeParts({ parts, target: { folder, name: 'm' } }, { force: false }, testContext()),
    ).rejects.toMatchObject({
      code: 'bad-file',
      message: 'p2: ccc.lowrank_B is not what was written there. Make this part again.',
    })
    expect([...folder.files.keys(), ...folder.partials.keys()]).toEqual(['p1', 'p2'])
  })

  it('are refused where one is missing, twice there, or of another run', async () => {
    const folder = memoryFolder('out')
    for (const index of [1, 2]) await run(folder, `p${index}`, {}, { part: { index, of: 2 } })
    await run(folder, 'other', { rank: 5 }, { part: { index: 2, of: 2 } })
    await run(folder, 'whole', {})
    const merge = async (...names: string[]) =>
      mergeParts(
        {
          parts: await Promise.all(names.map((entry) => openWeightFile({ folder, entry }))),
          target: { folder, name: 'm' },
        },
        { force: false },
        testContext(),
      )
    await expect(merge('p1')).rejects.toMatchObject({ message: 'Expected the parts 1 to 2 of one run, got 1.' })
    await expect(merge('p1', 'p1')).rejects.toMatchObject({ code: 'bad-request' })
    await expect(merge('p1', 'other')).rejects.toMatchObject({
      message: expect.stringMatching(/differ in ghostsvd.recipe/),
    })
    await expect(merge('whole')).rejects.toMatchObject({ message: expect.stringMatching(/no part of a run/) })
  })

  it('hold every item exactly once, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { maxLength: 60 }), fc.integer({ min: 1, max: 9 }), (sizes, of) => {
        const items = sizes.map((size, i) => ({ size, i }))
        const parts = Array.from({ length: of }, (_, i) => partOf(items, { index: i + 1, of }, ({ size }) => size))
        expect(parts.flat()).toEqual(items)
      }),
    )
  })

  it('are written 1/1 to N/N', () => {
    expect(parsePart('3/8')).toEqual({ index: 3, of: 8 })
    for (const text of ['0/2', '3/2', '1', '1/0', 'a/b', '1/2/3'])
      expect(() => parsePart(text)).toThrow(/Expected a part/)
  })
})
