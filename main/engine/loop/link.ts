/** The engine process's line to its parent: a fork's IPC channel, or the parent port of Electron's utility process. */
import type { FromEngine, ToEngine } from '../messages.ts'

export interface Link {
  postMessage(message: FromEngine): void
  /** With the ports that came beside it, in Electron alone. */
  on(event: 'message', listener: (message: ToEngine, ports: readonly unknown[]) => void): void
  /** The parent is gone. */
  on(event: 'close', listener: () => void): void
}

/** Electron's process.parentPort; its types live in a package that the engine must not import. */
interface ParentPort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (event: { data: ToEngine; ports: readonly unknown[] }) => void): void
}

export function parentLink(): Link {
  const parentPort = (process as { parentPort?: ParentPort }).parentPort
  if (parentPort) {
    return {
      postMessage: (message) => parentPort.postMessage(message),
      on: (event: 'message' | 'close', listener: (message: ToEngine, ports: readonly unknown[]) => void) => {
        // A utility process never outlives its parent: Chromium ends it.
        if (event === 'message') parentPort.on('message', ({ data, ports }) => listener(data, ports))
      },
    }
  }
  if (!process.send) throw new Error('The engine is started by GhostSVD, not by hand.')
  return {
    // The callback takes the error of a channel that has just closed; 'disconnect' says the rest.
    postMessage: (message) => void process.send?.(message, undefined, undefined, () => {}),
    on: (event: 'message' | 'close', listener: (message: ToEngine, ports: readonly unknown[]) => void) => {
      if (event === 'message') process.on('message', (message: ToEngine) => listener(message, []))
      else if (process.connected) process.on('disconnect', listener as () => void)
      // The parent died while this process was starting.
      else setImmediate(listener as () => void)
    },
  }
}
