/**
 * Products with weights that lie on a GPU, against the WebGPU API alone: the same class runs on Dawn under node and in a browser's worker. It knows no
 * machine and no process; who reaches it, and how, is the host's.
 *
 * What Dawn 0.6.2 makes necessary: buffers are destroyed only when a later submit has ended, so one follows every release; invalid work rejects no
 * promise and leaves the result of the call before, so every operation stands in error scopes. Bytes go up by buffers that stay mapped in turn:
 * four times the rate of `writeBuffer` on the hardware there was, which also crashes under node 20 from shared memory.
 *
 * Legend: A m x n, X n x k, Y m x k, Z n x k, all row-major.
 */
import type { WeightDType } from '../kernels.ts'
import {
  CHUNK,
  GROUP,
  type Mode,
  type ProductWords,
  productSource,
  reduceSource,
  SCALE_WORD,
  TILE,
  UNIFORM_BYTES,
} from './wgsl.ts'

/** GPUBufferUsage, whose constants are no part of TypeScript's library. */
const usage = { MAP_READ: 1, MAP_WRITE: 2, COPY_SRC: 4, COPY_DST: 8, UNIFORM: 64, STORAGE: 128 } as const
const [MAP_READ, MAP_WRITE] = [1, 2]

export const bytesPerWeight = { F32: 4, F16: 2, BF16: 2 } as const satisfies Record<WeightDType, number>

/** Bytes of a buffer that weights pass through, and how many of these take turns. */
const STAGING_BYTES = 4 << 20
const STAGING_COUNT = 4
/** A submit takes no more than some tens of milliseconds: systems reset a device that is busy for two seconds. */
const FLOP_PER_SUBMIT = 2e10
/** Partial sums, before they are added up. */
const MOST_PLANE_BYTES = 256 << 20
const MOST_GROUPS = 65535

export interface WeightShape {
  readonly rows: number
  readonly cols: number
  readonly dtype: WeightDType
  /** Power of two, a normal f32. */
  readonly scale: number
}

/** Weights on the device, in panels of whole rows, a multiple of CHUNK each but the last. */
export interface DeviceMatrix extends WeightShape {
  readonly panels: readonly { readonly first: number; readonly rows: number; readonly buffer: GPUBuffer }[]
}

/** What the device said: not enough memory of its own, or that something was wrong with the work. */
export class DeviceError extends Error {
  readonly outOfMemory: boolean
  constructor(message: string, outOfMemory: boolean) {
    super(message)
    this.outOfMemory = outOfMemory
  }
}

export interface DeviceOptions {
  /** Most bytes of one panel of weights; a device's own limit where that is less. */
  readonly panelBytes?: number
  readonly flopPerSubmit?: number
}

export class DeviceKernels {
  readonly #device: GPUDevice
  readonly #panelBytes: number
  readonly #flopPerSubmit: number
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>()
  readonly #scratch = new Map<string, GPUBuffer>()
  readonly #staging: Staging[] = []
  #turn = 0
  /** What was wrong with work that no scope saw. */
  #uncaptured: string | null = null

  constructor(device: GPUDevice, { panelBytes = 1 << 30, flopPerSubmit = FLOP_PER_SUBMIT }: DeviceOptions = {}) {
    this.#device = device
    this.#panelBytes = Math.min(panelBytes, device.limits.maxStorageBufferBindingSize)
    this.#flopPerSubmit = flopPerSubmit
    device.addEventListener('uncapturederror', (event) => {
      this.#uncaptured ??= (event as GPUUncapturedErrorEvent).error.message
    })
  }

  /** Compiles every shader, side by side: seconds on some drivers, which products would take one after another. @throws DeviceError */
  async compile(): Promise<void> {
    await this.#checked(async () => {
      const products = (['plain', 'transposed'] as const).flatMap((mode) =>
        (['F32', 'F16', 'BF16'] as const).map((dtype) => this.#product(mode, dtype)),
      )
      await Promise.all([...products, this.#reduce()])
    })
  }

  /** Room for a matrix; `write` fills it. @throws DeviceError */
  async allocate(shape: WeightShape): Promise<DeviceMatrix> {
    const rowBytes = shape.cols * bytesPerWeight[shape.dtype]
    const most = Math.floor(this.#panelBytes / rowBytes)
    const height = most >= shape.rows ? shape.rows : Math.floor(most / CHUNK) * CHUNK
    if (height === 0) throw new DeviceError(`${CHUNK} x ${rowBytes} bytes`, true)
    const panels: { first: number; rows: number; buffer: GPUBuffer }[] = []
    await this.#checked(async () => {
      for (let first = 0; first < shape.rows; first += height) {
        const rows = Math.min(height, shape.rows - first)
        const size = roundUp(rows * rowBytes, 4)
        panels.push({ first, rows, buffer: this.#device.createBuffer({ size, usage: usage.STORAGE | usage.COPY_DST }) })
      }
    }).catch((error: unknown) => {
      this.release({ ...shape, panels })
      throw error
    })
    return { ...shape, panels }
  }

  /** Bytes of the matrix from `offset` on, both multiples of 4 but at its end. Rejects where the device is gone. */
  async write(A: DeviceMatrix, offset: number, bytes: Uint8Array): Promise<void> {
    const rowBytes = A.cols * bytesPerWeight[A.dtype]
    for (const { first, rows, buffer } of A.panels) {
      const [start, end] = [first * rowBytes, (first + rows) * rowBytes]
      const [from, to] = [Math.max(start, offset), Math.min(end, offset + bytes.byteLength)]
      if (from < to) await this.#write(buffer, from - start, bytes.subarray(from - offset, to - offset))
    }
  }

  release(A: DeviceMatrix): void {
    for (const { buffer } of A.panels) buffer.destroy()
    const encoder = this.#device.createCommandEncoder()
    encoder.clearBuffer(this.#buffer('nothing', 16, usage.COPY_DST))
    this.#device.queue.submit([encoder.finish()])
  }

  /**
   * Y <- A X (`plain`: right n x k, out m x k), or Z <- At Y, Z + At Y with `accumulate` (`transposed`: right m x k, out n x k).
   * `stopped` is asked between submits; a product that was stopped leaves `out` as it was. @throws DeviceError
   */
  async multiply(
    A: DeviceMatrix,
    mode: Mode,
    right: Float32Array,
    k: number,
    out: Float32Array,
    accumulate = false,
    stopped: () => boolean = () => false,
  ): Promise<void> {
    await this.#checked(async () => {
      const B = this.#buffer('right', right.byteLength, usage.STORAGE | usage.COPY_DST)
      await this.#write(B, 0, asBytes(right))
      const C = this.#buffer('out', out.byteLength, usage.STORAGE | usage.COPY_DST | usage.COPY_SRC)
      if (accumulate) await this.#write(C, 0, asBytes(out))
      for (const step of this.#steps(A, mode, k)) {
        if (stopped()) return
        const add = mode === 'transposed' && (accumulate || step.bRow > 0)
        await this.#submit(A, mode, step, k, add, B, C)
      }
      if (!stopped()) await this.#read(C, out)
    })
  }

  /** Slices of rows of A, none of more than a submit's work or the planes' room; sums of `transposed` continue from one to the next. */
  *#steps(A: DeviceMatrix, mode: Mode, k: number) {
    const { cols } = A
    const planeBytes = mode === 'plain' ? 4 * k * Math.ceil(cols / CHUNK) : (4 * k * cols) / CHUNK
    const most = Math.min(
      this.#flopPerSubmit / (2 * cols * k),
      Math.min(MOST_PLANE_BYTES, this.#device.limits.maxStorageBufferBindingSize) / planeBytes,
      MOST_GROUPS * TILE,
    )
    const height = Math.max(1, Math.floor(most / CHUNK)) * CHUNK
    for (const { first, rows, buffer } of A.panels)
      for (let aRow = 0; aRow < rows; aRow += height)
        yield { buffer, aRow, bRow: first + aRow, rows: Math.min(height, rows - aRow) }
  }

  async #submit(
    A: DeviceMatrix,
    mode: Mode,
    step: { readonly buffer: GPUBuffer; readonly aRow: number; readonly bRow: number; readonly rows: number },
    k: number,
    add: boolean,
    B: GPUBuffer,
    C: GPUBuffer,
  ): Promise<void> {
    const { cols: lda, dtype, scale } = A
    const transposed = mode === 'transposed'
    const [rows, inner] = transposed ? [lda, step.rows] : [step.rows, lda]
    const planes = Math.ceil(inner / CHUNK)
    const direct = planes === 1
    const parts = direct ? C : this.#buffer('parts', 4 * planes * rows * k, usage.STORAGE)
    const firstOut = transposed ? 0 : step.bRow
    const words: ProductWords = {
      rows,
      inner,
      cols: k,
      lda,
      aRow: step.aRow,
      bRow: transposed ? step.bRow : 0,
      cRow: direct ? firstOut : 0,
      accumulate: direct && add ? 1 : 0,
    }
    const product = await this.#product(mode, dtype)
    const reduce = direct ? null : await this.#reduce()
    const encoder = this.#device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(product)
    pass.setBindGroup(
      0,
      this.#bind(product, [this.#uniform('product', Object.values(words), scale), step.buffer, B, parts]),
    )
    pass.dispatchWorkgroups(Math.ceil(k / TILE), Math.ceil(rows / TILE), planes)
    if (reduce) {
      const groups = Math.ceil((rows * k) / GROUP)
      const across = Math.min(groups, 32768)
      pass.setPipeline(reduce)
      const uniform = this.#uniform('reduce', [rows * k, planes, firstOut * k, add ? 1 : 0])
      pass.setBindGroup(0, this.#bind(reduce, [uniform, parts, C]))
      pass.dispatchWorkgroups(across, Math.ceil(groups / across))
    }
    pass.end()
    this.#device.queue.submit([encoder.finish()])
    // A queue of submits would be one long one to whoever watches over the device.
    await this.#device.queue.onSubmittedWorkDone()
  }

  async #read(from: GPUBuffer, out: Float32Array): Promise<void> {
    const staging = this.#buffer('staging', out.byteLength, usage.MAP_READ | usage.COPY_DST)
    const encoder = this.#device.createCommandEncoder()
    encoder.copyBufferToBuffer(from, 0, staging, 0, out.byteLength)
    this.#device.queue.submit([encoder.finish()])
    await staging.mapAsync(MAP_READ, 0, out.byteLength)
    asBytes(out).set(new Uint8Array(staging.getMappedRange(0, out.byteLength)))
    staging.unmap()
  }

  /** What goes wrong in `body`, whenever the device notices. */
  async #checked<T>(body: () => Promise<T>): Promise<T> {
    const device = this.#device
    for (const filter of ['validation', 'internal', 'out-of-memory'] as const) device.pushErrorScope(filter)
    let result: { value: T } | { fault: unknown }
    try {
      result = { value: await body() }
    } catch (fault) {
      result = { fault }
    }
    const [memory, ...others] = [
      await device.popErrorScope(),
      await device.popErrorScope(),
      await device.popErrorScope(),
    ]
    if (memory) throw new DeviceError(memory.message, true)
    const other = others.find((error) => error !== null)?.message ?? this.#uncaptured
    this.#uncaptured = null
    if (other !== null) throw new DeviceError(other, false)
    if ('fault' in result) throw result.fault
    return result.value
  }

  #product(mode: Mode, dtype: WeightDType): Promise<GPUComputePipeline> {
    return this.#pipeline(`${mode} ${dtype}`, () => productSource(mode, dtype))
  }

  #reduce(): Promise<GPUComputePipeline> {
    return this.#pipeline('reduce', () => reduceSource)
  }

  /** Compiled on another thread, in which time whoever waits hears that this one lives. */
  #pipeline(key: string, source: () => string): Promise<GPUComputePipeline> {
    const found = this.#pipelines.get(key)
    if (found !== undefined) return found
    const module = this.#device.createShaderModule({ code: source() })
    const compute = { module, entryPoint: 'main' }
    const made = this.#device.createComputePipelineAsync({ layout: 'auto', compute })
    this.#pipelines.set(key, made)
    return made
  }

  /** A buffer by its role, kept, and made again where it is too small. */
  #buffer(role: string, byteLength: number, flags: number): GPUBuffer {
    const found = this.#scratch.get(role)
    if (found && found.size >= byteLength) return found
    found?.destroy()
    const made = this.#device.createBuffer({ size: roundUp(Math.max(byteLength, 16), 16), usage: flags })
    this.#scratch.set(role, made)
    return made
  }

  #uniform(role: string, words: readonly number[], scale?: number): GPUBuffer {
    const data = new ArrayBuffer(UNIFORM_BYTES)
    new Uint32Array(data).set(words)
    if (scale !== undefined) new Float32Array(data)[SCALE_WORD] = scale
    const buffer = this.#buffer(role, UNIFORM_BYTES, usage.UNIFORM | usage.COPY_DST)
    this.#device.queue.writeBuffer(buffer, 0, data)
    return buffer
  }

  #bind(pipeline: GPUComputePipeline, buffers: readonly GPUBuffer[]): GPUBindGroup {
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }))
    return this.#device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries })
  }

  async #write(buffer: GPUBuffer, at: number, bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.byteLength; start += STAGING_BYTES) {
      const piece = bytes.subarray(start, start + STAGING_BYTES)
      const staging = this.#nextStaging()
      await staging.mapped
      new Uint8Array(staging.buffer.getMappedRange()).set(piece)
      staging.buffer.unmap()
      const encoder = this.#device.createCommandEncoder()
      encoder.copyBufferToBuffer(staging.buffer, 0, buffer, at + start, roundUp(piece.byteLength, 4))
      this.#device.queue.submit([encoder.finish()])
      staging.mapped = staging.buffer.mapAsync(MAP_WRITE)
      // Whoever comes next awaits it; nobody may.
      staging.mapped.catch(() => {})
    }
  }

  #nextStaging(): Staging {
    const turn = this.#turn++ % STAGING_COUNT
    this.#staging[turn] ??= {
      buffer: this.#device.createBuffer({
        size: STAGING_BYTES,
        usage: usage.MAP_WRITE | usage.COPY_SRC,
        mappedAtCreation: true,
      }),
      mapped: Promise.resolve(),
    }
    return this.#staging[turn]
  }
}

/** Memory of the host's that the device reads: written to while it is `mapped`. */
interface Staging {
  readonly buffer: GPUBuffer
  mapped: Promise<unknown>
}

/** As much of each as the adapter has: the defaults are those of the least device. */
export function limitsOf({ limits }: GPUAdapter): Record<string, number> {
  const { maxStorageBufferBindingSize, maxBufferSize, maxComputeWorkgroupStorageSize } = limits
  return { maxStorageBufferBindingSize, maxBufferSize, maxComputeWorkgroupStorageSize }
}

function asBytes(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

function roundUp(value: number, to: number): number {
  return Math.ceil(value / to) * to
}
