import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { RunRequest } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import { someRunReport } from '../../core/contract/some-run.ts'
import { someWords } from '../../core/messages/words.ts'
import * as leftOver from '../left-over.ts'
import { testHost } from './harness.ts'
import { failed, finished, hostForEach, progress, say, tensorDone } from './host-for-each.ts'

const now = hostForEach()

describe('a run', () => {
  it('has its own engine, tells every page, and is over when its job is', async () => {
    const [first, second] = [now.page(), now.page()]
    const { runId, engine } = await now.test.startRun(first)
    expect(engine.options.restart).toBe(false)
    const fileId = `file-of-${now.test.source}`
    expect(engine.jobs[0]!.request).toMatchObject({
      kind: 'compress',
      files: { model: fileId },
      target: now.test.target,
      resume: true,
    })
    expect(await second.api.runs()).toMatchObject([
      { runId, sourceName: 'in.npy', target: 'out.safetensors', state: 'running', endedAt: null, result: null },
    ])
    expect(now.test.host.running).toBe(1)
    say(engine, finished)
    await vi.waitFor(() => expect(now.test.host.running).toBe(0))
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
    await writeFile(join(now.folder, 'other.npy'), 'bytes')
    const first = now.page()
    const files: Record<string, string> = {}
    for (const [role, name] of Object.entries(named))
      files[role] = (await now.test.grants.grant(join(now.folder, name))).id
    const request = { kind, files, target: now.test.target, ...options } as unknown as RunRequest
    const { runId, engine } = await now.test.begin(() => first.api.startRun(request))
    const opened = Object.fromEntries(Object.entries(files).map(([role, id]) => [role, `file-of-${id}`]))
    expect(engine.jobs[0]!.request).toMatchObject({ kind, target: now.test.target, files: opened })
    expect('resume' in engine.jobs[0]!.request).toBe(kind !== 'resize')
    now.leaveUnfinished()
    await now.restart()
    const { api } = now.page()
    expect(await api.runs()).toMatchObject([
      { choices: { kind }, sourceName: Object.values(named)[0], state: 'interrupted', resumable: true },
    ])
    const again = (await now.test.begin(() => api.resumeRun(runId))).engine.jobs[0]!.request
    const { files: _, ...asked } = engine.jobs[0]!.request
    expect(again).toMatchObject({ ...asked, target: now.test.target })
    expect(Object.keys(again.files!)).toEqual(Object.keys(named))
  })

  it('survives the page that started it', async () => {
    const first = now.page()
    const { runId, engine } = await now.test.startRun(first)
    first.close()
    await vi.waitFor(() => expect(first.engine.stopped).toBe(true))
    expect(engine.stopped).toBe(false)
    const reloaded = now.page()
    expect(await reloaded.api.runs()).toMatchObject([{ runId, state: 'running' }])
    say(engine, progress(1))
    await vi.waitFor(() => expect(reloaded.runs).toMatchObject([{ progress: { done: 1, total: 9, memoryBytes: 5 } }]))
  })

  it('leaves its folder to be offered for the next, also by another host', async () => {
    expect(await now.page().api.outputFolder()).toEqual([])
    await now.test.startRun(now.page())
    expect(await now.page().api.outputFolder()).toMatchObject([{ name: basename(now.folder), kind: 'folder' }])
    await now.restart()
    expect(await now.page().api.outputFolder()).toHaveLength(1)
  })

  it('does not flood pages: of thousands of tensors they hear ten times a second, and of the end at once', async () => {
    const first = now.page()
    const { engine } = await now.test.startRun(first)
    for (let done = 0; done < 5000; done++) for (const event of [progress(done), tensorDone]) say(engine, event)
    say(engine, finished)
    await vi.waitFor(() => expect(first.runs.at(-1)).toMatchObject({ state: 'finished', endedAt: expect.any(Number) }))
    expect(first.runs.length).toBeLessThan(500)
  })

  it('is as far as its bytes are written, however far one large matrix has been read', async () => {
    const first = now.page()
    const { engine } = await now.test.startRun(first)
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
    const { runId, engine } = await now.test.startRun(now.page())
    const other = now.page()
    await other.api.pauseRun(runId, true)
    expect(await now.page().api.runs()).toMatchObject([{ state: 'paused', endedAt: null }])
    expect(engine.stopped).toBe(false)
    await other.api.pauseRun(runId, false)
    expect(await now.page().api.runs()).toMatchObject([{ state: 'running' }])
    expect(engine.paused).toEqual([
      ['job-0', true],
      ['job-0', false],
    ])
    expect(other.runs.map(({ state }) => state)).toEqual(['paused', 'running'])
  })

  it('is refused, and not kept, where it cannot begin', async () => {
    const { api } = now.page()
    const { files: _, ...rest } = now.test.request()
    await expect(api.startRun({ ...rest, files: { model: 'nobody' } })).rejects.toMatchObject({ code: 'not-found' })
    await expect(api.startRun({ ...rest, files: { model: now.test.target } })).rejects.toMatchObject({
      code: 'bad-request',
    })
    await now.restart({
      behavior: {
        start: async () => {
          throw new AppError('would-overwrite', someWords('out.safetensors exists.'))
        },
      },
    })
    const other = now.page()
    await expect(other.api.startRun(now.test.request())).rejects.toMatchObject({ code: 'would-overwrite' })
    expect(await other.api.runs()).toEqual([])
    expect(now.test.engines.at(-1)!.stopped).toBe(true)
    expect(now.test.host.running).toBe(0)
  })

  it('is refused where another one writes, also one of another host', async () => {
    const { runId } = await now.test.startRun(now.page())
    const second = await testHost(now.folder)
    for (const host of [now.test, second]) {
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
    expect(await now.page().api.runs()).toMatchObject([{ runId, state: 'running' }])
  })
})

describe('a run that is cancelled', () => {
  it('keeps its finished tensors where that is asked for', async () => {
    const { runId, engine } = await now.test.startRun(now.page())
    now.leaveUnfinished()
    await now.page().api.cancelRun(runId, true)
    expect(engine.cancelled).toEqual(['job-0'])
    expect(engine.stopped).toBe(true)
    expect(await now.page().api.runs()).toMatchObject([{ state: 'cancelled', resumable: true }])
    expect(await now.written()).toHaveLength(2)
  })

  it('leaves nothing half-written otherwise', async () => {
    const first = now.page()
    const { runId } = await now.test.startRun(first)
    now.leaveUnfinished()
    await now.page().api.cancelRun(runId, false)
    expect(await now.page().api.runs()).toMatchObject([{ state: 'cancelled', resumable: false }])
    expect(first.runs.at(-1)).toMatchObject({ state: 'cancelled', resumable: false })
    expect(await now.written()).toEqual([])
  })

  it('leaves nothing half-written also where its engine does not hear the cancel', async () => {
    const { runId, engine } = await now.test.startRun(now.page())
    engine.deaf = true
    now.leaveUnfinished()
    await now.page().api.cancelRun(runId, false)
    expect(engine.stopped).toBe(true)
    expect(await now.page().api.runs()).toMatchObject([{ state: 'cancelled', resumable: false, error: null }])
    expect(await now.written()).toEqual([])
  })

  it('leaves nothing half-written also where it failed a moment before', async () => {
    const first = now.page()
    const { runId, engine } = await now.test.startRun(first)
    now.leaveUnfinished()
    say(engine, failed)
    await vi.waitFor(() => expect(first.runs.at(-1)).toMatchObject({ state: 'failed', resumable: true }))
    await now.page().api.cancelRun(runId, false)
    expect(await now.page().api.runs()).toMatchObject([{ state: 'failed', resumable: false }])
    expect(await now.written()).toEqual([])
  })

  it('has to be a run', async () => {
    for (const keep of [true, false])
      await expect(now.page().api.cancelRun('nobody', keep)).rejects.toMatchObject({ code: 'not-found' })
  })
})

describe('a run whose engine dies', () => {
  it('fails with the reason, leaves the other engines alone, and can be resumed', async () => {
    const first = now.page()
    const { engine } = await now.test.startRun(first)
    now.leaveUnfinished()
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
    const first = now.page()
    const { engine } = await now.test.startRun(first)
    for (let i = 0; i < 99; i++) say(engine, tensorDone)
    now.leaveUnfinished()
    engine.die('It was killed.')
    await vi.waitFor(() => expect(first.runs.at(-1)).toMatchObject({ resumable: true, finishedTensors: 1 }))
    expect(await first.api.runs()).toMatchObject([{ finishedTensors: 1 }])
  })

  it('leaves nothing behind where nothing was finished', async () => {
    const first = now.page()
    const { engine } = await now.test.startRun(first)
    await writeFile(join(now.folder, 'out.safetensors.partial'), 'half')
    await leftOver.leaveLock(join(now.folder, 'out.safetensors'))
    engine.die('It was killed.')
    await vi.waitFor(() => expect(first.runs.at(-1)).toMatchObject({ state: 'failed', resumable: false }))
    expect(await now.written()).toEqual([])
  })
})
