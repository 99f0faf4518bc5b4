import { expect, it } from 'vitest'
import { compressFile } from '../../../core/compress/compressor.ts'
import { estimateRun } from '../../../core/compress/estimate.ts'
import { planCompression } from '../../../core/compress/plan-report.ts'
import { memoryFolder } from '../../../core/io.ts'
import { SketchCache } from '../../../core/sketch-cache/sketch-cache.ts'
import { compressJob, openTensors, plain, testContext, weights } from './harness.ts'

it('an estimate has the size that is written, whole and by parts, and a time and a memory', async () => {
  const file = await openTensors(
    weights('a', [64, 96]),
    weights('b', [64, 96]),
    plain('norm', 'F32', [64], new Uint8Array(256)),
    weights('c', [96, 64], 'BF16'),
  )
  const { params } = compressJob()
  const job = { kind: 'estimate', fileId: 'f', output: 'factors', params, include: [], exclude: [], parts: 2 } as const
  const estimate = await estimateRun(file, { ...job, include: [], exclude: [] }, testContext())
  expect(estimate).toMatchObject({ bytesBefore: file.totalBytes, tensors: 4, factorized: 3, weights: 3 * 64 * 96 })
  const folder = memoryFolder('out')
  const whole = await compressFile(file, { folder, name: 'o' }, compressJob(), testContext())
  expect(estimate.bytesAfter).toBe(whole.bytesAfter)
  for (const [i, part] of estimate.parts.entries()) {
    const written = await compressFile(
      file,
      { folder, name: part.part },
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
  const request = { fileId: 'f', output: 'peft', params, include: [], exclude: [] } as const
  const cache = new SketchCache({ hotTensors: 4, warmTensors: 0 }, null)
  const context = testContext({ sketches: { cache, source: 'model' } })
  const estimate = () =>
    estimateRun(file, { kind: 'estimate', ...request, include: [], exclude: [], parts: 1 }, context)
  expect((await estimate()).notices.join()).toContain('not known before the analysis')
  const plan = await planCompression(
    file,
    { kind: 'plan', knownCurves: true, ...request, include: [], exclude: [] },
    context,
  )
  const known = await estimate()
  expect(known).toMatchObject({ bytesAfter: plan.bytesAfter, factorized: 2 })
  expect(known.notices.join()).not.toContain('not known')
})
