/**
 * A device's process: plain node with Dawn (package webgpu) and nothing else. A process of its own, since Dawn ends the one it is in when a thread with
 * work in flight ends, and cannot read results back under Electron.
 *
 * It lives as long as the pipe on file descriptor 3. A thread of its own ends it once its parent is gone, even where a driver holds the main one.
 */
import { Socket } from 'node:net'
import { describeAdapter, isHardware } from '../../../core/kernels/gpu/adapter.ts'
import { dieWithParent } from '../../system/die-with-parent.ts'
import type { DeviceWish, NoDevice } from '../messages.ts'
import { type Mischief, type Opened, serve, testedDevice, textOf } from './serve.ts'

interface Dawn {
  create(flags: string[]): GPU
  readonly globals: object
}

export async function serveDevice(mischief: Mischief = {}): Promise<void> {
  const { wake } = pollGently()
  dieWithParent()
  const pipe = new Socket({ fd: 3, readable: true, writable: true })
  // The engine is gone.
  pipe.on('error', () => process.exit(0))
  pipe.on('close', () => process.exit(0))
  const link = { write: (bytes: Uint8Array) => void pipe.write(bytes), chunks: pipe }
  await serve(link, { open: (wish) => open(wish, mischief.untested ?? false), heard: wake, mischief })
}

/** Once this is collected, Dawn ends the process: it has to live as long as the device. */
let gpu: GPU

async function open({ name, software }: DeviceWish, untested: boolean): Promise<Opened | NoDevice> {
  const { create, globals } = (await import('webgpu')) as unknown as Dawn
  Object.assign(globalThis, globals)
  gpu = create(name === null ? [] : [`adapter=${name}`])
  let adapter: GPUAdapter | null
  try {
    adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  } catch (error) {
    if (name === null) throw error
    // Dawn lists what there is.
    return { why: 'not-named', found: [...textOf(error).matchAll(/name: '([^']*)'/g)].map(([, found]) => found!) }
  }
  const info = adapter && describeAdapter(adapter)
  if (!adapter || !info || !(software || isHardware(info.kind)))
    return name === null ? { why: 'no-adapter' } : { why: 'not-named', found: [] }
  return testedDevice(adapter, info, untested)
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
