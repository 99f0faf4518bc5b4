/** Before the browser tests: a browser, and the built application in the form that the Electron at hand runs. */
import { electronRuntime } from './electron-runtime.ts'
import { findBrowser } from './find-program.ts'
import { layOutForOldElectron } from './old-electron/application.ts'

export default async function globalSetUp(): Promise<void> {
  const browser = findBrowser()
  if (!browser) throw new Error('No Chromium was found. Run "npm run pretest", which installs one or says how.')
  const electron = electronRuntime()
  console.log(`Browser: ${browser}\nElectron: ${electron ? `${electron.version}, ${electron.program}` : 'none'}`)
  if (electron?.old) await layOutForOldElectron(electron.application)
}
