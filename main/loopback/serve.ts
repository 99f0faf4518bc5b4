/**
 * The second host: the page and the engine behind HTTP and a WebSocket on 127.0.0.1, without Electron. For a server that is reached
 * over SSH (`ssh -L PORT:127.0.0.1:PORT`), and for machines on which Electron's runtime cannot be had.
 */

import { mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { say } from '../../core/messages/english.ts'
import { version } from '../../core/version.ts'
import { hurryEngines, startEngine } from '../engine/parent/supervisor.ts'
import { createGrants } from '../files/grants.ts'
import { temporaryFolder } from '../files/temporary.ts'
import { assetHandler, builtPage } from '../host/assets.ts'
import { createHost, refuseWith } from '../host/host.ts'
import { hostEndMs, impatientEndMs } from '../system/end-limits.ts'
import { configFolder } from '../system/folders.ts'
import { ownCommand } from '../system/own-command.ts'
import { endNow, endSignals } from '../system/signals.ts'
import { downloads } from './downloads.ts'
import { namedFolders, realFolders } from './folders.ts'
import { framePorts } from './frames.ts'
import { loopbackHostnames } from './gate.ts'
import { listen } from './server.ts'
import { uploads } from './uploads.ts'

export interface ServeOptions {
  /** The folders the page can see. */
  readonly folders: readonly string[]
  /** 0: any free port. */
  readonly port: number
  readonly configFolder?: string
}

export interface Serving {
  /** The link with the token, to be printed. */
  readonly url: string
  /** A link for a browser's command line: good once. */
  oneTimeUrl(): string
  close(): Promise<void>
}

const nativeDialog = refuseWith(say('host.no-dialogs'))

/** @throws AppError `not-found` for a folder that is none, `bad-request` for a port that is taken */
export async function serve(options: ServeOptions): Promise<Serving> {
  const roots = await realFolders(options.folders)
  const temporary = await realpath(await temporaryFolder())
  const grants = createGrants([...roots, temporary])
  const folders = namedFolders(roots, grants)
  const uploadFolder = join(temporary, 'uploads')
  await mkdir(uploadFolder)

  const host = createHost({
    info: { kind: 'loopback', version, platform: process.platform, command: ownCommand() },
    abilities: {
      pickFile: nativeDialog,
      pickFolder: nativeDialog,
      pickTarget: nativeDialog,
      listFolder: folders.list,
      linksOut: folders.linksOut,
      createTarget: folders.createTarget,
      trail: folders.trail,
      showInFolder: refuseWith(say('host.file-elsewhere')),
    },
    grants,
    configFolder: options.configFolder ?? configFolder(),
    temporaryFolder: temporary,
    startEngine,
    reach: { read: folders.contains, write: folders.mayHold },
  })
  const server = await listen({
    port: options.port,
    assets: await assetHandler(builtPage, loopbackHostnames),
    download: downloads(grants),
    upload: uploads({ folder: uploadFolder, within: grants.within, grant: grants.grant }),
    page: (socket) => host.connectPage(framePorts(socket)),
  })
  return {
    url: server.url,
    oneTimeUrl: server.oneTimeUrl,
    async close() {
      await server.close()
      await host.close()
    },
  }
}

/** `ghostsvd serve`: serves until Ctrl+C or a plain kill, then ends engines and temporary files. */
export async function serveUntilStopped(
  options: ServeOptions,
  print: (line: string) => void = console.log,
): Promise<Serving> {
  let ending = false
  const starting = serve(options)
  const end = (signal: NodeJS.Signals) => {
    setTimeout(endNow, ending ? impatientEndMs : hostEndMs, signal)
    // A second Ctrl+C waits for no answer of an engine.
    if (ending) return hurryEngines()
    ending = true
    void starting
      .then((serving) => serving.close())
      .catch(() => {})
      .finally(() => endNow(signal, 0))
  }
  // From the first moment on: a signal that nobody hears yet would leave the temporary folder.
  for (const signal of endSignals) process.on(signal, end)
  const serving = await starting
  print(serving.url)
  return serving
}
