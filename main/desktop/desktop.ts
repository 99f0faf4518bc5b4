/** The application in Electron: one instance, the page under app://, its ports, native dialogs, an orderly end. */
import { join } from 'node:path'
import { shell } from 'electron/common'
import {
  app,
  BrowserWindow,
  dialog,
  type IpcMainEvent,
  type IpcMainInvokeEvent,
  ipcMain,
  Menu,
  MessageChannelMain,
  type MessagePortMain,
  Notification,
  nativeTheme,
  powerSaveBlocker,
  protocol,
  session,
} from 'electron/main'
import { z } from 'zod'
import type { Grant, Port, Settings } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { version } from '../../core/version.ts'
import { startEngine } from '../engine/supervisor.ts'
import { createGrants, type Grants } from '../files/grants.ts'
import { temporaryFolder } from '../files/temporary.ts'
import { assetHandler, builtPage } from '../host/assets.ts'
import { createHost, type Host, unsupported } from '../host/host.ts'
import { storedSettings } from '../host/settings.ts'
import { configFolder } from '../system/folders.ts'
import { createDialogs } from './dialogs.ts'
import { menuTemplate } from './menu.ts'
import { type Desk, type Notice, runEffects } from './run-effects.ts'
import { fromOurPage, hardenContents, hardenSession, openExternal, pageOrigin, windowOptions } from './window.ts'

/** Before Electron is ready: what cannot be changed afterwards. */
export function prepareDesktop(): void {
  // Chromium's sandbox does not start as root, where --no-sandbox is the only way: enableSandbox() would take that back.
  if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox()
  // Windows shows notifications of applications it knows by this id: `appId` of electron-builder.yml.
  app.setAppUserModelId('org.ghostsvd.GhostSVD')
  // Chromium's own data lies with our settings, so that another configuration is another instance.
  app.setPath('userData', join(configFolder(), 'browser'))
  protocol.registerSchemesAsPrivileged([
    { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ])
}

export async function runDesktop(): Promise<void> {
  if (!app.requestSingleInstanceLock()) {
    app.quit()
    return
  }
  app.on('web-contents-created', (_event, contents) => hardenContents(contents))
  await app.whenReady()
  hardenSession(session.defaultSession)
  protocol.handle('app', await assetHandler(builtPage, [new URL(pageOrigin).hostname]))

  const grants = createGrants()
  let window: BrowserWindow | null = null
  const applyTheme = ({ theme }: Settings) => {
    nativeTheme.themeSource = theme
  }
  applyTheme(await storedSettings(configFolder()).read())
  const host = await desktopHost(grants, () => window, applyTheme)
  answerPage(host, grants)
  Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate(process.platform, { openExternal })))

  async function open(): Promise<void> {
    window = new BrowserWindow(windowOptions(nativeTheme.shouldUseDarkColors ? '#1a1b1e' : '#ffffff'))
    window.once('ready-to-show', () => window?.show())
    window.on('close', (event) => {
      if (host.running > 0 && !agreesToEnd(window!, host.running)) event.preventDefault()
    })
    window.on('closed', () => {
      window = null
    })
    await window.loadURL(`${pageOrigin}/`)
  }
  app.on('second-instance', () => comeForward(window))
  app.on('activate', () => {
    if (!window) void open()
  })
  app.on('window-all-closed', () => app.quit())
  let ended = false
  app.on('will-quit', (event) => {
    if (ended) return
    event.preventDefault()
    void host.close().finally(() => {
      ended = true
      app.quit()
    })
  })
  await open()
}

async function desktopHost(
  grants: Grants,
  window: () => BrowserWindow | null,
  onSettings: (settings: Settings) => void,
): Promise<Host> {
  return createHost({
    info: { kind: 'electron', version, platform: process.platform },
    abilities: {
      ...createDialogs(() => window()!, grants),
      listFolder: unsupported('This application has dialogs of the system: it lists no folders.'),
      // Dialogs of the system know by themselves where was written last.
      trail: async () => [],
      createTarget: unsupported('This application has dialogs of the system: it asks there for a name.'),
      showInFolder: async (path) => shell.showItemInFolder(path),
    },
    grants,
    configFolder: configFolder(),
    temporaryFolder: await temporaryFolder(),
    startEngine,
    onSettings,
    onRun: runEffects(desk(window)),
  })
}

/** Taskbar, sleep and notifications, as this system has them. */
function desk(window: () => BrowserWindow | null): Desk {
  /** One that nobody refers to takes its click with it. */
  const shown = new Set<Notification>()
  let blocker: number | null = null
  return {
    showProgress: ({ mode, value }) => window()?.setProgressBar(mode === 'none' ? -1 : value, { mode }),
    keepAwake(awake) {
      if (blocker !== null) powerSaveBlocker.stop(blocker)
      blocker = awake ? powerSaveBlocker.start('prevent-app-suspension') : null
    },
    watched: () => BrowserWindow.getFocusedWindow() !== null,
    notify(notice: Notice) {
      if (!Notification.isSupported()) return
      const notification = new Notification({ ...notice })
      shown.add(notification)
      notification.on('click', () => comeForward(window()))
      notification.on('close', () => shown.delete(notification))
      notification.show()
    },
  }
}

function comeForward(window: BrowserWindow | null): void {
  if (window?.isMinimized()) window.restore()
  window?.focus()
}

const droppedSchema = z.array(z.string().min(1)).min(1).max(10_000)

/** The two messages of preload.ts. Both are checked for who sends them, and for their shape. */
function answerPage(host: Host, grants: Grants): void {
  ipcMain.on('ghostsvd:connect', (event: IpcMainEvent) => {
    const frame = event.senderFrame
    if (!frame || !fromOurPage(frame)) return
    const [forHost, forEngine] = [new MessageChannelMain(), new MessageChannelMain()]
    host.connectPage({ host: mainPort(forHost.port1), engine: mainPort(forEngine.port1) })
    frame.postMessage('ghostsvd:port', 'host', [forHost.port2])
    frame.postMessage('ghostsvd:port', 'engine', [forEngine.port2])
  })
  ipcMain.handle('ghostsvd:grant', async (event: IpcMainInvokeEvent, given: unknown): Promise<Grant> => {
    if (!fromOurPage(event.senderFrame)) throw new Error('Only the page itself may do this.')
    const dropped = droppedSchema.safeParse(given)
    if (!dropped.success) throw new AppError('bad-request', 'What was dropped is no file of this computer.')
    // Of several files the one that names the others, else the first: its siblings lie beside it.
    return grants.grant(dropped.data.find((path) => path.endsWith('.index.json')) ?? dropped.data[0]!)
  })
}

function mainPort(port: MessagePortMain): Port {
  return {
    postMessage: (message) => port.postMessage(message),
    on(event: 'message' | 'close', listener: (message?: unknown) => void) {
      if (event === 'close') return void port.on('close', () => listener())
      port.on('message', ({ data }) => listener(data))
      // Messages wait until the port is started.
      port.start()
    },
    close: () => port.close(),
  }
}

function agreesToEnd(window: BrowserWindow, running: number): boolean {
  const choice = dialog.showMessageBoxSync(window, {
    type: 'warning',
    message: running === 1 ? 'A compression is running.' : `${running} compressions are running.`,
    detail:
      running === 1
        ? 'If you quit now its finished tensors are kept, and you can go on with it next time.'
        : 'If you quit now their finished tensors are kept, and you can go on with them next time.',
    buttons: ['Keep running', 'Quit'],
    defaultId: 0,
    cancelId: 0,
  })
  return choice === 1
}
