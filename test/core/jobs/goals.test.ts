import { describe, expect, it } from 'vitest'
import type { CompressionReport } from '../../../core/contract.ts'
import { floorCurve } from '../../../core/curves/error-curve.ts'
import { encode } from '../../../core/formats/dtype.ts'
import { compressFile } from '../../../core/jobs/compress.ts'
import { say } from '../../../core/messages/english.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { SketchCache } from '../../../core/sketch-cache/sketch-cache.ts'
import { memoryFolder } from '../memory-folder.ts'
import { sentencesOf } from '../messages/words.ts'
import { withSpectrum } from '../svd/matrices.ts'
import { compressJob, openTensors, outcomeOf, plain, type TestTensor, testContext, weights } from './harness.ts'

/** s_i = i^-power, so that every floor is known. */
function decaying(name: string, rows: number, cols: number, power: number, dtype: 'F32' | 'BF16' = 'F32'): TestTensor {
  const { data } = withSpectrum(rows, cols, spectrum(rows, cols, power), name.length)
  return plain(name, dtype, [rows, cols], encode(dtype, data).bytes)
}

function spectrum(rows: number, cols: number, power: number): Float64Array {
  return Float64Array.from({ length: Math.min(rows, cols) }, (_, i) => (i + 1) ** -power)
}

const model = [
  decaying('a', 64, 96, 0.1),
  decaying('bb', 96, 64, 0.6),
  decaying('ccc', 64, 128, 1.2),
  decaying('dddd', 96, 96, 0.3),
  plain('norm', 'F32', [64], new Uint8Array(256)),
]

async function compressed(
  params: Partial<Params>,
  tensors = model,
  context = testContext(),
  rest: Partial<ReturnType<typeof compressJob>> = {},
) {
  const file = await openTensors(...tensors)
  const folder = memoryFolder('out')
  const announced: number[] = []
  const create = folder.create
  folder.create = (name, byteLength) => {
    if (name === 'o') announced.push(byteLength)
    return create(name, byteLength)
  }
  const job = compressJob({ method: 'exact', minRank: 1, ...params }, rest)
  const report = await compressFile({ model: file, target: { folder, name: 'o' } }, job, context)
  expect(report.plannedBytes).toBe(announced[0])
  // What cannot be factorized after all is as large as it was.
  if (!tensors.some(({ name }) => name === 'huge')) expect(report.bytesAfter).toBe(announced[0])
  return { report, totalBytes: file.totalBytes, bytes: folder.files.get('o')! }
}

const rankOf = (report: CompressionReport, name: string) => outcomeOf(report.tensors, name).rank

describe('a size goal', () => {
  it('is met from below, and water-filling does best with it', async () => {
    const errors: Record<string, number> = {}
    for (const allocation of ['water-filling', 'greedy', 'uniform'] as const) {
      const { report, totalBytes } = await compressed({ goalSize: 0.5, allocation })
      expect(report.bytesAfter).toBeLessThanOrEqual(0.5 * totalBytes)
      // One rank of the largest matrix is the finest step there is.
      if (allocation !== 'uniform') expect(report.bytesAfter).toBeGreaterThan(0.5 * totalBytes - 4 * (64 + 128))
      errors[allocation] = report.relativeError
    }
    expect(errors['water-filling']).toBeLessThan(errors.greedy!)
    expect(errors['water-filling']).toBeLessThan(errors.uniform!)
  })

  it('is refused with the numbers when it is out of reach', async () => {
    await expect(compressed({ goalSize: 2000 })).rejects.toMatchObject({
      code: 'bad-request',
      message: expect.stringMatching(/smallest ranks already need \d+/),
    })
    // The norm alone takes 256.
    await expect(compressed({ goalSize: 100 })).rejects.toMatchObject({
      code: 'bad-request',
      message: expect.stringMatching(/^The tensors that stay unchanged already exceed the goal by [\d.]+ k?B/),
    })
    await expect(compressed({ goalSize: 0.5, goalError: 0.1 })).rejects.toMatchObject({ code: 'bad-request' })
  })

  it('knows what other sizes would have come to: where runs for them come out, and below one rank for all', async () => {
    const run = async (params: Partial<Params>) => (await compressed(params)).report
    const [small, large, byRank] = [await run({ goalSize: 0.3 }), await run({ goalSize: 0.6 }), await run({ rank: 20 })]
    const leastAt = ({ plansBySize }: CompressionReport, bytes: number) => {
      const next = plansBySize!.findIndex(([size]) => size >= bytes)
      const [[from, high], [to, low]] = [plansBySize![next - 1]!, plansBySize![next]!]
      return high + ((bytes - from) / (to - from)) * (low - high)
    }
    for (const [known, ran] of [
      [small, small],
      [small, large],
      [large, small],
    ] as const) {
      // Below it by no more than what the header of so small a model differs by, above it by a rank of one tensor.
      expect(ran.relativeError).toBeGreaterThan(leastAt(known, ran.bytesAfter) - 4e-3)
      expect(ran.relativeError).toBeLessThan(leastAt(known, ran.bytesAfter) + 0.01)
    }
    expect(byRank.relativeError).toBeGreaterThan(leastAt(large, byRank.bytesAfter) + 0.02)
    expect(byRank).not.toHaveProperty('plansBySize')
    const dense = await compressed({ goalSize: 0.3 }, model, testContext(), { output: 'dense' })
    expect(dense.report).not.toHaveProperty('plansBySize')
  })

  it('as bytes means bytes', async () => {
    const { report } = await compressed({ goalSize: 60_000 })
    expect(report.bytesAfter).toBeLessThanOrEqual(60_000)
    expect(report.bytesAfter).toBeGreaterThan(59_000)
  })
})

describe('a size goal for an archive', () => {
  const half = [decaying('a', 64, 96, 0.1, 'BF16'), decaying('bb', 96, 64, 0.6, 'BF16')]

  it('weighs BF16 as the archive holds it, in twice the bytes', async () => {
    for (const goalSize of [0.4, 1.2, 1.6]) {
      // Beyond what the source weighs the goal is in bytes.
      const bytes = Math.floor(goalSize * 2 * 2 * 64 * 96)
      const { report } = await compressed({ goalSize: bytes }, half, testContext(), { output: 'npz' })
      expect(report.bytesAfter).toBeLessThanOrEqual(bytes)
      expect(report.bytesAfter).toBeGreaterThan(bytes - 4 * 2 * (64 + 96))
      expect(sentencesOf(report.notices)).toEqual([])
    }
  })
})

it('a size goal that a tensor makes impossible after all is missed with the numbers', async () => {
  const tensors = [decaying('a', 64, 96, 0.5), weights('huge', [64, 96], 'F32', 1e12)]
  const { report, totalBytes } = await compressed({ goalSize: 0.5, factorDType: 'F16' }, tensors)
  expect(outcomeOf(report.tensors, 'huge').action).toBe('kept')
  expect(report.notices).toEqual([
    say('run.goal-missed', { written: report.bytesAfter, goal: Math.floor(totalBytes / 2) }),
  ])
})

describe('an error goal', () => {
  it('for each tensor takes the least rank that reaches it, and keeps what cannot', async () => {
    const goal = 0.2
    const { report } = await compressed({ goalError: goal })
    for (const [name, rows, cols, power] of [
      ['bb', 96, 64, 0.6],
      ['ccc', 64, 128, 1.2],
    ] as const) {
      const outcome = outcomeOf(report.tensors, name)
      expect(outcome.relativeError).toBeLessThanOrEqual(goal)
      const least = floorCurve(spectrum(rows, cols, power)).findIndex((error) => error <= goal)
      if (outcome.action === 'factorized') {
        expect(outcome.rank).toBeGreaterThanOrEqual(least)
        expect(outcome.rank).toBeLessThanOrEqual(least + 1)
      }
    }
    expect(outcomeOf(report.tensors, 'a')).toMatchObject({
      action: 'kept',
      reason: expect.stringMatching(/The goal is not reached below break-even: .* % at rank 38\./),
    })
    const limited = await compressed({ goalError: goal, maxRank: 30 })
    expect(outcomeOf(limited.report.tensors, 'a')).toMatchObject({
      action: 'kept',
      reason: expect.stringMatching(/not reached with the largest rank allowed: .* % at rank 30\./),
    })
  })

  it('for the model is met by the whole', async () => {
    const { report } = await compressed({ goalError: 0.2, goalScope: 'model' })
    expect(report.relativeError).toBeLessThanOrEqual(0.2)
    expect(report.relativeError).toBeGreaterThan(0.15)
    const absolute = await compressed({ goalError: 0.2, goalScope: 'model', goalWeight: 'norm' })
    expect(absolute.report.bytesAfter).not.toBe(report.bytesAfter)
  })

  it('by norms is neither reached nor missed where a finished output does not say its norms', async () => {
    const params = { method: 'exact', minRank: 1, goalError: 0.2, goalScope: 'model', goalWeight: 'norm' } as const
    const target = { folder: memoryFolder('out'), name: 'o' }
    const run = async () => {
      const files = { model: await openTensors(...model), target }
      return compressFile(files, compressJob(params, { resume: true }), testContext())
    }
    const goalSaid = ({ notices }: CompressionReport) => notices.filter(({ key }) => key.startsWith('run.error-goal'))
    expect(goalSaid(await run())).toEqual([])
    expect(goalSaid(await run())).toEqual([say('run.error-goal-unknown', { goal: 0.2 })])
  })

  it('counts the rounding of half-precision factors', async () => {
    // The spectrum alone reaches 0.02 at some rank; BF16 factors add about 0.002, which must not push it over.
    const tensors = [decaying('steep', 96, 96, 2, 'BF16')]
    const { report } = await compressed({ goalError: 0.02 }, tensors)
    const { action, relativeError } = outcomeOf(report.tensors, 'steep')
    expect(action).toBe('factorized')
    expect(relativeError).toBeLessThanOrEqual(0.02)
  })

  it('as energy is the same goal', async () => {
    const byEnergy = await compressed({ goalEnergy: 0.96 })
    const byError = await compressed({ goalError: Math.sqrt(1 - 0.96) })
    expect(byEnergy.report.tensors).toEqual(byError.report.tensors)
  })
})

describe('finished sketches', () => {
  it('serve another goal without a factorization, and change no byte', async () => {
    const cache = new SketchCache({ hotTensors: 8, warmTensors: 8 }, null)
    const context = testContext({ sketches: { cache, sourceHash: 'model' } })
    const first = await compressed({ goalError: 0.2 }, model, context)
    const { stored } = cache.counters
    expect(stored).toBe(4)
    const second = await compressed({ goalSize: 0.5 }, model, context)
    expect(cache.counters.stored).toBe(stored)
    const plainly = await compressed({ goalSize: 0.5 })
    expect(second.bytes).toEqual(plainly.bytes)
    expect(first.bytes).not.toEqual(second.bytes)
  })
})

it('a tensor like random noise is flagged', async () => {
  const flat = withSpectrum(
    96,
    96,
    Float64Array.from({ length: 96 }, () => 1),
  )
  const tensors = [plain('flat', 'F32', [96, 96], encode('F32', flat.data).bytes)]
  const { report } = await compressed({ goalSize: 0.6 }, tensors)
  expect(outcomeOf(report.tensors, 'flat').reason).toMatch(/random noise/)
  expect(rankOf(report, 'flat')).toBeGreaterThan(0)
  expect(defaultParams.goalSize).toBe(0)
})
