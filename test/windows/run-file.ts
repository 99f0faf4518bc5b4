/**
 * `node run-file.ts BUNDLE RESULT`, run by Node for Windows: the tests of one bundled file under vitest's own runner and matchers, without
 * vite. Modules cannot be mocked here.
 */
import { readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** What of vitest's tasks is read here. */
interface Task {
  readonly name: string
  readonly type: string
  readonly mode: string
  readonly result?: { readonly state?: string; readonly errors?: readonly { message?: string; stack?: string }[] }
  readonly tasks?: readonly Task[]
}

/** A test, or a suite that failed as such. */
export interface Result {
  readonly name: string
  readonly state: 'pass' | 'fail' | 'skip' | 'todo'
  readonly errors: readonly string[]
}

const [file, resultPath] = process.argv.slice(2) as [string, string]
const config = {
  root: process.cwd(),
  testTimeout: 60_000,
  hookTimeout: 60_000,
  retry: 0,
  maxConcurrency: 5,
  allowOnly: true,
  setupFiles: [],
  sequence: { hooks: 'stack', setupFiles: 'list', seed: 1 },
  expect: {},
  fakeTimers: {},
  snapshotOptions: {},
  experimental: { importDurations: { limit: 0 } },
  tags: [],
}
// What the package expects around itself in a worker of its own.
Object.assign(globalThis, {
  __vitest_worker__: {
    ...{ config, filepath: resolve(file), environment: { name: 'node' }, ctx: { pool: 'forks' }, rpc: {} },
    ...{ durations: {}, onCancel: () => () => {}, onCleanup: () => {}, providedContext: {} },
  },
})
const { expect } = await import('vitest')
// The runner's own time limits are no timers of a test that fakes them.
;(await internal('source-map', 'setSafeTimers'))()
const startTests = (await internal('run', 'startTests')) as StartTests
const files = await startTests([{ filepath: resolve(file) }], {
  config,
  pool: 'forks',
  importFile: (path: string) => import(pathToFileURL(path).href),
  extendTaskContext: (context: object) => Object.assign(context, { expect }),
})
const results: Result[] = []
for (const each of files) collect(each, [])
writeFileSync(resultPath, JSON.stringify(results))
process.exit(0)

type StartTests = (specs: readonly { filepath: string }[], runner: object) => Promise<readonly Task[]>

/** vitest exports its runner to itself alone: one of its chunks has it. The version of vitest is pinned. */
async function internal(chunk: string, what: string): Promise<(...parameters: never[]) => unknown> {
  const chunks = join(import.meta.dirname, '../../node_modules/vitest/dist/chunks')
  for (const name of readdirSync(chunks).filter((each) => each.startsWith(`${chunk}.`) && each.endsWith('.js'))) {
    const found = Object.values(await import(pathToFileURL(join(chunks, name)).href)).find(
      (each) => typeof each === 'function' && each.name === what,
    )
    if (found) return found as (...parameters: never[]) => unknown
  }
  throw new Error(`This vitest has no ${what}.`)
}

function collect(task: Task, names: readonly string[]): void {
  const errors = (task.result?.errors ?? []).map(({ message, stack }) => `${message}\n${stack ?? ''}`)
  if (task.type !== 'suite') results.push({ name: names.join(' > '), state: stateOf(task), errors })
  else if (errors.length > 0) results.push({ name: names.join(' > '), state: 'fail', errors })
  for (const each of task.tasks ?? []) collect(each, [...names, each.name])
}

function stateOf({ result, mode }: Task): Result['state'] {
  const state = result?.state ?? mode
  return state === 'pass' || state === 'fail' || state === 'todo' ? state : 'skip'
}
