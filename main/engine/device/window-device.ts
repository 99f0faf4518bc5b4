/**
 * Devices of an engine in Electron, which are hidden windows that main opens (main/desktop/device/): asked for by the event loop, which has their ports, since only
 * the first thread of a process can. It copies a piece at a time and is free otherwise, while the driver waits.
 */
import type { FromEngine, NoDevice, SpawnDevice, ToEngine } from '../messages.ts'
import { portLink } from './port-link.ts'
import { serveRelay } from './relay.ts'

/** The engine's line to main. */
interface LineToMain {
  postMessage(message: FromEngine): void
  on(event: 'message', listener: (message: ToEngine, ports: readonly unknown[]) => void): void
}

/** Electron's MessagePortMain; its types live in a package that the engine must not import. */
interface ElectronPort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (event: { readonly data: Uint8Array | null }) => void): void
  start(): void
  close(): void
}

interface Live {
  connect(port: ElectronPort): void
  end(why: NoDevice): void
}

export function windowSpawner(main: LineToMain): SpawnDevice {
  const live = new Map<number, Live>()
  let last = 0
  main.on('message', (message, ports) => {
    if (message.type === 'device-port') live.get(message.device)?.connect(ports[0] as ElectronPort)
    if (message.type === 'device-ended') live.get(message.device)?.end(message.why)
  })
  return (start) => {
    const device = ++last
    const link = portLink()
    let port: ElectronPort | null = null
    const ended: ((why: NoDevice) => void)[] = []
    live.set(device, {
      connect(to) {
        port = to
        link.connect({
          post: (message) => to.postMessage(message),
          onMessage: (listener) => {
            to.on('message', ({ data }) => listener(data))
            to.start()
          },
        })
      },
      end(why) {
        live.delete(device)
        port?.close()
        for (const listener of ended) listener(why)
      },
    })
    main.postMessage({ type: 'device', device, asked: start.wish.software })
    serveRelay(start, {
      ...link,
      kill: () => {
        if (live.has(device)) main.postMessage({ type: 'device-end', device })
      },
      onEnd: (listener) => void ended.push(listener),
    })
  }
}
