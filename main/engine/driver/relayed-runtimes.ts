/** Processes of models where only main can start them: what they are told and say goes by the event loop, and main kills them with their engine. */
import { randomUUID } from 'node:crypto'
import type { MessagePort } from 'node:worker_threads'
import type { FromRuntime } from '../../answers/messages.ts'
import type { RuntimeProcess } from '../../answers/runtime-process.ts'
import type { FromDriver, ModelEnded, ToDriver } from '../messages.ts'

interface Listeners {
  readonly message: ((message: FromRuntime) => void)[]
  readonly exit: ((exit: ModelEnded['exit']) => void)[]
}

export function relayedRuntimes(port: MessagePort): () => RuntimeProcess {
  const live = new Map<string, Listeners>()
  const send = (message: FromDriver) => port.postMessage(message)
  port.on('message', (message: ToDriver) => {
    if (message.type === 'model')
      for (const listener of live.get(message.model)?.message ?? []) listener(message.message as FromRuntime)
    if (message.type === 'model-ended') {
      const ended = live.get(message.model)
      live.delete(message.model)
      for (const listener of ended?.exit ?? []) listener(message.exit)
    }
  })
  return () => {
    const model = randomUUID()
    const listeners: Listeners = { message: [], exit: [] }
    live.set(model, listeners)
    return {
      postMessage: (message) => {
        if (live.has(model)) send({ type: 'model', model, message })
      },
      onMessage: (listener) => void listeners.message.push(listener),
      onExit: (listener) => void listeners.exit.push(listener),
      kill: () => send({ type: 'model-end', model }),
    }
  }
}
