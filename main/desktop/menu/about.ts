/** Who made this, of what, and under which licenses. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { shell } from 'electron/common'
import { app, BrowserWindow } from 'electron/main'
import { version } from '../../../core/version.ts'
import { iconPath, pageOrigin, plainWindow } from '../window/window.ts'

/** Electron lays this beside its program, except on macOS. */
const runtimeLicenses = join(dirname(process.execPath), 'LICENSES.chromium.html')

export const hasRuntimeLicenses = (): boolean => existsSync(runtimeLicenses)
export const showRuntimeLicenses = (): void => void shell.openPath(runtimeLicenses)

export function showAbout(): void {
  const { electron, chrome, node } = process.versions
  const made = `Electron ${electron}, Chromium ${chrome}, Node ${node}`
  app.setAboutPanelOptions({
    applicationName: 'GhostSVD',
    applicationVersion: version,
    copyright: `Copyright (c) GhostSVD contributors. MIT License.\n${made}`,
    iconPath,
  })
  app.showAboutPanel()
}

/**
 * The licenses of everything bundled, which the build gathers beside the page. One window, however often it is asked for.
 * @param parent closes it with itself
 */
export function licensesWindow(parent: () => BrowserWindow | null): (title: string) => void {
  let window: BrowserWindow | null = null
  return (title) => {
    if (window) return window.focus()
    const over = parent()
    window = new BrowserWindow({ ...plainWindow, ...(over && { parent: over }), title, width: 800, height: 700 })
    // The menu is about the other window.
    window.removeMenu()
    window.on('page-title-updated', (event) => event.preventDefault())
    window.on('closed', () => {
      window = null
    })
    void window.loadURL(`${pageOrigin}/licenses.txt`)
  }
}
