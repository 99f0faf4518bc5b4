/**
 * A GPU for tests: SwiftShader, a Vulkan driver that computes on the processor and comes with Debian's chromium. Where something of it is missing, one
 * line says what, and these tests are left out.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'

const icds = ['/usr/lib/chromium/vk_swiftshader_icd.json', '/usr/lib/chromium-browser/vk_swiftshader_icd.json']
const loaders = ['/usr/lib/x86_64-linux-gnu/libvulkan.so.1', '/usr/lib/aarch64-linux-gnu/libvulkan.so.1']

/** What processes need in their environment to find it. */
export const softwareVulkan: Readonly<Record<string, string>> = { VK_ICD_FILENAMES: icds.find(existsSync) ?? icds[0]! }

/** null where all is there. */
export const missing: string | null = whatIsMissing()
if (missing) console.log(`Tests of GPU products are left out: ${missing}.`)

function whatIsMissing(): string | null {
  try {
    createRequire(import.meta.url).resolve('webgpu')
  } catch {
    return 'the package webgpu is not installed'
  }
  if (!loaders.some(existsSync)) return 'libvulkan.so.1 is not there (package libvulkan1)'
  return icds.some(existsSync) ? null : `SwiftShader's ${icds[0]} is not there (package chromium)`
}

/** The device and what it runs in: whoever lets go of `gpu` loses the device. */
export async function softwareDevice(): Promise<{ gpu: GPU; adapter: GPUAdapter; device: GPUDevice }> {
  Object.assign(process.env, softwareVulkan)
  const { create, globals } = (await import('webgpu')) as { create(flags: string[]): GPU; globals: object }
  Object.assign(globalThis, globals)
  const { limitsOf } = await import('../../../../core/kernels/gpu/device-kernels.ts')
  const gpu = create([])
  const adapter = (await gpu.requestAdapter())!
  return { gpu, adapter, device: await adapter.requestDevice({ requiredLimits: limitsOf(adapter) }) }
}
