/** A page that died comes back by itself; when it dies again at once, or hangs, the user is asked. Runs live in main and go on. */
import { type BrowserWindow, dialog } from 'electron/main'
import { foreign } from '../../../core/messages/text.ts'
import type { Log } from '../../system/log.ts'
import type { Say } from '../words.ts'

/** A page that lived this long did not die of what it was loaded with. */
const stableMs = 60_000

export interface RecoveryOptions {
  readonly log: Log
  say(): Say
  showLogs(): void
  quit(): void
  now?(): number
}

/** Whether this death is the second in a row. */
function repeats(previous: number | null, now: number): boolean {
  return previous !== null && now - previous < stableMs
}

export function recoverPage(window: BrowserWindow, options: RecoveryOptions): void {
  const { log, say, showLogs, quit, now = () => performance.now() } = options
  let lastDeath: number | null = null

  window.webContents.on('render-process-gone', (_event, { reason, exitCode }) => {
    if (reason === 'clean-exit') return
    log(`The page died: ${reason}, exit code ${exitCode}.`)
    const again = repeats(lastDeath, now())
    lastDeath = now()
    if (again) void askAfterDeath(reason)
    else window.webContents.reload()
  })

  async function askAfterDeath(reason: string): Promise<void> {
    const { response } = await dialog.showMessageBox(window, {
      type: 'error',
      message: say()('desktop.page-crashed'),
      detail: say()('desktop.page-crashed-detail', { reason: foreign(reason) }),
      buttons: [say()('desktop.reload'), say()('desktop.show-logs'), say()('desktop.quit-now')],
      defaultId: 0,
      cancelId: 0,
    })
    if (window.isDestroyed()) return
    if (response === 2) return quit()
    if (response === 1) showLogs()
    window.webContents.reload()
  }

  let asking: AbortController | null = null
  window.on('unresponsive', () => void askAboutHang())
  // It answers again: the question has answered itself.
  window.on('responsive', () => asking?.abort())

  async function askAboutHang(): Promise<void> {
    if (asking) return
    log('The page does not respond.')
    asking = new AbortController()
    const { signal } = asking
    const { response } = await dialog.showMessageBox(window, {
      type: 'warning',
      message: say()('desktop.page-unresponsive'),
      detail: say()('desktop.page-unresponsive-detail'),
      buttons: [say()('desktop.wait'), say()('desktop.reload')],
      defaultId: 0,
      cancelId: 0,
      signal,
    })
    asking = null
    if (response !== 1 || signal.aborted || window.isDestroyed()) return
    // A page that hangs does not hear a reload either: its process is ended, and comes back as any that died.
    window.webContents.forcefullyCrashRenderer()
  }
}
