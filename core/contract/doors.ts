/** How a page reaches its host, in the desktop application and over loopback. */
import { z } from 'zod'
import type { GrantAnswer } from './host.ts'

/** What Electron's preload puts on the page as `window.ghostsvd`; absent in the loopback page, which uploads to `uploadPath` instead. */
export interface DesktopBridge {
  /** The page listens: `{type: 'ghostsvd:port', to}` comes to its window, once for each side, with a MessagePort. */
  connect(): void
  /** Grants what was dropped on the page or chosen in it: a folder, a file, or the first of several (its siblings lie beside it). */
  grantFiles(files: readonly File[]): Promise<GrantAnswer>
}

/**
 * Loopback: `POST uploadPath?drop=ID&name=FILE` with the file's bytes as body answers with its Grant as JSON, or with an ErrorReport
 * and a 4xx or 5xx status. Files of one `drop` (an id of the page's choice: letters and digits) lie in one folder, as shards must.
 */
export const uploadPath = '/upload'

/** Loopback: `GET downloadPath?file=GRANT` answers with the file, to be saved. */
export const downloadPath = '/download'

/**
 * Loopback: the link leads to `/#KEY`. A browser sends the host's cookie to every port of its machine, another user's server among them;
 * what it keeps for an origin only that origin reads. So a page proves with the key that it is one: a WebSocket offers it as a protocol
 * beside `socketProtocol`, other requests have it as `Authorization: Bearer KEY`.
 */
export const socketProtocol = 'ghostsvd'

/** Loopback: the page's WebSocket. Without an upgrade it answers 426 to a page that would be let in, and 403 to others. Each text frame is one of these; `message` is what the Port of that side carries. */
export const socketPath = '/socket'
export const socketFrameSchema = z.strictObject({ to: z.enum(['engine', 'host']), message: z.unknown() })
export type SocketFrame = z.infer<typeof socketFrameSchema>
