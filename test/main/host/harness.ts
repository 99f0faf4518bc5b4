/** A host over engines that live in memory, and pages that speak to it. */

import { join } from 'node:path'
import { expect, vi } from 'vitest'
import type { EngineApi, HostApi, HostEvents, Run } from '../../../core/contract.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { connectApi } from '../../../core/rpc.ts'
import { createGrants } from '../../../main/files/grants.ts'
import { createHost, type Host, type HostOptions, refuseWith } from '../../../main/host/host.ts'
import type { Reach } from '../../../main/host/runs.ts'
import { someWords } from '../../core/messages/words.ts'
import { type FakeEngine, fakeEngines, portPair } from './fake-engine.ts'

export type TestHost = Awaited<ReturnType<typeof testHost>>

/** `folder` has in.npy, which is to become out.safetensors, and the host's configuration. */
export async function testHost(
  folder: string,
  options: { behavior?: Partial<EngineApi>; reach?: Reach; startEngine?: HostOptions['startEngine'] } = {},
) {
  const grants = createGrants()
  const behavior: Partial<EngineApi> = { ...options.behavior }
  const fakes = fakeEngines(behavior)
  const no = refuseWith(someWords('not in this test'))
  const shown: string[] = []
  const host: Host = createHost({
    info: { kind: 'loopback', version: '1.2.3', platform: 'linux', command: ['ghostsvd'] },
    abilities: {
      pickFile: no,
      pickFolder: no,
      pickTarget: no,
      listFolder: no,
      linksOut: no,
      createTarget: no,
      trail: async (path) => [await grants.grant(path)],
      showInFolder: async (path) => void shown.push(path),
    },
    grants,
    configFolder: join(folder, 'config'),
    temporaryFolder: join(folder, 'temporary'),
    startEngine: options.startEngine ?? fakes.start,
    ...(options.reach && { reach: options.reach }),
  })
  const source = (await grants.grant(join(folder, 'in.npy'))).id
  const target = grants.target(join(folder, 'out.safetensors')).id

  function page() {
    const [hostNear, hostFar] = portPair()
    const [engineNear, engineFar] = portPair()
    const heard: string[] = []
    const runs: Run[] = []
    const forgotten: string[] = []
    const events: HostEvents = {
      engine: ({ state, reason }) => void heard.push(reason ? `${state}: ${inEnglish(reason)}` : state),
      run: (run) => void runs.push(run),
      forgotten: (runId) => void forgotten.push(runId),
      recents: (recents) => void heard.push(`recents: ${recents.length}`),
      act: () => {},
    }
    const closed: string[] = []
    hostNear.on('close', () => closed.push('host'))
    engineNear.on('close', () => closed.push('engine'))
    const before = fakes.engines.length
    host.connectPage({ host: hostFar, engine: engineFar })
    return {
      api: connectApi<HostApi, HostEvents>(hostNear, events),
      engine: fakes.engines[before]!,
      ports: { host: hostNear, engine: engineNear },
      closed,
      heard,
      runs,
      forgotten,
      close: () => hostNear.close(),
    }
  }

  /** Has `start` start a run, and answers when its engine has its job. */
  async function begin(start: () => Promise<string>): Promise<{ runId: string; engine: FakeEngine }> {
    const before = fakes.engines.length
    const started = start()
    const engine = await vi.waitFor(() => {
      const last = fakes.engines[before]
      expect(last?.jobs).toHaveLength(1)
      return last!
    })
    engine.jobs[0]!.say({ type: 'started', jobId: 'job-0' })
    return { runId: await started, engine }
  }

  const request = () => ({
    kind: 'compress' as const,
    files: { model: source },
    target,
    output: 'factors' as const,
    params: {},
  })
  const startRun = (from: { readonly api: HostApi }) => begin(() => from.api.startRun(request()))
  return { host, grants, behavior, engines: fakes.engines, source, target, shown, page, begin, request, startRun }
}
