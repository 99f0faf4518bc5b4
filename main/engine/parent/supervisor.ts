/**
 * Starts, watches, restarts and ends an engine process, and joins clients to it. What is to be done when is decided by `supervision.ts`;
 * this file does it.
 */

import type { EngineStatus } from '../../../core/contract.ts'
import { toErrorReport } from '../../../core/errors.ts'
import { inEnglish, say } from '../../../core/messages/english.ts'
import type { Port } from '../../../core/port.ts'
import type { Lost } from '../../../core/rpc.ts'
import { removePartial } from '../../files/outputs.ts'
import type { Bounds } from '../../files/within.ts'
import { atMost, filesMs } from '../../system/end-limits.ts'
import type { DeviceAsked, DeviceEnd, FromEngine, ModelEnd, ModelMessage, Question, ToEngine } from '../messages.ts'
import { devicesOf } from './devices-of.ts'
import { type Exit, whyItEnded } from './exit-sentence.ts'
import { type HostProcess, type Spawn, spawnEngine } from './host-process.ts'
import { modelsOf } from './models-of.ts'
import { begin, type Effect, next, type Step, type SupervisionEvent } from './supervision.ts'

/** Engines of this process that have not ended: each way to hurry it. */
const living = new Set<() => void>()

/** Ends every engine of this process, and sooner than `stop` does those that do not hear. */
export function hurryEngines(): void {
  for (const hurry of living) hurry()
}

/** Which path stands behind a grant: `Grants` of main/files/grants.ts is one. */
interface PathBook {
  /** @throws AppError `not-found` for an id that was not given out for this use */
  path(grantId: string, use: 'read' | 'write'): string
  /** Where it has to lie when it is used. */
  readonly within: Bounds
}

export interface EngineOptions {
  readonly paths: PathBook
  /** Whether an engine that died is started again; true by default. A run's engine is not: its job is what died. */
  readonly restart?: boolean
  /** `starting`, `ready`, `died` with its reason, `stopped`. */
  onStatus?(status: EngineStatus): void
  /** Told how an engine ended, and what it wrote to stderr: stacks of faults. */
  log?(text: string): void
  /** How the process is started: as this program starts its engines (host-process.ts). */
  readonly spawn?: Spawn
}

export interface Engine {
  /**
   * Joins a client. The port outlives the engine: what is sent while the engine starts reaches it when it is ready, and after a death
   * `{ lost: reason }` arrives (core/rpc.ts rejects the calls under way) and later messages reach the successor. Closing the port
   * cancels the client's jobs and closes its files. It closes by itself when the engine is stopped or given up.
   */
  connect(): Port
  readonly status: EngineStatus
  /** Of the process that runs now. */
  readonly pid: number | undefined
  /** Ends the engine and resolves when its process is gone, with its half-written files. */
  stop(): Promise<void>
}

interface Client {
  readonly messageListeners: ((message: unknown) => void)[]
  readonly closeListeners: (() => void)[]
  /** Sent before the engine was ready. */
  waiting: unknown[]
}

export function startEngine(options: EngineOptions): Engine {
  const spawn = options.spawn ?? spawnEngine
  const clients = new Map<number, Client>()
  const onceEnded: (() => void)[] = []
  let lastPort = 0
  let child: HostProcess | null = null
  /** Takes the process that runs now for ended. */
  let forsake = () => {}
  let timer: NodeJS.Timeout | undefined
  let status: EngineStatus = { state: 'starting', reason: null }
  let { state } = begin()

  function apply(step: Step): void {
    state = step.state
    for (const effect of step.effects) carryOut(effect)
    if (state.phase === 'ended') {
      living.delete(hurry)
      for (const id of [...clients.keys()]) closeClient(id)
      for (const done of onceEnded.splice(0)) done()
    }
  }

  function happen(event: SupervisionEvent): void {
    apply(next(state, event, options.restart ?? true))
  }

  function carryOut(effect: Effect): void {
    switch (effect.type) {
      case 'spawn':
        child = watch(spawn())
        return
      case 'ask-to-stop':
        child?.postMessage({ type: 'stop' })
        return
      case 'kill':
        child?.kill()
        return
      case 'forsake':
        forsake()
        return
      case 'timer':
        clearTimeout(timer)
        timer = setTimeout(() => happen({ type: 'timer' }), effect.afterMs)
        return
      case 'no-timer':
        clearTimeout(timer)
        return
      case 'lost': {
        const lost: Lost = { lost: effect.reason }
        for (const client of clients.values()) {
          client.waiting = []
          deliver(client, lost)
        }
        return
      }
      case 'status':
        status = { state: effect.state, reason: effect.reason }
        if (effect.state === 'ready') for (const [id, client] of clients) introduce(id, client)
        options.onStatus?.(status)
        return
    }
  }

  function watch(started: HostProcess): HostProcess {
    const partials = new Set<string>()
    const models = modelsOf(started)
    const devices = devicesOf(started)
    let over = false
    started.onMessage((message) => {
      if (over) return
      if (message.type === 'model' || message.type === 'model-end') models.hear(message)
      else if (message.type === 'device' || message.type === 'device-end') devices.hear(message)
      else hear(started, partials, message)
    })
    async function end(exit: Exit): Promise<void> {
      if (over) return
      over = true
      child = null
      models.end()
      devices.end()
      if (exit.code !== 0 || exit.stderrTail) options.log?.(`${inEnglish(whyItEnded(exit))}\n${exit.stderrTail}`)
      // An engine that was killed could not tidy up; after its death no half-written file is left, but on a disk that does not answer.
      await atMost(filesMs, Promise.all([...partials].map(removed)))
      happen({ type: 'exit', nowMs: performance.now(), reason: whyItEnded(exit) })
    }
    started.onExit((exit) => void end(exit))
    forsake = () => {
      started.forsake()
      void end({ code: null, signal: 'SIGKILL', stderrTail: '' })
    }
    return started
  }

  async function removed(path: string): Promise<void> {
    await removePartial(path, options.paths.within).catch(() => {})
  }

  function hear(from: HostProcess, partials: Set<string>, message: OwnMessage): void {
    switch (message.type) {
      case 'ready':
        happen({ type: 'ready', nowMs: performance.now() })
        return
      case 'message': {
        const client = clients.get(message.port)
        if (client) deliver(client, message.message)
        return
      }
      case 'ask':
        from.postMessage(answer(message.request, message.question, partials))
    }
  }

  function answer(request: number, question: Question, partials: Set<string>): ToEngine {
    if (question.about === 'partial') {
      if (question.exists) partials.add(question.path)
      else partials.delete(question.path)
      return { type: 'answer', request, ok: null }
    }
    try {
      const { grantId, use } = question
      return { type: 'answer', request, ok: { path: options.paths.path(grantId, use), within: options.paths.within } }
    } catch (error) {
      return { type: 'answer', request, error: toErrorReport(error) }
    }
  }

  function introduce(id: number, client: Client): void {
    child?.postMessage({ type: 'connect', port: id })
    for (const message of client.waiting.splice(0)) child?.postMessage({ type: 'message', port: id, message })
  }

  function closeClient(id: number): void {
    const client = clients.get(id)
    if (!client) return
    clients.delete(id)
    child?.postMessage({ type: 'disconnect', port: id })
    for (const listener of client.closeListeners) listener()
  }

  function connect(): Port {
    const id = ++lastPort
    const client: Client = { messageListeners: [], closeListeners: [], waiting: [] }
    if (state.phase !== 'ended') {
      clients.set(id, client)
      if (state.phase === 'ready') introduce(id, client)
    }
    return {
      postMessage: (message) => {
        // Nobody will answer any more: said once more, to whoever asks all the same.
        if (state.phase === 'ended') setImmediate(deliver, client, { lost: status.reason ?? say('engine.stopped') })
        if (!clients.has(id)) return
        if (state.phase === 'ready') child?.postMessage({ type: 'message', port: id, message })
        else client.waiting.push(message)
      },
      on: (event: 'message' | 'close', listener: (message: unknown) => void) => {
        if (event === 'message') client.messageListeners.push(listener)
        else if (clients.has(id)) client.closeListeners.push(listener as () => void)
        // It would go unheard otherwise: the engine ended before the client came.
        else setImmediate(listener as () => void)
      },
      close: () => closeClient(id),
    }
  }

  const hurry = () => happen({ type: 'hurry' })
  living.add(hurry)
  apply(begin())
  return {
    connect,
    get status() {
      return status
    },
    get pid() {
      return child?.pid
    },
    stop: () =>
      new Promise((resolve) => {
        if (state.phase === 'ended') return resolve()
        onceEnded.push(resolve)
        happen({ type: 'stop' })
      }),
  }
}

/** What is neither a model's nor a device's. */
type OwnMessage = Exclude<FromEngine, ModelMessage | ModelEnd | DeviceAsked | DeviceEnd>

function deliver(client: Client, message: unknown): void {
  for (const listener of client.messageListeners) listener(message)
}
