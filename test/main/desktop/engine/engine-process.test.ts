/** The utility process behind the supervisor's interface. */
import { spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { fake } from '../fake-electron.ts'

vi.mock('electron/main', async () => (await import('../fake-electron.ts')).fake)

const stop = { type: 'stop' } as const
/** A utility process of paper, in whose place an operating-system process lives and dies. */
async function fork(process: { readonly pid: number } | null) {
  const { spawnUtilityProcess } = await import('../../../../main/desktop/engine/engine-process.ts')
  const posted: unknown[] = []
  const child = Object.assign(new EventEmitter(), {
    pid: undefined as number | undefined,
    stderr: new EventEmitter(),
    postMessage: (message: unknown) => posted.push(message),
  })
  fake.utilityProcess.fork.mockReturnValueOnce(child)
  const engine = spawnUtilityProcess()
  const exits: unknown[] = []
  engine.onExit((exit) => exits.push(exit))
  const spawned = () => {
    child.pid = process!.pid
    child.emit('spawn')
  }
  return { engine, child, posted, exits, spawned }
}
const living = () => {
  const process_ = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  const ended = new Promise<NodeJS.Signals | null>((resolve) => process_.on('exit', (_code, signal) => resolve(signal)))
  return { pid: process_.pid!, process: process_, ended }
}

describe('the engine as a utility process', () => {
  it('is the built engine, speaks both ways, and says how it ended', async () => {
    const { engine, child, posted, exits } = await fork(null)
    const [entry, parameters, options] = fake.utilityProcess.fork.mock.calls[0]!
    expect(entry).toMatch(/engine\.[jt]s$/)
    expect(parameters).toEqual([])
    expect(options).toEqual({
      serviceName: expect.stringMatching(/^GhostSVD engine \d+$/),
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const heard: unknown[] = []
    engine.onMessage((message) => heard.push(message))
    engine.postMessage(stop)
    child.emit('message', { type: 'ready' })
    child.stderr.emit('data', 'Error: it broke')
    child.emit('exit', 1)
    engine.postMessage(stop)
    await vi.waitFor(() => expect(exits).toEqual([{ code: 1, signal: null, stderrTail: 'Error: it broke' }]))
    expect([posted, heard]).toEqual([[stop], [{ type: 'ready' }]])
  })

  it('has ended only once its process has, however early Electron says so', async () => {
    const { pid, process: process_ } = living()
    const { child, exits, spawned } = await fork({ pid })
    spawned()
    child.emit('exit', 0)
    await pause(100)
    expect(exits).toEqual([])
    process_.kill('SIGKILL')
    await vi.waitFor(() => expect(exits).toEqual([{ code: null, signal: null, stderrTail: '' }]))
  })

  it('died of what Chromium learns a moment later, where it had asked too early', async () => {
    const { child, exits } = await fork(null)
    const { serviceName } = fake.utilityProcess.fork.mock.calls.at(-1)![2] as { serviceName: string }
    child.emit('exit', 0)
    fake.app.emit('child-process-gone', {}, { name: 'another', exitCode: 11 })
    fake.app.emit('child-process-gone', {}, { name: serviceName, exitCode: 9 })
    await vi.waitFor(() => expect(exits).toMatchObject([{ code: null, signal: 'SIGKILL' }]))
    expect(fake.app.listenerCount('child-process-gone')).toBe(0)
  })

  it('can be killed before it is there', async () => {
    const { pid, ended } = living()
    const { engine, spawned } = await fork({ pid })
    engine.kill()
    spawned()
    expect(await ended).toBe('SIGKILL')
    // And after it has gone.
    engine.kill()
  })

  it("survives V8's fatal error in its engine, and says which it was", async () => {
    const { child, exits } = await fork(null)
    child.emit('error', 'FatalError', 'Reached heap limit: JavaScript heap out of memory', '{}')
    child.emit('exit', 6)
    await vi.waitFor(() => expect(exits).toMatchObject([{ stderrTail: expect.stringContaining('heap out of memory') }]))
  })
})
