import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { HostApi, JobEvent, Run, RunRequest } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import { createHistory } from '../../../main/history/history.ts'
import { runsAtOnce } from '../../../main/host/turns.ts'
import { someRunReport } from '../../core/contract/some-run.ts'
import { someWords } from '../../core/messages/words.ts'
import * as leftOver from '../left-over.ts'
import type { FakeEngine } from './fake-engine.ts'
import { type TestHost, testHost } from './harness.ts'

let folder: string
let test: TestHost
const page = () => test.page()
const restart = async () => {
  await test.host.close()
  test = await testHost(folder)
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ghostsvd-runs-'))
  await writeFile(join(folder, 'in.npy'), 'bytes')
  test = await testHost(folder)
})
afterEach(async () => {
  await test.host.close()
  await rm(folder, { recursive: true, force: true })
})

const say = (engine: FakeEngine, event: JobEvent) => engine.jobs[0]!.say(event)
const finished: JobEvent = { type: 'finished', jobId: 'job-0', result: someRunReport }
const failed: JobEvent = {
  type: 'failed',
  jobId: 'job-0',
  error: { code: 'cannot-write', said: [someWords('The disk is full.')] },
}
const progress = (done: number): JobEvent => ({
  type: 'progress',
  jobId: 'job-0',
  phase: 'compress',
  tensor: 'w',
  done,
  total: 9,
  memoryBytes: 5,
})
const tensorDone: JobEvent = {
  type: 'tensor',
  jobId: 'job-0',
  outcome: {
    name: 'w',
    action: 'kept',
    reason: someWords(''),
    rank: null,
    relativeError: 0,
    bytesBefore: 1,
    bytesAfter: 1,
  },
}

/** What an engine leaves when it is cut short after a tensor. */
const leaveUnfinished = () => leftOver.leaveUnfinished(join(folder, 'out.safetensors'))
const written = async () => (await readdir(folder)).filter((name) => name.startsWith('out')).sort()

describe('more runs than go on at once', () => {
  const target = (name: string) => test.grants.target(join(folder, name)).id
  const start = (api: HostApi, name: string) => api.startRun({ ...test.request(), target: target(name) })
  /** As many as there are turns, begun, and the page that began them. */
  async function full() {
    const first = page()
    const going: Awaited<ReturnType<TestHost['begin']>>[] = []
    for (let i = 0; i < runsAtOnce; i++) going.push(await test.begin(() => start(first.api, `out-${i}`)))
    return { ...first, going }
  }
  const stateOf = async (api: HostApi, runId: string) => (await api.runs()).find((run) => run.runId === runId)?.state

  it('wait without an engine, in the list of every page and in the history, and begin in their order', async () => {
    const { api, going } = await full()
    const [fifth, sixth] = [await start(api, 'fifth'), await start(api, 'sixth')]
    expect([await stateOf(page().api, fifth), await stateOf(api, sixth)]).toEqual(['waiting', 'waiting'])
    const history = createHistory(join(folder, 'config'), () => {})
    expect((await history.list()).find(({ run }) => run.runId === fifth)!.run).toMatchObject({ state: 'waiting' })
    expect(test.engines.filter(({ options }) => options.restart === false)).toHaveLength(runsAtOnce)
    expect(test.host.running).toBe(runsAtOnce + 2)

    say(going[1]!.engine, finished)
    const next = await vi.waitFor(() => {
      const engine = test.engines.at(-1)!
      expect(engine.jobs).toHaveLength(1)
      return engine
    })
    next.jobs[0]!.say({ type: 'started', jobId: 'job-0' })
    await vi.waitFor(async () => expect(await stateOf(api, fifth)).toBe('running'))
    expect(await stateOf(api, sixth)).toBe('waiting')
  })

  it('are cancelled without having begun, and what an earlier run left for them stays', async () => {
    const { api, going } = await full()
    const waits = await start(api, 'out.safetensors')
    leaveUnfinished()
    await api.pauseRun(waits, true)
    expect(await stateOf(api, waits)).toBe('waiting')
    await api.cancelRun(waits, false)
    expect(await stateOf(api, waits)).toBe('cancelled')
    expect(await written()).toContain('out.safetensors.partial')
    // Its turn is not lost on those behind it.
    const behind = await start(api, 'behind')
    say(going[0]!.engine, finished)
    await vi.waitFor(() => expect(test.engines.at(-1)!.jobs).toHaveLength(1))
    expect(await stateOf(api, behind)).toBe('waiting')
  })

  it('take neither the entry nor the finished tensors of the run before before they begin', async () => {
    const earlier = await test.startRun(page())
    leaveUnfinished()
    await restart()
    const { api } = await full()
    const asked = { ...test.request(), output: 'npz' as const, target: target('out.safetensors') }
    const waits = await api.startRun(asked)
    await api.cancelRun(waits, true)
    const found = async (runs: Promise<Run[]>, runId: string) => (await runs).find((run) => run.runId === runId)
    const listed = createHistory(join(folder, 'config'), () => {}).list()
    for (const runs of [api.runs(), listed.then((all) => all.map(({ run }) => run))]) {
      expect(await found(runs, waits)).toMatchObject({ state: 'cancelled', resumable: false, finishedTensors: 0 })
      expect(await found(runs, earlier.runId)).toMatchObject({
        choices: { output: 'factors' },
        state: 'interrupted',
        resumable: true,
      })
    }
  })

  it('are cancelled while their files are opened, and what an earlier run left stays', async () => {
    const { api, going } = await full()
    const opened = Promise.withResolvers<never>()
    test.behavior.open = () => opened.promise
    const waits = await start(api, 'out.safetensors')
    leaveUnfinished()
    say(going[0]!.engine, finished)
    await vi.waitFor(() => expect(test.engines.filter(({ options }) => options.restart === false)).toHaveLength(5))
    await api.cancelRun(waits, false)
    expect(await stateOf(api, waits)).toBe('cancelled')
    expect(test.engines.at(-1)!.stopped).toBe(true)
    expect(await written()).toContain('out.safetensors.partial')
  })

  it('are held as soon as they begin where that was asked for before', async () => {
    const { api, going } = await full()
    const waits = await start(api, 'fifth')
    await api.pauseRun(waits, true)
    const before = test.engines.length
    say(going[0]!.engine, finished)
    await vi.waitFor(() => expect(test.engines[before]?.jobs).toHaveLength(1))
    say(test.engines[before]!, { type: 'started', jobId: 'job-0' })
    await vi.waitFor(async () => expect(await stateOf(api, waits)).toBe('paused'))
  })

  it('fail in the list where their source has gone meanwhile', async () => {
    const { api, going } = await full()
    const waits = await start(api, 'waits')
    test.behavior.open = async () => Promise.reject(new AppError('not-found', someWords('It is gone.')))
    say(going[0]!.engine, finished)
    await vi.waitFor(async () => expect(await stateOf(api, waits)).toBe('failed'))
    expect((await api.runs())[0]).toMatchObject({ runId: waits, error: { code: 'not-found' }, resumable: false })
    await vi.waitFor(() => expect(test.host.running).toBe(runsAtOnce - 1))
  })

  it('end with their host, interrupted, and start no engine on its way out', async () => {
    const { api } = await full()
    await start(api, 'fifth')
    const engines = test.engines.length
    await test.host.close()
    expect(test.engines.length).toBe(engines)
    const history = createHistory(join(folder, 'config'), () => {})
    expect((await history.list()).map(({ run }) => run.state)).toEqual(Array(runsAtOnce + 1).fill('interrupted'))
  })
})

describe('a run', () => {
  it('has its own engine, tells every page, and is over when its job is', async () => {
    const [first, second] = [page(), page()]
    const { runId, engine } = await test.startRun(first)
    expect(engine.options.restart).toBe(false)
    const fileId = `file-of-${test.source}`
    expect(engine.jobs[0]!.request).toMatchObject({
      kind: 'compress',
      files: { model: fileId },
      target: test.target,
      resume: true,
    })
    expect(await second.api.runs()).toMatchObject([
      { runId, sourceName: 'in.npy', target: 'out.safetensors', state: 'running', endedAt: null, result: null },
    ])
    expect(test.host.running).toBe(1)
    say(engine, finished)
    await vi.waitFor(() => expect(test.host.running).toBe(0))
    expect(engine.stopped).toBe(true)
    expect(await first.api.runs()).toMatchObject([{ state: 'finished', resumable: false, result: { bytesAfter: 1 } }])
    expect(await second.api.runReport(runId)).toEqual(someRunReport)
    for (const { runs } of [first, second]) expect(runs.map(({ state }) => state)).toEqual(['running', 'finished'])
  })

  it.each([
    ['extract', { base: 'in.npy', tuned: 'other.npy' }, { form: 'peft', params: {} }],
    ['resize', { adapter: 'other.npy', base: 'in.npy' }, { params: { rank: 4 } }],
    ['resize', { adapter: 'other.npy' }, { params: { rank: 4 } }],
    ['apply', { base: 'in.npy', adapter: 'other.npy' }, { scale: 0.5 }],
  ] as const)('may be of another kind: %s of %o', async (kind, named, options) => {
    await writeFile(join(folder, 'other.npy'), 'bytes')
    const first = page()
    const files: Record<string, string> = {}
    for (const [role, name] of Object.entries(named)) files[role] = (await test.grants.grant(join(folder, name))).id
    const request = { kind, files, target: test.target, ...options } as unknown as RunRequest
    const { runId, engine } = await test.begin(() => first.api.startRun(request))
    const opened = Object.fromEntries(Object.entries(files).map(([role, id]) => [role, `file-of-${id}`]))
    expect(engine.jobs[0]!.request).toMatchObject({ kind, target: test.target, files: opened })
    expect('resume' in engine.jobs[0]!.request).toBe(kind !== 'resize')
    leaveUnfinished()
    await restart()
    const { api } = page()
    expect(await api.runs()).toMatchObject([
      { choices: { kind }, sourceName: Object.values(named)[0], state: 'interrupted', resumable: true },
    ])
    const again = (await test.begin(() => api.resumeRun(runId))).engine.jobs[0]!.request
    const { files: _, ...asked } = engine.jobs[0]!.request
    expect(again).toMatchObject({ ...asked, target: test.target })
    expect(Object.keys(again.files!)).toEqual(Object.keys(named))
  })

  it('survives the page that started it', async () => {
    const first = page()
    const { runId, engine } = await test.startRun(first)
    first.close()
    await vi.waitFor(() => expect(first.engine.stopped).toBe(true))
    expect(engine.stopped).toBe(false)
    const reloaded = page()
    expect(await reloaded.api.runs()).toMatchObject([{ runId, state: 'running' }])
    say(engine, progress(1))
    await vi.waitFor(() => expect(reloaded.runs).toMatchObject([{ progress: { done: 1, total: 9, memoryBytes: 5 } }]))
  })

  it('leaves its folder to be offered for the next, also by another host', async () => {
    expect(await page().api.outputFolder()).toEqual([])
    await test.startRun(page())
    expect(await page().api.outputFolder()).toMatchObject([{ name: basename(folder), kind: 'folder' }])
    await restart()
    expect(await page().api.outputFolder()).toHaveLength(1)
  })

  it('does not flood pages: of thousands of tensors they hear ten times a second, and of the end at once', async () => {
    const first = page()
    const { engine } = await test.startRun(first)
    for (let done = 0; done < 5000; done++) for (const event of [progress(done), tensorDone]) say(engine, event)
    say(engine, finished)
    await vi.waitFor(() => expect(first.runs.at(-1)).toMatchObject({ state: 'finished', endedAt: expect.any(Number) }))
    expect(first.runs.length).toBeLessThan(500)
  })

  it('is as far as its bytes are written, however far one large matrix has been read', async () => {
    const first = page()
    const { engine } = await test.startRun(first)
    const read = { type: 'progress', jobId: 'job-0', phase: 'read', tensor: 'w', done: 100, total: 200 } as const
    for (const event of [progress(3), { ...read, memoryBytes: 77 }]) say(engine, event)
    await vi.waitFor(() =>
      expect(first.runs.at(-1)!.progress).toEqual({
        phase: 'compress',
        tensor: 'w',
        done: 3,
        total: 9,
        memoryBytes: 77,
      }),
    )
  })

  it('is held and let go on from any page', async () => {
    const { runId, engine } = await test.startRun(page())
    const other = page()
    await other.api.pauseRun(runId, true)
    expect(await page().api.runs()).toMatchObject([{ state: 'paused', endedAt: null }])
    expect(engine.stopped).toBe(false)
    await other.api.pauseRun(runId, false)
    expect(await page().api.runs()).toMatchObject([{ state: 'running' }])
    expect(engine.paused).toEqual([
      ['job-0', true],
      ['job-0', false],
    ])
    expect(other.runs.map(({ state }) => state)).toEqual(['paused', 'running'])
  })

  it('is refused, and not kept, where it cannot begin', async () => {
    const { api } = page()
    const { files: _, ...rest } = test.request()
    await expect(api.startRun({ ...rest, files: { model: 'nobody' } })).rejects.toMatchObject({ code: 'not-found' })
    await expect(api.startRun({ ...rest, files: { model: test.target } })).rejects.toMatchObject({
      code: 'bad-request',
    })
    test = await testHost(folder, {
      behavior: {
        start: async () => {
          throw new AppError('would-overwrite', someWords('out.safetensors exists.'))
        },
      },
    })
    const other = page()
    await expect(other.api.startRun(test.request())).rejects.toMatchObject({ code: 'would-overwrite' })
    expect(await other.api.runs()).toEqual([])
    expect(test.engines.at(-1)!.stopped).toBe(true)
    expect(test.host.running).toBe(0)
  })

  it('is refused where another one writes, also one of another host', async () => {
    const { runId } = await test.startRun(page())
    const second = await testHost(folder)
    for (const host of [test, second]) {
      const { api } = host.page()
      await expect(api.startRun(host.request())).rejects.toMatchObject({
        code: 'would-overwrite',
        message: expect.stringContaining('being written'),
      })
      expect(await api.runs()).toMatchObject([{ runId, state: 'running' }])
    }
    const elsewhere = { code: 'bad-request', message: expect.stringContaining('another process') }
    const { api } = second.page()
    await expect(api.cancelRun(runId, true)).rejects.toMatchObject(elsewhere)
    await expect(api.pauseRun(runId, true)).rejects.toMatchObject(elsewhere)
    await expect(api.forgetRun(runId)).rejects.toMatchObject({ code: 'bad-request' })
    await second.host.close()
    expect(await page().api.runs()).toMatchObject([{ runId, state: 'running' }])
  })
})

describe('a run that is cancelled', () => {
  it('keeps its finished tensors where that is asked for', async () => {
    const { runId, engine } = await test.startRun(page())
    leaveUnfinished()
    await page().api.cancelRun(runId, true)
    expect(engine.cancelled).toEqual(['job-0'])
    expect(engine.stopped).toBe(true)
    expect(await page().api.runs()).toMatchObject([{ state: 'cancelled', resumable: true }])
    expect(await written()).toHaveLength(2)
  })

  it('leaves nothing half-written otherwise', async () => {
    const first = page()
    const { runId } = await test.startRun(first)
    leaveUnfinished()
    await page().api.cancelRun(runId, false)
    expect(await page().api.runs()).toMatchObject([{ state: 'cancelled', resumable: false }])
    expect(first.runs.at(-1)).toMatchObject({ state: 'cancelled', resumable: false })
    expect(await written()).toEqual([])
  })

  it('leaves nothing half-written also where it failed a moment before', async () => {
    const first = page()
    const { runId, engine } = await test.startRun(first)
    leaveUnfinished()
    say(engine, failed)
    await vi.waitFor(() => expect(first.runs.at(-1)).toMatchObject({ state: 'failed', resumable: true }))
    await page().api.cancelRun(runId, false)
    expect(await page().api.runs()).toMatchObject([{ state: 'failed', resumable: false }])
    expect(await written()).toEqual([])
  })

  it('has to be a run', async () => {
    for (const keep of [true, false])
      await expect(page().api.cancelRun('nobody', keep)).rejects.toMatchObject({ code: 'not-found' })
  })
})

describe('a run whose engine dies', () => {
  it('fails with the reason, leaves the other engines alone, and can be resumed', async () => {
    const first = page()
    const { engine } = await test.startRun(first)
    leaveUnfinished()
    engine.die('It ran out of memory.')
    const dead = {
      state: 'failed',
      resumable: true,
      error: { code: 'engine-died', said: [someWords('It ran out of memory.')] },
    }
    await vi.waitFor(() => expect(first.runs.at(-1)).toMatchObject(dead))
    expect(await first.api.runs()).toMatchObject([dead])
    expect(first.engine.stopped).toBe(false)
  })

  it('has kept what its journal speaks of, not all that it reported', async () => {
    const first = page()
    const { engine } = await test.startRun(first)
    for (let i = 0; i < 99; i++) say(engine, tensorDone)
    leaveUnfinished()
    engine.die('It was killed.')
    await vi.waitFor(() => expect(first.runs.at(-1)).toMatchObject({ resumable: true, finishedTensors: 1 }))
    expect(await first.api.runs()).toMatchObject([{ finishedTensors: 1 }])
  })

  it('leaves nothing behind where nothing was finished', async () => {
    const first = page()
    const { engine } = await test.startRun(first)
    await writeFile(join(folder, 'out.safetensors.partial'), 'half')
    await leftOver.leaveLock(join(folder, 'out.safetensors'))
    engine.die('It was killed.')
    await vi.waitFor(() => expect(first.runs.at(-1)).toMatchObject({ state: 'failed', resumable: false }))
    expect(await written()).toEqual([])
  })
})

describe('after a restart of the host', () => {
  it('runs that were finished are listed with their reports', async () => {
    const { runId, engine } = await test.startRun(page())
    say(engine, finished)
    await vi.waitFor(() => expect(test.host.running).toBe(0))
    await restart()
    expect(await page().api.runs()).toMatchObject([{ runId, state: 'finished', target: 'out.safetensors' }])
    expect(await page().api.runReport(runId)).toEqual(someRunReport)
    await page().api.showInFolder(runId)
    expect(test.shown).toEqual([join(folder, 'out.safetensors')])
  })

  it('says where a run read and wrote, whether that is still there, and opens it', async () => {
    const first = page()
    const { api } = first
    const { runId, engine } = await test.startRun(first)
    say(engine, finished)
    await vi.waitFor(() => expect(test.host.running).toBe(0))
    const places = { source: join(folder, 'in.npy'), target: join(folder, 'out.safetensors') }
    expect(await api.runPlaces(runId)).toEqual({
      ...places,
      statistics: null,
      sourceExists: true,
      targetExists: false,
    })
    await expect(api.openRun(runId, 'target')).rejects.toMatchObject({ code: 'not-found' })
    await writeFile(places.target, 'bytes')
    expect((await api.runPlaces(runId)).targetExists).toBe(true)
    expect(await api.openRun(runId, 'target')).toMatchObject({ kind: 'file', name: 'out.safetensors', byteLength: 5 })
    expect(await api.openRun(runId, 'source')).toMatchObject({ name: 'in.npy' })
  })

  it('opens no run of another time whose files the page may not see', async () => {
    const { runId, engine } = await test.startRun(page())
    say(engine, finished)
    await vi.waitFor(() => expect(test.host.running).toBe(0))
    await test.host.close()
    test = await testHost(folder, { reach: { read: async () => false, write: async () => true } })
    await expect(page().api.openRun(runId, 'source')).rejects.toMatchObject({ code: 'not-found' })
  })

  it('a run that was going on was interrupted, and is resumed under the same request', async () => {
    const first = page()
    const request = { ...test.request(), params: { rank: 7 }, exclude: ['a*'], force: true }
    const { runId } = await test.begin(() => first.api.startRun(request))
    leaveUnfinished()
    await restart()
    const { api } = page()
    expect(await api.runs()).toMatchObject([{ runId, state: 'interrupted', resumable: true, error: null }])
    const other = page()
    const { runId: resumed, engine } = await test.begin(() => api.resumeRun(runId))
    // A page that did not ask for it has the new one in place of the old one.
    expect(other.runs).toMatchObject([{ runId: resumed, state: 'running' }])
    expect(other.forgotten).toEqual([runId])
    expect(resumed).not.toBe(runId)
    expect(engine.jobs[0]!.request).toMatchObject({
      kind: 'compress',
      files: { model: `file-of-${test.source}` },
      target: test.target,
      output: 'factors',
      params: expect.objectContaining({ rank: 7 }),
      include: [],
      exclude: ['a*'],
      force: true,
      resume: true,
      part: null,
    })
    expect(await api.runs()).toMatchObject([{ runId: resumed, state: 'running', resumable: false }])
    await expect(api.resumeRun(runId)).rejects.toMatchObject({ code: 'not-found' })
    await expect(api.resumeRun(resumed)).rejects.toMatchObject({ code: 'bad-request' })
  })

  it('a run whose source has gone stays in the list, with a sentence', async () => {
    const { runId } = await test.startRun(page())
    leaveUnfinished()
    await restart()
    await rm(join(folder, 'in.npy'))
    await expect(page().api.resumeRun(runId)).rejects.toMatchObject({
      code: 'not-found',
      message: 'in.npy was not found.',
    })
    expect(await page().api.runs()).toMatchObject([{ runId, resumable: true }])
    expect(await written()).toHaveLength(2)
  })
})

describe('a run that is forgotten', () => {
  it('takes finished tensors kept for later with it, leaves an output, and every page is told', async () => {
    const other = page()
    const { runId, engine } = await test.startRun(page())
    leaveUnfinished()
    await writeFile(join(folder, 'out.safetensors'), 'an earlier output')
    await expect(page().api.forgetRun(runId)).rejects.toMatchObject({ code: 'bad-request' })
    say(engine, failed)
    await vi.waitFor(() => expect(test.host.running).toBe(0))
    await page().api.forgetRun(runId)
    expect(await page().api.runs()).toEqual([])
    expect(await written()).toEqual(['out.safetensors'])
    expect(other.forgotten).toEqual([runId])
    await expect(page().api.forgetRun(runId)).rejects.toMatchObject({ code: 'not-found' })
    await expect(page().api.runReport(runId)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('leaves alone what a later one has kept in the same place', async () => {
    const earlier = await test.startRun(page())
    say(earlier.engine, failed)
    await vi.waitFor(() => expect(test.host.running).toBe(0))
    const { runId } = await test.startRun(page())
    leaveUnfinished()
    await page().api.cancelRun(runId, true)
    await page().api.forgetRun(earlier.runId)
    expect(await page().api.runs()).toMatchObject([{ runId, resumable: true }])
    expect(await written()).toHaveLength(2)
  })
})
