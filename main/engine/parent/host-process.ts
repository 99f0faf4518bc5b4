/**
 * An operating-system process that runs the engine, as main holds it: child_process.fork here, Electron's utilityProcess in the desktop
 * application. The supervisor sees only this interface.
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { siblingEntry } from '../entries.ts'
import type { FromEngine, NoDevice, ToEngine } from '../messages.ts'
import type { Exit } from './exit-sentence.ts'

export interface HostProcess<To = ToEngine, From = FromEngine> {
  readonly pid: number | undefined
  /** Never throws; a message to a process that has ended is lost. Ports are Electron's, and cross only there. */
  postMessage(message: To, ports?: readonly unknown[]): void
  onMessage(listener: (message: From) => void): void
  /** Called once, after the last message of the process. */
  onExit(listener: (exit: Exit) => void): void
  kill(): void
  /** It was killed and cannot go, as it waits for a disk: nothing here waits for it any more. */
  forsake(): void
}

export type Spawn = () => HostProcess

let spawn: Spawn = () => forkEngine()

/** How this program starts its engines, said once before the first: Electron's program cannot be forked as node. */
export function spawnEnginesBy(other: Spawn): void {
  spawn = other
}

export function spawnEngine(): HostProcess {
  return spawn()
}

/** A model's process: what it is told and says is its own (main/answers/messages.ts). */
export type ModelProcess = HostProcess<unknown, unknown>

let spawnOfModel: (() => ModelProcess) | null = null

/** How this program starts the processes of models, where engines cannot fork them. */
export function spawnModelsBy(other: () => ModelProcess): void {
  spawnOfModel = other
}

export function spawnModel(): ModelProcess {
  if (!spawnOfModel) throw new Error('Here engines start the processes of their models themselves.')
  return spawnOfModel()
}

/** A hidden window that serves as a GPU. */
export interface DeviceWindow {
  /** Called once, with Electron's port to it. */
  onReady(listener: (port: unknown) => void): void
  /** Called once. */
  onEnd(listener: (why: NoDevice) => void): void
  end(): void
}

let openWindow: (asked: boolean) => DeviceWindow | NoDevice = () => ({ why: 'no-webgpu' })

/** How this program opens the windows that are GPUs to its engines, where it has any. @param other told whether the user named a GPU */
export function openDevicesBy(other: typeof openWindow): void {
  openWindow = other
}

export function openDevice(asked: boolean): DeviceWindow | NoDevice {
  return openWindow(asked)
}

/** The longest tail of stderr that is kept to tell why a process ended. */
export const tailCharacters = 8192

/** Forks the engine with node itself. `entry` and node's own arguments differ only in tests. */
export function forkEngine(entry: URL = siblingEntry('engine'), execArgv: string[] = []): HostProcess {
  const child = fork(fileURLToPath(entry), [], {
    // Structured clone instead of JSON.
    serialization: 'advanced',
    // stdout belongs to the door: a command line may be printing JSON there.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv,
    // A group of its own: Ctrl+C and the end of a terminal reach the door alone, which decides what they mean. On Windows that would open
    // a window; there the engine ignores them.
    detached: process.platform !== 'win32',
    windowsHide: true,
  })
  let stderrTail = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderrTail = (stderrTail + text).slice(-tailCharacters)
  })
  let failure: Error | null = null
  child.on('error', (error) => {
    failure = error
  })
  return {
    pid: child.pid,
    postMessage: (message) => {
      // The callback takes the error of a channel that has just closed; the exit says the rest.
      if (child.connected) child.send(message, undefined, undefined, () => {})
    },
    onMessage: (listener) => void child.on('message', (message) => listener(message as FromEngine)),
    onExit: (listener) => {
      let told = false
      const tell = (code: number | null, signal: string | null) => {
        if (told) return
        told = true
        listener({ code, signal, stderrTail: failure ? `Error: ${failure.message}` : stderrTail })
      }
      // 'close' comes after stderr and the IPC channel have been read to their ends.
      child.on('close', tell)
      // A process that could not be started at all has no 'close'.
      child.on('error', () => {
        if (child.pid === undefined) tell(null, null)
      })
    },
    kill: () => void child.kill('SIGKILL'),
    forsake: () => {
      child.stderr?.destroy()
      if (child.connected) child.disconnect()
      child.unref()
    },
  }
}
