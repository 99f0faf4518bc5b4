/** A page behind a tunnel that fell asleep says no goodbye: its socket looks open, and its engine would stay. */
import type { WebSocket } from 'ws'

/** A page that has not answered one ping by the next is gone; one that only slept reconnects. */
export const pingMs = 30_000

export function endWhenSilent(socket: WebSocket, periodMs = pingMs): void {
  let heard = true
  socket.on('pong', () => {
    heard = true
  })
  const timer = setInterval(() => {
    if (!heard) return socket.terminate()
    heard = false
    socket.ping()
  }, periodMs)
  socket.on('close', () => clearInterval(timer))
}
