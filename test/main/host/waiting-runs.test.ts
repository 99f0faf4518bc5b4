import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { HostApi, Run } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import { createHistory } from '../../../main/history/history.ts'
import { runsAtOnce } from '../../../main/host/turns.ts'
import { someWords } from '../../core/messages/words.ts'
import type { TestHost } from './harness.ts'
import { finished, hostForEach, say } from './host-for-each.ts'

const now = hostForEach()

describe('more runs than go on at once', () => {
  const target = (name: string) => now.test.grants.target(join(now.folder, name)).id
  const start = (api: HostApi, name: string) => api.startRun({ ...now.test.request(), target: target(name) })
  /** As many as there are turns, begun, and the page that began them. */
  async function full() {
    const first = now.page()
    const going: Awaited<ReturnType<TestHost['begin']>>[] = []
    for (let i = 0; i < runsAtOnce; i++) going.push(await now.test.begin(() => start(first.api, `out-${i}`)))
    return { ...first, going }
  }
  const stateOf = async (api: HostApi, runId: string) => (await api.runs()).find((run) => run.runId === runId)?.state

  it('wait without an engine, in the list of every page and in the history, and begin in their order', async () => {
    const { api, going } = await full()
    const [fifth, sixth] = [await start(api, 'fifth'), await start(api, 'sixth')]
    expect([await stateOf(now.page().api, fifth), await stateOf(api, sixth)]).toEqual(['waiting', 'waiting'])
    const history = createHistory(join(now.folder, 'config'), () => {})
    expect((await history.list()).find(({ run }) => run.runId === fifth)!.run).toMatchObject({ state: 'waiting' })
    expect(now.test.engines.filter(({ options }) => options.restart === false)).toHaveLength(runsAtOnce)
    expect(now.test.host.running).toBe(runsAtOnce + 2)

    say(going[1]!.engine, finished)
    const next = await vi.waitFor(() => {
      const engine = now.test.engines.at(-1)!
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
    now.leaveUnfinished()
    await api.pauseRun(waits, true)
    expect(await stateOf(api, waits)).toBe('waiting')
    await api.cancelRun(waits, false)
    expect(await stateOf(api, waits)).toBe('cancelled')
    expect(await now.written()).toContain('out.safetensors.partial')
    // Its turn is not lost on those behind it.
    const behind = await start(api, 'behind')
    say(going[0]!.engine, finished)
    await vi.waitFor(() => expect(now.test.engines.at(-1)!.jobs).toHaveLength(1))
    expect(await stateOf(api, behind)).toBe('waiting')
  })

  it('take neither the entry nor the finished tensors of the run before before they begin', async () => {
    const earlier = await now.test.startRun(now.page())
    now.leaveUnfinished()
    await now.restart()
    const { api } = await full()
    const asked = { ...now.test.request(), output: 'npz' as const, target: target('out.safetensors') }
    const waits = await api.startRun(asked)
    await api.cancelRun(waits, true)
    const found = async (runs: Promise<Run[]>, runId: string) => (await runs).find((run) => run.runId === runId)
    const listed = createHistory(join(now.folder, 'config'), () => {}).list()
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
    now.test.behavior.open = () => opened.promise
    const waits = await start(api, 'out.safetensors')
    now.leaveUnfinished()
    say(going[0]!.engine, finished)
    await vi.waitFor(() => expect(now.test.engines.filter(({ options }) => options.restart === false)).toHaveLength(5))
    await api.cancelRun(waits, false)
    expect(await stateOf(api, waits)).toBe('cancelled')
    expect(now.test.engines.at(-1)!.stopped).toBe(true)
    expect(await now.written()).toContain('out.safetensors.partial')
  })

  it('are held as soon as they begin where that was asked for before', async () => {
    const { api, going } = await full()
    const waits = await start(api, 'fifth')
    await api.pauseRun(waits, true)
    const before = now.test.engines.length
    say(going[0]!.engine, finished)
    await vi.waitFor(() => expect(now.test.engines[before]?.jobs).toHaveLength(1))
    say(now.test.engines[before]!, { type: 'started', jobId: 'job-0' })
    await vi.waitFor(async () => expect(await stateOf(api, waits)).toBe('paused'))
  })

  it('fail in the list where their source has gone meanwhile', async () => {
    const { api, going } = await full()
    const waits = await start(api, 'waits')
    now.test.behavior.open = async () => Promise.reject(new AppError('not-found', someWords('It is gone.')))
    say(going[0]!.engine, finished)
    await vi.waitFor(async () => expect(await stateOf(api, waits)).toBe('failed'))
    expect((await api.runs())[0]).toMatchObject({ runId: waits, error: { code: 'not-found' }, resumable: false })
    await vi.waitFor(() => expect(now.test.host.running).toBe(runsAtOnce - 1))
  })

  it('end with their host, interrupted, and start no engine on its way out', async () => {
    const { api } = await full()
    await start(api, 'fifth')
    const engines = now.test.engines.length
    await now.test.host.close()
    expect(now.test.engines.length).toBe(engines)
    const history = createHistory(join(now.folder, 'config'), () => {})
    expect((await history.list()).map(({ run }) => run.state)).toEqual(Array(runsAtOnce + 1).fill('interrupted'))
  })
})
