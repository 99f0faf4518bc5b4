import { describe, expect, it } from 'vitest'
import type { WeightFile } from '../../../core/formats/format.ts'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { compressFile } from '../../../core/jobs/compress.ts'
import { estimateRun } from '../../../core/jobs/estimate.ts'
import { defaultParams } from '../../../core/params.ts'
import { SketchCache } from '../../../core/sketch-cache/sketch-cache.ts'
import { mergeParts } from '../../../core/write/parts/merge.ts'
import { memoryFolder } from '../memory-folder.ts'
import { compressJob, openTensors, outcomeOf, testContext, weights } from './harness.ts'

const first = weights('first', [64, 96])
const again = { ...first, name: 'again' }
const layer = weights('layer', [96, 64])
const norm = weights('norm', [64])
const normAgain = { ...norm, name: 'norm.again' }

/** `again` and `norm.again` share the storage of their twins; `layer` lies between. */
async function tiedFile(): Promise<WeightFile> {
  const file = await openTensors(first, layer, again, norm, normAgain)
  const twins = new Map([
    ['again', 'first'],
    ['norm.again', 'norm'],
  ])
  const tensors = file.tensors.map((info) => {
    const sharesStorageWith = twins.get(info.name)
    return sharesStorageWith === undefined ? info : { ...info, sharesStorageWith }
  })
  const once = [first, layer, norm].reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
  return { ...file, tensors, totalBytes: once }
}

async function compressed(job = compressJob(), context = testContext()) {
  const folder = memoryFolder('out')
  const report = await compressFile({ model: await tiedFile(), target: { folder, name: 'o' } }, job, context)
  const output = await openWeightFile({ folder, entry: 'o' })
  const read = async (name: string) => output.read(output.tensors.find((each) => each.name === name)!)
  return { report, output, read, bytes: folder.files.get('o')!, of: (name: string) => outcomeOf(report.tensors, name) }
}

describe('tensors that share a storage', () => {
  it('are under both names in the output, with the same bytes, and factorized once', async () => {
    const cache = new SketchCache({ hotTensors: 1, warmTensors: 0 }, null)
    const { read, output } = await compressed(compressJob(), testContext({ sketches: { cache, sourceHash: 's' } }))
    for (const factor of ['lowrank_A', 'lowrank_B'])
      expect(await read(`again.${factor}`)).toEqual(await read(`first.${factor}`))
    expect(await read('norm.again')).toEqual(norm.bytes)
    expect(cache.counters).toMatchObject({ hot: 1, stored: 1 })
    expect(JSON.parse(output.metadata.get('ghostsvd.ties')!)).toEqual({ again: 'first', 'norm.again': 'norm' })
  })

  it('have the same factors where no sketch is kept', async () => {
    const { read } = await compressed()
    expect(await read('again.lowrank_A')).toEqual(await read('first.lowrank_A'))
  })

  it('are counted once: in the bytes before, the model error and the weights of an estimate', async () => {
    const { report, of } = await compressed()
    expect(report.tensors.reduce((sum, { bytesBefore }) => sum + bytesBefore, 0)).toBe(report.bytesBefore)
    expect(of('again')).toMatchObject({ action: 'factorized', rank: 8, bytesBefore: 0 })
    expect(of('again').bytesAfter).toBe(of('first').bytesAfter)
    expect(of('again').reason).toBe(`Same storage as first: ${of('first').reason}`)
    expect(of('norm.again').reason).toBe(`Same storage as norm: ${of('norm').reason}`)
    const [a, b] = [of('first').relativeError!, of('layer').relativeError!]
    expect(report.relativeError).toBeCloseTo(Math.sqrt((a ** 2 + b ** 2) / 2), 12)

    const { output, params, include, exclude } = compressJob()
    const job = { kind: 'estimate', files: { model: 'f' }, output, params, include, exclude, parts: 1 } as const
    expect((await estimateRun({ model: await tiedFile() }, job, testContext())).weights).toBe(2 * 64 * 96)
  })

  it('share the decision on the first', async () => {
    const { of } = await compressed(compressJob({}, { exclude: ['first'] }))
    expect(of('again')).toMatchObject({
      action: 'kept',
      reason: 'Same storage as first: Left out by the rule "first".',
    })
  })

  it.each([{ goalSize: 20_000 }, { goalError: 0.3 }, { goalError: 0.3, goalWeight: 'norm' }] as const)(
    'share the rank that a goal finds: %o',
    async (goal) => {
      const params = { ...defaultParams, method: 'exact', minRank: 1, goalScope: 'model', ...goal } as const
      const { report, of } = await compressed(compressJob(params))
      expect(of('again').rank).toBe(of('first').rank)
      expect(of('again').action).toBe('factorized')
      if ('goalSize' in goal) expect(report.bytesAfter).toBeLessThanOrEqual(goal.goalSize)
      else expect(report.relativeError).toBeLessThanOrEqual(goal.goalError)
    },
  )

  it.each([{}, { factorDType: 'INT8' }] as const)('merge from parts to the bytes of one run: %o', async (params) => {
    const { bytes } = await compressed(compressJob(params))
    const folder = memoryFolder('out')
    const entries = [1, 2, 3].map((index) => ({ index, name: `part${index}` }))
    for (const { index, name } of entries) {
      const job = compressJob(params, { part: { index, of: 3 } })
      await compressFile({ model: await tiedFile(), target: { folder, name } }, job, testContext())
    }
    const parts = await Promise.all(entries.map(({ name }) => openWeightFile({ folder, entry: name })))
    await mergeParts({ parts, target: { folder, name: 'merged' } }, { force: false }, testContext())
    expect(folder.files.get('merged')).toEqual(bytes)
  })
})
