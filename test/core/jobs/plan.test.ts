import { describe, expect, it } from 'vitest'
import type { Job } from '../../../core/contract.ts'
import { floorCurve } from '../../../core/curves/error-curve.ts'
import { encode } from '../../../core/formats/dtype.ts'
import type { WeightFile } from '../../../core/formats/format.ts'
import { compressFile } from '../../../core/jobs/compress.ts'
import { planCompression } from '../../../core/jobs/plan.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import type { Params } from '../../../core/params.ts'
import type { ColdStore } from '../../../core/sketch-cache/cold-store.ts'
import { SketchCache } from '../../../core/sketch-cache/sketch-cache.ts'
import { styleIds, styles } from '../../../core/styles.ts'
import { memoryFolder } from '../memory-folder.ts'
import { withSpectrum } from '../svd/matrices.ts'
import {
  compressJob,
  openGraph,
  openTensors,
  outcomeOf,
  plain,
  type Reported,
  testContext,
  weights,
} from './harness.ts'

type PlanJob = Extract<Job, { kind: 'plan' }>

function planJob(params: Partial<Params> = {}, rest: Partial<PlanJob> = {}): PlanJob {
  const { files, output, params: whole, include, exclude } = compressJob({ minRank: 1, ...params })
  return { kind: 'plan', files, output, params: whole, include, exclude, knownCurves: true, ...rest }
}

const steep = decaying('model.layers.0.steep.weight', 96, 128, 1.2)

function decaying(name: string, rows: number, cols: number, power: number) {
  const { data } = withSpectrum(rows, cols, spectrum(rows, cols, power), name.length)
  return plain(name, 'F32', [rows, cols], encode('F32', data).bytes)
}

function spectrum(rows: number, cols: number, power: number): Float64Array {
  return Float64Array.from({ length: Math.min(rows, cols) }, (_, i) => (i + 1) ** -power)
}

const model = [
  weights('model.layers.0.q_proj.weight', [64, 96]),
  weights('model.layers.0.k_proj.weight', [96, 64], 'BF16'),
  steep,
  weights('model.layers.0.experts.weight', [2, 64, 72]),
  weights('model.layers.0.conv.weight', [64, 8, 3, 3]),
  { ...weights('model.layers.0.broken.weight', [64, 64]), bytes: new Uint8Array(4 * 64 * 64).fill(0xff) },
  plain('model.norm.weight', 'F32', [64], new Uint8Array(256)),
]

/** What a graph of products takes. */
const ofGraph = model.filter(({ dtype, shape }) => dtype === 'F32' && shape.length === 2)

/** A context whose memory of sources outlives it in `cold`, as that of an engine on the user's disk. */
function remembering(cold: ColdStore | null = null) {
  const cache = new SketchCache({ hotTensors: 64, warmTensors: 8 }, cold)
  return { cache, context: testContext({ sketches: { cache, sourceHash: 'model' } }) }
}

function memoryStore(): ColdStore {
  const files = new Map<string, Uint8Array>()
  return { read: async (key) => files.get(key) ?? null, write: async (key, bytes) => void files.set(key, bytes) }
}

/** Fails the test that reads a weight. */
function unreadable(file: WeightFile): WeightFile {
  return { ...file, read: () => Promise.reject(new Error('a weight was read')) }
}

async function written(file: WeightFile, { params, output, include, exclude }: PlanJob, context = testContext()) {
  const job = compressJob(params, { output: styleIds.find((id) => id === output)!, include, exclude })
  return compressFile({ model: file, target: { folder: memoryFolder('out'), name: 'o' } }, job, context)
}

const requests: [string, Partial<Params>][] = [
  ['a rank', { rank: 12 }],
  ['a rank in half precision', { rank: 12, factorDType: 'F16', factorLayout: 'usv' }],
  ['a rank with a sparse part', { rank: 12, sparseDensity: 0.01 }],
  ['a rank in INT8', { rank: 12, factorDType: 'INT8' }],
  ['a rank in INT8 everywhere', { rank: 12, factorDType: 'INT8', int8Always: true }],
  ['an error goal', { goalError: 0.3 }],
  ['a model error goal', { goalError: 0.2, goalScope: 'model' }],
  ['a model error goal that counts norms', { goalError: 0.2, goalScope: 'model', goalWeight: 'norm' }],
  ['an error goal in INT8', { goalError: 0.3, factorDType: 'INT8' }],
  ['a size goal', { goalSize: 0.6, maxRank: 40 }],
  ['a size goal shared out greedily', { goalSize: 0.6, allocation: 'greedy', method: 'randomized' }],
]

describe('a plan says what a compression of the same request writes', () => {
  for (const output of styleIds) {
    // What an output style changes is the bytes of a tensor and what lies around them, not how ranks are chosen.
    const some = requests.filter(
      ([, { goalError, rank, factorDType, factorLayout }]) =>
        output === 'factors' ||
        goalError === 0.3 ||
        (rank === 12 &&
          !(styles[output].prescribed && factorDType === 'F16') &&
          !((styles[output].isGraph || styles[output].asModules) && factorLayout === 'usv')),
    )
    it.each(some)(`as ${output}: %s`, async (_, params) => {
      const file = styles[output].isGraph ? await openGraph(...ofGraph) : await openTensors(...model)
      const job = planJob(params, { output })
      const plan = await planCompression({ model: file }, job, testContext())
      const report = await written(file, job)
      expect(plan.bytesBefore).toBe(report.bytesBefore)
      expect(plan.bytesAfter).toBe(report.bytesAfter)
      // A report follows the order of the file, a plan that of the source.
      expect(plan.tensors).toHaveLength(report.tensors.length)
      for (const planned of plan.tensors) {
        const { action, ...outcome } = outcomeOf(report.tensors, planned.name)
        expect(planned.action === 'factorize').toBe(action === 'factorized')
        const { name, rank, bytesBefore, bytesAfter, reason } = outcome
        expect({ ...planned, reason: inEnglish(planned.reason) }).toMatchObject({
          name,
          rank,
          bytesBefore,
          bytesAfter,
          reason,
        })
      }
    })
  }
})

describe('what a plan predicts', () => {
  it('is the error that is measured, where nothing is rounded', async () => {
    const file = await openTensors(...model)
    const job = planJob({ rank: 12, method: 'exact' })
    const plan = await planCompression({ model: file }, job, testContext())
    const report = await written(file, job)
    for (const { name, relativeError } of plan.tensors.filter(({ factorDType }) => factorDType === 'F32')) {
      expect(relativeError).toBeCloseTo(outcomeOf(report.tensors, name).relativeError!, 5)
    }
    const floor = floorCurve(spectrum(96, 128, 1.2))[12]!
    expect(outcomeOf(report.tensors, steep.name).relativeError!).toBeCloseTo(floor, 5)
    expect(plan.relativeError).toBeCloseTo(report.relativeError, 4)
    expect(plan.errorIsLeast).toBe(false)
  })

  it('is the least that a run at a given rank can come to, where that makes narrower sketches', async () => {
    const file = await openTensors(...model.filter(({ dtype }) => dtype === 'F32'))
    for (const [goal, errorIsLeast] of [
      [{}, true],
      [{ goalSize: 0.6 }, false],
    ] as const) {
      const job = planJob({ rank: 6, method: 'randomized', nIter: 0, oversample: 2, ...goal })
      const plan = await planCompression({ model: file }, job, testContext())
      const report = await written(file, job)
      expect(plan.errorIsLeast).toBe(errorIsLeast)
      if (errorIsLeast) expect(report.relativeError).toBeGreaterThan(plan.relativeError * 1.001)
      else expect(report.relativeError).toBeCloseTo(plan.relativeError, 4)
    }
  })

  it('names what INT8 would add, and only when it was asked for', async () => {
    const file = await openTensors(decaying('steeper', 96, 128, 2))
    const int8 = await planCompression({ model: file }, planJob({ rank: 40, factorDType: 'INT8' }), testContext())
    // Beyond 5 % the tensor keeps half precision, and the plan says by how much it would have grown.
    expect(int8.tensors[0]).toMatchObject({
      factorDType: 'BF16',
    })
    expect(inEnglish(int8.tensors[0]!.reason)).toMatch(/INT8 would add/)
    expect(int8.tensors[0]!.int8Increase).toBeGreaterThan(0.05)
    const kept = await planCompression({ model: file }, planJob({ rank: 40 }), testContext())
    expect(kept.tensors[0]!.int8Increase).toBeNull()
  })

  // One scale for each direction below rank 100, for each row and column from there on, where entries that round to zero lose less than
  // the half step that is reckoned with.
  it.each([24, 110])('at rank %i: INT8 adds what was said, to a fifth of it', async (rank) => {
    const file = await openTensors(decaying('w', 160, 200, 1))
    const job = planJob({ rank, factorDType: 'INT8', int8Always: true })
    const { tensors } = await planCompression({ model: file }, job, testContext())
    const { split, relativeError } = outcomeOf((await written(file, job)).tensors, 'w')
    const added = relativeError! / split!.truncation - 1
    expect(added).toBeGreaterThan(0)
    expect(Math.abs(tensors[0]!.int8Increase! / added - 1)).toBeLessThan(0.2)
  })

  it('says each curve once, down from an error of 1, also of a tensor that this rank would make larger', async () => {
    const file = await openTensors(...model)
    const context = testContext()
    const plan = await planCompression({ model: file }, planJob({ rank: 60 }), context)
    const curves = context.events.filter((event): event is Reported & { type: 'spectrum' } => event.type === 'spectrum')
    const matrices = model.slice(0, 5).map(({ name }) => name)
    expect(curves.map(({ tensor }) => tensor)).toEqual(matrices)
    for (const { errorCurve } of curves) {
      expect(errorCurve[0]).toBeCloseTo(1, 6)
      expect(errorCurve.every((error, k) => k === 0 || error <= errorCurve[k - 1]!)).toBe(true)
    }
    expect(plan.tensors.find(({ name }) => name === matrices[0])).toMatchObject({ action: 'keep' })
    const progress = context.events.filter(
      (event): event is Reported & { type: 'progress' } => event.type === 'progress',
    )
    const total = model.slice(0, 6).reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
    expect(progress.filter(({ phase }) => phase === 'analyze').map((event) => event.total)).toContain(total)
  })
})

describe('what was analyzed once', () => {
  const others: Partial<Params>[] = [
    { goalError: 0.25 },
    { goalSize: 0.6, allocation: 'uniform' },
    { goalSize: 0.5, factorDType: 'F16' },
    { goalError: 0.1, minRank: 4, maxRank: 30 },
    { goalError: 0.2, goalScope: 'model', factorDType: 'INT8' },
    { rank: 20 },
    { rank: 7, factorDType: 'F16' },
  ]

  it('answers any other goal or rule, and reads no weights', async () => {
    const file = await openTensors(...model)
    const { context } = remembering()
    // Two experts are two matrices.
    expect((await planCompression({ model: file }, planJob(), context)).analyzed).toBe(6)
    for (const params of others) {
      const plan = await planCompression(
        { model: unreadable(file) },
        planJob(params, { exclude: ['*q_proj*'] }),
        context,
      )
      expect(plan.analyzed).toBe(0)
      const fresh = await planCompression({ model: file }, planJob(params, { exclude: ['*q_proj*'] }), testContext())
      expect(plan.tensors).toEqual(fresh.tensors)
      expect(plan.bytesAfter).toBe(fresh.bytesAfter)
    }
  })

  it('is known to the next engine too', async () => {
    const file = await openTensors(...model)
    const cold = memoryStore()
    const first = await planCompression({ model: file }, planJob({ goalError: 0.3 }), remembering(cold).context)
    const { context } = remembering(cold)
    const second = await planCompression({ model: unreadable(file) }, planJob({ goalError: 0.3 }), context)
    expect(second).toMatchObject({ analyzed: 0, bytesAfter: first.bytesAfter, tensors: first.tensors })
    expect(context.events.filter(({ type }) => type === 'spectrum')).toHaveLength(5)
  })

  it('is not said again to one who has heard it', async () => {
    const file = await openTensors(...model)
    const { context } = remembering()
    await planCompression({ model: file }, planJob(), context)
    const heard = context.events.length
    await planCompression({ model: unreadable(file) }, planJob({ goalError: 0.3 }, { knownCurves: false }), context)
    expect(context.events.slice(heard).filter(({ type }) => type === 'spectrum')).toEqual([])
  })

  it('is compressed without a factorization, to the same bytes', async () => {
    const file = await openTensors(...model)
    const { cache, context } = remembering()
    const job = planJob({ goalError: 0.3, method: 'randomized' })
    await planCompression({ model: file }, planJob({ rank: 9, method: 'randomized' }), context)
    const { stored, missed } = cache.counters
    const known = await written(file, job, context)
    expect(cache.counters).toMatchObject({ stored, missed })
    expect(known.tensors).toEqual((await written(file, job)).tensors)
  })

  it('changes no byte of a compression at a rank', async () => {
    const file = await openTensors(...model)
    const { context } = remembering()
    await planCompression({ model: file }, planJob({ goalError: 0.3, method: 'randomized' }), context)
    const job = planJob({ rank: 9, method: 'randomized' })
    expect((await written(file, job, context)).tensors).toEqual((await written(file, job)).tensors)
  })
})
