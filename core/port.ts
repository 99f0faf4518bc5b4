/** One duplex channel: a MessagePort, a utility process, a fork's IPC channel, a WebSocket. Messages survive JSON. */
export interface Port {
  postMessage(message: unknown): void
  on(event: 'message', listener: (message: unknown) => void): void
  on(event: 'close', listener: () => void): void
  close(): void
}
