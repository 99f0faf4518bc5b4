/**
 * What a host does for its pages, the same in Electron and in the loopback host: their engines, the runs they start, sample, recents,
 * settings. What differs - dialogs there, listed folders here - comes in as abilities.
 */

import { randomUUID } from 'node:crypto'
import {
  type Grant,
  type HostApi,
  type HostEvents,
  type HostInfo,
  hostArguments,
  type Run,
  runRequestSchema,
} from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import type { Message } from '../../core/messages/message.ts'
import type { Port } from '../../core/port.ts'
import { serveApi } from '../../core/rpc.ts'
import type { Engine, EngineOptions } from '../engine/parent/supervisor.ts'
import type { Grants } from '../files/grants.ts'
import { liesWithin } from '../files/paths.ts'
import { createHistory } from '../history/history.ts'
import { fileLog, logPath } from '../system/log.ts'
import { pagePort } from './page-port.ts'
import { createRecents } from './recents.ts'
import { createRuns, type Reach } from './runs.ts'
import { createSample } from './sample.ts'
import { storedSettings } from './settings.ts'

/** What only one kind of host can do; the other says so in a sentence. */
type HostAbilities = Pick<
  HostApi,
  'pickFile' | 'pickFolder' | 'pickTarget' | 'listFolder' | 'linksOut' | 'createTarget'
> & {
  showInFolder(path: string): Promise<void>
  /** A folder that the page can list, as folders from a named one down to it; none for any other. */
  trail(path: string): Promise<Grant[]>
}

export interface HostOptions {
  readonly info: HostInfo
  readonly abilities: HostAbilities
  readonly grants: Grants
  /** Where settings and recents are kept. */
  readonly configFolder: string
  /** A folder of this host alone, removed by its maker. */
  readonly temporaryFolder: string
  startEngine(options: EngineOptions): Engine
  /** What pages may reach of what was used before: recent files, earlier runs. Everything unless told otherwise. */
  readonly reach?: Reach
  /** A run began, moved or ended. */
  onRun?(run: Run): void
  /** A page has opened a file: it heads the recents now. */
  onRemembered?(path: string): void
  /** The user chose other settings. */
  onSettings?(settings: Awaited<ReturnType<HostApi['settings']>>): void
}

/** The two ways on which a page speaks. */
interface PagePorts {
  readonly host: Port
  readonly engine: Port
}

export interface Host {
  /** Serves a page until its host port closes: an engine of its own starts now and ends with it. Answers with the way to tell it something. */
  connectPage(ports: PagePorts): HostEvents
  /** As pages see them. */
  recents(): Promise<Grant[]>
  clearRecents(): Promise<void>
  /** Compressions that would be cut short if the host ended now, or wait for their turn. */
  readonly running: number
  /** Ends every engine. Runs that have not finished keep their finished tensors and can be resumed. */
  close(): Promise<void>
}

export function createHost(options: HostOptions): Host {
  const { grants, abilities } = options
  const pages = new Map<string, HostEvents>()
  const engines = new Set<Engine>()
  const settings = storedSettings(options.configFolder)
  const log = fileLog(logPath(options.configFolder))
  const { reach = everywhere } = options
  const recents = createRecents(options.configFolder, grants, {
    visible: reach.read,
    passing: (path) => liesWithin(options.temporaryFolder, path),
  })

  /** Every engine of this host, so that none outlives it. */
  function start(engineOptions: Omit<EngineOptions, 'paths'>): Engine {
    const engine = options.startEngine({ ...engineOptions, paths: grants, log })
    engines.add(engine)
    return engine
  }
  async function stop(engine: Engine): Promise<void> {
    await engine.stop()
    engines.delete(engine)
  }

  const runs = createRuns({
    start,
    stop,
    grants,
    reach,
    history: createHistory(options.configFolder, log),
    report: (run) => {
      for (const page of pages.values()) page.run(run)
      options.onRun?.(run)
    },
    forgotten: (runId) => {
      for (const page of pages.values()) page.forgotten(runId)
    },
  })
  const sample = createSample({ start, stop, grants, folder: options.temporaryFolder })

  const api: HostApi = {
    ...abilities,
    info: async () => options.info,
    sample,
    recents: () => recents.list(),
    remember: async (grantId) => {
      await recents.remember(grantId)
      options.onRemembered?.(grants.path(grantId, 'read'))
    },
    settings: () => settings.read(),
    saveSettings: async (chosen) => {
      await settings.update(() => chosen)
      options.onSettings?.(chosen)
    },
    outputFolder: async () => {
      const path = await recents.outputFolder()
      return path === null ? [] : abilities.trail(path)
    },
    startRun: async (request) => {
      const runId = await runs.start(runRequestSchema.parse(request))
      // The run does not depend on it.
      await recents
        .rememberOutput(request.target)
        .catch((error: unknown) => log(`The folder could not be remembered: ${String(error)}`))
      return runId
    },
    pauseRun: (runId, paused) => runs.pause(runId, paused),
    cancelRun: (runId, keep) => runs.cancel(runId, keep),
    resumeRun: (runId) => runs.resume(runId),
    runs: () => runs.list(),
    runReport: (runId) => runs.reportOf(runId),
    forgetRun: (runId) => runs.forget(runId),
    runPlaces: (runId) => runs.places(runId),
    openRun: (runId, which) => runs.open(runId, which),
    written: (target) => grants.grant(grants.path(target, 'write')),
    showInFolder: async (runId) => abilities.showInFolder(await runs.place(runId)),
  }

  return {
    connectPage(ports) {
      const [host, engine] = [pagePort(ports.host), pagePort(ports.engine)]
      const id = randomUUID()
      const events = serveApi<HostApi, HostEvents>(host, api, hostArguments)
      pages.set(id, events)
      const own = start({ onStatus: (status) => events.engine(status) })
      const away = own.connect()
      engine.on('message', (message) => away.postMessage(message))
      away.on('message', (message) => engine.postMessage(message))
      host.on('close', () => {
        pages.delete(id)
        void stop(own)
      })
      return events
    },
    recents: () => recents.list(),
    async clearRecents() {
      await recents.clear()
      for (const page of pages.values()) page.recents([])
    },
    get running() {
      return runs.live
    },
    async close() {
      // All at once: how long an end may take knows of no second round (main/system/end-limits.ts).
      const ended = runs.close()
      await Promise.all([ended, ...[...engines].map(stop)])
    },
  }
}

const everywhere: Reach = { read: async () => true, write: async () => true }

/** For an ability that the other kind of host has. */
export function refuseWith(why: Message): () => Promise<never> {
  return async () => {
    throw new AppError('unsupported', why)
  }
}
