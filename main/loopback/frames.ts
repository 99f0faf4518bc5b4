/** One WebSocket as two Ports: JSON frames {to: 'engine' | 'host', message} in both directions. */
import type { RawData, WebSocket } from 'ws'
import { type SocketFrame, socketFrameSchema } from '../../core/contract.ts'
import type { Port } from '../../core/port.ts'

/** Method names and ids of birpc are short; a long one would be echoed in every answer. */
const maxNameLength = 64
/**
 * Answers that may wait for a page. The largest, a report of 100,000 tensors, is below; a page that does not read for so long is gone
 * or means harm, and connects again if it is neither.
 */
const maxWaitingBytes = 64 * 1024 * 1024

const refusal = 'not a frame of this page'

/** What birpc sends; anything else would be an exception inside its listener. */
function isCall(message: unknown): boolean {
  if (typeof message !== 'object' || message === null) return false
  const { t, m, i, a } = message as Record<string, unknown>
  if (t === 's') return isName(i)
  return t === 'q' && isName(m) && Array.isArray(a) && (i === undefined || isName(i))
}

function isName(text: unknown): boolean {
  return typeof text === 'string' && text.length <= maxNameLength
}

/**
 * Splits `socket`. A frame that is binary, no JSON or of another shape closes it with 1003, 1007 or 1008, and so does a port that its host
 * closes (page-port.ts): the page is ours, so such a frame is not from the page.
 */
export function framePorts(socket: WebSocket): Record<SocketFrame['to'], Port> {
  const listeners = { engine: new Set<(message: unknown) => void>(), host: new Set<(message: unknown) => void>() }

  socket.on('message', (data: RawData, isBinary: boolean) => {
    if (isBinary) return socket.close(1003, 'text frames only')
    let frame: unknown
    try {
      frame = JSON.parse(data.toString())
    } catch {
      return socket.close(1007, 'not JSON')
    }
    const parsed = socketFrameSchema.safeParse(frame)
    if (!parsed.success || !isCall(parsed.data.message)) return socket.close(1008, refusal)
    for (const listener of listeners[parsed.data.to]) listener(parsed.data.message)
  })
  // ws has answered it by now. Pings ask nobody, and their answers pile up as others do.
  socket.on('ping', () => endUnread(socket))
  // ws closes the connection itself with 1009 (too big) or 1002; without a listener the error would end the process.
  socket.on('error', () => socket.terminate())

  const port = (to: SocketFrame['to']): Port => ({
    postMessage(message) {
      if (socket.readyState !== socket.OPEN) return
      socket.send(JSON.stringify({ to, message } satisfies SocketFrame))
      endUnread(socket)
    },
    on(event: 'message' | 'close', listener: (message?: unknown) => void) {
      if (event === 'message') listeners[to].add(listener)
      else socket.on('close', () => listener())
    },
    close: () => socket.close(1008, refusal),
  })
  return { engine: port('engine'), host: port('host') }
}

/** A close would wait behind what is not read. */
function endUnread(socket: WebSocket): void {
  if (socket.bufferedAmount > maxWaitingBytes) socket.terminate()
}
