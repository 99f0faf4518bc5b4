/** Whatever the model, the cut and the goal: parts join to the bytes of one run, also where tensors cannot be factorized after all. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encode } from '../../../../core/formats/dtype.ts'
import type { WeightFile } from '../../../../core/formats/format.ts'
import { openWeightFile } from '../../../../core/formats/opening/open.ts'
import { compressFile } from '../../../../core/jobs/compress.ts'
import type { Params } from '../../../../core/params.ts'
import { mergeParts } from '../../../../core/write/parts/merge.ts'
import {
  compressJob,
  fileBytes,
  openTensors,
  plain,
  type TestTensor,
  testContext,
  weights,
} from '../../jobs/harness.ts'
import { type MemoryFolder, memoryFolder } from '../../memory-folder.ts'

type Job = Omit<Partial<ReturnType<typeof compressJob>>, 'params'> & { readonly params?: Partial<Params> }

async function run(file: WeightFile, folder: MemoryFolder, name: string, { params = {}, ...rest }: Job) {
  const job = compressJob({ method: 'exact', minRank: 1, rank: 3, ...params }, { include: ['*'], ...rest })
  return compressFile({ model: file, target: { folder, name } }, job, testContext())
}

/** Bytes of one run and of the parts merged, or what both are refused with. */
async function bothWays(file: WeightFile, of: number, job: Job) {
  const folder = memoryFolder('out')
  const whole = await run(file, folder, 'whole', job).catch((error: Error) => error)
  if (whole instanceof Error) {
    await expect(run(file, folder, 'part', { ...job, part: { index: 1, of } })).rejects.toThrow(whole.message)
    return { whole, merged: whole, report: null }
  }
  const parts: WeightFile[] = []
  for (let index = 1; index <= of; index++) {
    await run(file, folder, `part${index}`, { ...job, part: { index, of } })
    parts.push(await openWeightFile({ folder, entry: `part${index}` }))
  }
  const report = await mergeParts({ parts, target: { folder, name: 'merged' } }, { force: false }, testContext())
  expect(report.relativeError).toBeCloseTo(whole.relativeError, 6)
  return { whole: folder.files.get('whole')!, merged: folder.files.get('merged')!, report }
}

/** In F16 the factors of values like these overflow. */
const huge = (name: string, shape: readonly number[]) => weights(name, shape, 'F32', 1e12)

function withNaN(name: string, shape: readonly number[]): TestTensor {
  const tensor = weights(name, shape, 'BF16')
  const bytes = tensor.bytes.slice()
  bytes.set([0xc0, 0x7f])
  return { ...tensor, bytes }
}

const shape = fc.tuple(fc.integer({ min: 5, max: 21 }), fc.integer({ min: 5, max: 21 }))
const tensor = fc.oneof(
  { weight: 4, arbitrary: fc.record({ of: fc.constantFrom(weights, huge), shape }) },
  { weight: 2, arbitrary: fc.record({ of: fc.constant((n: string, s: number[]) => weights(n, s, 'BF16')), shape }) },
  { weight: 1, arbitrary: fc.record({ of: fc.constant(withNaN), shape }) },
  {
    weight: 1,
    arbitrary: fc.record({
      of: fc.constant((name: string, [length]: number[]) => plain(name, 'U8', [length!], new Uint8Array(length!))),
      shape,
    }),
  },
)
/** Names that JSON orders by itself are among them. */
const model = fc
  .array(tensor, { minLength: 1, maxLength: 7 })
  .map((tensors) => tensors.map(({ of, shape }, i) => of(i % 3 === 0 ? String(9 - i) : `w${i}`, shape)))

const jobs: readonly Job[] = [
  { params: {} },
  { params: { factorDType: 'F16' } },
  { params: { factorDType: 'F16', factorLayout: 'usv' } },
  { params: { factorDType: 'INT8' } },
  { params: { sparseDensity: 0.02, factorDType: 'F16' } },
  { params: { goalSize: 0.6 } },
  { params: { goalSize: 0.9, factorDType: 'F16' } },
  { params: { goalError: 0.4 } },
  { params: { goalError: 0.3, goalScope: 'model', factorDType: 'F16' } },
  { params: { factorDType: 'F16' }, output: 'dense' },
]

describe('merged parts', () => {
  it.each(jobs)('are the bytes of one run: %j', async (job) => {
    await fc.assert(
      fc.asyncProperty(model, fc.integer({ min: 2, max: 4 }), async (tensors, of) => {
        const { whole, merged, report } = await bothWays(await openTensors(...tensors), of, job)
        expect(merged).toEqual(whole)
        if (report) expect(report.tensors).toBe(tensors.length)
      }),
      { numRuns: 25, seed: 7 },
    )
  })

  it('have the space that one run leaves for a tensor that could not be factorized', async () => {
    const file = await openTensors(weights('a', [16, 24]), huge('b', [17, 19]), weights('c', [24, 16]))
    const { whole, merged } = await bothWays(file, 2, { params: { factorDType: 'F16' } })
    expect(merged).toEqual(whole)
    const folder = memoryFolder('o')
    const { tensors } = await run(file, folder, 'o', { params: { factorDType: 'F16' } })
    expect(tensors.map(({ action }) => action)).toEqual(['factorized', 'factorized', 'kept'])
  })

  it('keep tensors of one storage together, wherever a part ends', async () => {
    const first = weights('first', [16, 24])
    const tensors = [first, weights('layer', [17, 19], 'BF16'), { ...first, name: 'again' }, weights('last', [20, 20])]
    const opened = await openTensors(...tensors)
    const file = {
      ...opened,
      tensors: opened.tensors.map((info) => (info.name === 'again' ? { ...info, sharesStorageWith: 'first' } : info)),
    }
    for (const of of [2, 3, 4]) {
      const { whole, merged } = await bothWays(file, of, {})
      expect(merged).toEqual(whole)
    }
  })

  it('take scales along with the FP8 tensors that are kept', async () => {
    const codes = encode(
      'F8_E4M3',
      Float64Array.from({ length: 20 * 21 }, (_, i) => Math.sin(i) * 100),
    ).bytes
    const scale = encode('F32', Float64Array.of(0.5)).bytes
    const file = await openTensors(
      weights('a', [16, 24]),
      plain('w', 'F8_E4M3', [20, 21], codes),
      plain('w_scale', 'F32', [1], scale),
      weights('c', [17, 19], 'BF16'),
    )
    for (const job of [{ exclude: ['w'] }, {}, { output: 'dense' as const }]) {
      const { whole, merged, report } = await bothWays(file, 3, job)
      expect(merged).toEqual(whole)
      expect(report?.tensors).toBe(4)
    }
  })

  it('of a source that was a part itself are not taken for it', async () => {
    const folder = memoryFolder('in')
    const file = await openTensors(weights('a', [16, 24]), weights('c', [24, 16]))
    await run(file, folder, 'part', { part: { index: 1, of: 2 } })
    const again = await openWeightFile({ folder, entry: 'part' })
    await run(again, folder, 'whole', {})
    const { metadata } = await openWeightFile({ folder, entry: 'whole' })
    expect([...metadata.keys()].filter((key) => key.includes('part') || key.includes('tensors'))).toEqual([])
  })

  it('are refused where their header does not say what it has to', async () => {
    const folder = memoryFolder('in')
    const fields = { 'ghostsvd.part': '1/1', 'ghostsvd.recipe': 'r', 'ghostsvd.source': 's', 'ghostsvd.version': 'v' }
    const one = '[["a",0,8,16,1,1,null,null]]'
    for (const [tensors, what, ties] of [
      [undefined, /what this version writes/],
      ['{', /what this version writes/],
      ['[["a",0,8,16,1,9,null,null]]', /expected 1 entries, got 9/],
      ['[["a",0,8,16,1,1,"7ff8000000000000",null]]', /expected errors, got NaN/],
      ['[["a",0,8,16,1,1,"bff0000000000000",null]]', /expected errors, got -1/],
      [one, /expected names by names/, 'null'],
      [one, /expected names by names/, '{"a":{}}'],
    ] as const) {
      const metadata = new Map(
        Object.entries({
          ...fields,
          ...(tensors !== undefined && { 'ghostsvd.tensors': tensors }),
          ...(ties !== undefined && { 'ghostsvd.ties': ties }),
        }),
      )
      folder.files.set('p', fileBytes([plain('a', 'F32', [4, 4], new Uint8Array(64))], metadata))
      const part = await openWeightFile({ folder, entry: 'p' })
      await expect(
        mergeParts({ parts: [part], target: { folder, name: 'm' } }, { force: false }, testContext()),
      ).rejects.toThrow(what)
    }
  })
})
