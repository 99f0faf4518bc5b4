import { MessageChannel, Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { AppError, type ErrorCode } from '../../../core/errors.ts'
import { CLOSED, cell } from '../../../core/kernels/control.ts'
import type { Kernels } from '../../../core/kernels/kernels.ts'
import type { MemberInit, SpawnMember } from '../../../core/kernels/team.ts'
import type { TeamKernels } from '../../../core/kernels/wasm.ts'
import { relaySpawner, threadSpawner } from '../../../main/engine/threads.ts'
import { testKernels } from './team-kernels.ts'

const cleanUp: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end()
})

async function kernelsWith(spawn: SpawnMember, patienceMs = 20_000): Promise<TeamKernels> {
  const kernels = await testKernels({ choice: 'simd', threads: 2, spawn, patienceMs })
  cleanUp.push(kernels.shutdown)
  return kernels
}

/** A thread with a script of its own. */
function thread(script: string, workerData: unknown, transferList: MessagePort[] = []): Worker {
  const worker = new Worker(script, { eval: true, workerData, transferList: transferList as never })
  cleanUp.push(() => worker.terminate())
  return worker
}

function product(kernels: Kernels, order: number): () => void {
  const bytes = kernels.allocateBytes(4 * order * order)
  const A = { rows: order, cols: order, dtype: 'F32', data: bytes, scale: 1 } as const
  const X = { rows: order, cols: order, data: kernels.allocateFloat32(order * order) }
  const Y = { rows: order, cols: order, data: kernels.allocateFloat32(order * order) }
  return () => kernels.gemm(A, X, Y)
}

function codeOf(body: () => void): ErrorCode | null {
  try {
    body()
    return null
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
}

/** Calls until it ends with an error. The bound only keeps a broken team from looping for ever. */
function firstError(body: () => void): ErrorCode | null {
  for (let call = 0; call < 1_000_000; call++) {
    const code = codeOf(body)
    if (code) return code
  }
  return null
}

describe('a team', () => {
  it('ends the call in progress as cancelled when another thread raises the flag, and works on once it is lowered', async () => {
    const kernels = await kernelsWith(threadSpawner())
    const multiply = product(kernels, 300)
    thread(
      `const { workerData } = require('node:worker_threads')
       const cells = new Int32Array(workerData.control)
       Atomics.wait(cells, workerData.call, 20, 5000)
       while (Atomics.load(cells, workerData.call) < 20);
       Atomics.store(cells, workerData.cancel, 1)`,
      { control: kernels.control, call: cell.call, cancel: cell.cancel },
    )
    expect(firstError(multiply)).toBe('cancelled')
    expect(codeOf(multiply)).toBe('cancelled')
    kernels.clearCancel()
    expect(codeOf(multiply)).toBeNull()
  })

  it('ends the call with a reason when a member is killed during it', async () => {
    const { port1, port2 } = new MessageChannel()
    // The engine's event loop: starts the member, waits for the team to be at work, kills it.
    thread(
      `const { workerData } = require('node:worker_threads')
       import(workerData.threads).then(({ answerSpawns, threadSpawner }) => {
         const spawn = (init) => {
           const handle = threadSpawner()(init)
           const cells = new Int32Array(init.control)
           const timer = setInterval(() => {
             if (Atomics.load(cells, workerData.call) < 20) return
             clearInterval(timer)
             handle.terminate()
           }, 1)
           return handle
         }
         answerSpawns(workerData.port, { spawn, spawnDevice() {} })
       })`,
      {
        port: port2,
        threads: new URL('../../../main/engine/threads.ts', import.meta.url).href,
        call: cell.call,
      },
      [port2 as never],
    )
    cleanUp.push(async () => port1.close())
    const kernels = await kernelsWith(relaySpawner(port1))
    expect(firstError(product(kernels, 300))).toBe('engine-died')
  })

  it('refuses every call once a member has ended', async () => {
    let end: () => Promise<void> = async () => undefined
    const kernels = await kernelsWith((init) => {
      const handle = threadSpawner()(init)
      end = handle.terminate
      return handle
    })
    await end()
    expect(() => product(kernels, 10)()).toThrow(/Compute thread 1 ended during the work: it ended with status 1/)
  })

  it('gives up on a member that says nothing in the middle of a call, and does without one that is not there', async () => {
    const silent: SpawnMember = (init: MemberInit) => {
      Atomics.add(new Int32Array(init.control), cell.ready, 1)
      return { terminate: async () => undefined }
    }
    const kernels = await kernelsWith(silent, 100)
    const multiply = product(kernels, 300)
    expect(codeOf(multiply)).toBeNull()
    expect(Atomics.add(new Int32Array(kernels.control), cell.joined, 1)).toBe(CLOSED)
    expect(multiply).toThrow(/no task was finished for 0 s/)
  })

  it('says so when a thread cannot start', async () => {
    const broken = new URL('data:text/javascript,throw new Error("no such luck")')
    await expect(kernelsWith(threadSpawner(broken))).rejects.toThrow(/Compute thread 1 ended .* no such luck/)
  })

  it('keeps its memory flat over many calls, cancelled or not', async () => {
    const kernels = await kernelsWith(threadSpawner())
    const multiply = product(kernels, 64)
    multiply()
    const before = { ...kernels.memory }
    for (let round = 0; round < 200; round++) {
      if (round % 3 === 0) kernels.cancel()
      codeOf(multiply)
      kernels.clearCancel()
    }
    expect(kernels.memory).toEqual(before)
  })
})

describe('working memory', () => {
  it('refuses what is beyond its limit, with the numbers', async () => {
    const kernels = await testKernels({ memoryLimitBytes: 4 * 2 ** 20 })
    expect(() => kernels.allocateBytes(2 ** 23)).toThrow(/needs \d+ MB of working memory, and the limit is 4 MB/)
    expect(codeOf(() => kernels.allocateBytes(2 ** 40))).toBe('out-of-memory')
  })

  it('keeps views alive while it grows, aligned to cache lines', async () => {
    const kernels = await testKernels()
    const first = kernels.allocateFloat32(3).fill(7)
    const second = kernels.allocateFloat64(2 ** 22)
    second.fill(1)
    expect(Array.from(first)).toEqual([7, 7, 7])
    expect(second.byteOffset % 64).toBe(0)
  })

  it('refuses an operand from elsewhere', async () => {
    const kernels = await testKernels()
    const X = { rows: 1, cols: 1, data: new Float32Array(1) }
    expect(() => kernels.transpose(X, X)).toThrow(TypeError)
  })
})

describe('the choice of a kernel', () => {
  it('is named with its class', async () => {
    for (const [choice, kernel, arithmetic] of [
      ['simd', 'simd 5x8', 'unfused'],
      ['relaxed', 'relaxed 6x8', 'fused'],
      ['revectorized', 'revectorized 6x16', 'fused'],
      ['reference', 'reference', 'unfused'],
    ] as const) {
      expect((await testKernels({ choice })).info).toEqual({ kernel, arithmetic, threads: 1 })
    }
  })
})
