import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { someRunReport } from '../../core/contract/some-run.ts'
import { failed, finished, hostForEach, say } from './host-for-each.ts'

const now = hostForEach()

describe('after a restart of the host', () => {
  it('runs that were finished are listed with their reports', async () => {
    const { runId, engine } = await now.test.startRun(now.page())
    say(engine, finished)
    await vi.waitFor(() => expect(now.test.host.running).toBe(0))
    await now.restart()
    expect(await now.page().api.runs()).toMatchObject([{ runId, state: 'finished', target: 'out.safetensors' }])
    expect(await now.page().api.runReport(runId)).toEqual(someRunReport)
    await now.page().api.showInFolder(runId)
    expect(now.test.shown).toEqual([join(now.folder, 'out.safetensors')])
  })

  it('says where a run read and wrote, whether that is still there, and opens it', async () => {
    const first = now.page()
    const { api } = first
    const { runId, engine } = await now.test.startRun(first)
    say(engine, finished)
    await vi.waitFor(() => expect(now.test.host.running).toBe(0))
    const places = { source: join(now.folder, 'in.npy'), target: join(now.folder, 'out.safetensors') }
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
    const { runId, engine } = await now.test.startRun(now.page())
    say(engine, finished)
    await vi.waitFor(() => expect(now.test.host.running).toBe(0))
    await now.restart({ reach: { read: async () => false, write: async () => true } })
    await expect(now.page().api.openRun(runId, 'source')).rejects.toMatchObject({ code: 'not-found' })
  })

  it('a run that was going on was interrupted, and is resumed under the same request', async () => {
    const first = now.page()
    const request = { ...now.test.request(), params: { rank: 7 }, exclude: ['a*'], force: true }
    const { runId } = await now.test.begin(() => first.api.startRun(request))
    now.leaveUnfinished()
    await now.restart()
    const { api } = now.page()
    expect(await api.runs()).toMatchObject([{ runId, state: 'interrupted', resumable: true, error: null }])
    const other = now.page()
    const { runId: resumed, engine } = await now.test.begin(() => api.resumeRun(runId))
    // A page that did not ask for it has the new one in place of the old one.
    expect(other.runs).toMatchObject([{ runId: resumed, state: 'running' }])
    expect(other.forgotten).toEqual([runId])
    expect(resumed).not.toBe(runId)
    expect(engine.jobs[0]!.request).toMatchObject({
      kind: 'compress',
      files: { model: `file-of-${now.test.source}` },
      target: now.test.target,
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
    const { runId } = await now.test.startRun(now.page())
    now.leaveUnfinished()
    await now.restart()
    await rm(join(now.folder, 'in.npy'))
    await expect(now.page().api.resumeRun(runId)).rejects.toMatchObject({
      code: 'not-found',
      message: 'in.npy was not found.',
    })
    expect(await now.page().api.runs()).toMatchObject([{ runId, resumable: true }])
    expect(await now.written()).toHaveLength(2)
  })
})

describe('a run that is forgotten', () => {
  it('takes finished tensors kept for later with it, leaves an output, and every page is told', async () => {
    const other = now.page()
    const { runId, engine } = await now.test.startRun(now.page())
    now.leaveUnfinished()
    await writeFile(join(now.folder, 'out.safetensors'), 'an earlier output')
    await expect(now.page().api.forgetRun(runId)).rejects.toMatchObject({ code: 'bad-request' })
    say(engine, failed)
    await vi.waitFor(() => expect(now.test.host.running).toBe(0))
    await now.page().api.forgetRun(runId)
    expect(await now.page().api.runs()).toEqual([])
    expect(await now.written()).toEqual(['out.safetensors'])
    expect(other.forgotten).toEqual([runId])
    await expect(now.page().api.forgetRun(runId)).rejects.toMatchObject({ code: 'not-found' })
    await expect(now.page().api.runReport(runId)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('leaves alone what a later one has kept in the same place', async () => {
    const earlier = await now.test.startRun(now.page())
    say(earlier.engine, failed)
    await vi.waitFor(() => expect(now.test.host.running).toBe(0))
    const { runId } = await now.test.startRun(now.page())
    now.leaveUnfinished()
    await now.page().api.cancelRun(runId, true)
    await now.page().api.forgetRun(earlier.runId)
    expect(await now.page().api.runs()).toMatchObject([{ runId, resumable: true }])
    expect(await now.written()).toHaveLength(2)
  })
})
