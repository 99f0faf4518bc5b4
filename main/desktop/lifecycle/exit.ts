/** The last step of the application, and of a command in it. */
import { app } from 'electron/main'
import { killNow } from '../../system/kill-now.ts'
import { exitWithoutFiles } from '../../system/signals.ts'
import { endCrashHandler } from './crash-handler.ts'

/** Ends this process; where a file operation is under way that Electron would wait for, by force. */
export function exitApplication(status: number): void {
  exitWithoutFiles(
    () => {
      endCrashHandler()
      app.exit(status)
    },
    () => {
      endCrashHandler()
      killNow(process.pid)
    },
  )
}
