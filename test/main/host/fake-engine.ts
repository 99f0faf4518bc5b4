/** Engines that live in memory and do what a test tells them, behind the supervisor's interface. */

import {
  type EngineApi,
  type EngineEvents,
  type EngineStatus,
  engineArguments,
  engineCrossings,
  type JobEvent,
} from '../../../core/contract.ts'
import type { Port } from '../../../core/port.ts'
import { serveApi } from '../../../core/rpc.ts'
import type { Engine, EngineOptions } from '../../../main/engine/parent/supervisor.ts'
import { someWords } from '../../core/messages/words.ts'

type Listener = (message?: unknown) => void

/** Two ends of one channel. Messages arrive in order and later, as between processes. */
export function portPair(): [Port, Port] {
  const ends = [0, 1].map(() => ({ message: [] as Listener[], close: [] as Listener[] }))
  let open = true
  const close = () => {
    if (!open) return
    open = false
    for (const end of ends) for (const listener of end.close) listener()
  }
  const port = (own: number): Port => ({
    postMessage: (message) => {
      const copy = structuredClone(message)
      queueMicrotask(() => {
        if (open) for (const listener of ends[1 - own]!.message) listener(copy)
      })
    },
    on: (event: 'message' | 'close', listener: Listener) => void ends[own]![event].push(listener),
    close,
  })
  return [port(0), port(1)]
}

export interface FakeEngine extends Engine {
  readonly options: EngineOptions
  stopped: boolean
  /** It answers no cancel. */
  deaf: boolean
  /** Every job that was started, and a way to speak for it. */
  readonly jobs: { readonly request: Parameters<EngineApi['start']>[0]; say(event: JobEvent): void }[]
  readonly cancelled: string[]
  readonly paused: [jobId: string, on: boolean][]
  /** Ends as a crash would. */
  die(text: string): void
}

/** `behavior` replaces methods of the engine's api. */
export function fakeEngines(behavior: Partial<EngineApi> = {}): {
  readonly engines: FakeEngine[]
  start(options: EngineOptions): Engine
} {
  const engines: FakeEngine[] = []
  return {
    engines,
    start(options) {
      const clients: Port[] = []
      const jobs: FakeEngine['jobs'] = []
      const cancelled: string[] = []
      const paused: FakeEngine['paused'] = []
      const ready: EngineStatus = { state: 'ready', reason: null }
      const connect = () => {
        const [near, far] = portPair()
        clients.push(far)
        const events = serveApi<EngineApi, EngineEvents>(
          far,
          {
            info: async () => Promise.reject(new Error('not in this test')),
            openDifference: async () => Promise.reject(new Error('not in this test')),
            open: async (grantId) => {
              options.paths.path(grantId, 'read')
              return {
                fileId: `file-of-${grantId}`,
                name: 'x',
                format: 'npy',
                safety: 'safe' as const,
                totalBytes: 0,
                notices: [],
                tensors: [],
              }
            },
            close: async () => {},
            start: async (request) => {
              const jobId = `job-${jobs.length}`
              jobs.push({ request, say: (event) => events.job(event) })
              return jobId
            },
            cancel: async (jobId) => {
              cancelled.push(jobId)
              if (!engine.deaf) events.job({ type: 'cancelled', jobId })
            },
            pause: async (jobId, on) => void paused.push([jobId, on]),
            ...behavior,
          },
          engineArguments,
          engineCrossings,
        )
        return near
      }
      const engine: FakeEngine = {
        options,
        connect,
        status: ready,
        pid: 1,
        jobs,
        cancelled,
        paused,
        stopped: false,
        deaf: false,
        stop: async () => {
          engine.stopped = true
          for (const client of clients) client.close()
        },
        die: (text) => {
          const reason = someWords(text)
          for (const client of clients) client.postMessage({ lost: reason })
          for (const client of clients) queueMicrotask(() => client.close())
          options.onStatus?.({ state: 'died', reason })
        },
      }
      engines.push(engine)
      queueMicrotask(() => options.onStatus?.(ready))
      return engine
    },
  }
}
