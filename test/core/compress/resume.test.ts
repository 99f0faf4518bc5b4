import { describe, expect, it } from 'vitest'
import { compressFile } from '../../../core/compress/compressor.ts'
import { AppError } from '../../../core/errors.ts'
import { memoryFolder } from '../../../core/io.ts'
import type { Params } from '../../../core/params.ts'
import { compressJob, openTensors, plain, testContext, weights } from './harness.ts'

const model = [
  weights('a', [64, 96]),
  plain('norm', 'F32', [64], new Uint8Array(256)),
  weights('bb', [96, 64]),
  weights('ccc', [64, 64]),
]

/** Runs until `tensors` of them are finished, then stops as a cancel or a crash of the source would. */
async function cutShort(folder: ReturnType<typeof memoryFolder>, tensors: number, resume = true) {
  let finished = 0
  const context = testContext({
    report: (event) => {
      if (event.type === 'tensor') finished++
    },
    checkCancelled: () => {
      if (finished >= tensors) throw new AppError('cancelled', 'Cancelled.')
    },
  })
  const file = await openTensors(...model)
  const job = compressJob({}, { resume })
  await expect(compressFile(file, { folder, name: 'o' }, job, context)).rejects.toMatchObject({ code: 'cancelled' })
}

async function run(folder: ReturnType<typeof memoryFolder>, params: Partial<Params> = {}, resume = true) {
  const context = testContext()
  const file = await openTensors(...model)
  const report = await compressFile(file, { folder, name: 'o' }, compressJob(params, { resume }), context)
  const computed = context.events.filter(({ type }) => type === 'tensor').length
  return { report, computed, bytes: folder.files.get('o')! }
}

describe('a run with resume', () => {
  it.each([1, 2, 3])('goes on after %i finished tensors to the same bytes and the same report', async (tensors) => {
    const whole = await run(memoryFolder('whole'), {}, false)
    const folder = memoryFolder('out')
    await cutShort(folder, tensors)
    expect([...folder.partials.keys()].sort()).toEqual(['o', 'o.journal'])
    const resumed = await run(folder)
    expect(resumed.computed).toBe(model.length - tensors)
    expect(resumed.bytes).toEqual(whole.bytes)
    expect(resumed.report.tensors).toEqual(whole.report.tensors)
    expect([...folder.partials.keys()]).toEqual([])
  })

  it('does not trust what was written after the journal, nor a journal that was cut short', async () => {
    const whole = await run(memoryFolder('whole'), {}, false)
    for (const damage of ['longer output', 'shorter output', 'torn journal', 'no output']) {
      const folder = memoryFolder('out')
      await cutShort(folder, 3)
      const output = folder.partials.get('o')!
      const journal = folder.partials.get('o.journal')!
      if (damage === 'longer output') folder.partials.set('o', Uint8Array.from([...output, 9, 9, 9]))
      if (damage === 'shorter output') folder.partials.set('o', output.slice(0, -5))
      if (damage === 'torn journal') folder.partials.set('o.journal', journal.slice(0, -7))
      if (damage === 'no output') folder.partials.delete('o')
      const { bytes } = await run(folder)
      expect(bytes, damage).toEqual(whole.bytes)
      expect(folder.partials.size, damage).toBe(0)
    }
  })

  it('of another recipe starts anew', async () => {
    const folder = memoryFolder('out')
    await cutShort(folder, 2)
    const { computed, bytes } = await run(folder, { rank: 5 })
    expect(computed).toBe(model.length)
    expect(bytes).toEqual((await run(memoryFolder('whole'), { rank: 5 }, false)).bytes)
  })

  it('rewrites nothing that is finished, and reports it again', async () => {
    const folder = memoryFolder('out')
    const first = await run(folder)
    const before = folder.files.get('o')
    const again = await run(folder)
    expect(folder.files.get('o')).toBe(before)
    expect(again.computed).toBe(0)
    expect(again.report.bytesAfter).toBe(first.report.bytesAfter)
    expect(again.report.relativeError).toBeCloseTo(first.report.relativeError, 6)
    for (const [i, outcome] of again.report.tensors.entries()) {
      const { name, action, rank, bytesAfter } = first.report.tensors[i]!
      expect(outcome).toMatchObject({ name, action, rank, bytesAfter })
    }
    await expect(run(folder, { rank: 5 })).rejects.toMatchObject({ code: 'would-overwrite' })
  })
})

it('without resume nothing half-written stays behind', async () => {
  const folder = memoryFolder('out')
  await cutShort(folder, 2, false)
  expect(folder.partials.size + folder.files.size).toBe(0)
})
