/** What is finished is synced while the next tensor is computed. */
import { expect, it, vi } from 'vitest'
import type { ByteSink } from '../../../../core/io.ts'
import { compressFile } from '../../../../core/jobs/compress.ts'
import { compressJob, testContext } from '../../jobs/harness.ts'
import { type MemoryFolder, memoryFolder } from '../../memory-folder.ts'
import { diskFull, finishedFiles, leftovers, model, open, quick, run } from './cut-short.ts'

/** The output's file, not its journal, is synced by `sync`. */
function syncedBy(sync: (real: () => Promise<void>) => Promise<void>): MemoryFolder {
  const folder = memoryFolder('out')
  const watched = (name: string, sink: ByteSink): ByteSink =>
    name === 'o' ? Object.defineProperty(Object.create(sink), 'sync', { value: () => sync(() => sink.sync()) }) : sink
  return { ...folder, create: async (name, byteLength) => watched(name, await folder.create(name, byteLength)) }
}

const written = async (folder: MemoryFolder, report: () => void) =>
  compressFile(
    { model: await open(model, { output: 'factors' }), target: { folder, name: 'o' } },
    compressJob({ ...quick, rank: 8 }),
    testContext({ report: (event) => event.type === 'tensor' && report() }),
  )

it('computes on while what is finished is synced, and says nothing of it in the journal before', async () => {
  // Every look at the clock is a second later: each tensor is due to be saved.
  let clock = 0
  const watch = vi.spyOn(performance, 'now').mockImplementation(() => (clock += 1000))
  const second = Promise.withResolvers<void>()
  let syncs = 0
  const journals: number[] = []
  const lines = (folder: MemoryFolder) =>
    new TextDecoder().decode(folder.partials.get('o.journal')).split('"end":').length - 1
  const folder = syncedBy(async (real) => {
    if (++syncs === 2) await second.promise
    await real()
  })
  const done = written(folder, () => journals.push(lines(folder)))
  // The first is waited for, the second not, and no further one begins before that has ended.
  await vi.waitFor(() => expect(journals.length).toBe(2))
  expect(syncs).toBe(2)
  second.resolve()
  const { elapsedMs: _, ...report } = await done
  watch.mockRestore()
  expect(journals.slice(0, 2)).toEqual([1, 1])
  expect(journals[2]).toBeGreaterThanOrEqual(2)
  const plain = await run(memoryFolder('plain'))
  expect(finishedFiles(folder)).toEqual(plain.files)
  expect(report.tensors).toEqual(plain.report.tensors)
  expect(leftovers(folder)).toEqual([])
})

it('ends with the fault of a sync that failed behind it, and is resumed to the same bytes', async () => {
  const folder = syncedBy(async () => {
    throw diskFull
  })
  await expect(written(folder, () => {})).rejects.toMatchObject({ code: 'cannot-write' })
  expect(finishedFiles(folder)).toEqual({})
  const resumed = await run(folder, { resume: true })
  expect(resumed.files).toEqual((await run(memoryFolder('plain'))).files)
})
