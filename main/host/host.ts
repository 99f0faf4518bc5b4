/**
 * What a host does for its pages, the same in Electron and in the loopback host: their engines, the runs they start, sample, recents,
 * settings. What differs - dialogs there, listed folders here - comes in as abilities.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import {
  type HostApi,
  type HostEvents,
  type HostInfo,
  hostArguments,
  type Port,
  runRequestSchema,
} from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { serveApi } from '../../core/rpc.ts'
import type { Engine, EngineOptions } from '../engine/supervisor.ts'
import type { Grants } from '../grants.ts'
import { fileLog } from '../log.ts'
import { createRecents } from '../recents.ts'
import { storedSettings } from '../settings.ts'
import { createRuns } from './runs.ts'
import { createSample } from './sample.ts'

/** What only one kind of host can do; the other says so in a sentence. */
export type HostAbilities = Pick<HostApi, 'pickFile' | 'pickFolder' | 'pickTarget' | 'listFolder' | 'createTarget'> & {
  showInFolder(path: string): Promise<void>
}

export interface HostOptions {
  readonly info: HostInfo
  readonly abilities: HostAbilities
  readonly grants: Grants
  /** Where settings and recents are kept. */
  readonly configFolder: string
  /** A folder of this host alone, removed by whoever made it. */
  readonly temporaryFolder: string
  startEngine(options: EngineOptions): Engine
  /** Whether a path may be offered as recent. */
  visible?(path: string): Promise<boolean>
  /** The user chose other settings. */
  onSettings?(settings: Awaited<ReturnType<HostApi['settings']>>): void
}

/** The two ways on which a page speaks. */
export interface PagePorts {
  readonly host: Port
  readonly engine: Port
}

export interface Host {
  /** Serves a page until its host port closes: an engine of its own starts now and ends with it. */
  connectPage(ports: PagePorts): void
  /** Compressions that would be lost if the host ended now. */
  readonly running: number
  /** Ends every engine; runs that have not finished leave no half-written file. */
  close(): Promise<void>
}

export function createHost(options: HostOptions): Host {
  const { grants, abilities } = options
  const pages = new Map<string, HostEvents>()
  const engines = new Set<Engine>()
  const settings = storedSettings(options.configFolder)
  const log = fileLog(join(options.configFolder, 'log.txt'))
  const recents = createRecents(options.configFolder, grants, options.visible)

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
    report: (run) => {
      for (const page of pages.values()) page.run(run)
    },
  })
  const sample = createSample({ start, stop, grants, folder: options.temporaryFolder })

  const api: HostApi = {
    ...abilities,
    info: async () => options.info,
    sample,
    recents: () => recents.list(),
    remember: (grantId) => recents.remember(grantId),
    settings: () => settings.read(),
    saveSettings: async (chosen) => {
      await settings.update(() => chosen)
      options.onSettings?.(chosen)
    },
    startRun: (request) => runs.start(runRequestSchema.parse(request)),
    pauseRun: (runId, paused) => runs.pause(runId, paused),
    cancelRun: (runId, keep) => runs.cancel(runId, keep),
    resumeRun: unsupported('not yet'),
    runs: async () => runs.list(),
    runReport: async (runId) => runs.reportOf(runId),
    forgetRun: unsupported('not yet'),
    showInFolder: async (runId) => abilities.showInFolder(runs.place(runId)),
  }

  return {
    connectPage({ host, engine }) {
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
    },
    get running() {
      return runs.list().filter(({ endedAt }) => endedAt === null).length
    },
    async close() {
      await Promise.all([...engines].map(stop))
    },
  }
}

/** For an ability that the other kind of host has. */
export function unsupported(what: string): () => Promise<never> {
  return async () => {
    throw new AppError('unsupported', what)
  }
}
