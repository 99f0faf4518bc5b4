/** The shell in an Electron of paper: what it asks for, whom it answers, what it refuses. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Grant, GrantAnswer, HostApi, HostEvents, PageAction } from '../../../core/contract.ts'
import type { ErrorReport } from '../../../core/errors.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import type { Port } from '../../../core/port.ts'
import { connectApi } from '../../../core/rpc.ts'
import { barOf } from '../../../main/desktop/runs/run-effects.ts'
import { someWords } from '../../core/messages/words.ts'
import { fakeEngines } from '../host/fake-engine.ts'
import { FakeContents, FakeNotification, type FakePort, FakeWindow, fake } from './fake-electron.ts'

vi.mock('electron/main', async () => (await import('./fake-electron.ts')).fake)
vi.mock('electron/common', async () => (await import('./fake-electron.ts')).fake)
const engines = fakeEngines()
vi.mock('../../../main/engine/parent/supervisor.ts', () => ({
  startEngine: (options: never) => engines.start(options),
}))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ghostsvd-desktop-'))
  await writeFile(join(folder, 'model.npy'), 'bytes')
  process.env.GHOSTSVD_CONFIG = join(folder, 'config')
  // Where Electron's own files lie: no server of updates is named there.
  Object.assign(process, { resourcesPath: folder })
  await mkdir(join(folder, 'config'))
  await writeFile(join(folder, 'config', 'settings.json'), '{"theme":"dark"}')
  const { prepareDesktop } = await import('../../../main/desktop/lifecycle/prepare.ts')
  const { runDesktop } = await import('../../../main/desktop/desktop.ts')
  prepareDesktop()
  await runDesktop([])
})
afterAll(async () => {
  delete process.env.GHOSTSVD_CONFIG
  await rm(folder, { recursive: true, force: true })
})

/** A frame of our page, or of somebody else's. */
function frame(origin = 'app://ghostsvd', parent: unknown = null) {
  const posted: [string, FakePort][] = []
  return {
    origin,
    parent,
    posted,
    postMessage: (_channel: string, to: string, [port]: [FakePort]) => void posted.push([to, port]),
  }
}
const window = () => FakeWindow.all[0]!
/** What an answer or an action says went wrong. */
const sentenceOf = (given: object) => inEnglish((given as { error: ErrorReport }).error.said)
/** What the page was asked to do. */
const acted: PageAction[] = []
const events: HostEvents = {
  engine: () => {},
  run: () => {},
  forgotten: () => {},
  recents: () => {},
  act: (action) => void acted.push(action),
}
const refused = (emit: (event: { preventDefault(): void }) => void) => {
  let prevented = false
  emit({ preventDefault: () => (prevented = true) })
  return prevented
}

describe('before Electron is ready', () => {
  it('turns the sandbox on, keeps its data apart and makes app:// a scheme that no policy is waived for', () => {
    expect(fake.app.sandboxed).toBe(true)
    expect(fake.app.paths.get('userData')).toBe(join(folder, 'config', 'browser'))
    expect(fake.privileged).toEqual([
      { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
    ])
  })

  it('leaves the sandbox off for the one who turned it off, as root must', async () => {
    const { prepareDesktop } = await import('../../../main/desktop/lifecycle/prepare.ts')
    fake.app.sandboxed = false
    fake.app.switches.add('no-sandbox')
    prepareDesktop()
    fake.app.switches.clear()
    expect(fake.app.sandboxed).toBe(false)
  })
})

it('is known to Windows by the id under which it is installed', async () => {
  expect(await readFile('electron-builder.yml', 'utf8')).toContain(`\nappId: ${fake.app.userModelId}\n`)
})

describe('the window', () => {
  it('is sandboxed and isolated, has a size to work in, and shows the page once it has painted', () => {
    expect(FakeWindow.all).toHaveLength(1)
    expect(window().options).toMatchObject({
      width: 1280,
      height: 800,
      minWidth: 960,
      minHeight: 640,
      show: false,
      webPreferences: {
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webSecurity: true,
        webviewTag: false,
        navigateOnDragDrop: false,
      },
    })
    expect((window().options as { webPreferences: { preload: string } }).webPreferences.preload).toMatch(
      /preload\.cjs$/,
    )
    expect(window().loaded).toEqual(['app://ghostsvd/'])
    expect(window().shown).toBe(false)
    window().emit('ready-to-show')
    expect(window().shown).toBe(true)
    expect(fake.nativeTheme.themeSource).toBe('dark')
  })

  it('comes forward when the application is started again', () => {
    window().minimized = true
    fake.app.emit('second-instance', {}, [], '/', null)
    expect([window().minimized, window().focused]).toEqual([false, 1])
  })
})

describe('what a page may not do', () => {
  const contents = new FakeContents()
  beforeEach(() => {
    fake.shell.openExternal.mockClear()
    contents.removeAllListeners()
    fake.app.emit('web-contents-created', {}, contents)
  })

  it.each(['will-navigate', 'will-frame-navigate', 'will-redirect', 'will-attach-webview'])(
    'is refused %s',
    (event) => {
      expect(refused((details) => contents.emit(event, details))).toBe(true)
    },
  )

  it('may load itself again, and nothing else, in a frame neither', () => {
    for (const event of ['will-navigate', 'will-frame-navigate']) {
      const to = (url: string, isMainFrame: boolean) =>
        refused((details) => contents.emit(event, { ...details, url, isMainFrame }))
      expect([to('app://ghostsvd/', true), to('app://ghostsvd/', false)]).toEqual([false, true])
      expect(to('app://ghostsvd/other', true)).toBe(true)
    }
  })

  it('opens no window, and leads the browser only to the hosts on the list', () => {
    for (const url of [
      'http://github.com/',
      'https://evil.example/',
      'https://github.com.evil.example/',
      'https://github.com@evil.example/',
      'https://user@github.com/',
      'https://github.com:8443/',
      'file:///etc/passwd',
      'javascript:alert(1)',
      'smb://github.com/',
      '',
    ])
      expect(contents.openHandler!({ url })).toEqual({ action: 'deny' })
    expect(fake.shell.openExternal).not.toHaveBeenCalled()
    expect(contents.openHandler!({ url: 'https://arxiv.org/abs/0909.4061' })).toEqual({ action: 'deny' })
    expect(fake.shell.openExternal).toHaveBeenCalledExactlyOnceWith('https://arxiv.org/abs/0909.4061')
  })

  it('has no device, and no permission but to write to the clipboard', () => {
    const { defaultSession } = fake.session
    for (const permission of [
      'media',
      'geolocation',
      'notifications',
      'clipboard-read',
      'openExternal',
      'fileSystem',
    ]) {
      defaultSession.permissionRequest!(contents, permission, (granted) => expect(granted).toBe(false))
      expect(defaultSession.permissionCheck!(contents, permission)).toBe(false)
    }
    expect(defaultSession.devicePermission!()).toBe(false)
  })

  it('asks nobody outside for anything', () => {
    const cancelled = (url: string) => {
      let outcome = false
      fake.session.defaultSession.beforeRequest!({ url }, ({ cancel }) => {
        outcome = cancel
      })
      return outcome
    }
    for (const url of [
      'https://evil.example/',
      'http://127.0.0.1/',
      'file:///etc/passwd',
      'app://other/',
      'ws://x/',
      'nonsense',
    ])
      expect(cancelled(url), url).toBe(true)
    for (const url of ['app://ghostsvd/assets/x.js', 'data:image/png;base64,', 'blob:app://ghostsvd/1'])
      expect(cancelled(url), url).toBe(false)
  })
})

describe('app://', () => {
  const ask = (url: string, method = 'GET') => fake.schemes.get('app')!(new Request(url, { method }))

  it('serves the built page under its policy, to its own host alone', async () => {
    const page = await ask('app://ghostsvd/')
    const script = /<script type="module"[^>]* src="\.\/(assets\/[^"]+\.js)"/.exec(await page.text())
    expect((await ask(`app://ghostsvd/${script?.[1]}`)).headers.get('content-type')).toMatch(/^text\/javascript/)
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect((await ask('app://other/')).status).toBe(421)
    expect((await ask('app://ghostsvd/', 'POST')).status).toBe(405)
    for (const path of ['../model.npy', '%2e%2e/model.npy', '..%2fmodel.npy', 'model.npy', 'index.html%00'])
      expect((await ask(`app://ghostsvd/${path}`)).status, path).toBe(404)
  })
})

describe('the ports', () => {
  function connect(from: unknown): ReturnType<typeof frame>['posted'] {
    fake.ipcMain.emit('ghostsvd:connect', { senderFrame: from })
    return (from as ReturnType<typeof frame> | null)?.posted ?? []
  }
  const portOf = (port: FakePort): Port => ({
    postMessage: (message) => port.postMessage(message),
    on: (event: string, listener: (message?: never) => void) =>
      void port.on(event, (given?: { data: never }) => listener(given?.data as never)),
    close: () => port.close(),
  })

  it('go to our page, one for each side, and carry the contract', async () => {
    const posted = connect(frame())
    expect(posted.map(([to]) => to)).toEqual(['host', 'engine'])
    const api = connectApi<HostApi, HostEvents>(portOf(posted[0]![1]), events)
    expect(await api.info()).toMatchObject({ kind: 'electron' })
    await expect(api.listFolder(null)).rejects.toMatchObject({ code: 'unsupported' })
    await api.saveSettings({ theme: 'light', language: 'en' })
    expect(fake.nativeTheme.themeSource).toBe('light')
    const engine = engines.engines.at(-1)!
    posted[0]![1].close()
    await vi.waitFor(() => expect(engine.stopped).toBe(true))
  })

  it('carry what the menu and the system ask for, which waits until a page is there', async () => {
    acted.length = 0
    fake.app.emit('second-instance', {}, [], '/', { files: [join(folder, 'gone.npy')] })
    fake.app.emit('open-file', { preventDefault: () => {} }, join(folder, 'model.npy'))
    const posted = connect(frame())
    connectApi<HostApi, HostEvents>(portOf(posted[0]![1]), events)
    await vi.waitFor(() => expect(acted).toHaveLength(1))
    expect(acted[0]).toMatchObject({ do: 'open', grant: { name: 'model.npy' } })
    fake.app.emit('second-instance', {}, [], '/', { files: [join(folder, 'gone.npy')] })
    await vi.waitFor(() => expect(acted).toHaveLength(2))
    expect(acted[1]).toMatchObject({ do: 'refuse', error: { code: 'not-found' } })
    expect(sentenceOf(acted[1]!)).toBe('gone.npy was not found.')
    fake.app.emit('second-instance', {}, [], '/', { files: 'model.npy' })
    posted[0]![1].close()
  })

  it('go to nobody else: a foreign origin, a frame inside the page, a frame that has gone', () => {
    const before = engines.engines.length
    for (const other of [
      frame('https://evil.example'),
      frame('null'),
      frame('app://ghostsvd.evil'),
      frame('app://ghostsvd', {}),
      null,
    ])
      expect(connect(other)).toEqual([])
    expect(engines.engines.length).toBe(before)
  })

  it('lead to native dialogs, which answer with grants', async () => {
    const posted = connect(frame())
    const api = connectApi<HostApi, HostEvents>(portOf(posted[0]![1]), events)
    fake.dialog.showOpenDialog.mockResolvedValueOnce({ canceled: true, filePaths: [] })
    expect(await api.pickFile()).toBeNull()
    fake.dialog.showOpenDialog.mockResolvedValueOnce({ canceled: false, filePaths: [join(folder, 'model.npy')] })
    expect(await api.pickFile()).toMatchObject({ name: 'model.npy', kind: 'file', byteLength: 5 })
    fake.dialog.showOpenDialog.mockResolvedValueOnce({ canceled: false, filePaths: [folder] })
    expect(await api.pickFolder()).toMatchObject({ kind: 'folder' })
    const filePath = join(folder, 'out.safetensors')
    fake.dialog.showSaveDialog.mockResolvedValueOnce({ canceled: false, filePath })
    const target = await api.pickTarget('../../evil/out.safetensors')
    expect(fake.dialog.showSaveDialog.mock.calls[0]![1]).toMatchObject({ defaultPath: 'out.safetensors' })
    expect(target).toMatchObject({ name: 'out.safetensors', kind: 'target' })
    await expect(api.showInFolder(target!.id)).rejects.toMatchObject({ code: 'not-found' })
  })
})

describe('dropped files', () => {
  const drop = (paths: unknown, from: unknown = frame()) =>
    fake.handlers.get('ghostsvd:grant')!({ senderFrame: from }, paths) as Promise<GrantAnswer>

  it('are granted to our page', async () => {
    expect(await drop([join(folder, 'model.npy')])).toMatchObject({ ok: { name: 'model.npy', byteLength: 5 } })
    expect(await drop([folder])).toMatchObject({ ok: { kind: 'folder' } })
  })

  it('are opened at the file that names the others', async () => {
    const index = join(folder, 'model.safetensors.index.json')
    await writeFile(index, '{}')
    expect(await drop([join(folder, 'model.npy'), index])).toMatchObject({
      ok: { name: 'model.safetensors.index.json' },
    })
  })

  it('are refused from elsewhere, without a path, and in another shape: by a code and a sentence', async () => {
    const refused = async (given: unknown, from?: unknown) => {
      const answer = await drop(given, from)
      expect(answer).toMatchObject({ error: { code: expect.stringMatching(/^(bad-request|not-found)$/) } })
      return sentenceOf(answer)
    }
    expect(await refused([join(folder, 'model.npy')], frame('https://evil.example'))).toContain('Only the page')
    for (const given of [[''], [], 'model.npy', null, [1], [{ path: '/etc/passwd' }]])
      expect(await refused(given)).toContain('not a file on this computer')
    expect(await refused([join(folder, 'gone.npy')])).toBe('gone.npy was not found.')
  })
})

describe('the end', () => {
  it('asks before it cuts a compression short, shows one outside the window, and says how it ended', async () => {
    const posted: FakePort[] = []
    const ours = { ...frame(), postMessage: (_: string, __: string, [port]: [FakePort]) => void posted.push(port) }
    fake.ipcMain.emit('ghostsvd:connect', { senderFrame: ours })
    const api = connectApi<HostApi, HostEvents>(
      {
        postMessage: (message) => posted[0]!.postMessage(message),
        on: (event: string, listener: (message?: never) => void) =>
          void posted[0]!.on(event, (given?: { data: never }) => listener(given?.data as never)),
        close: () => posted[0]!.close(),
      },
      events,
    )
    expect(refused((event) => window().emit('close', event))).toBe(false)
    const paths = [join(folder, 'model.npy')]
    const source = (await fake.handlers.get('ghostsvd:grant')!({ senderFrame: frame() }, paths)) as { ok: Grant }
    fake.dialog.showSaveDialog.mockResolvedValueOnce({ canceled: false, filePath: join(folder, 'x.safetensors') })
    const target = await api.pickTarget('x.safetensors')
    const run = api.startRun({
      kind: 'compress',
      files: { model: source.ok.id },
      target: target!.id,
      output: 'factors',
      params: {},
    })
    const engine = await vi.waitFor(() => {
      expect(engines.engines.at(-1)!.jobs).toHaveLength(1)
      return engines.engines.at(-1)!
    })
    engine.jobs[0]!.say({ type: 'started', jobId: 'job-0' })
    await run
    await api.showInFolder((await api.runs())[0]!.runId)
    expect(fake.shell.showItemInFolder).toHaveBeenCalledExactlyOnceWith(join(folder, 'x.safetensors'))
    // Asked twice, one question; nothing else waits for its answer.
    for (let i = 0; i < 2; i++) expect(refused((event) => window().emit('close', event))).toBe(true)
    expect(fake.dialog.showMessageBox).toHaveBeenCalledExactlyOnceWith(
      window(),
      expect.objectContaining({ message: 'A compression is running.', buttons: ['Keep Running', 'Quit'] }),
    )
    expect(fake.powerSaveBlocker.start).toHaveBeenCalledExactlyOnceWith('prevent-app-suspension')
    const { value, mode } = barOf({ mode: 'indeterminate', value: 0 }, process.platform)
    expect(window().progress.at(-1)).toEqual([value, { mode }])
    window().hasFocus = false
    engine.jobs[0]!.say({
      type: 'failed',
      jobId: 'job-0',
      error: { code: 'cannot-write', said: [someWords('The disk is full.')] },
    })
    await vi.waitFor(() => expect(fake.powerSaveBlocker.stop).toHaveBeenCalledExactlyOnceWith(7))
    expect(window().progress.at(-1)).toEqual([-1, { mode: 'none' }])
    expect(FakeNotification.shown.map(({ options }) => options)).toEqual([
      { title: 'x.safetensors could not be finished', body: 'The disk is full.' },
    ])
    window().minimized = true
    FakeNotification.shown[0]!.emit('click')
    expect(window().minimized).toBe(false)
  })

  it('ends every engine, and writes the place of the window down, before the application goes', async () => {
    window().close()
    await vi.waitFor(() => expect(fake.app.exits).toEqual([0]))
    expect(engines.engines.every((engine) => engine.stopped)).toBe(true)
    const place = JSON.parse(await readFile(join(folder, 'config', 'window.json'), 'utf8'))
    expect(place).toEqual({ bounds: { x: 10, y: 20, width: 1000, height: 700 }, maximized: false })
  })
})
