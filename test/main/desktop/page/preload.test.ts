/** The preload in a renderer of paper: what it gives the page, and what it does not. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { DesktopBridge } from '../../../../core/contract.ts'

const { exposed, sent, invoked, listeners, posted } = vi.hoisted(() => ({
  exposed: new Map<string, unknown>(),
  sent: [] as string[],
  invoked: [] as unknown[][],
  listeners: new Map<string, (event: unknown, ...rest: unknown[]) => void>(),
  posted: [] as unknown[][],
}))
vi.mock('electron/renderer', () => ({
  contextBridge: { exposeInMainWorld: (name: string, value: unknown) => exposed.set(name, value) },
  ipcRenderer: {
    send: (channel: string) => sent.push(channel),
    invoke: async (...call: unknown[]) => {
      invoked.push(call)
      return { id: 'grant' }
    },
    on: (channel: string, listener: never) => listeners.set(channel, listener),
  },
  webUtils: { getPathForFile: (file: { path?: string }) => file.path ?? '' },
}))

beforeAll(async () => {
  vi.stubGlobal('window', {
    location: { origin: 'app://ghostsvd' },
    postMessage: (...call: unknown[]) => posted.push(call),
  })
  await import('../../../../main/desktop/page/preload.ts')
})
afterAll(() => vi.unstubAllGlobals())
const bridge = () => exposed.get('ghostsvd') as DesktopBridge

describe('the preload', () => {
  it('exposes named functions only', () => {
    expect([...exposed.keys()]).toEqual(['ghostsvd'])
    expect(Object.entries(bridge()).map(([name, value]) => [name, typeof value])).toEqual([
      ['connect', 'function'],
      ['grantFiles', 'function'],
    ])
  })

  it('asks for the ports when the page listens, and hands them over to this origin alone', () => {
    expect(sent).toEqual([])
    bridge().connect()
    expect(sent).toEqual(['ghostsvd:connect'])
    const port = {}
    listeners.get('ghostsvd:port')!({ ports: [port] }, 'engine')
    expect(posted).toEqual([[{ type: 'ghostsvd:port', to: 'engine' }, 'app://ghostsvd', [port]]])
  })

  it('sends the paths of dropped files to main; a file made by script has none', async () => {
    await bridge().grantFiles([{ path: '/models/a.npy' }, {}] as unknown as File[])
    expect(invoked).toEqual([['ghostsvd:grant', ['/models/a.npy', '']]])
  })
})
