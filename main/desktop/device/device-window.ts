/**
 * A hidden window that is a GPU to one engine: Chromium's WebGPU without anything of the application's page. Weights go to its port and nowhere else; it reaches no
 * network, file or permission, and its session is in memory and its own. It is destroyed with its engine, or when that has done with it; a window that
 * crashed is a device that was lost.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { autoUpdater, BrowserWindow, MessageChannelMain, type Session, session } from 'electron/main'
import type { NoDevice } from '../../engine/messages.ts'
import type { DeviceWindow } from '../../engine/parent/host-process.ts'
import { killNow } from '../../system/kill-now.ts'
import { hardenSession, plainWindow } from '../window/window.ts'
import { noteDeviceAsked, offersDevice } from './linux-switches.ts'

const host = 'ghostsvd-device'
const script = '/device-window.js'
const page = `<!doctype html><meta charset="utf-8"><title>GPU</title><script type="module" src="${script}"></script>`
const policy = "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

let hidden: Session | null = null

/** Only after Electron is ready. @param asked whether the user named a GPU */
export function openDeviceWindow(asked: boolean): DeviceWindow | NoDevice {
  const nextStart = asked && noteDeviceAsked()
  if (!offersDevice()) return { why: nextStart ? 'next-start' : 'no-webgpu' }
  hidden ??= sessionOfDevices()
  const window = new BrowserWindow({
    show: false,
    skipTaskbar: true,
    focusable: false,
    webPreferences: {
      ...plainWindow.webPreferences,
      session: hidden,
      preload: join(import.meta.dirname, 'device-preload.cjs'),
      // Nobody sees it, and somebody waits for it.
      backgroundThrottling: false,
    },
  })
  const { port1, port2 } = new MessageChannelMain()
  let ended: NoDevice | null = null
  let ready: (port: unknown) => void = () => {}
  let told: (why: NoDevice) => void = () => {}
  function end(fault: string): void {
    if (ended) return
    ended = { why: 'not-started', fault }
    told(ended)
    if (window.isDestroyed()) return
    const pid = window.webContents.getOSProcessId()
    window.destroy()
    // One that hangs is asked by Chromium for two seconds, and outlives an application that ends before that.
    killNow(pid)
  }
  window.webContents.on('render-process-gone', (_event, { reason }) => end(reason))
  // Quitting closes every window at once, while the user is still being asked whether runs may be cut short.
  window.on('close', (event) => event.preventDefault())
  window.on('closed', () => end('closed'))
  // macOS installs an update once all windows are closed, and never where one refuses.
  const giveWay = () => end('ended')
  autoUpdater.once('before-quit-for-update', giveWay)
  window.once('closed', () => autoUpdater.off('before-quit-for-update', giveWay))
  window.loadURL(`app://${host}/`).then(
    () => {
      if (ended) return
      window.webContents.postMessage('ghostsvd:device', { chromium: process.versions.chrome }, [port2])
      ready(port1)
    },
    (error: Error) => end(error.message),
  )
  return {
    onReady: (listener) => {
      ready = listener
    },
    onEnd: (listener) => {
      told = listener
    },
    end: () => end('ended'),
  }
}

function sessionOfDevices(): Session {
  // Without "persist:" nothing of it is kept.
  const made = session.fromPartition('ghostsvd-device', { cache: false })
  hardenSession(made, host, null)
  made.protocol.handle('app', async (request) => {
    const { hostname, pathname } = new URL(request.url)
    const found = hostname === host && request.method === 'GET' ? await contentOf(pathname) : null
    return new Response(found?.body ?? null, {
      status: found ? 200 : 404,
      headers: {
        'content-security-policy': policy,
        'content-type': found?.type ?? 'text/plain',
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      },
    })
  })
  return made
}

async function contentOf(pathname: string): Promise<{ readonly body: string; readonly type: string } | null> {
  if (pathname === '/') return { body: page, type: 'text/html; charset=utf-8' }
  if (pathname !== script) return null
  const body = await readFile(join(import.meta.dirname, 'device-window.js'), 'utf8')
  return { body, type: 'text/javascript; charset=utf-8' }
}
