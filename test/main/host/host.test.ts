import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type EngineApi, engineCrossings } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import { connectApi } from '../../../core/rpc.ts'
import { someWords } from '../../core/messages/words.ts'
import { type TestHost, testHost } from './harness.ts'

let folder: string
let test: TestHost
const page = () => test.page()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ghostsvd-host-'))
  await writeFile(join(folder, 'in.npy'), 'bytes')
  test = await testHost(folder)
})
afterEach(async () => {
  await test.host.close()
  await rm(folder, { recursive: true, force: true })
})

describe('a page', () => {
  it('has an engine of its own, hears of its life, and takes it along when it closes', async () => {
    const [first, second] = [page(), page()]
    expect(test.engines).toHaveLength(2)
    await vi.waitFor(() => expect(first.heard).toEqual(['ready']))
    first.engine.die('It was killed.')
    await vi.waitFor(() => expect(first.heard).toEqual(['ready', 'died: It was killed.']))
    expect(second.heard).toEqual(['ready'])
    first.close()
    await vi.waitFor(() => expect(first.engine.stopped).toBe(true))
    expect(second.engine.stopped).toBe(false)
  })

  it('reaches its engine through the host, by grants of the host', async () => {
    const { ports } = page()
    const engine = connectApi<EngineApi, object>(ports.engine, {}, { crossings: engineCrossings })
    expect((await engine.open(test.source)).fileId).toBe(`file-of-${test.source}`)
    await expect(engine.open('/etc/passwd')).rejects.toMatchObject({ code: 'not-found' })
    await expect(engine.open(test.target)).rejects.toMatchObject({ code: 'bad-request' })
  })

  it.each(['host', 'engine'] as const)(
    'is ended by a message to its %s that is too deep to be passed on',
    async (to) => {
      const first = page()
      let nested: unknown = 1
      for (let i = 0; i < 500; i++) nested = [nested]
      first.ports[to].postMessage({ t: 'q', m: 'start', i: '1', a: [nested] })
      await vi.waitFor(() => expect(first.closed).toEqual([to]))
      expect(first.engine.jobs).toEqual([])
    },
  )

  it('hears of a call that nobody knows in a sentence', async () => {
    const { ports } = page()
    const unknown = connectApi<{ explode(): Promise<void>; constructor(): Promise<void> }, object>(ports.host, {})
    for (const method of ['explode', 'constructor'] as const)
      await expect(unknown[method]()).rejects.toMatchObject({ code: 'bad-request', said: [{ key: 'request.unknown' }] })
  })

  it('learns what kind of host it has, and saves settings', async () => {
    const { api } = page()
    expect(await api.info()).toEqual({ kind: 'loopback', version: '1.2.3', platform: 'linux', command: ['ghostsvd'] })
    await api.saveSettings({ theme: 'dark', language: 'en' })
    expect(await page().api.settings()).toEqual({ theme: 'dark', language: 'en' })
    await expect(api.saveSettings({ theme: 'pink' } as never)).rejects.toMatchObject({ code: 'bad-request' })
    await expect(api.pickFile()).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('finds what was opened among the recents', async () => {
    const { api } = page()
    await api.remember(test.source)
    expect((await api.recents()).map(({ name }) => name)).toEqual(['in.npy'])
  })
})

describe('the sample', () => {
  it('is made once, by a job, however many ask for it', async () => {
    const [first, second] = [page(), page()]
    const asked = Promise.all([first.api.sample(), second.api.sample()])
    const engine = await vi.waitFor(() => {
      expect(test.engines).toHaveLength(3)
      expect(test.engines[2]!.jobs).toHaveLength(1)
      return test.engines[2]!
    })
    await mkdir(join(folder, 'temporary'))
    await writeFile(join(folder, 'temporary', 'sample.safetensors'), 'made')
    const made = { output: 'sample.safetensors', tensors: 1, bytes: 4 }
    engine.jobs[0]!.say({ type: 'finished', jobId: 'job-0', result: { kind: 'sample', report: made } })
    const [one, two] = await asked
    expect(one).toEqual(two)
    expect(one).toMatchObject({ name: 'sample.safetensors', kind: 'file', byteLength: 4 })
    expect(await first.api.sample()).toEqual(one)
    expect(test.engines).toHaveLength(3)
    expect(engine.stopped).toBe(true)
  })

  it('can be asked for again after a failure', async () => {
    test = await testHost(folder, {
      behavior: {
        start: async () => {
          throw new AppError('cannot-write', someWords('The disk is full.'))
        },
      },
    })
    const { api } = page()
    await expect(api.sample()).rejects.toMatchObject({ code: 'cannot-write' })
    await expect(api.sample()).rejects.toMatchObject({ code: 'cannot-write' })
    expect(test.engines).toHaveLength(3)
  })
})

it('ends every engine when it closes', async () => {
  const first = page()
  const { engine } = await test.startRun(first)
  await test.host.close()
  expect([first.engine.stopped, engine.stopped]).toEqual([true, true])
})
