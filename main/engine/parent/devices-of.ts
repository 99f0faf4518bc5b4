/** The windows that are GPUs to one engine: none outlives it. */
import type { DeviceAsked, DeviceEnd } from '../messages.ts'
import { type DeviceWindow, type HostProcess, openDevice } from './host-process.ts'

interface DevicesOf {
  hear(message: DeviceAsked | DeviceEnd): void
  /** The engine has ended. */
  end(): void
}

export function devicesOf(engine: HostProcess): DevicesOf {
  const live = new Map<number, DeviceWindow>()

  function open({ device, asked }: DeviceAsked): void {
    const opened = openDevice(asked)
    if ('why' in opened) {
      engine.postMessage({ type: 'device-ended', device, why: opened })
      return
    }
    live.set(device, opened)
    opened.onReady((port) => engine.postMessage({ type: 'device-port', device }, [port]))
    opened.onEnd((why) => {
      live.delete(device)
      engine.postMessage({ type: 'device-ended', device, why })
    })
  }

  return {
    hear: (message) => {
      if (message.type === 'device') open(message)
      else live.get(message.device)?.end()
    },
    end: () => {
      for (const window of [...live.values()]) window.end()
    },
  }
}
