/**
 * What a device does for the engine, on the WebGPU API alone: the same in a process of plain node (serve-device.ts) and in a window
 * (serve-window.ts), which bring the bytes and the adapter.
 */
import type { DeviceInfo } from '../../../core/kernels/gpu/adapter.ts'
import { DeviceError, DeviceKernels, type DeviceMatrix, limitsOf } from '../../../core/kernels/gpu/device-kernels.ts'
import { startUpTest } from '../../../core/kernels/gpu/start-up-test.ts'
import type { DeviceWish, NoDevice } from '../messages.ts'
import { type ByteLink, type FromDevice, readFrames, type ToDevice, writeFrame } from './frames.ts'

const BEAT_MS = 200

/** For tests of what happens then. */
export interface Mischief {
  /** Without its test at the start, most of which is compiling. */
  readonly untested?: boolean
  /** Called with each product before it is sent. */
  spoil?(out: Float32Array): void
  opened?(device: GPUDevice): void
  beforeProduct?(): void
}

export interface Opened {
  readonly info: DeviceInfo
  readonly device: GPUDevice
  readonly kernels: DeviceKernels
}

interface ServeOptions {
  /** The adapter that is wanted, tested by `testedDevice`. */
  open(wish: DeviceWish): Promise<Opened | NoDevice>
  /** Something was asked of the device. */
  heard?(): void
  readonly mischief?: Mischief
}

/** Answers until the link ends. */
export async function serve(link: ByteLink, { open, heard, mischief = {} }: ServeOptions): Promise<void> {
  const send = (head: FromDevice, ...bytes: Uint8Array[]) => writeFrame(link, head, ...bytes)
  setInterval(() => send({ beat: true }), BEAT_MS)
  let opened: Opened | null = null
  const resident = new Map<number, DeviceMatrix>()
  const faults = new Map<number, unknown>()
  for await (const { head, payload } of readFrames<ToDevice>(link.chunks)) {
    heard?.()
    if (head.op === 'open') {
      const found = await open(head.wish).catch(
        (error: unknown): NoDevice => ({ why: 'not-started', fault: textOf(error) }),
      )
      if ('why' in found) {
        send({ failed: found })
        continue
      }
      opened = found
      mischief.opened?.(found.device)
      void found.device.lost.then(({ reason, message }) => send({ lost: textOf(message || reason) }))
      send({ opened: found.info })
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

/** A device of this adapter that has passed its test at the start. */
export async function testedDevice(
  adapter: GPUAdapter,
  info: DeviceInfo,
  untested = false,
): Promise<Opened | Extract<NoDevice, { why: 'failed-test' }>> {
  const device = await adapter.requestDevice({ requiredLimits: limitsOf(adapter) })
  const kernels = new DeviceKernels(device)
  const fault = untested ? null : await startUpTest(kernels)
  return fault === null ? { info, device, kernels } : { why: 'failed-test', name: info.name, fault }
}

function described(error: unknown): { fault: string; outOfMemory: boolean } {
  return { fault: textOf(error), outOfMemory: error instanceof DeviceError && error.outOfMemory }
}

/** Dawn quotes whole shaders. */
const mostText = 5000

export function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, mostText)
}
