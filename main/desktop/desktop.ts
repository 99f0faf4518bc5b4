/** The application in Electron: one instance, one window, the page under app://, and what joins them to the host. */

import { existsSync } from 'node:fs'
import { shell } from 'electron/common'
import { app, dialog, nativeTheme, protocol, session } from 'electron/main'
import { z } from 'zod'
import { type Settings, settingsSchema } from '../../core/contract.ts'
import { say as message } from '../../core/messages/english.ts'
import { version } from '../../core/version.ts'
import { startEngine } from '../engine/parent/supervisor.ts'
import { createGrants } from '../files/grants.ts'
import { temporaryFolder } from '../files/temporary.ts'
import { assetHandler, builtPage } from '../host/assets.ts'
import { createHost, type Host, refuseWith } from '../host/host.ts'
import { storedSettings } from '../host/settings.ts'
import { configFolder } from '../system/folders.ts'
import { fileLog, logPath } from '../system/log.ts'
import { ownCommand } from '../system/own-command.ts'
import { offerNotedDevice } from './device/linux-switches.ts'
import { exitApplication } from './lifecycle/exit.ts'
import { watchFaults } from './lifecycle/faults.ts'
import { createQuitting } from './lifecycle/quitting.ts'
import { onSessionEnd } from './lifecycle/session-end.ts'
import { createUpdates } from './lifecycle/updates.ts'
import { keepMenu } from './menu/keep-menu.ts'
import { createOpenings } from './page/openings.ts'
import { answerPage } from './page/page-messages.ts'
import { desk } from './runs/desk.ts'
import { runEffects } from './runs/run-effects.ts'
import { createDialogs } from './window/dialogs.ts'
import { createPageWindow } from './window/page-window.ts'
import { clipboardWrite, hardenContents, hardenSession, pageOrigin } from './window/window.ts'
import { storedPlace } from './window/window-place.ts'
import { sayFor } from './words.ts'

/** What a second instance tells the first. Its arguments would come too, as Chromium rewrites them. */
const secondSchema = z.object({ files: z.array(z.string()).max(10_000) })

/** @param files to be opened at once, as absolute paths */
export async function runDesktop(files: readonly string[]): Promise<void> {
  if (!app.requestSingleInstanceLock({ files })) return app.quit()
  // Not before: a second instance, which only hands over its files, would use up the note of the first.
  offerNotedDevice()

  const folder = configFolder()
  const log = fileLog(logPath(folder))
  const grants = createGrants()
  const openings = createOpenings(grants)
  let host: Host | null = null
  let settings = settingsSchema.parse({})
  let started = false
  const say = () => sayFor(settings, app.getPreferredSystemLanguages())
  const running = () => host?.running ?? 0
  function showLogs(): void {
    if (existsSync(logPath(folder))) shell.showItemInFolder(logPath(folder))
    else void shell.openPath(folder)
  }

  const quitting = createQuitting({
    running,
    ask: (count) => agreesToQuit(count),
    close: async () => void (await Promise.all([host?.close(), page.kept()])),
    exit: exitApplication,
  })
  const page = createPageWindow({
    place: storedPlace(folder),
    quitting,
    recovery: { log, say, showLogs, quit: () => app.quit() },
  })
  const fault = watchFaults({ log, say, showLogs, started: () => started, end: quitting.end })

  async function agreesToQuit(count: number): Promise<boolean> {
    const { response } = await dialog.showMessageBox(page.current!, {
      type: 'warning',
      message: say()('desktop.quit-question', { running: count }),
      detail: say()('desktop.quit-detail'),
      buttons: [say()('desktop.keep-running'), say()('desktop.quit-now')],
      defaultId: 0,
      cancelId: 0,
    })
    return response === 1
  }
  /** Before the first window there is nothing to bring forward: what is to be opened waits for it. */
  function show(): void {
    if (started) void page.show()
  }
  async function openFiles(paths: readonly string[]): Promise<void> {
    show()
    await openings.open(paths)
  }

  // The Finder's, which may come before Electron is ready.
  app.on('open-file', (event, path) => {
    event.preventDefault()
    void openFiles([path])
  })
  app.on('second-instance', (_event, _argv, _folder, told) => {
    const second = secondSchema.safeParse(told)
    void openFiles(second.success ? second.data.files : [])
  })
  app.on('activate', show)
  app.on('window-all-closed', () => app.quit())
  app.on('will-quit', (event) => {
    event.preventDefault()
    quitting.end(0)
  })
  app.on('web-contents-created', (_event, contents) => hardenContents(contents))
  app.on('child-process-gone', (_event, { type, name, reason, exitCode }) => {
    if (reason !== 'clean-exit') log(`A process ended: ${name ?? type}, ${reason}, exit code ${exitCode}.`)
  })

  async function start(): Promise<void> {
    settings = await storedSettings(folder).read()
    await app.whenReady()
    onSessionEnd(quitting.end)
    hardenSession(session.defaultSession, new URL(pageOrigin).hostname, clipboardWrite)
    protocol.handle('app', await assetHandler(builtPage, [new URL(pageOrigin).hostname]))
    nativeTheme.themeSource = settings.theme

    const updates = createUpdates({ log, say, running, window: () => page.current })
    host = createHost({
      info: { kind: 'electron', version, platform: process.platform, command: ownCommand() },
      abilities: {
        ...createDialogs(() => page.current!, grants, say),
        listFolder: refuseWith(message('host.no-folders')),
        linksOut: async () => null,
        // Dialogs of the system know by themselves where was written last.
        trail: async () => [],
        createTarget: refuseWith(message('host.no-folders')),
        showInFolder: async (path) => shell.showItemInFolder(path),
      },
      grants,
      configFolder: folder,
      temporaryFolder: await temporaryFolder(),
      startEngine,
      onSettings(chosen: Settings) {
        settings = chosen
        nativeTheme.themeSource = chosen.theme
        void buildMenu()
      },
      onRemembered(path) {
        app.addRecentDocument(path)
        void buildMenu()
      },
      onRun: runEffects(desk({ window: () => page.current, say, comeForward: show })),
    })
    answerPage(host, grants, openings.connected)
    const buildMenu = keepMenu({ host, openings, updates, say, showLogs, show, window: () => page.current })
    await buildMenu()
    await openings.open(files)
    await page.show()
    started = true
    void updates.check(false)
  }
  await start().catch(fault)
}
