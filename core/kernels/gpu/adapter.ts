/** Which device it is, in words and by kind. Browsers hide most of it; Dawn under node says what the driver says. */

/**
 * `software`: a processor that acts as a GPU, slower than its own vector units. `unknown` is reckoned as the slower of the two kinds of hardware. `unnamed`:
 * nothing at all is said of it, so that it may be of software.
 */
export type AdapterKind = 'discrete' | 'integrated' | 'unknown' | 'unnamed' | 'software'

/** How bytes reach it: through a pipe to its process, or through a port to its window. Known to whoever reaches it, never asked of the device. */
export type Way = 'pipe' | 'port'

export interface DeviceInfo {
  /** As its maker calls it. */
  readonly name: string
  /** Its driver, with its version; in a window, which is not told it, Chromium with its own. */
  readonly driver: string
  readonly kind: AdapterKind
  /** Most bytes of one matrix in f32, or of one panel of weights. */
  readonly bufferBytes: number
}

const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|warp/i

/** What is read of an adapter: browsers that are older have it elsewhere. */
export interface AdapterFacts {
  readonly info: Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description' | 'isFallbackAdapter'>
  readonly limits: Pick<GPUSupportedLimits, 'maxStorageBufferBindingSize' | 'maxBufferSize'>
}

/** @param runtime what compiles for it, with its version, where that is no part of its driver; empty elsewhere */
export function describeAdapter({ info, limits }: AdapterFacts, runtime = ''): DeviceInfo {
  const { vendor, architecture, device, description } = info
  const name = [vendor, device || architecture].filter((part) => part !== '').join(' ')
  return {
    name: name || 'GPU',
    driver: [description, runtime].filter((part) => part !== '').join(', '),
    kind: kindOf(vendor, `${name} ${description}`, info.isFallbackAdapter),
    bufferBytes: Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize),
  }
}

/** Whether it is hardware for all that is known: no other is taken by itself. */
export function isHardware(kind: AdapterKind): kind is 'discrete' | 'integrated' | 'unknown' {
  return kind !== 'software' && kind !== 'unnamed'
}

function kindOf(vendor: string, words: string, fallback: boolean): AdapterKind {
  if (fallback || softwareNames.test(words)) return 'software'
  if (words.trim() === '') return 'unnamed'
  if (vendor === 'nvidia') return 'discrete'
  return vendor === 'intel' || vendor === 'apple' || vendor === 'arm' || vendor === 'qualcomm'
    ? 'integrated'
    : 'unknown'
}

/** The class of arithmetic of a tensor whose products a device of this name makes, if any, and whose rest is of class `host`. Bytes are the same within one. */
export function arithmeticWith(host: string, device: string | undefined): string {
  return device === undefined ? host : `${host} + ${device}`
}

/** Whether a device made products of what is of this class. */
export function usesDevice(arithmetic: string): boolean {
  return arithmetic.includes(' + ')
}

/** "NVIDIA H200, 550.54.14" */
export function deviceName({ name, driver }: Pick<DeviceInfo, 'name' | 'driver'>): string {
  return driver === '' ? name : `${name}, ${driver}`
}
