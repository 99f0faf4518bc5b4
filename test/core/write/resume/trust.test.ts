import { describe, expect, it } from 'vitest'
import { plain, type TestTensor } from '../../jobs/harness.ts'
import { type MemoryFolder, memoryFolder } from '../../memory-folder.ts'
import { cutShort, described, leftovers, model, run } from './cut-short.ts'

/** Other values in its middle; size, dtype, shape and both ends as they were. */
function editedInside(name: string): TestTensor[] {
  return model.map((tensor) => {
    if (tensor.name !== name) return tensor
    const bytes = tensor.bytes.slice()
    const middle = 4 * Math.floor(bytes.byteLength / 8)
    bytes.set([...bytes.subarray(middle + 4, middle + 8), ...bytes.subarray(middle, middle + 4)], middle)
    return { ...tensor, bytes }
  })
}

/** The largest of these that is no text. */
function weightsAmong(files: Map<string, Uint8Array>): [string, Uint8Array] {
  const found = [...files].filter(([name]) => !/json|journal/.test(name))
  return found.sort(([, a], [, b]) => b.byteLength - a.byteLength)[0]!
}

/** With another digit in the first error that the header names, or with no list of errors at all. */
function inHeader(bytes: Uint8Array, edit: 'digit' | 'brace'): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1')
  const found = /ghostsvd\.errors[^{]{1,6}\{[^}]*?\d\.(?=\d)/.exec(text)!
  const at = edit === 'digit' ? found.index + found[0].length : found.index + found[0].indexOf('{')
  const changed = bytes.slice()
  changed[at] = edit === 'digit' ? 48 + ((changed[at]! - 47) % 10) : 91
  return changed
}

function zeroed(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return bytes.slice().fill(0, start, end)
}

describe.each(described)('finished tensors are proven before they are used: %s', (_, kind) => {
  const until = kind.part ? 1 : 3
  const [first, last] = kind.part ? ['a', 'a'] : ['a', 'bb']
  const inner = (folder: MemoryFolder) => folder.partialFolders.get('o') ?? folder

  it('not those of a source that changed in the middle, nor what follows them', async () => {
    for (const name of [first, last]) {
      const folder = memoryFolder('out')
      await cutShort(folder, until, { kind })
      const changed = { kind, model: editedInside(name) }
      const { files, report } = await run(folder, { ...changed, resume: true })
      const whole = await run(memoryFolder('whole'), changed)
      expect(files).toEqual(whole.files)
      expect(report.tensors).toEqual(whole.report.tensors)
      const used = report.tensors.findIndex((tensor) => tensor.name.replace('.weight', '') === name)
      expect(report.notices).toContain(
        `${until - used} of ${until} finished tensors were not used: the source changed since.`,
      )
      expect(leftovers(folder)).toEqual([])
    }
  })

  it('not those whose bytes were damaged, nor what follows them', async () => {
    const whole = await run(memoryFolder('whole'), { kind })
    const folder = memoryFolder('out')
    await cutShort(folder, until, { kind })
    for (const files of [inner(folder).partials, inner(folder).files])
      for (const [name, bytes] of files)
        if (!/json|journal/.test(name)) files.set(name, zeroed(bytes, bytes.byteLength - 400, bytes.byteLength - 200))
    const { files, report } = await run(folder, { kind, resume: true })
    expect(files).toEqual(whole.files)
    expect(report.notices).toContainEqual(
      expect.stringMatching(/^\d of \d finished tensors were not used: what was written of them is damaged\.$/),
    )
  })

  it('not those of a line with a changed digit, nor what follows it', async () => {
    const whole = await run(memoryFolder('whole'), { kind })
    const folder = memoryFolder('out')
    await cutShort(folder, until, { kind })
    const journal = new TextDecoder().decode(folder.partials.get('o.journal'))
    const changed = journal.replace(
      /"relativeError":0\.(\d)/,
      (_, digit) => `"relativeError":0.${(Number(digit) + 1) % 10}`,
    )
    expect(changed).not.toBe(journal)
    folder.partials.set('o.journal', new TextEncoder().encode(changed))
    const { files, report } = await run(folder, { kind, resume: true })
    expect(files).toEqual(whole.files)
    expect(report.tensors).toEqual(whole.report.tensors)
    const damaged = 'The journal that an unfinished run left here is damaged: what follows in it was computed again.'
    // Where nothing follows, a crash may have cut it short as well.
    expect(report.notices.includes(damaged)).toBe(until > 1)
  })

  it('not a finished output whose header was damaged where it says how far it is off', async () => {
    for (const edit of ['digit', 'brace'] as const) {
      const folder = memoryFolder('out')
      await run(folder, { kind, resume: true })
      const named = folder.folders.get('o')?.files ?? folder.files
      const [name, bytes] = weightsAmong(named)
      named.set(name, inHeader(bytes, edit))
      await expect(run(folder, { kind, resume: true }), edit).rejects.toMatchObject({ code: 'would-overwrite' })
    }
  })

  it('not a finished output with something else in a file beside its weights', async () => {
    const folder = memoryFolder('out')
    await run(folder, { kind, resume: true })
    const beside = [...(folder.folders.get('o')?.files ?? [])].filter(([name]) => /\.(json|py)$/.test(name))
    for (const [name, bytes] of beside) {
      const { files } = folder.folders.get('o')!
      files.set(name, zeroed(bytes, bytes.byteLength / 2, bytes.byteLength / 2 + 4))
      await expect(run(folder, { kind, resume: true }), name).rejects.toMatchObject({
        code: 'would-overwrite',
        message: expect.stringContaining(`What ${name} holds is damaged.`),
      })
      files.set(name, bytes)
    }
    const { report } = await run(folder, { kind, resume: true })
    expect(report.notices.some((notice) => notice.includes('had been finished before'))).toBe(true)
  })

  it('not a finished output that was damaged, or whose source changed in the middle', async () => {
    for (const [damage, reason] of [
      [true, /holds is damaged/],
      [false, /source has changed/],
    ] as const) {
      const folder = memoryFolder('out')
      await run(folder, { kind, resume: true })
      const ways = { kind, resume: true, ...(!damage && { model: editedInside(first) }) }
      const named = folder.folders.get('o')?.files ?? folder.files
      const [name, bytes] = weightsAmong(named)
      if (damage) named.set(name, zeroed(bytes, bytes.byteLength / 2, bytes.byteLength / 2 + 400))
      await expect(run(folder, ways)).rejects.toMatchObject({
        code: 'would-overwrite',
        message: expect.stringMatching(reason),
      })
      const { files } = await run(folder, { ...ways, force: true })
      expect(files).toEqual((await run(memoryFolder('whole'), { ...ways, resume: false })).files)
    }
  })
})

it('proves what was copied as well as what was computed', async () => {
  const table = plain('table', 'I64', [1024], new Uint8Array(8192).fill(7))
  const edited = { ...table, bytes: zeroed(table.bytes, 4000, 4100) }
  const ways = { model: [table, ...model] }
  const changed = { model: [edited, ...model] }
  const folder = memoryFolder('out')
  await cutShort(folder, 2, ways)
  const { files, report } = await run(folder, { ...changed, resume: true })
  expect(files).toEqual((await run(memoryFolder('whole'), changed)).files)
  expect(report.notices).toEqual(['2 of 2 finished tensors were not used: the source changed since.'])
  await expect(run(folder, { ...ways, resume: true })).rejects.toThrow(/source has changed/)
  expect((await run(folder, { ...changed, resume: true })).report.notices).toEqual([
    'o had been finished before with the same settings from the same source. All of it was read again and checked; nothing was written again.',
  ])
})
