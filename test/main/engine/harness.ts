/** Starts an engine process for a test and looks for what it leaves behind. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { type EngineClient, engineClient } from '../../../core/client/engine-client.ts'
import type { EngineStatus, JobEvent, JobRequest, Lane } from '../../../core/contract.ts'
import { forkEngine } from '../../../main/engine/parent/host-process.ts'
import { type Engine, startEngine } from '../../../main/engine/parent/supervisor.ts'
import { createGrants, type Grants } from '../../../main/files/grants.ts'
import { can } from '../../system.ts'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-test-'))
  // After every engine that may have a file of it open, whichever was made first: on Windows its name stays until it is closed.
  cleanUps.unshift(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }))
  return folder
}

export interface Harness {
  readonly engine: Engine
  readonly client: EngineClient
  readonly grants: Grants
  readonly statuses: EngineStatus[]
  readonly logged: string[]
  /** Resolves once the engine has said `state`, also if it said so before. */
  reached(state: EngineStatus['state'], times?: number): Promise<EngineStatus>
}

/** The engine that users run, as built by test/build.ts. */
export const product = new URL('../../../out/main/engine.js', import.meta.url)
/** The same engine with a team that can be hurt. */
export const mortal = new URL('./fixtures/mortal.ts', import.meta.url)
/** An engine whose jobs do what the test says. */
const scripted = new URL('./fixtures/engine.ts', import.meta.url)

export function testEngine(options: { entry?: URL; restart?: boolean; execArgv?: string[] } = {}): Harness {
  const grants = createGrants()
  const statuses: EngineStatus[] = []
  const logged: string[] = []
  const waiting: (() => void)[] = []
  const engine = startEngine({
    paths: grants,
    restart: options.restart ?? true,
    spawn: () => forkEngine(options.entry ?? scripted, options.execArgv),
    log: (text) => logged.push(text),
    onStatus: (status) => {
      statuses.push(status)
      for (const look of waiting) look()
    },
  })
  cleanUps.push(() => engine.stop())
  return {
    engine,
    client: engineClient(engine.connect()),
    grants,
    statuses,
    logged,
    reached: (state, times = 1) =>
      new Promise((resolve) => {
        const look = () => {
          const found = statuses.filter((status) => status.state === state)
          if (found.length >= times) resolve(found[times - 1]!)
        }
        waiting.push(look)
        look()
      }),
  }
}

export interface RunningJob {
  readonly abort: AbortController
  /** The job has said something of the type that was waited for: it is really running. */
  readonly started: Promise<void>
  /** Its report, or the error it ended with. */
  readonly end: Promise<unknown>
  readonly events: JobEvent[]
}

export function running(
  { client }: Harness,
  job: JobRequest,
  type: JobEvent['type'] = 'started',
  lane: Lane = 'foreground',
): RunningJob {
  const abort = new AbortController()
  let heard: () => void = () => {}
  const started = new Promise<void>((resolve) => {
    heard = resolve
  })
  const events: JobEvent[] = []
  const onEvent = (event: JobEvent) => {
    events.push(event)
    if (event.type === type) heard()
  }
  const end = client.run(job, { signal: abort.signal, onEvent, lane }).catch((error: Error) => error)
  return { abort, started, end, events }
}

/** Whether a process exists (a zombie that its parent has not collected does not). */
export function isAlive(pid: number): boolean {
  if (!can.proc) return hears(pid)
  const stat = `/proc/${pid}/stat`
  return existsSync(stat) && readFileSync(stat, 'utf8').split(') ')[1]?.[0] !== 'Z'
}

function hears(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Where `can.proc`. */
export function threadCount(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).length
}

/** Resolves once `condition` holds; the test's own time limit is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}
