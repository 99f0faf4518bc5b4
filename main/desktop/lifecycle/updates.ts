/**
 * Updates: off unless the package names a server (app-update.yml, which electron-builder writes when `publish` is set), never while a
 * compression runs, and nothing is downloaded or installed without having been agreed to.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type BrowserWindow, dialog, type MessageBoxOptions } from 'electron/main'
import { version } from '../../../core/version.ts'
import type { Log } from '../../system/log.ts'
import type { Say } from '../words.ts'

export interface UpdatesOptions {
  readonly log: Log
  say(): Say
  running(): number
  window(): BrowserWindow | null
}

export interface Updates {
  readonly configured: boolean
  /** @param asked by the user, who then hears the outcome, whatever it is */
  check(asked: boolean): Promise<void>
}

export function createUpdates({ log, say, running, window }: UpdatesOptions): Updates {
  const configured = existsSync(join(process.resourcesPath, 'app-update.yml'))
  let checking = false

  async function box(options: MessageBoxOptions): Promise<number> {
    const over = window()
    const { response } = await (over ? dialog.showMessageBox(over, options) : dialog.showMessageBox(options))
    return response
  }
  const agreed = async (message: string, detail: string, yes: string) =>
    (await box({ message, detail, buttons: [say()('desktop.later'), yes], defaultId: 1, cancelId: 0 })) === 1

  async function offer(asked: boolean): Promise<void> {
    // Loaded where it is needed: no other start pays for it.
    const { default: updater } = await import('electron-updater')
    const { autoUpdater } = updater
    autoUpdater.logger = null
    autoUpdater.autoDownload = false
    autoUpdater.autoInstallOnAppQuit = false
    const found = await autoUpdater.checkForUpdates()
    if (!found?.isUpdateAvailable) {
      if (asked) await box({ message: say()('desktop.up-to-date'), detail: say()('desktop.version', { version }) })
      return
    }
    const newer = { version: found.updateInfo.version }
    const available = say()('desktop.update-available-detail', { current: version })
    if (!(await agreed(say()('desktop.update-available', newer), available, say()('desktop.download')))) return
    await autoUpdater.downloadUpdate()
    // One may have begun meanwhile: what was downloaded waits for the next check.
    if (running() > 0) return
    const ready = say()('desktop.update-ready-detail')
    if (!(await agreed(say()('desktop.update-ready', newer), ready, say()('desktop.install')))) return
    if (running() === 0) autoUpdater.quitAndInstall()
  }

  return {
    configured,
    async check(asked) {
      if (!configured || checking) return
      if (running() > 0) {
        if (asked) await box({ message: say()('desktop.update-waits') })
        return
      }
      checking = true
      try {
        await offer(asked)
      } catch (error) {
        log(`The update check failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
        const detail = error instanceof Error ? error.message : String(error)
        if (asked) await box({ type: 'error', message: say()('desktop.update-failed'), detail })
      } finally {
        checking = false
      }
    },
  }
}
