import { expect, it } from 'vitest'
import { analyzeTensor } from '../../../core/compress/analyze.ts'
import { defaultParams } from '../../../core/params.ts'
import { openTensors, testContext, weights } from './harness.ts'

it('an analysis says when slower kernels computed it than there are', async () => {
  const file = await openTensors(weights('w', [64, 96]))
  const params = { ...defaultParams, rank: 4 }
  const job = { kind: 'analyze', fileId: '', tensor: 'w', params, repeat: 0, reuse: false } as const
  const kernelNotice = 'No fused multiply-add here.'
  expect((await analyzeTensor(file, job, testContext({ kernelNotice }))).notices).toEqual([kernelNotice])
  expect((await analyzeTensor(file, job, testContext({ kernelNotice: null }))).notices).toEqual([])
})
