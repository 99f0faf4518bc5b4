/**
 * The engine under abuse, for longer than a unit test may take: `npm run build && node test/stress/lanes.ts [rounds]`.
 *
 * Cancels a job at a random moment, again and again, over all kinds of jobs and so over all of their phases, every third time after it was
 * paused; then kills the engine during jobs. Looks after each round for what may not be left: threads, open files, half-written outputs, memory. Ends with status 1 at the
 * first thing out of order.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { engineClient } from '../../core/client/engine-client.ts'
import type { JobEvent, JobRequest } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { forkEngine } from '../../main/engine/parent/host-process.ts'
import { startEngine } from '../../main/engine/parent/supervisor.ts'
import { createGrants } from '../../main/files/grants.ts'

const rounds = Number(process.argv[2] ?? 200)
const kills = Math.ceil(rounds / 10)
/** What is promised; a machine shared with others may take a moment more to pass two messages on, so the worst is reported beside it. */
const promisedMs = 200

const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-stress-'))
const outputs = join(folder, 'out')
mkdirSync(outputs)
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const grants = createGrants()
let engine = start()
let client = engineClient(engine.connect())

function start() {
  const product = new URL('../../out/main/engine.js', import.meta.url)
  return startEngine({ paths: grants, spawn: () => forkEngine(product) })
}

/** A job's matrices: 512 x 512 to 2048 x 512, so that each phase lasts long enough to be hit. */
async function openSample(): Promise<string> {
  const path = join(folder, 'sample.safetensors')
  if (!readdirSync(folder).includes('sample.safetensors')) {
    const target = grants.target(path).id
    await client.run({ kind: 'sample', target, layers: 1, hidden: 512, dtype: 'F32', seed: 1 })
  }
  return (await client.api.open((await grants.grant(path)).id)).fileId
}

const tensor = 'model.layers.0.mlp.up_proj.weight'
const target = () => grants.target(join(outputs, 'out.safetensors')).id
const jobs: Record<string, (fileId: string) => JobRequest> = {
  randomized: (fileId) => ({
    kind: 'analyze',
    estimates: true,
    files: { model: fileId },
    tensor,
    params: { method: 'randomized', rank: 128, nIter: 16 },
  }),
  krylov: (fileId) => ({
    kind: 'analyze',
    estimates: true,
    files: { model: fileId },
    tensor,
    params: { method: 'randomized', algorithm: 'krylov', rank: 64 },
  }),
  exact: (fileId) => ({ kind: 'analyze', files: { model: fileId }, tensor, params: { method: 'exact' } }),
  compare: (fileId) => ({ kind: 'compare', files: { model: fileId }, tensor, params: { rank: 64 } }),
  factors: (fileId) => ({
    kind: 'compress',
    files: { model: fileId },
    target: target(),
    output: 'factors',
    params: {},
    force: true,
  }),
  dense: (fileId) => ({
    kind: 'compress',
    files: { model: fileId },
    target: target(),
    output: 'dense',
    params: {},
    force: true,
  }),
  sample: () => ({ kind: 'sample', target: target(), layers: 1, hidden: 512, dtype: 'BF16', seed: 1, force: true }),
  threads: (fileId) => ({
    kind: 'analyze',
    files: { model: fileId },
    tensor,
    params: { threads: 1 + Math.floor(4 * Math.random()) },
  }),
}
const kinds = Object.keys(jobs)

interface State {
  readonly threads: number
  readonly files: number
  readonly memoryMB: number
}

function state(pid: number): State {
  const opened = readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('/')
    } catch {
      return false
    }
  })
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const memoryMB = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1000
  return { threads: readdirSync(`/proc/${pid}/task`).length, files: opened.length, memoryMB }
}

function fail(reason: string): never {
  console.error(reason)
  process.exit(1)
}

/** The answer to a cancel does not wait for a slow disk; half-written files are gone shortly after it at the latest. */
async function noPartials(when: string): Promise<void> {
  const since = performance.now()
  for (let waited = 0; ; waited = performance.now() - since) {
    const left = readdirSync(outputs).filter((name) => name.includes('.partial'))
    if (left.length === 0) return void lingeredMs.push(waited)
    if (waited > 2000) fail(`${when}: ${left.join(', ')} was left`)
    await wait(5)
  }
}
const lingeredMs: number[] = []

/** How long each kind takes when nobody interrupts it: the moments of the cancels are spread over it. */
async function durations(fileId: string): Promise<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const kind of kinds) {
    const started = performance.now()
    await client.run(jobs[kind]!(fileId))
    found[kind] = performance.now() - started
  }
  return found
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? 0

async function cancelAtRandom(): Promise<void> {
  const fileId = await openSample()
  const lasts = await durations(fileId)
  console.log(
    'uninterrupted:',
    Object.entries(lasts)
      .map(([kind, ms]) => `${kind} ${ms.toFixed(0)} ms`)
      .join(', '),
  )
  const latencies: number[] = []
  const phases = new Map<string, number>()
  const memory: number[] = []
  let finished = 0
  for (let round = 0; round < rounds; round++) {
    const kind = kinds[round % kinds.length]!
    const abort = new AbortController()
    let phase = 'not started'
    let jobId = ''
    const onEvent = (event: JobEvent) => {
      jobId = event.jobId
      phase =
        event.type === 'progress'
          ? event.phase
          : event.type === 'estimate'
            ? `iteration ${event.iteration}`
            : event.type
    }
    const job = client.run(jobs[kind]!(fileId), { signal: abort.signal, onEvent }).catch((error: unknown) => error)
    await wait(Math.random() * lasts[kind]!)
    if (round % 3 === 2) {
      await client.api.pause(jobId, true)
      await wait(20)
    }
    const hit = `${kind}: ${phase}`
    const asked = performance.now()
    abort.abort()
    const end = await job
    const tookMs = performance.now() - asked
    await noPartials(`round ${round}, ${hit}`)
    if (!(end instanceof Error)) finished++
    else if (end instanceof AppError && end.code === 'cancelled') {
      latencies.push(tookMs)
      phases.set(hit, (phases.get(hit) ?? 0) + 1)
    } else fail(`round ${round}, ${hit}: ${end.message}`)
    if (round % 20 === 19) {
      await client.run(jobs.randomized!(fileId))
      const now = state(engine.pid!)
      memory.push(now.memoryMB)
      console.log(`round ${round + 1}: ${now.threads} threads, ${now.files} files, ${now.memoryMB.toFixed(0)} MB`)
    }
  }
  latencies.sort((a, b) => a - b)
  const late = latencies.filter((ms) => ms > promisedMs).length
  console.log(
    `${latencies.length} cancels answered, ${finished} jobs had finished before; median ${median(latencies).toFixed(0)} ms, worst ${latencies.at(-1)?.toFixed(0)} ms, ${late} above ${promisedMs} ms`,
  )
  console.log(`half-written files were gone ${Math.max(...lingeredMs).toFixed(0)} ms after the answer at the latest`)
  console.log('where they hit:', [...phases].map(([phase, count]) => `${phase} ${count}`).join(', '))
  const growth = memory.at(-1)! / memory[0]!
  console.log(`memory after the last round / after round 20: ${growth.toFixed(2)}`)
  if (growth > 1.5) fail('memory grew')
}

async function killDuringJobs(): Promise<void> {
  const died: Record<string, number> = {}
  for (let round = 0; round < kills; round++) {
    const fileId = await openSample()
    const kind = kinds[round % kinds.length]!
    const pid = engine.pid!
    const job = client.run(jobs[kind]!(fileId)).catch((error: unknown) => error)
    await wait(Math.random() * 300)
    process.kill(pid, 'SIGKILL')
    const end = await job
    await noPartials(`kill ${round} during ${kind}`)
    if (end instanceof Error) died[end.message] = (died[end.message] ?? 0) + 1
    // A job that had finished just before says nothing of the death.
    for (const since = performance.now(); engine.pid === pid; await wait(5))
      if (performance.now() - since > 5000) fail(`process ${pid} is still there`)
    // Five deaths in a row end an engine; a user who comes back after that starts another.
    if (round % 4 === 3) {
      await engine.stop()
      engine = start()
      client = engineClient(engine.connect())
    }
  }
  const said = Object.entries(died).map(([sentence, times]) => `${sentence} (${times})`)
  console.log(`${kills} kills; what the jobs said: ${said.join(' ')}`)
}

await cancelAtRandom()
await killDuringJobs()
const last = engine.pid!
await client.api.info()
await engine.stop()
try {
  process.kill(last, 0)
  fail(`process ${last} was left`)
} catch {
  console.log('no process, no thread, no file left')
}
