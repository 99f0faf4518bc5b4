/**
 * The compute team's threads: worker_threads that run out/main/team.js.
 *
 * The thread that leads a team is blocked while it computes and hears of no event. So a thread that stays free should start the members:
 * the engine's event loop answers (`answerSpawns`) what the driver asks (`relaySpawner`). A member's end is then known at once; without
 * that the leader's time-out finds it.
 */
import { type MessagePort, Worker } from 'node:worker_threads'
import { reportDeath } from '../../core/kernels/control.ts'
import type { MemberInit, SpawnMember } from '../../core/kernels/team.ts'
import type { SpawnDevice } from './messages.ts'

/** The built entry beside this module; under tests the source, which Node 24 runs as it is. */
const teamEntry = new URL(import.meta.url.endsWith('.ts') ? './team.ts' : './team.js', import.meta.url)

/** Starts members in this thread. */
export function threadSpawner(entry = teamEntry): SpawnMember {
  return (init) => {
    const worker = new Worker(entry, { workerData: init, execArgv: [], name: `team ${init.member}` })
    // A team that was forgotten must not keep a process alive.
    worker.unref()
    worker.on('error', (error) => reportDeath(init.control, init.member, error.message))
    worker.on('exit', (status) => reportDeath(init.control, init.member, `it ended with status ${status}`))
    return {
      async terminate() {
        await worker.terminate()
      },
    }
  }
}

type Request =
  | { readonly spawn: MemberInit }
  | { readonly terminate: number }
  | { readonly device: Parameters<SpawnDevice>[0] }

/** Asks the other end of `port` to start members. */
export function relaySpawner(port: MessagePort): SpawnMember {
  return (init) => {
    port.postMessage({ spawn: init } satisfies Request)
    return {
      async terminate() {
        port.postMessage({ terminate: init.member } satisfies Request)
      },
    }
  }
}

/** Asks the other end of `port` to start a device: it ends with its own port, and so with the thread that asked. */
export function relayDeviceSpawner(port: MessagePort): SpawnDevice {
  return (init) => port.postMessage({ device: init } satisfies Request, [init.port])
}

/**
 * Starts the members and devices that are asked for at the other end; `ended` is called when one has ended that it asked to end. Returns
 * what ends them all, for when the driver itself is ended.
 */
export function answerSpawns(
  port: MessagePort,
  { spawn, spawnDevice }: { readonly spawn: SpawnMember; readonly spawnDevice: SpawnDevice },
  ended = () => {},
): () => Promise<void> {
  const handles = new Map<number, ReturnType<SpawnMember>>()
  port.on('message', (request: Request) => {
    if ('device' in request) spawnDevice(request.device)
    else if ('spawn' in request) handles.set(request.spawn.member, spawn(request.spawn))
    else {
      const handle = handles.get(request.terminate)
      handles.delete(request.terminate)
      void handle?.terminate().then(ended)
    }
  })
  return async () => {
    await Promise.all([...handles.values()].map((handle) => handle.terminate()))
  }
}
