/**
 * The contract over a Port, by birpc. Used alike by the engine, main, the page and the CLI.
 * Arguments are parsed where they arrive; a thrown AppError arrives as an AppError with its code, message and details.
 */

import { createBirpc } from 'birpc'
import type { z } from 'zod'
import type { Crossing, Crossings } from './contract.ts'
import { AppError, type ErrorReport, fromErrorReport, toErrorReport } from './errors.ts'
import { inEnglish, isMessage, say } from './messages/english.ts'
import type { Message } from './messages/message.ts'
import { foreign, quoted } from './messages/text.ts'
import type { Port } from './port.ts'

type Methods<Api> = { [K in keyof Api]: Api[K] extends (...args: infer A) => infer R ? (...args: A) => R : never }
/** Sent down a port by the watcher of the far side: that side is gone, and pending calls will not be answered. */
export interface Lost {
  readonly lost: Message
}
type Answer = { readonly ok: unknown } | { readonly error: ErrorReport }

/**
 * Answers `Api` calls that arrive on `port` and returns the means to send `Events` to the other side.
 * `schemas` has the argument tuple of each method; a call whose arguments do not parse is refused as `bad-request`. `crossings` are those of the other side.
 */
export function serveApi<Api extends object, Events extends object>(
  port: Port,
  implementation: Methods<Api>,
  schemas: Record<keyof Api & string, z.ZodType>,
  crossings: Crossings<Api> = {},
): Events {
  // Without a prototype: a peer that calls `constructor` finds nothing.
  const functions: Record<string, (...args: unknown[]) => Promise<Answer>> = Object.create(null)
  for (const [method, schema] of Object.entries<z.ZodType>(schemas)) {
    functions[method] = async (...args) => {
      try {
        const parsed = schema.safeParse(args)
        if (!parsed.success)
          throw new AppError(
            'bad-request',
            say('request.invalid', { method, detail: foreign(firstIssue(parsed.error)) }),
          )
        const call = implementation[method as keyof Api] as (...parsed: unknown[]) => unknown
        const answer = (await call(...(parsed.data as unknown[]))) ?? null
        const crossing = crossings[method as keyof Api] as Crossing<unknown> | undefined
        return { ok: crossing ? crossing.pack(answer) : answer }
      } catch (error) {
        return { error: toErrorReport(error) }
      }
    }
  }
  const rpc = createBirpc<Record<string, (...args: unknown[]) => void>, typeof functions>(functions, {
    ...channel(port),
    resolver: (method, found) => found ?? unknownMethod(method),
  })
  return new Proxy({} as Events, {
    get:
      (_, event) =>
      (payload: unknown, ...rest: unknown[]) =>
        void rpc.$callEvent(String(event), payload, ...rest),
  })
}

export interface FarSide<Api> {
  readonly crossings?: Crossings<Api>
  /** What calls reject with once the way to it is closed. */
  lost?(): AppError
}

const engineLost = () => new AppError('engine-died', say('engine.connection-lost'))
/** For the port of a host. */
export const hostLost = () => new AppError('host-lost', say('host.connection-lost'))

/**
 * The other side's `Api` as plain async functions, with `events` delivered here. Calls reject with `lost` once the port closes, and
 * those under way also when the port says that its far side was lost; the next call then reaches its successor.
 */
export function connectApi<Api extends object, Events extends object>(
  port: Port,
  events: Methods<Events>,
  { crossings = {}, lost = engineLost }: FarSide<Api> = {},
): Methods<Api> {
  const rpc = createBirpc<Record<string, (...args: unknown[]) => Promise<Answer>>>(events as never, channel(port))
  port.on('close', () => rpc.$close(lost()))
  port.on('message', (message) => {
    if (!isLost(message)) return
    const died = new AppError('engine-died', message.lost)
    void Promise.all(rpc.$rejectPendingCalls(({ reject }) => reject(died)))
  })
  return new Proxy({} as Methods<Api>, {
    get: (_, method) =>
      // A proxy that answers `then` would be taken for a promise.
      method === 'then'
        ? undefined
        : async (...args: unknown[]) => {
            if (rpc.$closed) throw lost()
            const answer = await rpc.$call(String(method), ...args)
            if ('error' in answer) throw fromErrorReport(answer.error)
            const crossing = crossings[method as keyof Api] as Crossing<unknown> | undefined
            return crossing ? crossing.unpack(answer.ok) : answer.ok
          },
  })
}

/** birpc's own answer would be an error without a word in it. */
function unknownMethod(method: unknown): () => Promise<Answer> {
  const report = toErrorReport(new AppError('bad-request', say('request.unknown', { method: quoted(String(method)) })))
  return async () => ({ error: report })
}

function channel(port: Port) {
  return {
    post: (data: unknown) => port.postMessage(data),
    // Only calls and answers go to birpc, which would fail on anything else where nothing catches it.
    on: (listener: (data: unknown) => void) =>
      port.on('message', (data) => {
        if (isFrame(data)) listener(data)
      }),
    // A job is started and then reports by events, so no call is ever slow enough to time out; its default rejects after 60 s.
    timeout: -1,
  }
}

function isFrame(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 't' in data && (data.t === 'q' || data.t === 's')
}

export function isLost(message: unknown): message is Lost {
  return typeof message === 'object' && message !== null && 'lost' in message && isMessage(message.lost)
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0]!
  // What a schema of ours says itself of a value that it does not take.
  const expected = issue.code === 'custom' ? issue.params?.expected : undefined
  const said = isMessage(expected) ? inEnglish(expected) : issue.message
  return [...(issue.path.length > 1 ? [issue.path.slice(1).join('.')] : []), said].join(': ')
}
