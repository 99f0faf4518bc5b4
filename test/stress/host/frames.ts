/**
 * Frames that no page sends: damaged, deep, long, of other shapes, and calls of every method with arguments of every kind. Whatever they do to
 * their own page, the host lives and answers another one.
 */
import { WebSocket } from 'ws'
import { socketProtocol } from '../../../core/contract.ts'
import { redeem } from '../../main/loopback/page.ts'
import type { StressedHost } from './hosts.ts'

export interface FrameAttack {
  readonly sent: number
  readonly answered: number
  /** Pages that were closed for what they sent. */
  readonly closed: number
}

const hostMethods = [
  ...[
    'info',
    'pickFile',
    'pickFolder',
    'pickTarget',
    'listFolder',
    'linksOut',
    'outputFolder',
    'createTarget',
    'sample',
  ],
  ...['recents', 'remember', 'settings', 'saveSettings', 'startRun', 'pauseRun', 'cancelRun', 'resumeRun', 'runs'],
  ...['runReport', 'forgetRun', 'runPlaces', 'openRun', 'written', 'showInFolder'],
  ...['constructor', '__proto__', 'toString', '$close', ''],
]
const engineMethods = ['info', 'open', 'close', 'start', 'cancel', 'pause', 'constructor', '__proto__', 'then']

/** @param draw numbers of [0, 1) */
export async function attackWithFrames(host: StressedHost, count: number, draw: () => number): Promise<FrameAttack> {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(draw() * from.length)]!
  const value = (depth = 0): unknown =>
    pick<() => unknown>([
      () => null,
      () => draw() * 1e18,
      () => -1,
      () => '../../etc/passwd',
      () => 'x'.repeat(Math.floor(draw() * 5000)),
      () => '\u0000\u001b[2J\ud800',
      () => crypto.randomUUID(),
      () => (depth > 3 ? [] : [value(depth + 1), value(depth + 1)]),
      () =>
        depth > 3 ? {} : { __proto__: 1, id: value(depth + 1), kind: pick(['compress', 'analyze', 'sample', 'x']) },
      () => JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{}}}'),
    ])()
  const call = () => {
    const to = pick(['host', 'engine', 'host', 'engine', 'other'])
    const a = Array.from({ length: Math.floor(draw() * 4) }, () => value())
    return { to, message: { t: 'q', m: pick(to === 'host' ? hostMethods : engineMethods), i: String(draw()), a } }
  }
  const frame = (): string | Buffer =>
    pick<() => string | Buffer>([
      () => JSON.stringify(call()),
      () => JSON.stringify(call()),
      () => JSON.stringify(call()),
      () => JSON.stringify({ ...call(), message: value() }),
      () => JSON.stringify({ to: 'host', message: { t: 's', i: value(), r: value(), e: value() } }),
      () => JSON.stringify(call()).slice(0, Math.floor(draw() * 60)),
      () => `{"to":"engine","message":{"t":"q","m":"info","i":"1","a":[${'['.repeat(4000)}${']'.repeat(4000)}]}}`,
      () => JSON.stringify({ to: 'host', message: { t: 'q', m: 'x'.repeat(100), i: 'y'.repeat(1e5), a: [] } }),
      () => Buffer.from(Array.from({ length: 50 }, () => Math.floor(draw() * 256))),
    ])()

  const seen = { sent: 0, answered: 0, closed: 0 }
  let socket = await connect(host.url, () => void seen.answered++)
  for (let i = 0; i < count; i++) {
    if (socket.readyState !== socket.OPEN) {
      seen.closed++
      socket = await connect(host.url, () => void seen.answered++)
    }
    socket.send(frame())
    seen.sent++
    // As fast as frames are closed for: a page that was closed sends nothing any more.
    if (i % 8 === 7) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const bystander = await host.bystander()
  await bystander.close()
  socket.terminate()
  return seen
}

async function connect(url: string, heard: () => void): Promise<WebSocket> {
  const { origin, host } = new URL(url)
  const { cookie, key } = await redeem(url)
  // A page that is let in only once another one's engine has ended tries again, as pages do.
  for (let tries = 0; ; tries++) {
    const socket = new WebSocket(`ws://${host}/socket`, [socketProtocol, key], { origin, headers: { cookie } })
    const opened = await new Promise<boolean>((resolve) =>
      socket.on('open', () => resolve(true)).on('error', () => resolve(false)),
    )
    socket.on('message', heard).on('error', () => {})
    if (opened) return socket
    if (tries === 100) throw new Error('the host lets no page in any more')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
