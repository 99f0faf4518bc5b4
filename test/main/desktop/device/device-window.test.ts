/** The hidden window that is a GPU, in an Electron of paper: what it may do, whom its port goes to, and its ends. */
import { existsSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { offerCommandDevice, offerNotedDevice } from '../../../../main/desktop/device/linux-switches.ts'
import type { NoDevice } from '../../../../main/engine/messages.ts'
import type { DeviceWindow } from '../../../../main/engine/parent/host-process.ts'
import { FakeWindow, fake } from '../fake-electron.ts'

vi.mock('electron/main', async () => (await import('../fake-electron.ts')).fake)
vi.mock('electron/common', async () => (await import('../fake-electron.ts')).fake)
const { openDeviceWindow } = await import('../../../../main/desktop/device/device-window.ts')

let folder: string
const { platform } = process
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ghostsvd-device-'))
  process.env.GHOSTSVD_CONFIG = folder
  Object.defineProperty(process, 'platform', { value: 'linux' })
})
afterAll(async () => {
  delete process.env.GHOSTSVD_CONFIG
  Object.defineProperty(process, 'platform', { value: platform })
  await rm(folder, { recursive: true, force: true })
})

it('needs a start that knew of it on Linux, which a note of the one before brings, once', () => {
  const note = join(folder, 'browser', 'gpu-wanted')
  offerNotedDevice()
  expect(openDeviceWindow(false)).toEqual({ why: 'no-webgpu' })
  expect(existsSync(note)).toBe(false)
  expect(openDeviceWindow(true)).toEqual({ why: 'next-start' })
  expect(FakeWindow.all).toEqual([])
  expect(fake.app.switchValues.size).toBe(0)
  fake.app.switchValues.set('enable-features', 'Other')
  offerNotedDevice()
  expect(Object.fromEntries(fake.app.switchValues)).toEqual({
    'enable-unsafe-webgpu': '',
    'enable-features': 'Other,Vulkan',
  })
  expect(existsSync(note)).toBe(false)
})

it('promises no next start that the disk does not let it note, and starts all the same', () => {
  const [before, elsewhere] = [process.env.GHOSTSVD_CONFIG, join(folder, 'file')]
  writeFileSync(elsewhere, '')
  process.env.GHOSTSVD_CONFIG = elsewhere
  try {
    offerNotedDevice()
    expect(openDeviceWindow(true)).toEqual({ why: 'no-webgpu' })
  } finally {
    process.env.GHOSTSVD_CONFIG = before
    offerCommandDevice()
  }
})

it('is offered to a command that names it, which leaves no note for the window', () => {
  expect(openDeviceWindow(true)).not.toHaveProperty('why')
  expect(existsSync(join(folder, 'browser', 'gpu-wanted'))).toBe(false)
  FakeWindow.all.splice(0)
})

it('is hidden and has a session of its own; its port goes to the engine, and a crash is the end of it', async () => {
  const opened = openDeviceWindow(true) as DeviceWindow
  const [window] = FakeWindow.all
  const ports: unknown[] = []
  const ends: NoDevice[] = []
  opened.onReady((port) => ports.push(port))
  opened.onEnd((why) => ends.push(why))
  expect(window!.options).toMatchObject({
    show: false,
    skipTaskbar: true,
    webPreferences: {
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      backgroundThrottling: false,
      session: { name: 'ghostsvd-device' },
      preload: expect.stringMatching(/device-preload\.cjs$/),
    },
  })
  await vi.waitFor(() => expect(ports).toHaveLength(1))
  expect(window!.loaded).toEqual(['app://ghostsvd-device/'])
  expect(window!.webContents.postMessage).toHaveBeenCalledOnce()
  const requests: boolean[] = []
  for (const url of ['app://ghostsvd-device/', 'app://ghostsvd/', 'https://example.org/'])
    fake.session.defaultSession.beforeRequest!({ url }, ({ cancel }) => requests.push(cancel))
  expect(requests).toEqual([false, true, true])
  const serve = fake.schemes.get('app')!
  const page = await serve(new Request('app://ghostsvd-device/'))
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
  expect((await serve(new Request('app://ghostsvd-device/etc/passwd'))).status).toBe(404)
  // Quitting would close it while the user may still say no.
  window!.close()
  expect(ends).toEqual([])
  window!.webContents.emit('render-process-gone', {}, { reason: 'crashed' })
  opened.end()
  expect(window!.destroyed).toBe(true)
  expect(ends).toEqual([{ why: 'not-started', fault: 'crashed' }])
})
