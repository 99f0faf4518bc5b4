/**
 * A device in a hidden window of the desktop application (main/desktop/device/): Chromium's WebGPU, and nothing else. It lives as long as the window, which main
 * closes.
 *
 * Chromium hides what its GPU is: it names a vendor and a family, no device and no driver. What compiles the shaders is Chromium itself, so its version stands for
 * the driver.
 */
import { type AdapterFacts, describeAdapter, isHardware } from '../../../core/kernels/gpu/adapter.ts'
import type { DeviceWish, NoDevice } from '../messages.ts'
import { writeFrame } from './frames.ts'
import { type BytePort, portLink } from './port-link.ts'
import { type Opened, serve, testedDevice, textOf } from './serve.ts'

/** What of an adapter has changed its place since Chromium 114. */
type Adapter = GPUAdapter & {
  readonly isFallbackAdapter?: boolean
  requestAdapterInfo?(): Promise<Omit<GPUAdapterInfo, 'isFallbackAdapter'>>
}

/** @param gpu `navigator.gpu`, where there is one @param chromium "Chromium 114.0.5735.106" */
export function serveWindow(port: BytePort, gpu: GPU | undefined, chromium: string): void {
  const link = portLink()
  link.connect(port)
  // Nothing ends a page that has failed, as it ends a process.
  serve(link, { open: (wish) => open(gpu, chromium, wish) }).catch((error: unknown) =>
    writeFrame(link, { lost: textOf(error) }),
  )
}

async function open(
  gpu: GPU | undefined,
  chromium: string,
  { name, software }: DeviceWish,
): Promise<Opened | NoDevice> {
  const others = new Set<string>()
  for (const powerPreference of ['high-performance', 'low-power'] as const) {
    const adapter = ((await gpu?.requestAdapter({ powerPreference })) ?? null) as Adapter | null
    if (!adapter) continue
    const info = describeAdapter(await factsOf(adapter), chromium)
    if (!software && !isHardware(info.kind)) continue
    if (name === null || info.name.toLowerCase().includes(name.toLowerCase())) return testedDevice(adapter, info)
    others.add(info.name)
  }
  return name === null || others.size === 0 ? { why: 'no-webgpu' } : { why: 'not-named', found: [...others] }
}

async function factsOf(adapter: Adapter): Promise<AdapterFacts> {
  const { limits, isFallbackAdapter = false } = adapter
  const { vendor, architecture, device, description } = adapter.info ?? (await adapter.requestAdapterInfo!())
  const fallback = adapter.info?.isFallbackAdapter ?? isFallbackAdapter
  return { limits, info: { vendor, architecture, device, description, isFallbackAdapter: fallback } }
}
