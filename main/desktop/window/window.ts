/** The window and what its page may not do: leave, open another one, embed, ask for a device, fetch from elsewhere. */
import { join } from 'node:path'
import { shell } from 'electron/common'
import type { BrowserWindowConstructorOptions, Session, WebContents } from 'electron/main'
import { smallest } from './window-place.ts'

/** Origin of the page: a scheme of our own has no other page beside ours. */
export const pageOrigin = 'app://ghostsvd'

/** The only hosts the system's browser is sent to; whatever else a page asks for stays unopened. */
const externalHosts: readonly string[] = ['arxiv.org', 'huggingface.co', 'github.com']

/** Written by the build, beside the built modules. */
export const iconPath = join(import.meta.dirname, 'icon.png')

/** Of every window: no page has more than a page of the web has. */
export const plainWindow: BrowserWindowConstructorOptions = {
  // Windows and macOS take it from the program.
  ...(process.platform === 'linux' && { icon: iconPath }),
  webPreferences: {
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    webSecurity: true,
    webviewTag: false,
    spellcheck: false,
    navigateOnDragDrop: false,
  },
}

/** @param background behind the page until it has painted: no white flash in a dark room */
export function windowOptions(background: string): BrowserWindowConstructorOptions {
  return {
    ...plainWindow,
    minWidth: smallest.width,
    minHeight: smallest.height,
    show: false,
    backgroundColor: background,
    webPreferences: {
      ...plainWindow.webPreferences,
      preload: join(import.meta.dirname, 'preload.cjs'),
      // The page draws; GPUs compute elsewhere (main/desktop/device/).
      disableBlinkFeatures: 'WebGPU',
    },
  }
}

export function openExternal(url: string): void {
  if (!URL.canParse(url)) return
  const { protocol, hostname, username, port } = new URL(url)
  if (protocol !== 'https:' || username !== '' || port !== '' || !externalHosts.includes(hostname)) return
  void shell.openExternal(url)
}

/** Every WebContents of the application passes here, whoever made it. */
export function hardenContents(contents: WebContents): void {
  const refuse = (event: { preventDefault(): void }) => event.preventDefault()
  // A page that has failed loads itself again.
  const refuseElsewhere = (event: { preventDefault(): void; readonly url: string; readonly isMainFrame: boolean }) => {
    if (!event.isMainFrame || event.url !== contents.getURL()) event.preventDefault()
  }
  contents.on('will-navigate', refuseElsewhere)
  contents.on('will-frame-navigate', refuseElsewhere)
  contents.on('will-redirect', refuse)
  contents.on('will-attach-webview', refuse)
  contents.setWindowOpenHandler(({ url }) => {
    openExternal(url)
    return { action: 'deny' }
  })
}

/** To put a picture on the clipboard where a click led to it. Nothing can be read from there. */
export const clipboardWrite = 'clipboard-sanitized-write'

/** No other permission and no device for any page, and no request that leaves `host` of the application. @param allowed null for no permission at all */
export function hardenSession(session: Session, host: string, allowed: typeof clipboardWrite | null): void {
  session.setPermissionRequestHandler((_contents, permission, answer) => answer(permission === allowed))
  session.setPermissionCheckHandler((_contents, permission) => permission === allowed)
  session.setDevicePermissionHandler(() => false)
  session.webRequest.onBeforeRequest(({ url }, answer) => answer({ cancel: !staysInside(url, host) }))
}

function staysInside(url: string, own: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, host } = new URL(url)
  // devtools: is the inspector's own page; data: and blob: carry their content with them.
  return (protocol === 'app:' && host === own) || ['devtools:', 'data:', 'blob:'].includes(protocol)
}

/** Whether an ipc message comes from our page, in the main frame of a window. */
export function fromOurPage(frame: { readonly origin: string; readonly parent: unknown } | null): boolean {
  return frame !== null && frame.origin === pageOrigin && frame.parent === null
}
