import { expect, it } from 'vitest'
import { compressFile } from '../../../core/compress/compressor.ts'
import { estimateRun } from '../../../core/compress/estimate.ts'
import { memoryFolder } from '../../../core/io.ts'
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
