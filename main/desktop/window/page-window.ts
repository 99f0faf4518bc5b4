/** The one window of the application (docs/decisions): opened, brought forward, kept at its place, and asked before it closes. */
import { BrowserWindow, nativeTheme, screen } from 'electron/main'
import type { Stored } from '../../host/settings.ts'
import type { Quitting } from '../lifecycle/quitting.ts'
import { onWindowsSessionEnd } from '../lifecycle/session-end.ts'
import { type RecoveryOptions, recoverPage } from './recovery.ts'
import { pageOrigin, windowOptions } from './window.ts'
import { keepPlace, placeWindow, type WindowPlace } from './window-place.ts'

export interface PageWindowOptions {
  readonly place: Stored<WindowPlace>
  readonly quitting: Quitting
  readonly recovery: RecoveryOptions
}

export interface PageWindow {
  /** Null before it opens and once it has closed. */
  readonly current: BrowserWindow | null
  /** Opens it, or brings it forward. */
  show(): Promise<void>
  /** Its place has been written down. */
  kept(): Promise<void>
}

export function createPageWindow({ place, quitting, recovery }: PageWindowOptions): PageWindow {
  let window: BrowserWindow | null = null
  let keep: () => Promise<void> = async () => {}

  async function open(): Promise<void> {
    const before = await place.read()
    const displays = [screen.getPrimaryDisplay(), ...screen.getAllDisplays()].map(({ workArea }) => workArea)
    const { width, height, place: at } = placeWindow(before, displays)
    const background = nativeTheme.shouldUseDarkColors ? '#1a1b1e' : '#ffffff'
    const opened = new BrowserWindow({ ...windowOptions(background), width, height, ...at })
    window = opened
    keep = keepPlace(opened, place)
    recoverPage(opened, recovery)
    onWindowsSessionEnd(opened, quitting.end)
    opened.once('ready-to-show', () => {
      if (before.maximized) opened.maximize()
      opened.show()
    })
    /** What was being loaded is not waited for: the window closes, or recoverPage loads it again. */
    let abandoned = false
    opened.webContents.once('render-process-gone', () => {
      abandoned = true
    })
    opened.on('close', (event) => {
      if (quitting.mayClose(recovery.quit)) abandoned = true
      else event.preventDefault()
    })
    opened.on('closed', () => {
      window = null
      // Windows of GPUs, which nobody sees, go with their engines.
      quitting.end(0)
    })
    await opened.loadURL(`${pageOrigin}/`).catch((error: NodeJS.ErrnoException) => {
      // Reloaded by the user before it had loaded: no fault either.
      if (error.code !== 'ERR_ABORTED' && !abandoned) throw error
    })
  }

  return {
    get current() {
      return window
    },
    async show() {
      if (!window) return open()
      if (window.isMinimized()) window.restore()
      window.focus()
    },
    kept: () => keep(),
  }
}
