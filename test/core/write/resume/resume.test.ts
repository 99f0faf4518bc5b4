import { describe, expect, it } from 'vitest'
import { crc32 } from '../../../../core/formats/archives/crc32.ts'
import { compressFile } from '../../../../core/jobs/compress.ts'
import { compressJob, plain, testContext, weights } from '../../jobs/harness.ts'
import { memoryFolder } from '../../memory-folder.ts'
import {
  cancelled,
  cutShort,
  described,
  diskFull,
  finishedFiles,
  type Kind,
  kinds,
  leftovers,
  model,
  open,
  quick,
  run,
  type Ways,
} from './cut-short.ts'

describe.each(described)('a run with resume: %s', (_, kind) => {
  const tensors = kind.part ? 2 : 4
  const inFolder = kind.shards !== undefined

  it('goes on after each number of finished tensors to the same bytes and the same report', async () => {
    const whole = await run(memoryFolder('whole'), { kind })
    for (let until = 1; until < tensors; until++) {
      const folder = memoryFolder('out')
      await cutShort(folder, until, { kind })
      expect(leftovers(folder), `${until}`).toEqual(inFolder ? ['o.journal', 'o/'] : ['o', 'o.journal'])
      expect(finishedFiles(folder)).toEqual({})
      const resumed = await run(folder, { kind, resume: true })
      expect(resumed.files, `${until}`).toEqual(whole.files)
      expect(resumed.report.tensors).toEqual(whole.report.tensors)
      expect(resumed.report).toMatchObject({
        ...{
          bytesAfter: whole.report.bytesAfter,
          relativeError: whole.report.relativeError,
          files: whole.report.files,
        },
        notices: [`Resumed after ${until} of ${tensors} tensors, which an earlier run had finished.`],
      })
      expect(leftovers(folder)).toEqual([])
      // An adapter does not read what it leaves to the base model.
      expect(resumed.computed).toBeLessThanOrEqual(tensors - until)
    }
  })

  it('rewrites nothing that is finished, and reports it again', async () => {
    const folder = memoryFolder('out')
    const first = await run(folder, { kind, resume: true })
    // As after a power cut between the name and the end of the journal.
    folder.partials.set('o.journal', new Uint8Array(3))
    const before = Object.values(finishedFiles(folder))
    const again = await run(folder, { kind, resume: true })
    const after = Object.values(again.files)
    expect(after.every((bytes, i) => bytes === before[i])).toBe(true)
    expect(leftovers(folder)).toEqual([])
    expect(again.computed).toBe(0)
    const { bytesAfter, files, relativeError, output } = first.report
    expect(again.report).toMatchObject({ bytesAfter, files, output })
    expect(again.report.notices).toEqual([expect.stringContaining('nothing was written again')])
    expect(again.report.relativeError).toBeCloseTo(relativeError, 6)
    expect(again.report.tensors).toHaveLength(first.report.tensors.length)
    for (const { name, action, rank, factorDType, bytesAfter } of first.report.tensors) {
      const found = again.report.tensors.find((each) => each.name === name)
      expect(found).toMatchObject({ name, action, bytesAfter, rank: kind.output === 'dense' ? null : rank })
      expect(found?.factorDType).toBe(kind.output === 'dense' ? undefined : factorDType)
    }
    for (const other of [{ rank: 5 }, { model: [weights('other', [64, 96]), ...model.slice(1)] }])
      await expect(run(folder, { kind, resume: true, ...other })).rejects.toMatchObject({ code: 'would-overwrite' })
  })

  it('leaves nothing where it is cancelled without resume, and all that is finished where it fails', async () => {
    const folder = memoryFolder('out')
    await cutShort(folder, 1, { kind, resume: false })
    expect(leftovers(folder)).toEqual([])
    const failure = await cutShort(folder, 1, { kind, resume: false, reason: diskFull })
    expect(failure).toMatchObject({
      code: 'cannot-write',
      message: `${diskFull.message} 1 of ${tensors} tensors are finished; --resume continues after them.`,
      details: { finished: 1, total: tensors },
    })
    expect(leftovers(folder)).toHaveLength(2)
    const whole = await run(memoryFolder('whole'), { kind })
    expect((await run(folder, { kind, resume: true })).files).toEqual(whole.files)
  })

  it('leaves nothing where nothing is finished', async () => {
    for (const reason of [cancelled, diskFull]) {
      const folder = memoryFolder('out')
      const context = testContext({
        checkCancelled: () => {
          if (leftovers(folder).length > 0) throw reason
        },
      })
      const job = compressJob({}, { resume: true, output: kind.output })
      const failure = compressFile({ model: await open(model, kind), target: { folder, name: 'o' } }, job, context)
      await expect(failure).rejects.toBe(reason)
      expect(leftovers(folder)).toEqual([])
    }
  })

  it('replaces what an unfinished run left where resume is not asked for', async () => {
    const folder = memoryFolder('out')
    await cutShort(folder, 1, { kind })
    const { computed, report } = await run(folder, { kind })
    expect(computed).toBe((await run(memoryFolder('whole'), { kind })).computed)
    expect(report.notices).toEqual([])
    expect(leftovers(folder)).toEqual([])
  })
})

describe('what an earlier run left', () => {
  it.each<[string, Ways, string]>([
    ['recipe', { rank: 5 }, 'had other settings'],
    [
      'source',
      { model: [weights('a', [64, 96], 'F32', 2), ...model.slice(1)] },
      'read another source, or this one before it changed',
    ],
    ['part', { kind: { output: 'factors', part: '2/2' } }, 'wrote another part'],
  ])('is not mixed with a run of another %s, which says so', async (_, ways, sentence) => {
    const folder = memoryFolder('out')
    const kind: Kind = ways.kind ? { output: 'factors', part: '1/2' } : { output: 'factors' }
    await cutShort(folder, 1, { kind })
    const { files, report } = await run(folder, { resume: true, ...ways })
    expect(files).toEqual((await run(memoryFolder('whole'), ways)).files)
    expect(report.notices).toEqual([`An unfinished run that was left here ${sentence}. Nothing of it was used.`])
    expect(leftovers(folder)).toEqual([])
  })

  it('may be a whole part of the same run: another one is written all the same', async () => {
    const folder = memoryFolder('out')
    await run(folder, { kind: { output: 'factors', part: '1/2' } })
    const other = { kind: { output: 'factors', part: '2/2' }, resume: true } as const
    await expect(run(folder, other)).rejects.toMatchObject({ code: 'would-overwrite' })
    expect((await run(folder, { ...other, force: true })).computed).toBe(2)
  })

  it.each(described)('is trusted only as far as it is whole: %s', async (_, kind) => {
    const whole = await run(memoryFolder('whole'), { kind })
    const until = kind.part ? 1 : 3
    for (const damage of [
      'longer output',
      'shorter output',
      'torn journal',
      'journal of nothing',
      'no output',
      'no journal',
    ]) {
      const folder = memoryFolder('out')
      await cutShort(folder, until, { kind })
      const inner = folder.partialFolders.get('o') ?? folder
      const name = [...inner.partials.keys()].find((each) => !each.endsWith('.journal'))
      const output = name === undefined ? undefined : inner.partials.get(name)
      const journal = folder.partials.get('o.journal')!
      if (damage === 'longer output' && output) inner.partials.set(name!, Uint8Array.from([...output, 9, 9, 9]))
      if (damage === 'shorter output' && output) inner.partials.set(name!, output.slice(0, -5))
      if (damage === 'torn journal') folder.partials.set('o.journal', journal.slice(0, journal.lastIndexOf(125) - 7))
      if (damage === 'journal of nothing') folder.partials.set('o.journal', new Uint8Array(0))
      if (damage === 'no output')
        for (const files of [inner.partials, inner.files])
          for (const each of [...files.keys()]) if (!each.endsWith('.journal')) files.delete(each)
      if (damage === 'no journal') folder.partials.delete('o.journal')
      const { files } = await run(folder, { kind, resume: true })
      expect(files, damage).toEqual(whole.files)
      expect(leftovers(folder), damage).toEqual([])
    }
  })

  it('may have finished some of several files: only the others are written', async () => {
    const kind: Kind = { output: 'dense', shards: 4 }
    const folder = memoryFolder('out')
    await cutShort(folder, 3, { kind })
    const inner = folder.partialFolders.get('o')!
    expect([...inner.files.keys()]).toEqual([1, 2, 3].map((i) => `model-0000${i}-of-00004.safetensors`))
    const [first] = inner.files.values()
    const { report } = await run(folder, { kind, resume: true })
    expect(folder.folders.get('o')!.files.get('model-00001-of-00004.safetensors')).toBe(first)
    expect(report.files).toBe(5)
  })
})

it('leaves what another run is writing alone, with resume and without', async () => {
  const folder = memoryFolder('out')
  await cutShort(folder, 2)
  const before = new Map(folder.partials)
  const other = await folder.hold('o')
  for (const resume of [true, false])
    await expect(run(folder, { resume, force: !resume })).rejects.toMatchObject({
      code: 'would-overwrite',
      message: expect.stringContaining('o is being written by another run.'),
    })
  expect(folder.partials).toEqual(before)
  await other.release()
  expect((await run(folder, { resume: true })).report.notices).toEqual([
    'Resumed after 2 of 4 tensors, which an earlier run had finished.',
  ])
  // Released by each, however it ended.
  await (await folder.hold('o')).release()
})

it('says that it started over where the head of the journal is damaged', async () => {
  const folder = memoryFolder('out')
  await cutShort(folder, 2)
  folder.partials.get('o.journal')![20]! ^= 1
  const { files, report } = await run(folder, { resume: true })
  expect(files).toEqual((await run(memoryFolder('whole'))).files)
  expect(report.notices).toEqual([
    'An unfinished run that was left here has a journal that cannot be read. Nothing of it was used.',
  ])
})

it('says that it started over where the journal has the form of another version', async () => {
  const folder = memoryFolder('out')
  await cutShort(folder, 2)
  const [head, ...lines] = new TextDecoder().decode(folder.partials.get('o.journal')).split('\n')
  const earlier = head!.slice(0, head!.lastIndexOf(' ')).replace('"journal":3', '"journal":2')
  const checksum = crc32(new TextEncoder().encode(earlier)).toString(16).padStart(8, '0')
  const journal = [`${earlier} ${checksum}`, ...lines].join('\n')
  folder.partials.set('o.journal', new TextEncoder().encode(journal))
  const { files, report } = await run(folder, { resume: true })
  expect(files).toEqual((await run(memoryFolder('whole'))).files)
  expect(report.notices).toEqual([
    'An unfinished run that was left here was of another version of GhostSVD. Nothing of it was used.',
  ])
})

it('notes what is finished where the disk takes not one byte more, in the space it has kept', async () => {
  const folder = memoryFolder('out')
  let full = false
  const { create } = folder
  folder.create = async (name, byteLength) => {
    const sink = await create(name, byteLength)
    const { write } = sink
    return Object.assign(sink, { write: (bytes: Uint8Array) => (full ? Promise.reject(diskFull) : write(bytes)) })
  }
  const context = testContext({
    report: (event) => {
      full ||= event.type === 'tensor' && event.outcome.name === 'bb'
    },
  })
  const failure = compressFile(
    { model: await open(model, kinds[0]!), target: { folder, name: 'o' } },
    compressJob(quick),
    context,
  )
  await expect(failure).rejects.toMatchObject({ code: 'cannot-write', details: { finished: 3, total: 4 } })
  full = false
  const { report } = await run(folder, { resume: true })
  expect(report.notices).toEqual(['Resumed after 3 of 4 tensors, which an earlier run had finished.'])
})

it('syncs no more often than about once a second, however many tensors there are', async () => {
  const tensors = Array.from({ length: 200 }, (_, i) => plain(`t${i}`, 'F32', [4], new Uint8Array(16)))
  const folder = memoryFolder('out')
  let syncs = 0
  const { create } = folder
  folder.create = async (name, byteLength) => {
    const sink = await create(name, byteLength)
    const { sync } = sink
    return Object.assign(sink, {
      sync: () => {
        syncs++
        return sync()
      },
    })
  }
  const started = performance.now()
  await run(folder, { model: tensors })
  // The output and the journal, each second and at the end.
  expect(syncs).toBeLessThanOrEqual(2 * (2 + (performance.now() - started) / 1000))
})
