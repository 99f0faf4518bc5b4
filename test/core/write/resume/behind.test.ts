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

it('computes on while the first tensor is synced, and says nothing of it in the journal before', async () => {
  let finished = 0
  const first = Promise.withResolvers<void>()
  const journals: number[] = []
  const lines = (folder: MemoryFolder) =>
    new TextDecoder().decode(folder.partials.get('o.journal')).split('"end":').length - 1
  const folder = syncedBy(async (real) => {
    await first.promise
    await real()
  })
  const done = written(folder, () => {
    finished++
    journals.push(lines(folder))
  })
  await vi.waitFor(() => expect(finished).toBe(model.length))
  expect(journals).toEqual(model.map(() => 0))
  first.resolve()
  const { elapsedMs: _, ...report } = await done
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
