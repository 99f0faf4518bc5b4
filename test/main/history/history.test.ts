import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Run, RunChoices } from '../../../core/contract.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { createHistory, type History, type HistoryEntry } from '../../../main/history/history.ts'
import { thisProcess } from '../../../main/system/process-identity.ts'
import { someChoices, someReport, someRun, someRunReport } from '../../core/contract/some-run.ts'
import { someWords } from '../../core/messages/words.ts'
import { can } from '../../system.ts'
import { leaveUnfinished as leaveLeftOver } from '../left-over.ts'

let folder: string
let logged: string[]
let history: History
const open = () => createHistory(join(folder, 'config'), (text) => void logged.push(text))
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ghostsvd-history-'))
  logged = []
  history = open()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

function entryOf(n: number, changes: Partial<Run> = {}): HistoryEntry {
  return {
    sources: [{ role: 'model', path: join(folder, 'in.npy') }],
    targetPath: join(folder, `out-${n}.safetensors`),
    run: someRun({ runId: idOf(n), target: `out-${n}.safetensors`, startedAt: n, ...changes }),
  }
}

const ended = (state: Run['state'], rest: Partial<Run> = {}) => ({ state, endedAt: 5, ...rest }) as const

async function finish(n: number): Promise<void> {
  const entry = entryOf(n)
  await history.begin(entry).end({ ...entry.run, ...ended('finished') }, someRunReport)
}

const path = (n: number) => join(folder, 'config', 'history', `${idOf(n)}.json`)
const files = async () => (await readdir(join(folder, 'config', 'history'))).sort()
const states = async (from: History) => (await from.list()).map(({ run }) => [run.startedAt, run.state, run.resumable])

/** An entry as another process has left it. */
async function leave(n: number, owner: object, changes: Partial<Run> = {}): Promise<void> {
  await mkdir(join(folder, 'config', 'history'), { recursive: true })
  await writeFile(path(n), JSON.stringify({ history: 3, ...entryOf(n, changes), owner }))
}

async function leaveUnfinished(n: number): Promise<void> {
  const { targetPath } = entryOf(n)
  leaveLeftOver(targetPath)
}

describe('the history', () => {
  it('is empty at first, and makes no folder by being read', async () => {
    expect(await history.list()).toEqual([])
    expect(await readdir(folder)).toEqual([])
  })

  it('has runs of this process as they stand, newest first, and keeps them for the next one', async () => {
    const first = history.begin(entryOf(1))
    const second = history.begin(entryOf(2))
    second.update({ ...entryOf(2).run, finishedTensors: 3 })
    expect((await history.list()).map(({ run }) => [run.startedAt, run.finishedTensors])).toEqual([
      [2, 3],
      [1, 0],
    ])
    await first.end({ ...entryOf(1).run, ...ended('finished') }, someRunReport)
    await second.end({ ...entryOf(2).run, ...ended('cancelled') }, null)
    expect(await states(open())).toEqual([
      [2, 'cancelled', false],
      [1, 'finished', false],
    ])
    expect(await open().report(idOf(1))).toEqual(someRunReport)
    expect(await open().report(idOf(2))).toBeNull()
    expect(logged).toEqual([])
  })

  /** An entry as the second form had it: one kind of run, whose choices lay in three places. */
  function secondForm({ run: { choices, sourceName: source, ...run }, ...rest }: HistoryEntry) {
    const { kind, force, part, resume: _, ...recipe } = choices as Extract<RunChoices, { kind: 'compress' }>
    return { history: 2, ...rest, force, part, run: { ...run, kind, source, recipe: { recipe: 1, ...recipe } } }
  }

  it('reads what its second form wrote, which knew one kind of run', async () => {
    const owner = await thisProcess()
    const choices = { ...someChoices, exclude: ['a*'], force: true, part: { index: 2, of: 3 } } as RunChoices
    const { tensors: _, ...result } = someReport
    const entry = entryOf(1, { ...ended('finished'), choices, result })
    await finish(2)
    await writeFile(path(1), JSON.stringify({ ...secondForm(entry), owner }))
    await writeFile(path(1).replace('.json', '.report.json'), JSON.stringify(someReport))
    expect((await open().list())[1]).toEqual(entry)
    expect(await open().report(idOf(1))).toEqual(someRunReport)
  })

  it('leaves out of an earlier report a bound that no plan reaches, whatever form it has', async () => {
    await finish(1)
    const report = { ...someReport, tradeOff: [[1, 0.5]] }
    for (const earlier of [{ kind: 'compress', report }, report]) {
      await writeFile(path(1).replace('.json', '.report.json'), JSON.stringify(earlier))
      expect(await open().report(idOf(1))).toEqual(someRunReport)
    }
  })

  it('reads what its first form wrote, which had sentences where there are messages now, and one source', async () => {
    const firstForm = (entry: HistoryEntry) => {
      const {
        sources,
        run: { kind: _, ...run },
        ...rest
      } = secondForm(entry)
      return { ...rest, run, sourcePath: sources[0]!.path, history: 1 }
    }
    await finish(1)
    const reason = 'w has 1 NaN value. It was kept unchanged.'
    const notices = ['Resumed after 3 of 4 tensors.']
    const tensor = { name: 'w', action: 'kept', rank: null, relativeError: 0, bytesBefore: 1, bytesAfter: 1 }
    const { tensors: _, ...result } = { ...someReport, notices }
    const owner = await thisProcess()
    const first = firstForm(entryOf(1))
    await writeFile(path(1), JSON.stringify({ ...first, owner, run: { ...first.run, ...ended('finished'), result } }))
    const [stem] = path(1).split('.json')
    await writeFile(`${stem}.report.json`, JSON.stringify({ ...someReport, notices, tensors: [{ ...tensor, reason }] }))
    const error = { code: 'cannot-write', message: 'The disk is full.', details: { total: 4 } } as never
    await writeFile(path(2), JSON.stringify({ ...firstForm(entryOf(2, { ...ended('failed'), error })), owner }))
    const entries = await open().list()
    const [failed, finished] = entries.map(({ run }) => run)
    expect(entries).toMatchObject(
      [entryOf(2), entryOf(1)].map(({ sources }) => ({ sources, run: { choices: { kind: 'compress' } } })),
    )
    expect(failed!.error).toEqual({
      code: 'cannot-write',
      said: [someWords('The disk is full.')],
      details: { total: 4 },
    })
    expect(finished!.result!.notices).toEqual(notices.map(someWords))
    expect(await open().report(idOf(1))).toMatchObject({ report: { tensors: [{ reason: someWords(reason) }] } })
  })

  it('never tells of a run as it was before its end, however the reading of files falls', async () => {
    for (let n = 1; n <= 20; n++) {
      const own = history.begin(entryOf(n))
      await own.saved()
      const written = own.end({ ...entryOf(n).run, ...ended('finished') }, someRunReport)
      for (let look = 0; look < 5; look++) expect((await states(history))[0], `${n}`).toEqual([n, 'finished', false])
      await written
    }
  })

  it('is written at the start and at every change of state, by nobody but its user', async () => {
    const own = history.begin(entryOf(1))
    await own.saved()
    const stored = async () => JSON.parse(await readFile(path(1), 'utf8'))
    expect(await stored()).toMatchObject({ run: { state: 'running' }, targetPath: join(folder, 'out-1.safetensors') })
    own.update({ ...entryOf(1).run, state: 'paused' })
    await own.saved()
    expect((await stored()).run.state).toBe('paused')
    expect(await files()).toEqual([`${idOf(1)}.json`])
    if (process.platform !== 'win32') expect((await stat(path(1))).mode & 0o077).toBe(0)
    await own.end({ ...entryOf(1).run, ...ended('cancelled') }, null)
  })

  it('is written while a run moves, and as a sign of life while it rests', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const own = history.begin(entryOf(1))
      const seenAfter = async (ms: number) => {
        await own.saved()
        await utimes(path(1), 1, 1)
        vi.advanceTimersByTime(ms)
        await own.saved()
        const { run } = JSON.parse(await readFile(path(1), 'utf8')) as HistoryEntry
        return { finishedTensors: run.finishedTensors, written: (await stat(path(1))).mtimeMs > 1000 }
      }
      own.update({ ...entryOf(1).run, finishedTensors: 1 })
      expect(await seenAfter(2000)).toEqual({ finishedTensors: 1, written: true })
      expect(await seenAfter(6000)).toEqual({ finishedTensors: 1, written: false })
      expect(await seenAfter(2000)).toEqual({ finishedTensors: 1, written: true })
      await own.end({ ...entryOf(1).run, ...ended('cancelled') }, null)
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('lists every run, wherever the target of one leads by now', async () => {
    await writeFile(join(folder, 'file'), '')
    await mkdir(`${entryOf(2).targetPath}.journal.partial`)
    const belowFile = join(folder, 'file', 'out')
    const places = new Map([[3, belowFile]])
    for (const n of [1, 2, 3]) {
      const entry = { ...entryOf(n), targetPath: places.get(n) ?? entryOf(n).targetPath }
      await history.begin(entry).end({ ...entry.run, ...ended('failed') }, null)
    }
    await leaveUnfinished(1)
    expect(await states(open())).toEqual([
      [3, 'failed', false],
      [2, 'failed', false],
      [1, 'failed', true],
    ])
  })

  it('forgets a run with its report', async () => {
    await finish(1)
    expect(await files()).toHaveLength(2)
    await history.forget(idOf(1))
    expect(await files()).toEqual([])
    expect(await history.list()).toEqual([])
  })

  it('keeps the last hundred, and the reports of these alone', async () => {
    for (let n = 1; n <= 101; n++) await finish(n)
    const own = history.begin(entryOf(102))
    await own.saved()
    const listed = await history.list()
    expect(listed.map(({ run }) => run.startedAt)).toEqual(Array.from({ length: 100 }, (_, i) => 102 - i))
    expect(await files()).not.toContain(`${idOf(1)}.report.json`)
    await own.end(entryOf(102, ended('failed')).run, null)
  })

  it('removes what killed processes left half-written', async () => {
    await finish(1)
    const uuid = '0f7ac9b8-6b1e-4c3a-9f53-0d6bb0e7a111'
    const left = [`${idOf(2)}.json.${uuid}.partial`, `${idOf(2)}.report.json.${uuid}.partial`]
    const others = [`thesis.json.${uuid}.partial`]
    for (const name of [...left, ...others]) {
      await writeFile(join(folder, 'config', 'history', name), '{')
      await utimes(join(folder, 'config', 'history', name), 0, 0)
    }
    await finish(3)
    expect(await files()).toEqual(expect.arrayContaining(others))
    expect((await files()).filter((name) => left.includes(name))).toEqual([])
  })

  it('ignores what is no entry of its own, and leaves it alone', async () => {
    await finish(1)
    const others = {
      'notes.txt': 'mine',
      'x.json': '{}',
      [`${idOf(2)}.json`]: '{',
      [`${idOf(3)}.json`]: '{"history":2}',
      [`${idOf(4)}.json`]: 'null',
      [`${idOf(5)}.json.partial`]: '{',
      [`${idOf(6)}.report.json`]: '[]',
    }
    for (const [name, text] of Object.entries(others)) await writeFile(join(folder, 'config', 'history', name), text)
    // The entry of another run under this name.
    await writeFile(path(7), await readFile(path(1)))
    await mkdir(path(8))
    expect(await states(history)).toEqual([[1, 'finished', false]])
    expect(await history.report(idOf(6))).toBeNull()
    expect(await files()).toEqual(expect.arrayContaining(Object.keys(others)))
  })

  it('passes over what no sentence can be made of, and what nobody can follow', async () => {
    await finish(1)
    // As deep as a system's stack lets it be written.
    const depth = can.posix ? 3000 : 1000
    const deep = JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)
    const faults = [
      { key: 'answers.ended', values: { name: 'x' } },
      { key: 'foreign', values: { text: deep } },
    ]
    for (const [i, said] of faults.entries())
      await leave(2 + i, await thisProcess(), ended('failed', { error: { code: 'bug', said: [said] } as never }))
    // No date can be made of it.
    await leave(9, await thisProcess(), ended('failed', { startedAt: 1e300 }))
    const shown = (await open().list()).map(({ run }) => run.startedAt)
    expect(shown).toContain(1)
    expect(shown).not.toContain(2)
    expect(shown).not.toContain(1e300)
    for (const { run } of await open().list()) expect(() => run.error && inEnglish(run.error.said)).not.toThrow()
  })

  it('fails no run where it cannot be written', async () => {
    await writeFile(join(folder, 'config'), 'a file where the folder should be')
    await finish(1)
    expect(await states(history)).toEqual([[1, 'finished', false]])
    expect(await history.report(idOf(1))).toEqual(someRunReport)
    expect(logged.length).toBeGreaterThan(0)
    await history.forget(idOf(1))
    expect(await history.list()).toEqual([])
  })

  it('takes no path for the name of a run', async () => {
    await finish(1)
    await writeFile(join(folder, 'config', 'secret.report.json'), JSON.stringify(someReport))
    for (const name of ['../secret', `../history/${idOf(1)}`, `${idOf(1)}/../../secret`, '', '.', 'constructor']) {
      expect(await history.report(name), name).toBeNull()
      await history.forget(name)
    }
    expect(await readdir(join(folder, 'config'))).toContain('secret.report.json')
    expect(await files()).toHaveLength(2)
  })
})

describe('a run whose process is gone', () => {
  it('was interrupted, at its last sign of life', async () => {
    const me = await thisProcess()
    // No process has this id: the largest is 2^22.
    await leave(1, { ...me, pid: 2 ** 22 + 1 }, { finishedTensors: 7 })
    await utimes(path(1), 1234, 1234)
    const [entry] = await history.list()
    expect(entry!.run).toMatchObject({ state: 'interrupted', endedAt: 1_234_000, finishedTensors: 7, resumable: false })
  })

  it('can be resumed where finished tensors lie beside its output', async () => {
    const gone = { ...(await thisProcess()), pid: 2 ** 22 + 1 }
    await leave(1, gone)
    await leave(2, gone)
    await leave(3, gone, ended('failed'))
    await leave(4, gone, ended('finished'))
    for (const n of [1, 3, 4]) await leaveUnfinished(n)
    expect(await states(history)).toEqual([
      [4, 'finished', false],
      [3, 'failed', true],
      [2, 'interrupted', false],
      [1, 'interrupted', true],
    ])
  })

  it('has kept what its journal speaks of, not all that it reported', async () => {
    await leave(1, { ...(await thisProcess()), pid: 2 ** 22 + 1 }, { finishedTensors: 99 })
    await leaveUnfinished(1)
    expect(await history.list()).toMatchObject([{ run: { resumable: true, finishedTensors: 1 } }])
  })

  it('has nothing to resume once a later one writes in the same place', async () => {
    await leave(1, await thisProcess(), ended('failed'))
    await leaveUnfinished(1)
    expect(await states(history)).toEqual([[1, 'failed', true]])
    const again = { ...entryOf(2), targetPath: entryOf(1).targetPath }
    const own = history.begin(again)
    expect(await states(history)).toEqual([
      [2, 'running', false],
      [1, 'failed', false],
    ])
    await own.end({ ...again.run, ...ended('cancelled') }, null)
    expect(await states(history)).toEqual([
      [2, 'cancelled', true],
      [1, 'failed', false],
    ])
  })

  it('is not taken for one that goes on because its id has been given to another process', async () => {
    const me = await thisProcess()
    await leave(1, me)
    await leave(2, { ...me, started: 'an earlier process' })
    expect(await states(history)).toEqual([
      [2, 'interrupted', false],
      [1, 'running', false],
    ])
  })

  it('is told by its silence where its system cannot say', async () => {
    await leave(1, { host: `not ${hostname()}`, pid: process.pid, started: 'there' })
    await leave(2, { host: `not ${hostname()}`, pid: process.pid, started: 'there' })
    await utimes(path(1), 0, 0)
    await leave(3, { ...(await thisProcess()), started: null })
    await leave(4, { ...(await thisProcess()), started: null })
    await utimes(path(3), 0, 0)
    expect(await states(history)).toEqual([
      [4, 'running', false],
      [3, 'interrupted', false],
      [2, 'running', false],
      [1, 'interrupted', false],
    ])
  })
})
