/** Models where only main can start their processes: what a driver asks for, and what main does. */
import { MessageChannel } from 'node:worker_threads'
import { expect, onTestFinished, test, vi } from 'vitest'
import { relayedRuntimes } from '../../../main/engine/driver/relayed-runtimes.ts'
import type { FromDriver, FromEngine, ToDriver, ToEngine } from '../../../main/engine/messages.ts'
import { type HostProcess, type ModelProcess, spawnModelsBy } from '../../../main/engine/parent/host-process.ts'
import { modelsOf } from '../../../main/engine/parent/models-of.ts'

/** A process of paper that answers with what it is told. */
function echo() {
  const ended: (() => void)[] = []
  let hear: (message: unknown) => void = () => {}
  const child: ModelProcess = {
    pid: 1,
    postMessage: (message) => hear({ said: message }),
    onMessage: (listener) => {
      hear = listener
    },
    onExit: (listener) => ended.push(() => listener({ code: null, signal: 'SIGKILL', stderrTail: '' })),
    kill: () => {
      for (const end of ended.splice(0)) end()
    },
    forsake: () => {},
  }
  return child
}

test('main starts one for the first message, passes on what it says, and lets none outlive its engine', () => {
  const children: ModelProcess[] = []
  spawnModelsBy(() => {
    children.push(echo())
    return children.at(-1)!
  })
  const told: ToEngine[] = []
  const engine: HostProcess = {
    ...{ pid: 1, onMessage: () => {}, onExit: () => {}, kill: () => {}, forsake: () => {} },
    postMessage: (message) => void told.push(message),
  }
  const models = modelsOf(engine)
  models.hear({ type: 'model', model: 'a', message: 1 })
  models.hear({ type: 'model', model: 'a', message: 2 })
  models.hear({ type: 'model', model: 'b', message: 3 })
  expect(children).toHaveLength(2)
  models.hear({ type: 'model-end', model: 'a' })
  models.hear({ type: 'model-end', model: 'a' })
  models.end()
  const exit = { code: null, signal: 'SIGKILL', stderrTail: '' }
  expect(told).toEqual([
    { type: 'model', model: 'a', message: { said: 1 } },
    { type: 'model', model: 'a', message: { said: 2 } },
    { type: 'model', model: 'b', message: { said: 3 } },
    { type: 'model-ended', model: 'a', exit },
    { type: 'model-ended', model: 'b', exit },
  ])
})

test('a driver holds each as a process of its own: messages both ways, one end, nothing after it', async () => {
  const { port1: driver, port2: loop } = new MessageChannel()
  onTestFinished(() => driver.close())
  const asked: Extract<FromDriver | FromEngine, { type: 'model' | 'model-end' }>[] = []
  loop.on('message', (message) => asked.push(message))
  const start = relayedRuntimes(driver)
  const [one, other] = [start(), start()]
  const heard: unknown[] = []
  one.onMessage((message) => heard.push(['one', message]))
  other.onMessage((message) => heard.push(['other', message]))
  one.onExit((exit) => heard.push(['exit', exit.signal]))
  one.postMessage({ id: 1, kind: 'sums', index: 0 })
  other.kill()
  await vi.waitFor(() => expect(asked).toHaveLength(2))
  const { model } = asked[0]!
  expect(asked).toMatchObject([{ type: 'model', message: { id: 1 } }, { type: 'model-end' }])
  const say = (message: ToDriver) => loop.postMessage(message)
  say({ type: 'model', model, message: { id: 1, answer: [] } })
  say({ type: 'model-ended', model, exit: { code: null, signal: 'SIGKILL', stderrTail: '' } })
  say({ type: 'model', model, message: { id: 2, answer: [] } })
  await vi.waitFor(() =>
    expect(heard).toEqual([
      ['one', { id: 1, answer: [] }],
      ['exit', 'SIGKILL'],
    ]),
  )
  one.postMessage({ id: 3, kind: 'sums', index: 0 })
  other.kill()
  await vi.waitFor(() => expect(asked).toHaveLength(3))
})
