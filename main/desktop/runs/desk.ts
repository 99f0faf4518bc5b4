/** The system around the window, as far as runs concern it: taskbar, sleep, notifications. */
import { BrowserWindow, Notification, powerSaveBlocker } from 'electron/main'
import type { Say } from '../words.ts'
import { barOf, type Desk } from './run-effects.ts'

export interface DeskOptions {
  window(): BrowserWindow | null
  say(): Say
  /** The user clicked a notification. */
  comeForward(): void
}

export function desk({ window, say, comeForward }: DeskOptions): Desk {
  /** One that nobody refers to takes its click with it. */
  const shown = new Set<Notification>()
  let blocker: number | null = null
  return {
    say,
    showProgress(progress) {
      const { value, mode } = barOf(progress, process.platform)
      window()?.setProgressBar(value, { mode })
    },
    keepAwake(awake) {
      if (blocker !== null) powerSaveBlocker.stop(blocker)
      blocker = awake ? powerSaveBlocker.start('prevent-app-suspension') : null
    },
    watched: () => BrowserWindow.getFocusedWindow() !== null,
    notify(notice) {
      if (!Notification.isSupported()) return
      const notification = new Notification({ ...notice })
      shown.add(notification)
      notification.on('click', comeForward)
      notification.on('close', () => shown.delete(notification))
      notification.show()
    },
  }
}
