/** Entry of a device's window: out/main/device-window.js, a script of a page. Main sends it a port and Chromium's version, by way of the preload. */
import type { BytePort } from './device/port-link.ts'
import { serveWindow } from './device/serve-window.ts'

/** What of a page's globals is used here. */
interface Page {
  readonly navigator: { readonly gpu?: GPU }
  readonly location: { readonly origin: string }
  addEventListener(
    type: 'message',
    listener: (event: {
      readonly origin: string
      readonly data: { readonly chromium: string }
      readonly ports: readonly PagePort[]
    }) => void,
    options: { readonly once: true },
  ): void
}
interface PagePort {
  postMessage(message: unknown): void
  onmessage: ((event: { readonly data: Uint8Array | null }) => void) | null
}

const page = globalThis as unknown as Page
page.addEventListener(
  'message',
  ({ origin, data, ports: [port] }) => {
    if (origin !== page.location.origin || !port) return
    serveWindow(bytePort(port), page.navigator.gpu, `Chromium ${data.chromium}`)
  },
  { once: true },
)

function bytePort(port: PagePort): BytePort {
  return {
    post: (message) => port.postMessage(message),
    onMessage: (listener) => {
      port.onmessage = ({ data }) => listener(data)
    },
  }
}
