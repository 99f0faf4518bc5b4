/** The menu as it is now: built again when the language or the list of recent files has changed. */
import { app, type BrowserWindow, Menu } from 'electron/main'
import type { Host } from '../../host/host.ts'
import type { Updates } from '../lifecycle/updates.ts'
import type { Openings } from '../page/openings.ts'
import { openExternal } from '../window/window.ts'
import type { Say } from '../words.ts'
import { hasRuntimeLicenses, licensesWindow, showAbout, showRuntimeLicenses } from './about.ts'
import { type MenuActions, menuTemplate } from './menu.ts'

export interface KeepMenuOptions {
  readonly host: Host
  readonly openings: Openings
  readonly updates: Updates
  say(): Say
  showLogs(): void
  /** A page is needed: opens the window where it is closed. */
  show(): void
  window(): BrowserWindow | null
}

/** Answers with the way to build it again. */
export function keepMenu({
  host,
  openings,
  updates,
  say,
  showLogs,
  show,
  window,
}: KeepMenuOptions): () => Promise<void> {
  const showLicenses = licensesWindow(window)
  const actions: MenuActions = {
    act(action) {
      openings.act(action)
      show()
    },
    clearRecents() {
      app.clearRecentDocuments()
      void host.clearRecents().then(build)
    },
    openExternal,
    showAbout,
    showLicenses: () => showLicenses(say()('desktop.licenses')),
    showRuntimeLicenses,
    showLogs,
    checkForUpdates: () => void updates.check(true),
  }
  async function build(): Promise<void> {
    const recents = await host.recents()
    const { platform } = process
    const state = { platform, say: say(), recents, updates: updates.configured, runtimeLicenses: hasRuntimeLicenses() }
    Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate(state, actions)))
  }
  return build
}
