import { expect, it } from 'vitest'
import { analyzeTensor } from '../../../core/jobs/analyze.ts'
import { planCompression } from '../../../core/jobs/plan.ts'
import type { JobContext } from '../../../core/matrix/context.ts'
import { defaultParams } from '../../../core/params.ts'
import { SketchCache } from '../../../core/sketch-cache/sketch-cache.ts'
import { someWords } from '../messages/words.ts'
import { withSpectrum } from '../svd/matrices.ts'
import { openTensors, plain, testContext, weights } from './harness.ts'

it('an analysis says when slower kernels computed it than there are', async () => {
  const file = await openTensors(weights('w', [64, 96]))
  const params = { ...defaultParams, rank: 4 }
  const job = { kind: 'analyze', files: { model: '' }, tensor: 'w', params, repeat: 0, reuse: false } as const
  const kernelNotice = someWords('No fused multiply-add here.')
  expect((await analyzeTensor({ model: file }, job, testContext({ kernelNotice }))).notices).toEqual([kernelNotice])
  expect((await analyzeTensor({ model: file }, job, testContext({ kernelNotice: null }))).notices).toEqual([])
})

it('a sketch that the plan of the whole model left is only measured, and its report is kept', async () => {
  const file = await openTensors(weights('model.layers.0.q_proj.weight', [96, 128]))
  const cache = new SketchCache({ hotTensors: 1, warmTensors: 1 }, null)
  const context = testContext({ sketches: { cache, sourceHash: 'model' } })
  const curves: number[][] = []
  const report: JobContext['report'] = (event) => event.type === 'spectrum' && curves.push(event.errorCurve)
  const params = { ...defaultParams, rank: 8 }
  const rules = { include: [], exclude: [], knownCurves: true }
  await planCompression(
    { model: file },
    { kind: 'plan', files: { model: '' }, output: 'factors', params, ...rules },
    { ...context, report },
  )
  const look = {
    kind: 'analyze',
    files: { model: '' },
    tensor: 'model.layers.0.q_proj.weight',
    repeat: 0,
    reuse: true,
  } as const
  const asDeep = { ...look, params: { ...params, rank: curves[0]!.length - 1 } }
  const before = cache.counters
  const seen = await analyzeTensor({ model: file }, asDeep, context)
  expect(cache.counters).toMatchObject({ stored: before.stored, missed: before.missed })
  const fresh = await analyzeTensor({ model: file }, { ...asDeep, reuse: false }, testContext())
  expect(seen.singularValues).toEqual(fresh.singularValues)
  expect(seen.errorCurve).toEqual(fresh.errorCurve)
  // From now on it needs no weights at all.
  const unreadable = { ...file, read: () => Promise.reject(new Error('a weight was read')) }
  expect(await analyzeTensor({ model: unreadable }, asDeep, context)).toEqual(seen)
})

it('an adaptive sketch says the same rank however often it is timed', async () => {
  const file = await openTensors(weights('w', [128, 160]))
  const params = { ...defaultParams, method: 'randomized', algorithm: 'adaptive', rank: 100, goalError: 0.12 } as const
  const job = { kind: 'analyze', files: { model: '' }, tensor: 'w', params, repeat: 0, reuse: false } as const
  const once = await analyzeTensor({ model: file }, job, testContext())
  const timed = await analyzeTensor({ model: file }, { ...job, repeat: 2 }, testContext())
  expect(once.relativeError).toBeLessThanOrEqual(0.12)
  expect(once.errorCurve.at(-2)).toBeGreaterThan(0.12)
  expect({ rank: timed.rank, errorCurve: timed.errorCurve }).toEqual({ rank: once.rank, errorCurve: once.errorCurve })
})

// What a sketch leaves over, as the difference of two squares, has no digits at such goals: at some of them it was 0.05 % above the goal.
it('an adaptive sketch ends within its goal, however near to rounding that is', async () => {
  const steep = withSpectrum(
    256,
    256,
    Float64Array.from({ length: 256 }, (_, i) => (i + 1) ** -2),
  )
  const file = await openTensors(plain('w', 'F32', [256, 256], new Uint8Array(steep.data.buffer)))
  for (let step = 0; step < 12; step++) {
    const goalError = 1e-3 * 1.02 ** step
    const params = { ...defaultParams, method: 'randomized', algorithm: 'adaptive', rank: 200, goalError } as const
    const job = { kind: 'analyze', files: { model: '' }, tensor: 'w', params, repeat: 0, reuse: false } as const
    const { relativeError, errorCurve } = await analyzeTensor({ model: file }, job, testContext())
    expect(relativeError).toBeLessThanOrEqual(goalError)
    expect(errorCurve.at(-2)).toBeGreaterThan(goalError * (1 - 1e-5))
  }
})

it.each([0, 2])(
  'a certificate brackets the floor by a second sketch, whatever the first one found after %i iterations',
  async (nIter) => {
    const file = await openTensors(weights('w', [128, 160]))
    const params = { ...defaultParams, rank: 12, nIter } as const
    const job = { kind: 'analyze', files: { model: '' }, tensor: 'w', repeat: 0, reuse: false } as const
    const exact = { ...job, params: { ...params, method: 'exact' } } as const
    const { relativeError: floor } = await analyzeTensor({ model: file }, exact, testContext())
    const sketched = { ...job, params: { ...params, method: 'randomized' }, certify: true } as const
    const { certificate, relativeError, resolution } = await analyzeTensor({ model: file }, sketched, testContext())
    const { low, high } = certificate!.floor
    expect(low).toBeLessThanOrEqual(floor + resolution)
    expect(high).toBeGreaterThanOrEqual(floor - resolution)
    expect(high).toBeLessThanOrEqual(relativeError)
    expect(high - low).toBeLessThan(0.1 * floor)
  },
)
