/**
 * The only file that knows how the page reaches its host and its engine.
 *
 * Electron: preload posts one MessagePort for each of them to the window ({type: 'ghostsvd:port', to}) once the page listens. Loopback:
 * one WebSocket carries both, each message in a frame {to, message}; a lost socket is opened again. The way to the engine outlives an
 * engine: after a death its successor answers on it. Calls of `engine` or `host` always reach the current one; calls under way when an engine dies are rejected.
 */

import {
  type DesktopBridge,
  type EngineApi,
  type EngineEvents,
  type EngineStatus,
  engineCrossings,
  engineStatusSchema,
  type Grant,
  grantAnswerSchema,
  grantSchema,
  type HostApi,
  type HostEvents,
  type JobEvent,
  jobEventSchema,
  type PageAction,
  pageActionSchema,
  type Run,
  runSchema,
  type SocketFrame,
  socketFrameSchema,
  socketPath,
  socketProtocol,
} from '../../core/contract.ts'
import { fromErrorReport } from '../../core/errors.ts'
import type { Port } from '../../core/port.ts'
import { connectApi, type FarSide, hostLost } from '../../core/rpc.ts'
import { pageKey } from './page-key.ts'
import { onSilence } from './silence.ts'
import { upload } from './upload.ts'

type Side = SocketFrame['to']

/** What a page is told without having asked. */
export interface ConnectionEvents {
  job(event: JobEvent): void
  engine(status: EngineStatus): void
  run(run: Run): void
  forgotten(runId: string): void
  recents(recents: Grant[]): void
  act(action: PageAction): void
  /** The host there is now does not know this page: it was started again, and has printed another link. */
  refused(): void
  /** The way to the host is open (true, also after it had been lost) or lost. */
  connected(open: boolean): void
}

export interface Connection {
  readonly engine: EngineApi
  readonly host: HostApi
  /** Turns dropped or chosen files into a grant: by path in Electron, by a copy in the server's temporary folder in the loopback page. */
  grantFiles(files: readonly File[]): Promise<Grant>
}

declare global {
  interface Window {
    readonly ghostsvd?: DesktopBridge
  }
}

/** Connects the page. Returns at once; calls wait for the channel, `events.connected` says when it is there. */
export function connect(events: ConnectionEvents): Connection {
  const bridge = window.ghostsvd
  const channels = bridge ? electronChannels(bridge, events) : loopbackChannels(events)
  return {
    engine: latest(() => channels.engine.api),
    host: latest(() => channels.host.api),
    grantFiles: (files) => (bridge ? grantByPath(bridge, files) : upload(files)),
  }
}

/** One side of the conversation: a Port that can be renewed, and the typed functions over it. */
class Channel<Api extends object, Events extends object> {
  api!: Api
  #port!: PagePort
  #send: ((message: unknown) => void) | null = null
  readonly #events: Events
  readonly #farSide: FarSide<Api>

  constructor(events: Events, farSide: FarSide<Api>) {
    this.#events = events
    this.#farSide = farSide
    this.#start()
  }

  /** Rejects what is under way and starts over on the same wire, or waits for a new one to be attached. */
  renew(wire: 'same' | 'new'): void {
    this.#port.close()
    if (wire === 'new') this.#send = null
    this.#start()
  }
  attach(send: (message: unknown) => void): void {
    this.#send = send
    this.#port.attach(send)
  }
  receive(message: unknown): void {
    this.#port.receive(message)
  }
  #start(): void {
    this.#port = new PagePort()
    if (this.#send) this.#port.attach(this.#send)
    this.api = connectApi<Api, Events>(this.#port, this.#events as never, this.#farSide) as unknown as Api
  }
}

/** A Port whose far end may come later: what is posted before waits. */
class PagePort implements Port {
  readonly #message: ((message: unknown) => void)[] = []
  readonly #close: (() => void)[] = []
  readonly #waiting: unknown[] = []
  #send: ((message: unknown) => void) | null = null
  #closed = false

  attach(send: (message: unknown) => void): void {
    this.#send = send
    for (const message of this.#waiting.splice(0)) send(message)
  }
  receive(message: unknown): void {
    for (const listener of this.#message) listener(message)
  }
  postMessage(message: unknown): void {
    if (this.#closed) return
    if (this.#send) this.#send(message)
    else this.#waiting.push(message)
  }
  on(event: 'message' | 'close', listener: (message: unknown) => void): void {
    if (event === 'message') this.#message.push(listener)
    else this.#close.push(listener as () => void)
  }
  close(): void {
    this.#closed = true
    for (const listener of this.#close) listener()
  }
}

interface Channels {
  readonly engine: Channel<EngineApi, EngineEvents>
  readonly host: Channel<HostApi, HostEvents>
}

/** Events are parsed where they arrive, as calls are on the other side: what does not fit the contract is a bug and throws. */
function createChannels(events: ConnectionEvents): Channels {
  const channels: Channels = {
    engine: new Channel<EngineApi, EngineEvents>(
      { job: (event) => events.job(jobEventSchema.parse(event)) },
      { crossings: engineCrossings },
    ),
    host: new Channel<HostApi, HostEvents>(
      {
        engine: (status) => {
          const parsed = engineStatusSchema.parse(status)
          if (parsed.state === 'died') channels.engine.renew('same')
          events.engine(parsed)
        },
        run: (run) => events.run(runSchema.parse(run)),
        forgotten: (runId) => events.forgotten(runSchema.shape.runId.parse(runId)),
        recents: (recents) => events.recents(grantSchema.array().parse(recents)),
        act: (action) => events.act(pageActionSchema.parse(action)),
      },
      { lost: hostLost },
    ),
  }
  return channels
}

function electronChannels(bridge: DesktopBridge, events: ConnectionEvents): Channels {
  const channels = createChannels(events)
  window.addEventListener('message', (message: MessageEvent<{ type?: unknown; to?: Side } | undefined>) => {
    const port = message.ports[0]
    if (message.source !== window || message.data?.type !== 'ghostsvd:port' || !port) return
    const to = message.data.to === 'engine' ? 'engine' : 'host'
    port.onmessage = ({ data }) => channels[to].receive(data)
    channels[to].attach((data) => port.postMessage(data))
    if (to === 'host') events.connected(true)
  })
  bridge.connect()
  return channels
}

/** Waits before a lost socket is opened again. */
const retryMs = [250, 500, 1000, 2000, 4000] as const

function loopbackChannels(events: ConnectionEvents): Channels {
  const channels = createChannels(events)
  let attempt = 0
  const open = () => {
    const address = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${socketPath}`
    const key = pageKey()
    const socket = new WebSocket(address, key ? [socketProtocol, key] : socketProtocol)
    socket.onopen = () => {
      attempt = 0
      for (const to of ['host', 'engine'] as const) {
        channels[to].attach((message) => socket.send(JSON.stringify({ to, message } satisfies SocketFrame)))
      }
      events.connected(true)
    }
    socket.onmessage = ({ data }) => {
      silence.heard()
      const frame = socketFrameSchema.parse(JSON.parse(String(data)))
      channels[frame.to].receive(frame.message)
    }
    const lost = () => {
      // Of a socket that was given up nothing is heard any more, its own end neither.
      socket.onopen = socket.onmessage = socket.onclose = null
      silence.stop()
      socket.close()
      channels.engine.renew('new')
      channels.host.renew('new')
      events.connected(false)
      void retry()
    }
    socket.onclose = lost
    const silence = onSilence(() => void channels.host.api.info().catch(() => {}), lost)
  }
  /** A host that answers and does not admit this page never will: trying again would only look as if it might. */
  const retry = async () => {
    const headers = { authorization: `Bearer ${pageKey()}` }
    const refused = await fetch(socketPath, { cache: 'no-store', method: 'HEAD', headers }).then(
      ({ status }) => status === 403,
      () => false,
    )
    if (refused) events.refused()
    else setTimeout(open, retryMs[Math.min(attempt++, retryMs.length - 1)])
  }
  open()
  return channels
}

async function grantByPath(bridge: DesktopBridge, files: readonly File[]): Promise<Grant> {
  const answer = grantAnswerSchema.parse(await bridge.grantFiles(files))
  if ('error' in answer) throw fromErrorReport(answer.error)
  return answer.ok
}

/** An object that hands each call to whatever `current` answers at that moment. */
function latest<Api extends object>(current: () => Api): Api {
  return new Proxy({} as Api, {
    get: (_, method) => (method === 'then' ? undefined : Reflect.get(current(), method)),
  })
}
