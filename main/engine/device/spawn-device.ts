/** Starts the relay thread of a device, and with it the device's process, from a thread that stays free; and sees to it that none outlives this process. */
import { Worker } from 'node:worker_threads'
import { killNow } from '../../system/kill-now.ts'
import { siblingEntry } from '../entries.ts'
import type { DeviceStart, SpawnDevice } from '../messages.ts'
import { markDead, relayControlOf } from './relay-cells.ts'

/** What relay.ts is started with. */
export interface RelayInit extends DeviceStart {
  /** The device's program. */
  readonly entry: string
}

/** @param entry the device's program @param started told its process's number */
export function deviceSpawner(entry = siblingEntry('device'), started: (pid: number) => void = () => {}): SpawnDevice {
  return (init) => {
    const workerData: RelayInit = { ...init, entry: entry.href }
    const relay = new Worker(siblingEntry('relay'), {
      workerData,
      transferList: [init.port],
      execArgv: [],
      name: 'relay',
    })
    relay.unref()
    // A device is never worth an engine: whoever waits hears that it is gone.
    relay.on('error', (error) => markDead(relayControlOf(init.control), String(error)))
    let pid: number | undefined
    // A device that hangs does not see its pipe close.
    const end = () => {
      killNow(pid)
      pid = undefined
    }
    process.on('exit', end)
    relay.on('message', (message: { readonly pid?: number; readonly ended?: true }) => {
      pid = message.ended ? undefined : message.pid
      if (pid !== undefined) started(pid)
    })
    relay.on('exit', () => {
      process.off('exit', end)
      end()
      markDead(relayControlOf(init.control), 'ERR_CLOSED_MESSAGE_PORT')
    })
  }
}
