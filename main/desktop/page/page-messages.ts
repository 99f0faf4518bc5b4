/** The two messages of preload.ts. Both are checked for who sends them, and for their shape. */

import {
  type IpcMainEvent,
  type IpcMainInvokeEvent,
  ipcMain,
  MessageChannelMain,
  type MessagePortMain,
} from 'electron/main'
import { z } from 'zod'
import type { GrantAnswer, HostEvents } from '../../../core/contract.ts'
import { AppError, toErrorReport } from '../../../core/errors.ts'
import { say } from '../../../core/messages/english.ts'
import type { Port } from '../../../core/port.ts'
import { entryName } from '../../../core/weight-formats.ts'
import type { Grants } from '../../files/grants.ts'
import type { Host } from '../../host/host.ts'
import { fromOurPage } from '../window/window.ts'

const droppedSchema = z.array(z.string().min(1)).min(1).max(10_000)

/** @param connected hears of each page and of its end */
export function answerPage(host: Host, grants: Grants, connected: (page: HostEvents) => () => void): void {
  ipcMain.on('ghostsvd:connect', (event: IpcMainEvent) => {
    const frame = event.senderFrame
    if (!frame || !fromOurPage(frame)) return
    const [forHost, forEngine] = [new MessageChannelMain(), new MessageChannelMain()]
    const hostPort = mainPort(forHost.port1)
    const page = host.connectPage({ host: hostPort, engine: mainPort(forEngine.port1) })
    hostPort.on('close', connected(page))
    frame.postMessage('ghostsvd:port', 'host', [forHost.port2])
    frame.postMessage('ghostsvd:port', 'engine', [forEngine.port2])
  })

  async function grant(event: IpcMainInvokeEvent, given: unknown) {
    if (!fromOurPage(event.senderFrame)) throw new AppError('bad-request', say('grants.own-page'))
    const dropped = droppedSchema.safeParse(given)
    const entry = dropped.success ? entryName(dropped.data) : undefined
    if (entry === undefined) throw new AppError('bad-request', say('grants.not-a-file'))
    return grants.grant(entry)
  }
  // As data: an exception would reach the page as a text about ipc, without its code.
  ipcMain.handle(
    'ghostsvd:grant',
    (event, given: unknown): Promise<GrantAnswer> =>
      grant(event, given).then(
        (ok) => ({ ok }),
        (error: unknown) => ({ error: toErrorReport(error) }),
      ),
  )
}

function mainPort(port: MessagePortMain): Port {
  return {
    postMessage: (message) => port.postMessage(message),
    on(event: 'message' | 'close', listener: (message?: unknown) => void) {
      if (event === 'close') return void port.on('close', () => listener())
      port.on('message', ({ data }) => listener(data))
      // Messages wait until the port is started.
      port.start()
    },
    close: () => port.close(),
  }
}
