/**
 * The application menu, in the user's language: Electron's roles bring behaviour and shortcuts, and English labels, so each is labelled
 * here. What concerns files and settings is done by the page (openings.ts).
 */
import type { MenuItemConstructorOptions } from 'electron/main'
import type { Grant, PageAction } from '../../../core/contract.ts'
import type { Say } from '../words.ts'

export interface MenuActions {
  act(action: PageAction): void
  clearRecents(): void
  openExternal(url: string): void
  showAbout(): void
  showLicenses(): void
  showRuntimeLicenses(): void
  showLogs(): void
  checkForUpdates(): void
}

export interface MenuState {
  readonly platform: NodeJS.Platform
  readonly say: Say
  /** Newest first. */
  readonly recents: readonly Grant[]
  /** Whether a server of updates is configured. */
  readonly updates: boolean
  /** Whether Electron's own licenses lie beside its program. */
  readonly runtimeLicenses: boolean
}

type Item = MenuItemConstructorOptions
const separator: Item = { type: 'separator' }

export function menuTemplate(state: MenuState, actions: MenuActions): Item[] {
  const { platform, say } = state
  const mac = platform === 'darwin'
  return [
    ...(mac ? [applicationMenu(say, actions)] : []),
    fileMenu(state, actions),
    {
      label: say('desktop.edit'),
      submenu: [
        { role: 'undo', label: say('desktop.undo') },
        { role: 'redo', label: say('desktop.redo') },
        separator,
        { role: 'cut', label: say('desktop.cut') },
        { role: 'copy', label: say('desktop.copy') },
        { role: 'paste', label: say('desktop.paste') },
        { role: 'selectAll', label: say('desktop.select-all') },
      ],
    },
    {
      label: say('desktop.view'),
      submenu: [
        { role: 'reload', label: say('desktop.reload') },
        separator,
        { role: 'resetZoom', label: say('desktop.actual-size') },
        { role: 'zoomIn', label: say('desktop.zoom-in') },
        { role: 'zoomOut', label: say('desktop.zoom-out') },
        separator,
        { role: 'togglefullscreen', label: say('desktop.full-screen') },
        { role: 'toggleDevTools', label: say('desktop.developer-tools') },
      ],
    },
    ...(mac ? [windowMenu(say)] : []),
    helpMenu(state, actions),
  ]
}

function fileMenu({ platform, say, recents }: MenuState, actions: MenuActions): Item {
  const ofSystem: Item[] =
    platform === 'darwin'
      ? []
      : [
          separator,
          { label: say('desktop.settings'), accelerator: 'Ctrl+,', click: () => actions.act({ do: 'show-settings' }) },
          separator,
          { role: 'quit', label: say('desktop.quit') },
        ]
  return {
    label: say('desktop.file'),
    submenu: [
      { label: say('desktop.open-file'), accelerator: 'CmdOrCtrl+O', click: () => actions.act({ do: 'open-file' }) },
      {
        label: say('desktop.open-folder'),
        accelerator: 'CmdOrCtrl+Shift+O',
        click: () => actions.act({ do: 'open-folder' }),
      },
      {
        label: say('desktop.open-recent'),
        enabled: recents.length > 0,
        submenu: [
          // An ampersand would mark the key of the item.
          ...recents.map(
            (grant): Item => ({
              label: grant.name.replaceAll('&', '&&'),
              click: () => actions.act({ do: 'open', grant }),
            }),
          ),
          separator,
          { label: say('desktop.clear-recent'), click: actions.clearRecents },
        ],
      },
      separator,
      { label: say('desktop.close-file'), accelerator: 'CmdOrCtrl+W', click: () => actions.act({ do: 'close-file' }) },
      { role: 'close', label: say('desktop.close-window'), accelerator: 'CmdOrCtrl+Shift+W' },
      ...ofSystem,
    ],
  }
}

/** What macOS expects under the application's name. */
function applicationMenu(say: Say, actions: MenuActions): Item {
  return {
    role: 'appMenu',
    submenu: [
      { label: say('desktop.about'), click: actions.showAbout },
      separator,
      { label: say('desktop.settings'), accelerator: 'Cmd+,', click: () => actions.act({ do: 'show-settings' }) },
      separator,
      { role: 'services', label: say('desktop.services') },
      separator,
      { role: 'hide', label: say('desktop.hide') },
      { role: 'hideOthers', label: say('desktop.hide-others') },
      { role: 'unhide', label: say('desktop.show-all') },
      separator,
      { role: 'quit', label: say('desktop.quit') },
    ],
  }
}

function windowMenu(say: Say): Item {
  return {
    role: 'window',
    label: say('desktop.window'),
    submenu: [
      { role: 'minimize', label: say('desktop.minimize') },
      { role: 'zoom', label: say('desktop.zoom') },
      separator,
      { role: 'front', label: say('desktop.bring-to-front') },
    ],
  }
}

/** Links lead to hosts on the list of window.ts. */
function helpMenu({ platform, say, updates, runtimeLicenses }: MenuState, actions: MenuActions): Item {
  const link = (label: string, url: string): Item => ({ label, click: () => actions.openExternal(url) })
  return {
    role: 'help',
    label: say('desktop.help'),
    submenu: [
      link(say('desktop.paper-randomized-svd'), 'https://arxiv.org/abs/0909.4061'),
      link(say('desktop.safetensors-format'), 'https://huggingface.co/docs/safetensors'),
      separator,
      ...(updates ? [{ label: say('desktop.check-for-updates'), click: actions.checkForUpdates }] : []),
      { label: say('desktop.show-logs'), click: actions.showLogs },
      { label: say('desktop.licenses'), click: actions.showLicenses },
      ...(runtimeLicenses ? [{ label: say('desktop.runtime-licenses'), click: actions.showRuntimeLicenses }] : []),
      ...(platform === 'darwin' ? [] : [separator, { label: say('desktop.about'), click: actions.showAbout }]),
    ],
  }
}
