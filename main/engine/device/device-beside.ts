/** Kernels with the GPU that a job asks for beside them, or why there is none. */
import { createRequire } from 'node:module'
import type { Way } from '../../../core/kernels/gpu/adapter.ts'
import { withDevice } from '../../../core/kernels/gpu/products.ts'
import type { Kernels } from '../../../core/kernels/kernels.ts'
import { say } from '../../../core/messages/english.ts'
import type { Message } from '../../../core/messages/message.ts'
import { foreign } from '../../../core/messages/text.ts'
import type { Params } from '../../../core/params.ts'
import { packagesBeside } from '../../../core/version.ts'
import type { NoDevice, SpawnDevice } from '../messages.ts'
import { openDevice } from './device-link.ts'

export interface Beside {
  readonly kernels: Kernels
  /** Why there is none, where one was asked for. */
  readonly notice: Message | null
  /** Ends its process or window. */
  close(): void
}

/** Nothing is said of a GPU that nobody asked for. */
export async function deviceBeside(
  kernels: Kernels,
  wanted: Exclude<Params['device'], 'cpu'>,
  host: { readonly spawnDevice: SpawnDevice; readonly deviceWay: Way; readonly control: SharedArrayBuffer },
): Promise<Beside> {
  const asked = wanted !== 'auto'
  const without = (why: Message): Beside => ({ kernels, notice: asked ? why : null, close: () => {} })
  if (kernels.info.kernel === 'reference') return without(say('device.reference'))
  if (host.deviceWay === 'pipe' && !isInstalled())
    return without(say('device.no-package', { version: packagesBeside.webgpu }))
  const name = wanted.startsWith('gpu:') ? wanted.slice('gpu:'.length) : null
  const found = await openDevice(host.spawnDevice, {
    wish: { name, software: asked },
    way: host.deviceWay,
    cancelControl: host.control,
  })
  if ('why' in found) return without(reason(found, name))
  return { kernels: withDevice(kernels, found, asked), notice: null, close: found.close }
}

/** Found by its name alone: loading it is the device process's. */
function isInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve('webgpu')
    return true
  } catch {
    return false
  }
}

function reason(none: NoDevice, name: string | null): Message {
  switch (none.why) {
    case 'no-adapter':
      return say('device.no-adapter')
    case 'no-webgpu':
      return say('device.no-webgpu')
    case 'next-start':
      return say('device.next-start')
    case 'not-named':
      return say('device.not-named', { wanted: foreign(name ?? ''), found: none.found.map(foreign) })
    case 'failed-test':
      return say('device.failed-test', { name: foreign(none.name), fault: foreign(none.fault) })
    case 'late':
      return say('device.late', { seconds: none.seconds })
    case 'not-started':
      return say('device.not-started', { fault: foreign(none.fault) })
  }
}
