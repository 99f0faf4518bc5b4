/** Runs of the product's own engines, killed: a resumed run ends in the bytes of an undisturbed one. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { engineClient } from '../../../core/client/engine-client.ts'
import type { HostApi, Run } from '../../../core/contract.ts'
import { forkEngine } from '../../../main/engine/parent/host-process.ts'
import { type Engine, startEngine } from '../../../main/engine/parent/supervisor.ts'
import { product } from '../engine/harness.ts'
import { type TestHost, testHost } from './harness.ts'

let folder: string
let test: TestHost
let engines: Engine[]

async function open(): Promise<HostApi> {
  engines = []
  test = await testHost(folder, {
    startEngine: (options) => {
      const engine = startEngine({ ...options, spawn: () => forkEngine(product) })
      engines.push(engine)
      return engine
    },
  })
  return test.page().api
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ghostsvd-product-'))
  await writeFile(join(folder, 'in.npy'), '')
})
afterEach(async () => {
  await test.host.close()
  await rm(folder, { recursive: true, force: true })
})

/** 42 matrices of 256 x 256 to 256 x 1024: long enough to be cut short. */
async function sample(): Promise<string> {
  const path = join(folder, 'model.safetensors')
  const engine = startEngine({ paths: test.grants, spawn: () => forkEngine(product) })
  const target = test.grants.target(path).id
  await engineClient(engine.connect()).run({ kind: 'sample', target, layers: 6, hidden: 256, dtype: 'F32', seed: 1 })
  await engine.stop()
  return (await test.grants.grant(path)).id
}

const limit = { timeout: 20_000, interval: 5 }
const stateOf = async (api: HostApi, runId: string) => (await api.runs()).find((run) => run.runId === runId)
const ended = (api: HostApi, runId: string) =>
  vi.waitFor(async () => {
    const run = await stateOf(api, runId)
    expect(run?.endedAt).toEqual(expect.any(Number))
    return run as Run
  }, limit)

it.each(['engine', 'host'])('whose %s is gone in the middle goes on to the same bytes', async (victim) => {
  let api = await open()
  const model = await sample()
  const request = (name: string) => ({
    kind: 'compress' as const,
    files: { model },
    target: test.grants.target(join(folder, name)).id,
    output: 'factors' as const,
    params: { rank: 8, method: 'exact' as const },
  })
  await ended(api, await api.startRun(request('whole.safetensors')))

  const runId = await api.startRun(request('cut.safetensors'))
  await vi.waitFor(async () => expect((await stateOf(api, runId))!.finishedTensors).toBeGreaterThan(0), limit)
  await api.pauseRun(runId, true)
  const { finishedTensors } = (await stateOf(api, runId))!
  expect(await stateOf(api, runId)).toMatchObject({ state: 'paused', endedAt: null })
  if (victim === 'engine') {
    process.kill(engines.at(-1)!.pid!, 'SIGKILL')
    expect(await ended(api, runId)).toMatchObject({ state: 'failed', resumable: true, error: { code: 'engine-died' } })
  } else {
    await test.host.close()
    api = await open()
    expect(await stateOf(api, runId)).toMatchObject({ state: 'interrupted', resumable: true })
  }
  const resumed = await api.resumeRun(runId)
  expect(await ended(api, resumed)).toMatchObject({ state: 'finished', result: { verified: true } })
  expect((await stateOf(api, resumed))!.finishedTensors).toBeGreaterThan(finishedTensors)
  expect(await readFile(join(folder, 'cut.safetensors'))).toEqual(await readFile(join(folder, 'whole.safetensors')))
  expect((await readdir(folder)).filter((name) => name.startsWith('cut'))).toEqual(['cut.safetensors'])
})
