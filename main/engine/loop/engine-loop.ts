/**
 * The event loop of an engine process: carries messages between the parent, the sessions of its clients and the driver that does the work.
 * It is never busy for more than a few milliseconds, so it hears a cancel at any time.
 */

import { AppError, fromErrorReport } from '../../../core/errors.ts'
import { say } from '../../../core/messages/english.ts'
import type { Port } from '../../../core/port.ts'
import { removePartial } from '../../files/outputs.ts'
import type { Place } from '../../files/within.ts'
import { tidyMs } from '../../system/end-limits.ts'
import { isWaitingForFiles } from '../../system/signals.ts'
import type { Question, ToEngine } from '../messages.ts'
import { createDriver, type DriverHost } from './driver-handle.ts'
import { createLanes } from './lanes.ts'
import type { Link } from './link.ts'
import { serveSession } from './session.ts'

interface Client {
  receive(message: unknown): void
  end(): void
}
interface Asked {
  resolve(answer: Place | null): void
  reject(error: Error): void
}

/** What an engine is made of besides this loop. Tests put in parts that fail. */
export type EngineParts = Pick<DriverHost, 'entry' | 'spawn' | 'spawnDevice'>

/** Serves clients until the parent says stop or is gone; then the process ends and nothing of it is left, half-written files included. */
export function serveEngine(link: Link, parts: EngineParts): void {
  const clients = new Map<number, Client>()
  const asked = new Map<number, Asked>()
  let lastRequest = 0
  let parentGone = false

  const ask = (question: Question) =>
    new Promise<Place | null>((resolve, reject) => {
      if (parentGone) return resolve(null)
      const request = ++lastRequest
      asked.set(request, { resolve, reject })
      link.postMessage({ type: 'ask', request, question })
    })

  const driverHost: DriverHost = {
    ...parts,
    notePartial: async (path, exists) => void (await ask({ about: 'partial', path, exists })),
    removePartial,
    tellModel: (message) => link.postMessage(message),
  }
  const start = () => {
    const driver = createDriver(driverHost)
    return { driver, lanes: createLanes(driver) }
  }
  const worker = start()
  // A file is opened at once even while a job keeps the driver busy: by a second one, without a team, once that has happened.
  let reader: ReturnType<typeof start> | null = null
  const opener = () => {
    if (!worker.lanes.busy) return worker
    reader ??= start()
    return reader
  }
  const counter = { jobsStarted: 0 }
  const place = async (grantId: string, use: 'read' | 'write') => {
    const answer = await ask({ about: 'path', grantId, use })
    if (answer === null) throw new AppError('not-found', say('engine.not-given'))
    return answer
  }

  function connect(id: number): void {
    const { port, client } = clientPort((message) => link.postMessage({ type: 'message', port: id, message }))
    clients.set(id, client)
    serveSession(port, { ...worker, opener, counter, place })
  }

  function hear(message: ToEngine): void {
    switch (message.type) {
      case 'connect':
        connect(message.port)
        return
      case 'message':
        clients.get(message.port)?.receive(message.message)
        return
      case 'disconnect':
        clients.get(message.port)?.end()
        clients.delete(message.port)
        return
      case 'answer': {
        const waiting = asked.get(message.request)
        asked.delete(message.request)
        if ('error' in message) waiting?.reject(fromErrorReport(message.error))
        else waiting?.resolve(message.ok)
        return
      }
      case 'model':
      case 'model-ended':
        worker.driver.hearModel(message)
        return
      case 'stop':
        void end()
    }
  }

  async function end(): Promise<void> {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), tidyMs).unref()
    for (const client of clients.values()) client.end()
    await Promise.all([worker.lanes.stop(), reader?.lanes.stop()])
    // Nobody is left who would end a process that waits for a file (process.exit does).
    if (parentGone && isWaitingForFiles()) process.kill(process.pid, 'SIGKILL')
    process.exit(0)
  }

  link.on('message', hear)
  link.on('close', () => {
    parentGone = true
    for (const { resolve } of asked.values()) resolve(null)
    void end()
  })
  // Where Ctrl+C reaches this process too, the parent decides what it means. A plain termination is an orderly end.
  for (const signal of ['SIGINT', 'SIGBREAK'] as const) process.on(signal, () => {})
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end())
  link.postMessage({ type: 'ready' })
}

/** The engine's end of a client's port, and the means to feed and end it. */
function clientPort(send: (message: unknown) => void): { port: Port; client: Client } {
  const messageListeners: ((message: unknown) => void)[] = []
  const closeListeners: (() => void)[] = []
  let open = true
  const end = () => {
    if (!open) return
    open = false
    for (const listener of closeListeners) listener()
  }
  const port: Port = {
    postMessage: (message) => {
      if (open) send(message)
    },
    on: (event: 'message' | 'close', listener: (message: unknown) => void) => {
      if (event === 'message') messageListeners.push(listener)
      else closeListeners.push(listener as () => void)
    },
    close: end,
  }
  const receive = (message: unknown) => {
    if (open) for (const listener of messageListeners) listener(message)
  }
  return { port, client: { receive, end } }
}
