/** An engine that cannot even be killed, as it waits for a disk that is gone: a process of paper, that hears nothing and never ends. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { FromEngine, ToEngine } from '../../../../main/engine/messages.ts'
import { hurryEngines, startEngine } from '../../../../main/engine/parent/supervisor.ts'
import { createGrants } from '../../../../main/files/grants.ts'
import { temporaryFolder } from '../harness.ts'

test('is killed, then forsaken, and what it has half-written is removed; what it says then is heard no more', async () => {
  const partial = join(temporaryFolder(), 'out.partial')
  writeFileSync(partial, 'half of it')
  const told: string[] = []
  let say: (message: FromEngine) => void = () => {}
  const engine = startEngine({
    paths: createGrants(),
    restart: false,
    spawn: () => ({
      pid: 1,
      postMessage: ({ type }: ToEngine) => void told.push(type),
      onMessage: (listener) => {
        say = listener
      },
      onExit: () => {},
      kill: () => void told.push('kill'),
      forsake: () => void told.push('forsake'),
    }),
  })
  say({ type: 'ready' })
  say({ type: 'ask', request: 1, question: { about: 'partial', path: partial, exists: true } })
  const stopped = engine.stop()
  hurryEngines()
  await stopped
  expect(told).toEqual(['answer', 'stop', 'kill', 'forsake'])
  expect(existsSync(partial)).toBe(false)
  expect(engine.status.state).toBe('stopped')
  say({ type: 'ready' })
  expect(engine.status.state).toBe('stopped')
})
