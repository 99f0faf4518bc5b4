/** The utility process behind the supervisor's interface. */
import { EventEmitter } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { fake } from './fake-electron.ts'

vi.mock('electron/main', async () => (await import('./fake-electron.ts')).fake)

describe('the engine as a utility process', () => {
  it('is the built engine, speaks both ways, and says how it ended', async () => {
    const { spawnUtilityProcess } = await import('../../../main/desktop/engine-process.ts')
    const posted: unknown[] = []
    const child = Object.assign(new EventEmitter(), {
      pid: 7,
      stderr: new EventEmitter(),
      postMessage: (message: unknown) => posted.push(message),
    })
    fake.utilityProcess.fork.mockReturnValueOnce(child)
    const engine = spawnUtilityProcess()
    const [entry, parameters, options] = fake.utilityProcess.fork.mock.calls[0]!
    expect(entry).toMatch(/engine\.[jt]s$/)
    expect(parameters).toEqual([])
    expect(options).toEqual({ serviceName: 'GhostSVD engine', stdio: ['ignore', 'ignore', 'pipe'] })
    const heard: unknown[] = []
    const exits: unknown[] = []
    engine.onMessage((message) => heard.push(message))
    engine.onExit((exit) => exits.push(exit))
    engine.postMessage({ type: 'stop' })
    child.emit('message', { type: 'ready' })
    child.stderr.emit('data', 'Error: it broke')
    child.emit('exit', 1)
    expect([posted, heard]).toEqual([[{ type: 'stop' }], [{ type: 'ready' }]])
    expect(exits).toEqual([{ code: 1, signal: null, stderrTail: 'Error: it broke' }])
    expect(engine.pid).toBe(7)
  })
})
