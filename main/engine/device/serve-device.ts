/**
 * A device's process: plain node with Dawn (package webgpu) and nothing else. A process of its own, since Dawn ends the one it is in when a thread with
 * work in flight ends, and cannot read results back under Electron.
 *
 * It lives as long as the pipe on file descriptor 3. A thread of its own ends it once its parent is gone, even where a driver holds the main one.
 */
import { Socket } from 'node:net'
import { describeAdapter } from '../../../core/kernels/gpu/adapter.ts'
import { DeviceError, DeviceKernels, type DeviceMatrix, limitsOf } from '../../../core/kernels/gpu/device-kernels.ts'
import { startUpTest } from '../../../core/kernels/gpu/start-up-test.ts'
import { dieWithParent } from '../../system/die-with-parent.ts'
import type { DeviceWish } from '../messages.ts'
import { type FromDevice, frameHead, type NoDevice, readFrames, type ToDevice } from './frames.ts'

const BEAT_MS = 200

interface Dawn {
  create(flags: string[]): GPU
  readonly globals: object
}

/** For tests of what happens then. */
export interface Mischief {
  /** Without its test at the start, most of which is compiling. */
  readonly untested?: boolean
  /** Called with each product before it is sent. */
  spoil?(out: Float32Array): void
  opened?(device: GPUDevice): void
  beforeProduct?(): void
}

export async function serveDevice(mischief: Mischief = {}): Promise<void> {
  const { wake } = pollGently()
  dieWithParent()
  const pipe = new Socket({ fd: 3, readable: true, writable: true })
  // The engine is gone.
  pipe.on('error', () => process.exit(0))
  pipe.on('close', () => process.exit(0))
  const send = (head: FromDevice, bytes?: Uint8Array) => {
    pipe.write(frameHead(head, bytes?.byteLength))
    if (bytes) pipe.write(bytes)
  }
  setInterval(() => send({ beat: true }), BEAT_MS)
  let opened: Opened | null = null
  const resident = new Map<number, DeviceMatrix>()
  const faults = new Map<number, unknown>()
  for await (const { head, payload } of readFrames<ToDevice>(pipe)) {
    wake()
    if (head.op === 'open') {
      const found = await open(head.wish, mischief.untested ?? false).catch(
        (error: unknown): NoDevice => ({
          why: 'not-started',
          fault: text(error),
        }),
      )
      if ('why' in found) {
        send({ failed: found })
        continue
      }
      opened = found
      mischief.opened?.(found.device)
      void found.device.lost.then(({ reason, message }) => send({ lost: message || reason }))
      send({ opened: describeAdapter(found.adapter) })
      continue
    }
    const { kernels } = opened!
    switch (head.op) {
      case 'create':
        try {
          resident.set(head.id, await kernels.allocate(head.shape))
        } catch (error) {
          faults.set(head.id, error)
        }
        break
      case 'write': {
        const matrix = resident.get(head.id)
        if (matrix) await kernels.write(matrix, head.offset, payload).catch((error) => faults.set(head.id, error))
        break
      }
      case 'created':
        send({ seq: head.seq, ...(faults.has(head.id) && described(faults.get(head.id))) })
        faults.delete(head.id)
        break
      case 'drop': {
        const matrix = resident.get(head.id)
        resident.delete(head.id)
        if (matrix) kernels.release(matrix)
        break
      }
      case 'multiply': {
        mischief.beforeProduct?.()
        const right = new Float32Array(payload.buffer, 0, head.rightLength)
        const out = new Float32Array(head.outLength)
        if (head.accumulate) out.set(new Float32Array(payload.buffer, right.byteLength, head.outLength))
        try {
          await kernels.multiply(resident.get(head.id)!, head.mode, right, head.k, out, head.accumulate)
          mischief.spoil?.(out)
          send({ seq: head.seq }, new Uint8Array(out.buffer))
        } catch (error) {
          send({ seq: head.seq, ...described(error) })
        }
        break
      }
    }
  }
}

interface Opened {
  /** Once this is collected, Dawn ends the process: it has to live as long as the device. */
  readonly gpu: GPU
  readonly adapter: GPUAdapter
  readonly device: GPUDevice
  readonly kernels: DeviceKernels
}

async function open({ name, software }: DeviceWish, untested: boolean): Promise<Opened | NoDevice> {
  const { create, globals } = (await import('webgpu')) as unknown as Dawn
  Object.assign(globalThis, globals)
  const gpu = create(name === null ? [] : [`adapter=${name}`])
  let adapter: GPUAdapter | null
  try {
    adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  } catch (error) {
    if (name === null) throw error
    // Dawn lists what there is.
    return { why: 'not-named', found: [...text(error).matchAll(/name: '([^']*)'/g)].map(([, found]) => found!) }
  }
  const info = adapter && describeAdapter(adapter)
  if (!adapter || !info || (info.kind === 'software' && !software))
    return name === null ? { why: 'no-adapter' } : { why: 'not-named', found: [] }
  const device = await adapter.requestDevice({ requiredLimits: limitsOf(adapter) })
  const kernels = new DeviceKernels(device)
  const fault = untested ? null : await startUpTest(kernels)
  return fault === null ? { gpu, adapter, device, kernels } : { why: 'failed-test', name: info.name, fault }
}

function described(error: unknown): { fault: string; outOfMemory: boolean } {
  return { fault: text(error), outOfMemory: error instanceof DeviceError && error.outOfMemory }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** As long as a product takes on hardware. */
const QUICK_MS = 20

/**
 * Dawn waits for the device by asking again from `setImmediate`, a whole core. That is right for as long as a product takes on hardware, with the driver
 * asleep meanwhile; from then on a millisecond between two questions is soon enough. `wake`: something new was asked of the device.
 */
function pollGently(): { wake(): void } {
  const atOnce = globalThis.setImmediate
  let quickUntil = 0
  const gently = (callback: () => void) => (performance.now() < quickUntil ? atOnce(callback) : setTimeout(callback, 1))
  globalThis.setImmediate = gently as unknown as typeof setImmediate
  return {
    wake: () => {
      quickUntil = performance.now() + QUICK_MS
    },
  }
}
