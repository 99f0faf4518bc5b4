/** One WebSocket as two Ports: JSON frames {to: 'engine' | 'host', message} in both directions. */
import type { RawData, WebSocket } from 'ws'
import { type Port, type SocketFrame, socketFrameSchema } from '../../core/contract.ts'

/** What birpc sends; anything else would be an exception inside its listener. */
function isCall(message: unknown): boolean {
  if (typeof message !== 'object' || message === null) return false
  const { t, m, i, a } = message as Record<string, unknown>
  if (t === 's') return typeof i === 'string'
  return t === 'q' && typeof m === 'string' && Array.isArray(a) && (i === undefined || typeof i === 'string')
}

/**
 * Splits `socket`. A frame that is binary, no JSON or of another shape closes it with 1003, 1007 or 1008: the page is ours, so
 * whoever sends such a frame is not the page.
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
    if (!parsed.success || !isCall(parsed.data.message)) return socket.close(1008, 'not a frame of this page')
    for (const listener of listeners[parsed.data.to]) listener(parsed.data.message)
  })
  // ws closes the connection itself with 1009 (too big) or 1002; without a listener the error would end the process.
  socket.on('error', () => socket.terminate())

  const port = (to: SocketFrame['to']): Port => ({
    postMessage(message) {
      if (socket.readyState === socket.OPEN) socket.send(JSON.stringify({ to, message } satisfies SocketFrame))
    },
    on(event: 'message' | 'close', listener: (message?: unknown) => void) {
      if (event === 'message') listeners[to].add(listener)
      else socket.on('close', () => listener())
    },
    close: () => socket.close(1000),
  })
  return { engine: port('engine'), host: port('host') }
}
