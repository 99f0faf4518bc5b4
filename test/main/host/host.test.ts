import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { CompressionReport, EngineApi, HostApi, HostEvents, JobEvent, Run } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import { connectApi } from '../../../core/rpc.ts'
import { createGrants } from '../../../main/grants.ts'
import { createHost, type Host, unsupported } from '../../../main/host/host.ts'
import { fakeEngines, portPair } from './fake-engine.ts'

let folder: string
let host: Host
let grants: ReturnType<typeof createGrants>
let fakes: ReturnType<typeof fakeEngines>
let source: string
let target: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ghostsvd-host-'))
  await writeFile(join(folder, 'in.npy'), 'bytes')
  await open()
})
afterEach(async () => {
  await host.close()
  await rm(folder, { recursive: true, force: true })
})

async function open(behavior: Partial<EngineApi> = {}): Promise<void> {
  grants = createGrants()
  fakes = fakeEngines(behavior)
  const no = unsupported('not in this test')
  host = createHost({
    info: { kind: 'loopback', version: '1.2.3', platform: 'linux' },
    abilities: { pickFile: no, pickFolder: no, pickTarget: no, listFolder: no, createTarget: no, showInFolder: no },
    grants,
    configFolder: join(folder, 'config'),
    temporaryFolder: folder,
    startEngine: fakes.start,
  })
  source = (await grants.grant(join(folder, 'in.npy'))).id
  target = grants.target(join(folder, 'out.safetensors')).id
}

function page() {
  const [hostNear, hostFar] = portPair()
  const [engineNear, engineFar] = portPair()
  const heard: string[] = []
  const runs: Run[] = []
  const events: HostEvents = {
    engine: ({ state, reason }) => void heard.push(reason ? `${state}: ${reason}` : state),
    run: (run) => void runs.push(run),
  }
  const before = fakes.engines.length
  host.connectPage({ host: hostFar, engine: engineFar })
  return {
    api: connectApi<HostApi, HostEvents>(hostNear, events),
    engine: fakes.engines[before]!,
    enginePort: engineNear,
    heard,
    runs,
    close: () => hostNear.close(),
  }
}

const request = () => ({ source, target, output: 'factors' as const, params: {} })
const report: CompressionReport = {
  output: 'out.safetensors',
  bytesBefore: 2,
  bytesAfter: 1,
  plannedBytes: 1,
  relativeError: 0.1,
  files: 1,
  verified: true,
  tensors: [],
  notices: [],
  elapsedMs: 1,
  kernel: 'reference',
  arithmetic: 'unfused',
  threads: 1,
  peakBytes: 1,
}
/** Starts a run from `from` and waits until its engine has its job. */
async function startRun(from: ReturnType<typeof page>) {
  const started = from.api.startRun(request())
  const engine = await vi.waitFor(() => {
    const last = fakes.engines.at(-1)!
    expect(last.jobs).toHaveLength(1)
    return last
  })
  engine.jobs[0]!.say({ type: 'started', jobId: 'job-0' })
  return { runId: await started, engine }
}

describe('a page', () => {
  it('has an engine of its own, hears of its life, and takes it along when it closes', async () => {
    const [first, second] = [page(), page()]
    expect(fakes.engines).toHaveLength(2)
    await vi.waitFor(() => expect(first.heard).toEqual(['ready']))
    first.engine.die('It was killed.')
    await vi.waitFor(() => expect(first.heard).toEqual(['ready', 'died: It was killed.']))
    expect(second.heard).toEqual(['ready'])
    first.close()
    await vi.waitFor(() => expect(first.engine.stopped).toBe(true))
    expect(second.engine.stopped).toBe(false)
  })

  it('reaches its engine through the host, by grants of the host', async () => {
    const { enginePort } = page()
    const engine = connectApi<EngineApi, object>(enginePort, {})
    expect((await engine.open(source)).fileId).toBe(`file-of-${source}`)
    await expect(engine.open('/etc/passwd')).rejects.toMatchObject({ code: 'not-found' })
    await expect(engine.open(target)).rejects.toMatchObject({ code: 'bad-request' })
  })

  it('learns what kind of host it has, and saves settings', async () => {
    const { api } = page()
    expect(await api.info()).toEqual({ kind: 'loopback', version: '1.2.3', platform: 'linux' })
    await api.saveSettings({ theme: 'dark', language: 'en' })
    expect(await page().api.settings()).toEqual({ theme: 'dark', language: 'en' })
    await expect(api.saveSettings({ theme: 'pink' } as never)).rejects.toMatchObject({ code: 'bad-request' })
    await expect(api.pickFile()).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('finds what was opened among the recents', async () => {
    const { api } = page()
    await api.remember(source)
    expect((await api.recents()).map(({ name }) => name)).toEqual(['in.npy'])
  })
})

describe('a run', () => {
  it('has its own engine, tells every page, and is over when its job is', async () => {
    const [first, second] = [page(), page()]
    const { runId, engine } = await startRun(first)
    expect(engine.options.restart).toBe(false)
    expect(engine.jobs[0]!.request).toMatchObject({ kind: 'compress', fileId: `file-of-${source}`, target })
    expect(await second.api.runs()).toMatchObject([
      { runId, source: 'in.npy', target: 'out.safetensors', state: 'running', endedAt: null, result: null },
    ])
    expect(host.running).toBe(1)
    const last: JobEvent = { type: 'finished', jobId: 'job-0', result: { kind: 'compress', report } }
    engine.jobs[0]!.say(last)
    await vi.waitFor(() => expect(engine.stopped).toBe(true))
    expect(await first.api.runs()).toMatchObject([{ state: 'finished', result: { bytesAfter: 1 } }])
    expect(await second.api.runReport(runId)).toEqual(report)
    for (const { runs } of [first, second]) expect(runs.map(({ state }) => state)).toEqual(['running', 'finished'])
    expect(host.running).toBe(0)
  })

  it('survives the page that started it', async () => {
    const first = page()
    const { runId, engine } = await startRun(first)
    first.close()
    await vi.waitFor(() => expect(first.engine.stopped).toBe(true))
    expect(engine.stopped).toBe(false)
    const reloaded = page()
    expect(await reloaded.api.runs()).toMatchObject([{ runId, state: 'running' }])
    engine.jobs[0]!.say({
      type: 'progress',
      jobId: 'job-0',
      phase: 'write',
      tensor: null,
      done: 1,
      total: 2,
      memoryBytes: 5,
    })
    await vi.waitFor(() => expect(reloaded.runs).toMatchObject([{ progress: { done: 1, total: 2, memoryBytes: 5 } }]))
  })

  it('is held and let go on from any page', async () => {
    const { runId, engine } = await startRun(page())
    await page().api.pauseRun(runId, true)
    expect(await page().api.runs()).toMatchObject([{ state: 'paused', endedAt: null }])
    await page().api.pauseRun(runId, false)
    expect(await page().api.runs()).toMatchObject([{ state: 'running' }])
    expect(engine.paused).toEqual([
      ['job-0', true],
      ['job-0', false],
    ])
  })

  it('can be cancelled from any page', async () => {
    const { runId, engine } = await startRun(page())
    await page().api.cancelRun(runId, false)
    expect(engine.cancelled).toEqual(['job-0'])
    expect(engine.stopped).toBe(true)
    expect(await page().api.runs()).toMatchObject([{ state: 'cancelled' }])
    await expect(page().api.cancelRun('nobody', false)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('fails with the reason when its engine dies, and leaves the other engines alone', async () => {
    const first = page()
    const { engine } = await startRun(first)
    engine.die('It ran out of memory.')
    const failed = { state: 'failed', error: { code: 'engine-died', message: 'It ran out of memory.' } }
    await vi.waitFor(async () => expect(await first.api.runs()).toMatchObject([failed]))
    expect(first.runs.at(-1)).toMatchObject(failed)
    expect(first.engine.stopped).toBe(false)
  })

  it('is refused, and not kept, where it cannot begin', async () => {
    const { api } = page()
    await expect(api.startRun({ ...request(), source: 'nobody' })).rejects.toMatchObject({ code: 'not-found' })
    await expect(api.startRun({ ...request(), source: target })).rejects.toMatchObject({ code: 'bad-request' })
    await rm(join(folder, 'config'), { recursive: true, force: true })
    await open({
      start: async () => {
        throw new AppError('would-overwrite', 'out.safetensors exists.')
      },
    })
    const other = page()
    await expect(other.api.startRun(request())).rejects.toMatchObject({ code: 'would-overwrite' })
    expect(await other.api.runs()).toEqual([])
    expect(fakes.engines.at(-1)!.stopped).toBe(true)
  })
})

describe('the sample', () => {
  it('is made once, by a job, however many ask for it', async () => {
    const [first, second] = [page(), page()]
    const asked = Promise.all([first.api.sample(), second.api.sample()])
    const engine = await vi.waitFor(() => {
      expect(fakes.engines).toHaveLength(3)
      expect(fakes.engines[2]!.jobs).toHaveLength(1)
      return fakes.engines[2]!
    })
    await writeFile(join(folder, 'sample.safetensors'), 'made')
    const made = { output: 'sample.safetensors', tensors: 1, bytes: 4 }
    engine.jobs[0]!.say({ type: 'finished', jobId: 'job-0', result: { kind: 'sample', report: made } })
    const [one, two] = await asked
    expect(one).toEqual(two)
    expect(one).toMatchObject({ name: 'sample.safetensors', kind: 'file', byteLength: 4 })
    expect(await first.api.sample()).toEqual(one)
    expect(fakes.engines).toHaveLength(3)
    expect(engine.stopped).toBe(true)
  })

  it('can be asked for again after a failure', async () => {
    await open({
      start: async () => {
        throw new AppError('cannot-write', 'The disk is full.')
      },
    })
    const { api } = page()
    await expect(api.sample()).rejects.toMatchObject({ code: 'cannot-write' })
    await expect(api.sample()).rejects.toMatchObject({ code: 'cannot-write' })
    expect(fakes.engines).toHaveLength(3)
  })
})

it('ends every engine when it closes', async () => {
  const first = page()
  const { engine } = await startRun(first)
  await host.close()
  expect([first.engine.stopped, engine.stopped]).toEqual([true, true])
})
