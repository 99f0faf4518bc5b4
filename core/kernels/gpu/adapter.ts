/** Which device it is, in words and by kind. Browsers hide most of it; Dawn under node says what the driver says. */

/** `software`: a processor that acts as a GPU, slower than its own vector units. `unknown` is reckoned as the slower of the two kinds of hardware. */
export type AdapterKind = 'discrete' | 'integrated' | 'unknown' | 'software'

export interface DeviceInfo {
  /** As its maker calls it. */
  readonly name: string
  /** Its driver, with its version. */
  readonly driver: string
  readonly kind: AdapterKind
  /** Most bytes of one matrix in f32, or of one panel of weights. */
  readonly bufferBytes: number
}

const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|warp/i

export function describeAdapter({ info, limits }: GPUAdapter): DeviceInfo {
  const { vendor, architecture, device, description } = info
  const name = [vendor, device || architecture].filter((part) => part !== '').join(' ') || 'GPU'
  return {
    name,
    driver: description,
    kind: kindOf(vendor, `${name} ${description}`, info.isFallbackAdapter),
    bufferBytes: Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize),
  }
}

function kindOf(vendor: string, words: string, fallback: boolean): AdapterKind {
  if (fallback || softwareNames.test(words)) return 'software'
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
