/** The driver's kernels: made when a job first needs them, and again when a job wants others. */

import { availableParallelism, totalmem } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { AppError } from '../../../core/errors.ts'
import { newControl } from '../../../core/kernels/control.ts'
import type { Way } from '../../../core/kernels/gpu/adapter.ts'
import type { Kernels } from '../../../core/kernels/kernels.ts'
import { referenceKernels } from '../../../core/kernels/reference.ts'
import type { SpawnMember } from '../../../core/kernels/team.ts'
import { createWasmKernels } from '../../../core/kernels/wasm.ts'
import { all, say } from '../../../core/messages/english.ts'
import type { Message } from '../../../core/messages/message.ts'
import { foreign } from '../../../core/messages/text.ts'
import type { Params } from '../../../core/params.ts'
import { type Beside, deviceBeside } from '../device/device-beside.ts'
import { collectGarbage } from '../garbage.ts'
import type { DriverInfo, SpawnDevice } from '../messages.ts'

interface FoundKernels {
  readonly kernels: Kernels
  /** Says when these are slower than the product's best, and why. */
  readonly notice: Message | null
  /** Ends their threads. */
  shutdown(): Promise<void>
}

type Wanted = Pick<Params, 'threads' | 'kernel'>

export interface KernelRoom {
  /** How a device is reached. */
  readonly deviceWay: Way
  /** @throws AppError `bad-request` for a kernel this machine lacks, `engine-died`, `out-of-memory` */
  kernels(wanted: Wanted): Promise<FoundKernels>
  /** Makes these where there are none yet. @throws as `kernels` */
  warm(wanted: Wanted): Promise<void>
  /**
   * The same with the GPU that a job asks for beside them, found once for as long as these kernels are kept. @throws TypeError once they are gone
   */
  beside(found: FoundKernels, wanted: Params['device']): Promise<Pick<FoundKernels, 'kernels' | 'notice'>>
  /** A job has ended. A memory that grew for a large matrix, and cannot shrink, is given back if no other job comes soon. */
  rest(): void
  /** Ends the threads and the device, for a host that needs no other job. */
  close(): Promise<void>
}

/** Kernels that never needed more stay: making them again costs a tenth of a second. */
const keptBytes = 256 * 2 ** 20
const restMs = 10_000

/** What a driver's kernels need from the event loop: threads, started there because the driver is blocked while it computes, and a cancel. */
export interface KernelRoomHost {
  /** Node or Electron, with its version. */
  readonly runtime: string
  readonly spawn: SpawnMember
  readonly spawnDevice: SpawnDevice
  readonly deviceWay: Way
  /** Told which control block cancels the kernels that are about to be made. */
  announceControl(control: SharedArrayBuffer): void
  /** Told what computes from now on. */
  announceKernels?(info: DriverInfo): void
}

export function kernelRoom(host: KernelRoomHost): KernelRoom {
  interface Current {
    readonly key: string
    readonly found: FoundKernels & { readonly control: SharedArrayBuffer }
    mostBytes: number
    /** What was found of the device that was asked for last. */
    device: { readonly wanted: Params['device']; readonly beside: Beside } | null
  }
  let current: Current | null = null
  /** The last that were asked for, made or not: one making waits for the other. */
  let asked: Promise<unknown> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  async function end(): Promise<void> {
    const ended = current
    current = null
    ended?.device?.beside.close()
    await ended?.found.shutdown()
    if (ended) collectGarbage()
  }

  async function kernels(wanted: Wanted): Promise<FoundKernels> {
    clearTimeout(timer)
    const threads = wanted.threads || availableParallelism()
    const key = `${wanted.kernel} ${threads}`
    if (current?.key === key) return current.found
    await end()
    const found = await make(wanted.kernel, threads, host)
    current = { key, found, mostBytes: 0, device: null }
    host.announceKernels?.({ ...found.kernels.info, notice: found.notice })
    return found
  }

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = asked.then(work)
    asked = done.catch(() => {})
    return done
  }

  return {
    deviceWay: host.deviceWay,
    kernels: (wanted) => inTurn(() => kernels(wanted)),
    // A job that came first has made its own, and uses them.
    warm: (wanted) => inTurn(async () => void (current ?? (await kernels(wanted)))),
    beside: async (found, wanted) => {
      if (wanted === 'cpu') return found
      const here = current
      if (!here || here.found !== found) throw new TypeError('kernel room: these kernels are gone')
      if (here.device?.wanted !== wanted) {
        here.device?.beside.close()
        here.device = null
        const { control } = here.found
        const beside = await deviceBeside(found.kernels, wanted, { ...host, control })
        here.device = { wanted, beside }
      }
      const { kernels, notice } = here.device.beside
      return { kernels, notice: notice && found.notice ? all([found.notice, notice]) : (notice ?? found.notice) }
    },
    rest: () => {
      clearTimeout(timer)
      if (!current) return
      // The peak itself may have been restarted by a job that measures with it.
      current.mostBytes = Math.max(current.mostBytes, current.found.kernels.memory.peakBytes)
      if (current.mostBytes > keptBytes) timer = setTimeout(() => void end(), restMs)
    },
    close: () => {
      clearTimeout(timer)
      return end()
    },
  }
}

async function make(
  choice: Params['kernel'],
  threads: number,
  host: KernelRoomHost,
): Promise<FoundKernels & { readonly control: SharedArrayBuffer }> {
  const control = newControl()
  host.announceControl(control)
  try {
    const kernels = await createWasmKernels({
      threads,
      choice,
      control,
      spawn: host.spawn,
      enableRevectorizer,
      memoryLimitBytes: machineLimit(),
    })
    return { kernels, notice: noticeOf(kernels.info.kernel, choice, host.runtime), shutdown: kernels.shutdown, control }
  } catch (error) {
    if (error instanceof AppError || choice !== 'auto') throw error
    return {
      kernels: referenceKernels(),
      notice: say('kernel.plain', { fault: foreign(error instanceof Error ? error.message : String(error)) }),
      shutdown: async () => {},
      control,
    }
  }
}

/**
 * Three quarters of what this machine, or the container around this process, has: the rest is for heaps, files being read and everybody
 * else. Beyond it a job ends, or keeps a tensor, with a sentence, where the system would end the process with none.
 */
function machineLimit(): number {
  // 0 or undefined where nothing is known, and beyond any memory where nothing constrains.
  const constrained = process.constrainedMemory() || Number.POSITIVE_INFINITY
  return Math.floor(Math.min(totalmem(), constrained) * 0.75)
}

/** Wide vectors on x64; elsewhere, and in engines that do not know the flag, it changes nothing. */
function enableRevectorizer(): void {
  if (process.arch !== 'x64') return
  // V8 dropped "experimental" from the name after version 13; a flag it does not know is reported on stderr, so only one is tried.
  const major = Number(process.versions.v8.split('.')[0])
  if (major < 12) return
  setFlagsFromString(major > 13 ? '--wasm-revectorize' : '--experimental-wasm-revectorize')
}

function noticeOf(kernel: string, choice: Params['kernel'], name: string): Message | null {
  if (choice !== 'auto') return null
  const runtime = foreign(name)
  if (kernel.startsWith('simd')) return say('kernel.unfused', { runtime })
  if (kernel.startsWith('relaxed') && process.arch === 'x64') return say('kernel.narrow', { runtime })
  return null
}
