/** The processes of models that main has for one engine: none outlives it. */
import type { ModelEnd, ModelMessage } from '../messages.ts'
import { type HostProcess, type ModelProcess, spawnModel } from './host-process.ts'

interface ModelsOf {
  hear(message: ModelMessage | ModelEnd): void
  /** The engine has ended. */
  end(): void
}

export function modelsOf(engine: HostProcess): ModelsOf {
  const live = new Map<string, ModelProcess>()

  function started(model: string): ModelProcess {
    const child = spawnModel()
    live.set(model, child)
    child.onMessage((message) => engine.postMessage({ type: 'model', model, message }))
    child.onExit((exit) => {
      live.delete(model)
      engine.postMessage({ type: 'model-ended', model, exit })
    })
    return child
  }

  return {
    hear: (message) => {
      const known = live.get(message.model)
      if (message.type === 'model') (known ?? started(message.model)).postMessage(message.message)
      else known?.kill()
    },
    end: () => {
      for (const child of live.values()) child.kill()
    },
  }
}
