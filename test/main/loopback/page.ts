/** A page of the loopback host, over real sockets: what its own scripts could do, and what a hostile one does with the same means. */
import { WebSocket } from 'ws'
import { type EngineClient, engineClient } from '../../../core/client/engine-client.ts'
import type { EngineStatus, HostApi, HostEvents, Run } from '../../../core/contract.ts'
import { socketProtocol } from '../../../core/contract.ts'
import { connectApi } from '../../../core/rpc.ts'
import { framePorts } from '../../../main/loopback/frames.ts'

export interface TestPage {
  readonly host: HostApi
  readonly engine: EngineClient
  readonly socket: WebSocket
  readonly origin: string
  readonly cookie: string
  /** As the host told of them, in order. */
  readonly runs: Run[]
  readonly statuses: EngineStatus[]
  close(): Promise<void>
}

/** What a browser has once it followed the link that the host printed. */
export async function redeem(url: string): Promise<{ cookie: string; key: string }> {
  const { headers } = await fetch(url, { redirect: 'manual' })
  return { cookie: headers.get('set-cookie')!.split(';')[0]!, key: headers.get('location')!.slice(2) }
}

/** @param url the link that the host printed */
export async function openPage(url: string): Promise<TestPage> {
  const { origin, host: address } = new URL(url)
  const { cookie, key } = await redeem(url)
  const socket = new WebSocket(`ws://${address}/socket`, [socketProtocol, key], { origin, headers: { cookie } })
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
  const ports = framePorts(socket)
  const runs: Run[] = []
  const statuses: EngineStatus[] = []
  const events: HostEvents = {
    engine: (status) => void statuses.push(status),
    run: (run) => void runs.push(run),
    forgotten: () => {},
    recents: () => {},
    act: () => {},
  }
  const host = connectApi<HostApi, HostEvents>(ports.host, events)
  return {
    host,
    engine: engineClient(ports.engine),
    socket,
    origin,
    cookie,
    runs,
    statuses,
    close: () => new Promise((resolve) => socket.on('close', () => resolve()).close()),
  }
}
