import { describe, expect, it, onTestFinished } from 'vitest'
import { AppError } from '../../../core/errors.ts'
import type { WeightFile } from '../../../core/formats/format.ts'
import { compressFile } from '../../../core/jobs/compress.ts'
import { referenceKernels } from '../../../core/kernels/reference.ts'
import { oneAhead, readAhead } from '../../../core/matrix/read-ahead.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { planFile } from '../../../core/plan/plan.ts'
import { SAMPLE_BYTES } from '../../../core/write/source-hash.ts'
import { compressJob, openTensors, testContext, weights } from '../jobs/harness.ts'
import { memoryFolder } from '../memory-folder.ts'
import { someWords } from '../messages/words.ts'

/** A file that writes down the names of the tensors that are read from it; what only tells it from other files is not counted. */
async function watchedFile(): Promise<{ file: WeightFile; asked: string[] }> {
  const file = await openTensors(weights('a', [96, 64]), weights('b', [64, 80]), weights('c', [72, 64]))
  const asked: string[] = []
  const read: WeightFile['read'] = async (tensor, start, end) => {
    if ((end ?? tensor.byteLength) - (start ?? 0) > SAMPLE_BYTES) asked.push(tensor.name)
    return file.read(tensor, start, end)
  }
  return { file: { ...file, read }, asked }
}

function noUnhandledRejections() {
  const seen: unknown[] = []
  const note = (reason: unknown) => seen.push(reason)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  return async () => {
    await new Promise((resolve) => setImmediate(resolve))
    expect(seen).toEqual([])
  }
}

describe('oneAhead', () => {
  it('keeps the order and has begun the next, and only the next, when one is handed over', async () => {
    const begun: number[] = []
    const begin = async (item: number) => {
      begun.push(item)
      return 10 * item
    }
    const got: number[] = []
    for await (const result of oneAhead([1, 2, 3, 4], begin)) {
      got.push(result)
      expect(begun.length).toBe(Math.min(4, got.length + 1))
    }
    expect(got).toEqual([10, 20, 30, 40])
  })

  it('fails where its caller would have failed, and not at all for what nobody waits for', async () => {
    const settled = noUnhandledRejections()
    const begin = async (item: number) => {
      if (item === 2) throw new Error('two')
      return item
    }
    const got: number[] = []
    await expect(
      (async () => {
        for await (const result of oneAhead([1, 2, 3], begin)) got.push(result)
      })(),
    ).rejects.toThrow('two')
    expect(got).toEqual([1])
    for await (const result of oneAhead([1, 2, 3], begin)) if (result === 1) break
    await settled()
  })
})

describe('readAhead', () => {
  const planned = (file: WeightFile, params: Partial<Params>) =>
    planFile(file, { ...defaultParams, rank: 8, ...params }, { include: [], exclude: [] })

  it('asks for the next matrix once, and hands it over', async () => {
    const { file, asked } = await watchedFile()
    const ahead = readAhead(file, referenceKernels())
    ahead.follow(planned(file, {}))
    const [a, b] = file.tensors
    ahead.loaded(a!, 0)
    expect(asked).toEqual(['b'])
    const bytes = await ahead.file.read(b!, 0, b!.byteLength)
    expect(bytes).toEqual(await file.read(b!))
    expect(asked).toEqual(['b', 'b'])
    // Handed over is forgotten: whoever reads it again gets bytes of their own.
    await ahead.file.read(b!, 0, b!.byteLength)
    expect(asked).toEqual(['b', 'b', 'b'])
  })

  it('waits where two matrices do not fit within the memory limit, and after the last', async () => {
    const { file, asked } = await watchedFile()
    const ahead = readAhead(file, referenceKernels())
    const [a, b, c] = file.tensors
    ahead.follow(planned(file, { memoryLimit: a!.byteLength + b!.byteLength - 1 }))
    ahead.loaded(a!, 0)
    expect(asked).toEqual([])
    ahead.loaded(b!, 0)
    expect(asked).toEqual(['c'])
    ahead.loaded(c!, 0)
    expect(asked).toEqual(['c'])
  })

  it('reads each matrix of a run once', async () => {
    const { file, asked } = await watchedFile()
    const folder = memoryFolder('out')
    await compressFile({ model: file, target: { folder, name: 'out.safetensors' } }, compressJob(), testContext())
    expect(asked).toEqual(['a', 'b', 'c'])
  })

  it('leaves no unhandled rejection and no file where a run fails or is cancelled', async () => {
    const settled = noUnhandledRejections()
    const { file } = await watchedFile()
    for (const code of ['source-changed', 'cancelled'] as const) {
      let checked = 0
      const failingLater: WeightFile = {
        ...file,
        // The check of the values passes; then the source goes away.
        read: async (tensor, start, end) => {
          if (code === 'source-changed' && tensor.name === 'b' && ++checked > 1)
            throw new AppError('source-changed', someWords('b was removed.'))
          return file.read(tensor, start, end)
        },
      }
      let reads = 0
      const context = testContext({
        checkCancelled: () => {
          if (code === 'cancelled' && ++reads > 6) throw new AppError('cancelled', someWords('The job was cancelled.'))
        },
      })
      const folder = memoryFolder('out')
      const run = compressFile(
        { model: failingLater, target: { folder, name: 'out.safetensors' } },
        compressJob(),
        context,
      )
      await expect(run).rejects.toMatchObject({ code })
      expect([...folder.files, ...folder.partials]).toEqual([])
    }
    await settled()
  })
})
