/** The application menu: what the platform expects, by role, so that labels and shortcuts are the system's own. */
import type { MenuItemConstructorOptions } from 'electron/main'

export interface MenuActions {
  openExternal(url: string): void
}

/** Links of the Help menu; their hosts are on the list of window.ts. */
const links = [
  { label: 'Randomized SVD: Halko, Martinsson, Tropp (2011)', url: 'https://arxiv.org/abs/0909.4061' },
  { label: 'Safetensors format', url: 'https://huggingface.co/docs/safetensors' },
] as const

export function menuTemplate(platform: NodeJS.Platform, actions: MenuActions): MenuItemConstructorOptions[] {
  const application: MenuItemConstructorOptions[] = platform === 'darwin' ? [{ role: 'appMenu' }] : []
  return [
    ...application,
    { role: 'fileMenu' },
    { role: 'editMenu' },
    {
      label: 'View',
      submenu: [
        { role: 'reload' },
        { type: 'separator' },
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { type: 'separator' },
        { role: 'togglefullscreen' },
        { role: 'toggleDevTools' },
      ],
    },
    { role: 'windowMenu' },
    {
      role: 'help',
      submenu: links.map(({ label, url }) => ({ label, click: () => actions.openExternal(url) })),
    },
  ]
}
