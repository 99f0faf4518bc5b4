/** Electron as its shell sees it, recording what was asked of it. For vi.mock('electron/main') and its relatives. */
import { EventEmitter } from 'node:events'
import { type Mock, vi } from 'vitest'

const mock = (answer?: unknown): Mock => vi.fn(() => answer)

export class FakePort extends EventEmitter {
  other!: FakePort
  started = false
  closed = false
  start() {
    this.started = true
  }
  postMessage(message: unknown) {
    const data = structuredClone(message)
    queueMicrotask(() => this.other.emit('message', { data }))
  }
  close() {
    if (this.closed) return
    this.closed = this.other.closed = true
    this.emit('close')
    this.other.emit('close')
  }
}

class FakeChannel {
  port1 = new FakePort()
  port2 = new FakePort()
  constructor() {
    this.port1.other = this.port2
    this.port2.other = this.port1
  }
}

export class FakeContents extends EventEmitter {
  openHandler: ((details: { url: string }) => { action: string }) | null = null
  getURL() {
    return 'app://ghostsvd/'
  }
  setWindowOpenHandler(handler: NonNullable<typeof this.openHandler>) {
    this.openHandler = handler
  }
}

export class FakeWindow extends EventEmitter {
  static all: FakeWindow[] = []
  readonly webContents = Object.assign(new EventEmitter(), {
    reload: mock(),
    forcefullyCrashRenderer: mock(),
    postMessage: mock(),
    getOSProcessId: () => 0,
  })
  destroyed = false
  loaded: string[] = []
  shown = false
  focused = 0
  minimized = false
  readonly options: unknown
  constructor(options: unknown) {
    super()
    this.options = options
    FakeWindow.all.push(this)
  }
  async loadURL(url: string) {
    this.loaded.push(url)
  }
  show() {
    this.shown = true
  }
  focus() {
    this.focused++
  }
  /** As Electron does: a window that may close is destroyed. */
  close() {
    let prevented = false
    this.emit('close', { preventDefault: () => (prevented = true) })
    if (prevented) return
    this.destroyed = true
    this.emit('closed')
  }
  destroy() {
    if (this.destroyed) return
    this.destroyed = true
    this.emit('closed')
  }
  isDestroyed() {
    return this.destroyed
  }
  getNormalBounds() {
    return { x: 10, y: 20, width: 1000, height: 700 }
  }
  isMaximized() {
    return false
  }
  progress: [number, unknown][] = []
  static getFocusedWindow(): FakeWindow | null {
    return FakeWindow.all.find(({ hasFocus }) => hasFocus) ?? null
  }
  hasFocus = true
  setProgressBar(value: number, options: unknown) {
    this.progress.push([value, options])
  }
  isMinimized() {
    return this.minimized
  }
  restore() {
    this.minimized = false
  }
}

export class FakeNotification extends EventEmitter {
  static shown: FakeNotification[] = []
  static isSupported = () => true
  readonly options: unknown
  constructor(options: unknown) {
    super()
    this.options = options
  }
  show() {
    FakeNotification.shown.push(this)
  }
}

/** One Electron for each test file: what it was told is in its fields. */
export function fakeElectron() {
  const handlers = new Map<string, (event: unknown, ...rest: unknown[]) => unknown>()
  const schemes = new Map<string, (request: Request) => Promise<Response>>()
  const session = {
    permissionRequest: null as
      | ((contents: unknown, permission: string, answer: (granted: boolean) => void) => void)
      | null,
    permissionCheck: null as ((contents: unknown, permission: string) => boolean) | null,
    devicePermission: null as (() => boolean) | null,
    beforeRequest: null as ((details: { url: string }, answer: (reply: { cancel: boolean }) => void) => void) | null,
    setPermissionRequestHandler(handler: never) {
      this.permissionRequest = handler
    },
    setPermissionCheckHandler(handler: never) {
      this.permissionCheck = handler
    },
    setDevicePermissionHandler(handler: never) {
      this.devicePermission = handler
    },
    webRequest: {
      onBeforeRequest: (handler: never) => {
        session.beforeRequest = handler
      },
    },
  }
  const app = Object.assign(new EventEmitter(), {
    isPackaged: false,
    sandboxed: false,
    locked: true,
    quits: 0,
    exits: [] as number[],
    switches: new Set<string>(),
    commandLine: {
      hasSwitch: (name: string) => app.switches.has(name),
      getSwitchValue: (name: string) => app.switchValues.get(name) ?? '',
      appendSwitch: (name: string, value = '') => void app.switchValues.set(name, value),
    },
    switchValues: new Map<string, string>(),
    paths: new Map<string, string>(),
    userModelId: '',
    setAppUserModelId: (id: string) => {
      app.userModelId = id
    },
    enableSandbox: () => {
      app.sandboxed = true
    },
    setPath: (name: string, path: string) => void app.paths.set(name, path),
    requestSingleInstanceLock: (told: unknown) => {
      app.told = told
      return app.locked
    },
    told: null as unknown,
    isReady: () => true,
    getPreferredSystemLanguages: () => ['de-DE', 'en-US'],
    addRecentDocument: mock(),
    clearRecentDocuments: mock(),
    setAboutPanelOptions: mock(),
    showAboutPanel: mock(),
    whenReady: async () => {},
    quit: () => {
      app.quits++
      const event = { prevented: false, preventDefault: () => (event.prevented = true) }
      app.emit('will-quit', event)
      return event
    },
    exit: (status: number) => void app.exits.push(status),
  })
  return {
    app,
    session: {
      defaultSession: session,
      fromPartition: (name: string) => ({ ...session, name, protocol: fake.protocol }),
    },
    privileged: [] as { scheme: string; privileges: Record<string, boolean> }[],
    protocol: {
      registerSchemesAsPrivileged: (schemes_: never[]) => void fake.privileged.push(...schemes_),
      handle: (scheme: string, handler: never) => void schemes.set(scheme, handler),
    },
    ipcMain: Object.assign(new EventEmitter(), {
      handle: (channel: string, handler: never) => void handlers.set(channel, handler),
    }),
    Menu: { setApplicationMenu: mock(), buildFromTemplate: vi.fn((template: unknown) => template) },
    screen: {
      getPrimaryDisplay: () => fake.screen.getAllDisplays()[0],
      getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1040 } }],
    },
    autoUpdater: new EventEmitter(),
    powerMonitor: new EventEmitter(),
    crashReporter: { start: mock() },
    MessageChannelMain: FakeChannel,
    BrowserWindow: FakeWindow,
    Notification: FakeNotification,
    powerSaveBlocker: { start: mock(7), stop: mock() },
    nativeTheme: { themeSource: 'system', shouldUseDarkColors: false },
    dialog: {
      showOpenDialog: mock(),
      showSaveDialog: mock(),
      showMessageBox: mock(Promise.resolve({ response: 0 })),
      showErrorBox: mock(),
    },
    utilityProcess: { fork: mock() },
    shell: { openExternal: mock(Promise.resolve()), showItemInFolder: mock(), openPath: mock() },
    handlers,
    schemes,
  }
}

export type FakeElectron = ReturnType<typeof fakeElectron>
/** The Electron of this test file. */
export const fake: FakeElectron = fakeElectron()
