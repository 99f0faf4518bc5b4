/** Starts an engine process for a test and looks for what it leaves behind. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import type { EngineStatus } from '../../../core/contract.ts'
import { type EngineClient, engineClient } from '../../../main/engine/client.ts'
import { forkEngine } from '../../../main/engine/host-process.ts'
import { type Engine, startEngine } from '../../../main/engine/supervisor.ts'
import { createGrants, type Grants } from '../../../main/grants.ts'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-test-'))
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export interface Harness {
  readonly engine: Engine
  readonly client: EngineClient
  readonly grants: Grants
  readonly statuses: EngineStatus[]
  /** Resolves once the engine has said `state`, also if it said so before. */
  reached(state: EngineStatus['state'], times?: number): Promise<EngineStatus>
}

/** An engine whose driver is test/main/engine/fixtures/driver.ts. */
export function testEngine(options: { restart?: boolean; execArgv?: string[] } = {}): Harness {
  const grants = createGrants()
  const statuses: EngineStatus[] = []
  const waiting: (() => void)[] = []
  const entry = new URL('./fixtures/engine.ts', import.meta.url)
  const engine = startEngine({
    paths: grants,
    restart: options.restart ?? true,
    spawn: () => forkEngine(entry, options.execArgv),
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

/** Whether a process exists (a zombie that its parent has not collected does not). */
export function isAlive(pid: number): boolean {
  const stat = `/proc/${pid}/stat`
  return existsSync(stat) && readFileSync(stat, 'utf8').split(') ')[1]?.[0] !== 'Z'
}

export function threadCount(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).length
}

/** Resolves once `condition` holds; the test's own time limit is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}
