/** What cannot be changed any more once Electron is ready. */
import { join } from 'node:path'
import { app, protocol } from 'electron/main'
import { configFolder } from '../../system/folders.ts'
import { startCrashHandler } from './crash-handler.ts'

export function prepareDesktop(): void {
  // Chromium's sandbox does not start as root, where --no-sandbox is the only way: enableSandbox() would take that back.
  if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox()
  // Windows shows notifications of applications it knows by this id: `appId` of electron-builder.yml.
  app.setAppUserModelId('org.ghostsvd.GhostSVD')
  // Chromium's own data lies with our settings, so that another configuration is another instance.
  app.setPath('userData', join(configFolder(), 'browser'))
  // Beside the log.
  app.setPath('crashDumps', join(configFolder(), 'crashes'))
  startCrashHandler()
  protocol.registerSchemesAsPrivileged([
    { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ])
}
