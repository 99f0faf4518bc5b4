import { expect, it } from 'vitest'
import { encode } from '../../../core/formats/dtype.ts'
import { compressFile } from '../../../core/jobs/compress.ts'
import { estimateRun } from '../../../core/jobs/estimate.ts'
import { planCompression } from '../../../core/jobs/plan.ts'
import { SketchCache } from '../../../core/sketch-cache/sketch-cache.ts'
import { memoryFolder } from '../memory-folder.ts'
import { sentencesOf } from '../messages/words.ts'
import { withSpectrum } from '../svd/matrices.ts'
import { compressJob, openTensors, plain, type TestTensor, testContext, weights } from './harness.ts'

it('an estimate has the size that is written, whole and by parts, and a time and a memory', async () => {
  const file = await openTensors(
    weights('a', [64, 96]),
    weights('b', [64, 96]),
    plain('norm', 'F32', [64], new Uint8Array(256)),
    weights('c', [96, 64], 'BF16'),
  )
  const { params } = compressJob()
  const job = {
    kind: 'estimate',
    files: { model: 'f' },
    output: 'factors',
    params,
    include: [],
    exclude: [],
    parts: 2,
  } as const
  const estimate = await estimateRun({ model: file }, { ...job, include: [], exclude: [] }, testContext())
  expect(estimate).toMatchObject({ bytesBefore: file.totalBytes, tensors: 4, factorized: 3, weights: 3 * 64 * 96 })
  const folder = memoryFolder('out')
  const whole = await compressFile({ model: file, target: { folder, name: 'o' } }, compressJob(), testContext())
  expect(estimate.bytesAfter).toBe(whole.bytesAfter)
  for (const [i, part] of estimate.parts.entries()) {
    const written = await compressFile(
      { model: file, target: { folder, name: part.part } },
      compressJob({}, { part: { index: i + 1, of: 2 } }),
      testContext(),
    )
    expect(part.bytesAfter).toBe(written.bytesAfter)
    expect(part.tensors).toBe(written.tensors.length)
  }
  expect(estimate.seconds).toBeGreaterThan(0)
  expect(estimate.seconds).toBeLessThan(Number.POSITIVE_INFINITY)
  // At least the largest matrix itself.
  expect(estimate.memoryBytes).toBeGreaterThan(4 * 64 * 96)
})

it('an estimate of a goal has the size that is written, once the model has been analyzed', async () => {
  const broken = { ...weights('broken', [64, 64]), bytes: new Uint8Array(4 * 64 * 64).fill(0xff) }
  const file = await openTensors(weights('a', [64, 96]), broken, weights('c', [96, 64], 'BF16'))
  const { params } = compressJob({ goalError: 0.3 })
  const request = { files: { model: 'f' }, output: 'npz', params, include: [], exclude: [] } as const
  const cache = new SketchCache({ hotTensors: 4, warmTensors: 0 }, null)
  const context = testContext({ sketches: { cache, sourceHash: 'model' } })
  const estimate = () =>
    estimateRun({ model: file }, { kind: 'estimate', ...request, include: [], exclude: [], parts: 1 }, context)
  expect(sentencesOf((await estimate()).notices).join()).toContain('not known before the analysis')
  const plan = await planCompression(
    { model: file },
    { kind: 'plan', knownCurves: true, ...request, include: [], exclude: [] },
    context,
  )
  const known = await estimate()
  expect(known).toMatchObject({ bytesAfter: plan.bytesAfter, factorized: 2 })
  expect(sentencesOf(known.notices).join()).not.toContain('not known')
})

const steep = (name: string): TestTensor => {
  // Beside values this small INT8 rounding is nearly all of the error.
  const spectrum = Float64Array.from({ length: 64 }, (_, i) => 4 ** -i)
  return plain(name, 'F32', [64, 96], encode('F32', withSpectrum(64, 96, spectrum, 3).data).bytes)
}

const broken = (name: string) => plain(name, 'F32', [64, 96], new Uint8Array(4 * 64 * 96).fill(0xff))

it.each([
  [
    'INT8 that rounding forbids',
    { factorDType: 'INT8' } as const,
    steep,
    /^Which tensors get INT8 factors is not known/,
  ],
  ['NaN', {}, broken, /^Whether there is NaN or Inf is not known/],
])('an estimate says that its size is not exact, and why: %s', async (_, params, make, why) => {
  const file = await openTensors(weights('a', [64, 96]), make('b'))
  const cache = new SketchCache({ hotTensors: 4, warmTensors: 0 }, null)
  const context = testContext({ sketches: { cache, sourceHash: 'model' } })
  const job = {
    kind: 'estimate',
    files: { model: 'f' },
    output: 'factors',
    params: compressJob(params).params,
    parts: 1,
  } as const
  const estimate = () => estimateRun({ model: file }, { ...job, include: [], exclude: [] }, context)
  const before = await estimate()
  expect(before.sizeIsExact).toBe(false)
  expect(sentencesOf(before.notices)).toContainEqual(expect.stringMatching(why))
  const written = await compressFile(
    { model: file, target: { folder: memoryFolder('out'), name: 'o' } },
    compressJob(params),
    context,
  )
  expect(written.bytesAfter).toBeGreaterThan(before.bytesAfter)
  const after = await estimate()
  expect(after).toMatchObject({ sizeIsExact: true, bytesAfter: written.bytesAfter })
  expect(after.notices).toHaveLength(1)
})

it.each([
  [{ output: 'npz', goalSize: 0, parts: 3 }, /^Only an output that is one safetensors file can be made in parts/],
] as const)('what compress refuses has no estimate: %o', async ({ output, goalSize, parts }, sentence) => {
  const file = await openTensors(weights('a', [64, 96]))
  const { params } = compressJob({ goalSize })
  const job = { kind: 'estimate', files: { model: 'f' }, output, params, include: [], exclude: [], parts } as const
  await expect(estimateRun({ model: file }, { ...job, include: [], exclude: [] }, testContext())).rejects.toThrow(
    sentence,
  )
})
