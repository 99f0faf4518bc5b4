import { execFileSync, fork } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { engineClient } from '../../../core/client/engine-client.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { can } from '../../system.ts'
import { type Harness, isAlive, running, temporaryFolder, testEngine, threadCount, until } from './harness.ts'

const analyze = (fileId: string, tensor: string) =>
  ({ kind: 'analyze', files: { model: fileId }, tensor, params: {} }) as const
const sample = (target: string) => ({ kind: 'sample', target, layers: 1, hidden: 8, dtype: 'F32', seed: 1 }) as const

async function openSomething({ client, grants }: Harness): Promise<string> {
  const path = join(temporaryFolder(), 'weights')
  writeFileSync(path, 'bytes')
  return (await client.api.open((await grants.grant(path)).id)).fileId
}

/** What is said of an engine that somebody killed: only POSIX tells by what. */
const killed = can.posix ? 'SIGKILL' : 'ended from outside'

describe('engine', () => {
  it('answers, opens and runs', async () => {
    const harness = testEngine()
    const fileId = await openSomething(harness)
    expect(await harness.client.api.info()).toMatchObject({ kernel: 'test', pid: harness.engine.pid, jobsStarted: 0 })
    expect(await harness.client.run(analyze(fileId, 'quick'))).toMatchObject({ output: 'quick' })
    expect((await harness.client.api.info()).jobsStarted).toBe(1)
  })

  it.each(['spin', 'busy', 'forever'])('answers the cancel of a job that does "%s"', async (command) => {
    const harness = testEngine()
    const fileId = await openSomething(harness)
    const job = running(harness, analyze(fileId, command))
    await job.started
    job.abort.abort()
    expect(await job.end).toMatchObject({ code: 'cancelled' })
    expect(job.events.map((event) => event.type)).toEqual(['started', 'cancelled'])
    expect(await harness.client.run(analyze(fileId, 'after'))).toMatchObject({ output: 'after' })
  })

  it.runIf(can.posix)('runs the next job while the last one waits for a disk that never answers', async () => {
    const harness = testEngine()
    const fileId = await openSomething(harness)
    const pipe = join(temporaryFolder(), 'pipe')
    execFileSync('mkfifo', [pipe])
    const job = running(harness, analyze(fileId, `pipe ${pipe}`), 'progress')
    await job.started
    job.abort.abort()
    expect(await job.end).toMatchObject({ code: 'cancelled' })
    expect(await harness.client.run(analyze(fileId, 'after'))).toMatchObject({ output: 'after' })
  })

  it('cancels a job that waits for another one at once', async () => {
    const harness = testEngine()
    const fileId = await openSomething(harness)
    const first = running(harness, analyze(fileId, 'busy'))
    await first.started
    const second = running(harness, analyze(fileId, 'busy'))
    second.abort.abort()
    expect(await second.end).toMatchObject({ code: 'cancelled' })
    first.abort.abort()
    expect(await first.end).toMatchObject({ code: 'cancelled' })
  })

  it('does not start a job that was cancelled before', async () => {
    const harness = testEngine()
    const fileId = await openSomething(harness)
    const signal = AbortSignal.abort()
    await expect(harness.client.run(analyze(fileId, 'quick'), { signal })).rejects.toMatchObject({ code: 'cancelled' })
    expect((await harness.client.api.info()).jobsStarted).toBe(0)
  })

  it.runIf(can.posix)('hears no signal that a terminal sends to its parent', async () => {
    const folder = temporaryFolder()
    const parent = fork(new URL('./fixtures/parent.ts', import.meta.url), [join(folder, 'spins')], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      detached: true,
    })
    const pid = await new Promise<number>((resolve) => parent.once('message', (message) => resolve(Number(message))))
    // To the whole group, as Ctrl+C does; the parent of this test ignores it.
    process.kill(-parent.pid!, 'SIGINT')
    parent.send('stop')
    await until(() => !isAlive(pid))
    expect(readdirSync(folder)).toEqual([])
    parent.kill('SIGKILL')
  })

  it('tells of itself while a job keeps the driver busy, once it has kernels', async () => {
    const harness = testEngine()
    const fileId = await openSomething(harness)
    await harness.client.run(analyze(fileId, 'kernels'))
    const job = running(harness, analyze(fileId, 'spin'))
    await job.started
    expect(await harness.client.api.info()).toMatchObject({ kernel: 'others', jobsStarted: 2 })
    job.abort.abort()
    await job.end
  })

  it('opens a file while a job keeps the driver busy, and runs the next job on it', async () => {
    const harness = testEngine()
    const job = running(harness, analyze(await openSomething(harness), 'spin'))
    await job.started
    const fileId = await openSomething(harness)
    job.abort.abort()
    expect(await job.end).toMatchObject({ code: 'cancelled' })
    expect(await harness.client.run(analyze(fileId, 'after'))).toMatchObject({ output: 'after' })
  })

  it('lets the job of one client preempt the background job of another, which goes on after it', async () => {
    const harness = testEngine()
    const fileId = await openSomething(harness)
    const model = running(harness, analyze(fileId, 'steps'), 'progress', 'background')
    await model.started
    const other = engineClient(harness.engine.connect())
    const target = harness.grants.target(join(temporaryFolder(), 'finishes')).id
    expect(await other.run(sample(target))).toMatchObject({ output: 'finishes' })
    const turns = () => model.events.map(({ type }) => type).filter((type) => type !== 'progress')
    await until(() => turns().length === 3)
    model.abort.abort()
    expect(await model.end).toMatchObject({ code: 'cancelled' })
    expect(turns()).toEqual(['started', 'waiting', 'started', 'cancelled'])
    expect((await other.api.info()).jobsStarted).toBe(2)
  })

  it('ignores the cancel of a job it does not know, and lets those it knows go on', async () => {
    const harness = testEngine()
    const job = running(harness, analyze(await openSomething(harness), 'steps'), 'progress')
    await job.started
    await harness.client.api.cancel('no such job')
    const { length } = job.events
    await until(() => job.events.length > length)
    job.abort.abort()
    expect(await job.end).toMatchObject({ code: 'cancelled' })
  })

  it.each([
    ['throw', { message: 'a fault of the algorithm' }],
    ['throw later', { code: 'engine-died', message: expect.stringContaining('a fault outside the task') }],
    ['exit', { code: 'engine-died', message: expect.stringContaining('exit code 3') }],
    ['exhaust', { code: 'engine-died', message: expect.stringContaining('ran out of memory') }],
  ])('says why a job ended whose driver does "%s", and goes on', async (command, expected) => {
    const harness = testEngine({ execArgv: ['--max-old-space-size=64'] })
    const fileId = await openSomething(harness)
    const pid = harness.engine.pid
    expect(await running(harness, analyze(fileId, command)).end).toMatchObject(expected)
    expect(await harness.client.run(analyze(fileId, 'after'))).toMatchObject({ output: 'after' })
    expect(harness.engine.pid).toBe(pid)
  })

  it('keeps the stack of a fault for the log', async () => {
    const harness = testEngine()
    await running(harness, analyze(await openSomething(harness), 'throw')).end
    await harness.engine.stop()
    expect(harness.logged.join()).toMatch(/a fault of the algorithm\n +at run/)
  })

  it('passes on at most 20 progress events a second', async () => {
    const harness = testEngine()
    const job = running(harness, analyze(await openSomething(harness), 'chatter'))
    const started = performance.now()
    await job.end
    const progress = job.events.filter((event) => event.type === 'progress')
    expect(progress.length).toBeGreaterThan(0)
    expect(progress.length).toBeLessThanOrEqual(1 + (performance.now() - started) / 50)
  })

  it('refuses what it was not given, in sentences', async () => {
    const { client, grants } = testEngine()
    await expect(client.api.open('guess')).rejects.toMatchObject({ code: 'not-found' })
    await expect(client.api.start(analyze('guess', 'x'))).rejects.toMatchObject({ code: 'not-found' })
    await expect(client.api.start({ kind: 'analyze' } as never)).rejects.toMatchObject({ code: 'bad-request' })
    const path = join(temporaryFolder(), 'secret-folder', 'weights')
    mkdirSync(dirname(path))
    writeFileSync(path, '')
    const grant = await grants.grant(path)
    rmSync(path)
    const refusal = await client.api.open(grant.id).catch((error: Error) => error)
    expect(refusal).toMatchObject({ code: 'not-found', message: 'weights was not found.' })
  })
})

describe('files of a job that ends early', () => {
  // How a job with a half-written file may behave when it is cancelled: tidy, without tidying, deaf in a loop, deaf in writes.
  it.each(['polite', 'forgets', 'spins', 'writes'])('are gone after the cancel of one that is "%s"', async (name) => {
    const harness = testEngine()
    const folder = temporaryFolder()
    const job = running(harness, sample(harness.grants.target(join(folder, name)).id), 'tensor')
    await job.started
    expect(readdirSync(folder)).toEqual([`${name}.partial`])
    job.abort.abort()
    expect(await job.end).toMatchObject({ code: 'cancelled' })
    await until(() => readdirSync(folder).length === 0)
  })

  it('are gone after a kill of the engine, and stay when finished', async () => {
    const harness = testEngine()
    const folder = temporaryFolder()
    await harness.client.run(sample(harness.grants.target(join(folder, 'finishes')).id))
    const job = running(harness, sample(harness.grants.target(join(folder, 'spins')).id), 'tensor')
    await job.started
    process.kill(harness.engine.pid!, 'SIGKILL')
    expect(await job.end).toMatchObject({ code: 'engine-died', message: expect.stringContaining(killed) })
    expect(readdirSync(folder)).toEqual(['finishes'])
  })

  it('are gone when the client goes away, and the engine goes on', async () => {
    const harness = testEngine()
    const folder = temporaryFolder()
    const job = running(harness, sample(harness.grants.target(join(folder, 'polite')).id), 'tensor')
    await job.started
    harness.client.close()
    expect(await job.end).toMatchObject({ code: 'engine-died' })
    await until(() => readdirSync(folder).length === 0)
    const other = engineClient(harness.engine.connect())
    expect(await other.run(sample(harness.grants.target(join(folder, 'finishes')).id))).toMatchObject({ bytes: 0 })
  })

  it('are gone when the engine is stopped, and when its parent dies', async () => {
    const folder = temporaryFolder()
    for (const how of ['stop', 'parent'] as const) {
      const parent = fork(new URL('./fixtures/parent.ts', import.meta.url), [join(folder, 'spins')], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      const pid = await new Promise<number>((resolve) => parent.once('message', (message) => resolve(Number(message))))
      expect(readdirSync(folder)).toEqual(['spins.partial'])
      if (how === 'stop') parent.send('stop')
      else parent.kill('SIGKILL')
      await until(() => !isAlive(pid) && readdirSync(folder).length === 0)
      parent.kill('SIGKILL')
    }
  })
})

describe('supervised engine', () => {
  it('comes back after a kill, with a sentence, and serves the same port', async () => {
    const harness = testEngine()
    const fileId = await openSomething(harness)
    const first = harness.engine.pid!
    const job = running(harness, analyze(fileId, 'kill the engine'))
    expect(await job.end).toMatchObject({ code: 'engine-died', message: expect.stringContaining(killed) })
    expect(inEnglish((await harness.reached('died')).reason!)).toContain(killed)
    await harness.reached('ready', 2)
    expect(harness.engine.pid).not.toBe(first)
    expect(isAlive(first)).toBe(false)
    await expect(harness.client.run(analyze(fileId, 'quick'))).rejects.toMatchObject({ code: 'not-found' })
    expect(await harness.client.run(analyze(await openSomething(harness), 'quick'))).toMatchObject({ output: 'quick' })
  })

  it('is not started again where it serves one run', async () => {
    const harness = testEngine({ restart: false })
    await harness.reached('ready')
    process.kill(harness.engine.pid!, 'SIGTERM')
    await harness.reached('died')
    await expect(harness.client.api.info()).rejects.toMatchObject({ code: 'engine-died' })
    await expect(engineClient(harness.engine.connect()).api.info()).rejects.toMatchObject({ code: 'engine-died' })
    // A page's port outlives its engine: who calls on it all the same is told, too.
    const port = harness.engine.connect()
    const answer = new Promise((resolve) => port.on('message', resolve))
    port.postMessage({ t: 'q', m: 'info', i: '1', a: [] })
    expect(await answer).toMatchObject({ lost: { key: expect.any(String) } })
  })

  it('leaves no process when it is stopped, busy or not', async () => {
    for (const command of ['quick', 'spin']) {
      const harness = testEngine()
      const job = running(harness, analyze(await openSomething(harness), command))
      await job.started
      const pid = harness.engine.pid!
      await harness.engine.stop()
      expect(isAlive(pid)).toBe(false)
      await job.end
    }
  })

  it.runIf(can.proc)('has as many threads after three hard cancels as after one', async () => {
    const harness = testEngine()
    const fileId = await openSomething(harness)
    const counts: number[] = []
    for (let round = 0; round < 3; round++) {
      const job = running(harness, analyze(fileId, 'spin'))
      await job.started
      job.abort.abort()
      await job.end
      await harness.client.run(analyze(fileId, 'quick'))
      counts.push(threadCount(harness.engine.pid!))
    }
    expect(counts[2]).toBeLessThanOrEqual(counts[0]!)
  })
})
