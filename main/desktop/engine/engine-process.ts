/** The processes of engines and models inside Electron: utility processes, behind the same interface as a fork (engine/parent/host-process.ts). */
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { app, type Details, type MessagePortMain, utilityProcess } from 'electron/main'
import { siblingEntry } from '../../engine/entries.ts'
import type { FromEngine, ToEngine } from '../../engine/messages.ts'
import { type HostProcess, tailCharacters } from '../../engine/parent/host-process.ts'
import { goneMs } from '../../system/end-limits.ts'
import { killNow } from '../../system/kill-now.ts'
import { identify, type ProcessIdentity, stillLives } from '../../system/process-identity.ts'
import { utilityExit } from './utility-exit.ts'

/** Electron tells of an end before the process has ended: it may still hold files open. It is gone within milliseconds. */
const lookMs = 10

let processes = 0

/** Only after Electron is ready. */
export const spawnUtilityProcess = () => spawnUtility<ToEngine, FromEngine>('engine')
/** The process of a model (main/answers/). */
export const spawnModelProcess = () => spawnUtility<unknown, unknown>('runtime')

function spawnUtility<To, From>(entry: 'engine' | 'runtime'): HostProcess<To, From> {
  const serviceName = `GhostSVD ${entry} ${++processes}`
  const child = utilityProcess.fork(fileURLToPath(siblingEntry(entry)), [], {
    serviceName,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderrTail = ''
  const write = (text: string) => {
    stderrTail = (stderrTail + text).slice(-tailCharacters)
  }
  child.stderr?.setEncoding?.('utf8')
  child.stderr?.on('data', write)
  // Without a listener a fatal error of V8 in the engine would be an exception in main.
  child.on('error', (type, location) => write(`\n${type}: ${location}\n`))

  let identity: Promise<ProcessIdentity> | null = null
  let [asked, killed, ended] = [false, false, false]
  let death: number | null = null
  // Comes right after 'exit', of a process that died, and knows its status where that one was asked too early.
  const hearDeath = (_event: unknown, { name, exitCode }: Details) => {
    if (name === serviceName) death = exitCode
  }
  app.on('child-process-gone', hearDeath)
  child.once('spawn', () => {
    identity = identify(child.pid!)
    if (killed) killNow(child.pid)
  })
  return {
    get pid() {
      return child.pid
    },
    postMessage(message, ports = []) {
      if (ended) return
      if (typeof message === 'object' && message !== null && 'type' in message && message.type === 'stop') asked = true
      child.postMessage(message, ports as MessagePortMain[])
    },
    onMessage: (listener) => void child.on('message', (message: From) => listener(message)),
    onExit(listener) {
      child.once('exit', (reported) => {
        ended = true
        void untilGone(identity).then(() => {
          app.off('child-process-gone', hearDeath)
          listener({ ...utilityExit(death ?? reported, asked), stderrTail })
        })
      })
    },
    kill() {
      // Not there yet: `spawn` does it. A process that hangs does not hear a polite request; `kill()` of Electron would be one.
      killed = true
      killNow(child.pid)
    },
    // Electron keeps no program alive for it.
    forsake: () => void app.off('child-process-gone', hearDeath),
  }
}

/** One that will not go, having closed its ports, is ended. */
async function untilGone(identity: Promise<ProcessIdentity> | null): Promise<void> {
  // The last of its messages, its stderr and its death are still on their way.
  await pause(lookMs)
  const known = await identity?.catch(() => null)
  if (!known) return
  for (const limit = performance.now() + goneMs; (await stillLives(known)) !== false; await pause(lookMs)) {
    if (performance.now() < limit) continue
    killNow(known.pid)
    return
  }
}
