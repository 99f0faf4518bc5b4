/**
 * A stream of bytes over a port between processes, which knows no back pressure: what is posted lies in memory until the other end has time for it. So each piece
 * is acknowledged by `null`, and only so many are under way. Both ends are this.
 *
 * Pieces are copied: shared memory cannot cross, and Electron's ports take no buffers over.
 */
import type { ByteLink } from './frames.ts'

/** One end of a port, of Chromium's or of Electron's. */
export interface BytePort {
  post(message: Uint8Array | null): void
  onMessage(listener: (message: Uint8Array | null) => void): void
}

/** A millisecond or two of copying, in which the thread hears of nothing else. */
const PIECE_BYTES = 1 << 20
const MOST_UNDER_WAY = 8

interface PortLink extends ByteLink {
  /** Only once. What was written before waits for it. */
  connect(port: BytePort): void
}

export function portLink(): PortLink {
  let port: BytePort | null = null
  let underWay = 0
  let unsent: Uint8Array[] = []
  let unread: Uint8Array[] = []
  let wake = () => {}

  function pump(): void {
    if (!port) return
    const pieces = unsent.slice(0, MOST_UNDER_WAY - underWay)
    unsent = pieces.length === 0 ? unsent : unsent.slice(pieces.length)
    underWay += pieces.length
    // Out of shared memory, and no more than the piece: all of the buffer behind a view would be sent.
    for (const piece of pieces) port.post(new Uint8Array(piece))
  }

  async function* read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const pieces = unread
      unread = []
      for (const piece of pieces) {
        yield piece
        port?.post(null)
      }
      if (unread.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  }

  return {
    write(bytes) {
      for (let start = 0; start < bytes.byteLength; start += PIECE_BYTES)
        unsent.push(bytes.subarray(start, start + PIECE_BYTES))
      pump()
    },
    chunks: read(),
    connect(to) {
      port = to
      to.onMessage((message) => {
        if (message) {
          unread.push(message)
          wake()
        } else {
          underWay = Math.max(0, underWay - 1)
          pump()
        }
      })
      pump()
    },
  }
}
