/**
 * The products of a device, on SwiftShader, held against the reference and the rigorous bound of their sums; and what the decorator does with
 * hostile matrices, wrong results and lost devices, on a link that is told what to do.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeAdapter } from '../../../../core/kernels/gpu/adapter.ts'
import { mayPay, pays } from '../../../../core/kernels/gpu/cost.ts'
import { bytesPerWeight, DeviceKernels } from '../../../../core/kernels/gpu/device-kernels.ts'
import { DeviceFault } from '../../../../core/kernels/gpu/fault.ts'
import { type DeviceLink, withDevice } from '../../../../core/kernels/gpu/products.ts'
import { startUpTest } from '../../../../core/kernels/gpu/start-up-test.ts'
import type { Mode } from '../../../../core/kernels/gpu/wgsl.ts'
import type { Kernels, Weights } from '../../../../core/kernels/kernels.ts'
import { referenceKernels } from '../../../../core/kernels/reference.ts'
import { widen } from '../../../../core/kernels/widen.ts'
import { say } from '../../../../core/messages/english.ts'
import { noise, U, weightsOf, worst } from './bound.ts'
import { missing, softwareDevice } from './software-device.ts'

const dtypes = ['F32', 'F16', 'BF16'] as const

describe.skipIf(missing !== null)('products on SwiftShader', () => {
  let found: Awaited<ReturnType<typeof softwareDevice>>
  let kernels: DeviceKernels
  beforeAll(async () => {
    found = await softwareDevice()
    kernels = new DeviceKernels(found.device)
  }, 60_000)
  afterAll(() => found?.device.destroy())

  async function product(A: Weights, mode: Mode, right: Float32Array, k: number, out: Float32Array, on = kernels) {
    const accumulate = !Number.isNaN(out[0])
    const held = await on.allocate(A)
    await on.write(held, 0, A.data)
    await on.multiply(held, mode, right, k, out, accumulate)
    on.release(held)
  }

  // Columns that take two, three and four a thread; one row, one column, edges of tiles, blocks and planes. A width is a program of its own, which
  // SwiftShader makes in a second or more; dtypes differ in how a weight is read alone, so halves have the last four, of one width.
  const shapes = [
    [1, 1, 1],
    [1, 37, 42],
    [37, 1, 42],
    [64, 64, 64],
    [65, 63, 17],
    [257, 129, 43],
    [131, 2051, 35],
    [2049, 70, 35],
    [70, 4100, 130],
  ] as const
  for (const dtype of dtypes)
    it(`${dtype}: every entry of every shape is within the bound of its sums`, { timeout: 240_000 }, async () => {
      for (const [m, n, k] of dtype === 'F32' ? shapes : shapes.slice(-4)) {
        const A = weightsOf(m, n, dtype, m === 257 ? 2 ** -3 : 1)
        const next = noise(k)
        const X = Float32Array.from({ length: n * k }, next)
        const Y = new Float32Array(m * k).fill(Number.NaN)
        await product(A, 'plain', X, k, Y)
        expect(worst(A, 'plain', X, k, Y), `A X ${m} x ${n}, ${k}`).toBeLessThan(1)
        const right = Float32Array.from({ length: m * k }, next)
        const Z = new Float32Array(n * k).fill(Number.NaN)
        await product(A, 'transposed', right, k, Z)
        expect(worst(A, 'transposed', right, k, Z), `At Y ${m} x ${n}, ${k}`).toBeLessThan(1)
        const before = Float32Array.from({ length: n * k }, next)
        const sum = before.slice()
        await product(A, 'transposed', right, k, sum)
        expect(worst(A, 'transposed', right, k, sum, before), `Z + At Y ${m} x ${n}, ${k}`).toBeLessThan(1)
      }
    })

  it('agrees with the reference kernels to rounding', { timeout: 120_000 }, async () => {
    const [m, n, k] = [131, 2051, 35]
    const A = weightsOf(m, n, 'BF16')
    const X = Float32Array.from({ length: n * k }, noise(1))
    const Y = new Float32Array(m * k).fill(Number.NaN)
    const expected = new Float32Array(m * k)
    await product(A, 'plain', X, k, Y)
    referenceKernels().gemm(A, { rows: n, cols: k, data: X }, { rows: m, cols: k, data: expected })
    let error = 0
    let size = 0
    for (let i = 0; i < Y.length; i++) {
      error += (Y[i]! - expected[i]!) ** 2
      size += expected[i]! ** 2
    }
    expect(Math.sqrt(error / size)).toBeLessThan(16 * U)
  })

  it('every pattern of F16 and BF16 that is finite, subnormals of F16 included, is the number it stands for', async () => {
    for (const dtype of ['F16', 'BF16'] as const) {
      const halves = Uint16Array.from({ length: 65536 }, (_, i) => i)
      const data = new Uint8Array(halves.buffer)
      const A: Weights = { rows: 65536, cols: 1, dtype, data, scale: 1 }
      const out = new Float32Array(65536).fill(Number.NaN)
      await product(A, 'plain', Float32Array.of(1), 1, out)
      const expected = widen(A)
      for (let i = 0; i < 65536; i++) {
        const value = expected[i]!
        if (!Number.isFinite(value)) continue
        // Subnormal f32 may be flushed: decorators give no matrix to the device whose largest entry is near them.
        if (Math.abs(value) < 2 ** -126) expect(Math.abs(out[i]!)).toBeLessThan(2 ** -126)
        else if (out[i] !== value) expect.fail(`${dtype} ${i}: ${out[i]} where ${value} was expected`)
      }
    }
  })

  it('the bits depend on neither panels nor submits', { timeout: 120_000 }, async () => {
    const [m, n, k] = [5000, 40, 35]
    const A = weightsOf(m, n, 'BF16')
    const right = Float32Array.from({ length: m * k }, noise(2))
    const X = Float32Array.from({ length: n * k }, noise(3))
    const bits: string[] = []
    for (const options of [{}, { panelBytes: 2048 * n * 2 }, { panelBytes: 4096 * n * 2 }, { flopPerSubmit: 1 }]) {
      const on = new DeviceKernels(found.device, options)
      const Z = new Float32Array(n * k).fill(Number.NaN)
      const Y = new Float32Array(m * k).fill(Number.NaN)
      await product(A, 'transposed', right, k, Z, on)
      await product(A, 'plain', X, k, Y, on)
      bits.push(Buffer.concat([Buffer.from(Z.buffer), Buffer.from(Y.buffer)]).toString('base64'))
    }
    expect(new Set(bits).size).toBe(1)
  })

  it('passes its test at the start, and is a software device that auto never takes', { timeout: 120_000 }, async () => {
    expect(await startUpTest(kernels)).toBe(null)
    const info = describeAdapter(found.adapter)
    expect(info).toMatchObject({ kind: 'software', driver: expect.stringContaining('SwiftShader') })
    const shape = { rows: 65536, cols: 65536, dtype: 'BF16', columns: 512, products: 6 } as const
    expect(pays('discrete', 'pipe', shape)).toBe(true)
    expect(pays(info.kind, 'pipe', shape)).toBe(false)
  })

  it('what is wrong with the work, or too large, is an error and not the result before', {
    timeout: 60_000,
  }, async () => {
    const A = weightsOf(8, 8, 'F32')
    const held = await kernels.allocate(A)
    await kernels.write(held, 0, A.data)
    await kernels.multiply(held, 'plain', new Float32Array(8), 1, new Float32Array(8))
    held.panels[0]!.buffer.destroy()
    await expect(kernels.multiply(held, 'plain', new Float32Array(8), 1, new Float32Array(8))).rejects.toMatchObject({
      outOfMemory: false,
    })
    const huge = { rows: 2 ** 16, cols: 2 ** 17, dtype: 'F32', scale: 1 } as const
    await expect(kernels.allocate(huge)).rejects.toMatchObject({ outOfMemory: true })
    expect(await startUpTest(kernels)).toBe(null)
  })
})

/** A device that computes by the reference and then does as it is told. */
function toldLink(spoil: (out: Float32Array, call: number) => void = () => {}) {
  const calls: string[] = []
  const resident = new Map<number, Weights>()
  let products = 0
  const link: DeviceLink = {
    info: { name: 'told', driver: '1', kind: 'discrete', bufferBytes: 2 ** 30 },
    way: 'pipe',
    upload: (A) => {
      calls.push('upload')
      resident.set(resident.size + 1, A)
      return resident.size
    },
    drop: () => {
      calls.push('drop')
    },
    multiply: (id, mode, right, k, out, accumulate) => {
      calls.push(mode)
      const A = resident.get(id)!
      const [rows, inner] = mode === 'plain' ? [A.rows, A.cols] : [A.cols, A.rows]
      const [R, C] = [
        { rows: inner, cols: k, data: right },
        { rows, cols: k, data: out },
      ]
      if (mode === 'plain') reference.gemm(A, R, C)
      else reference.gemmTransposed(A, R, C, accumulate)
      spoil(out, products++)
    },
  }
  return { link, calls }
}
const reference = referenceKernels()

describe('kernels with a device beside them', () => {
  const [m, n, k] = [300, 200, 12]
  const X = () => ({ rows: n, cols: k, data: Float32Array.from({ length: n * k }, noise(4)) })
  const Y = () => ({ rows: m, cols: k, data: new Float32Array(m * k) })
  const shape = { rows: m, cols: n, dtype: 'F32', columns: k, products: 6 } as const
  const once = (kernels: Kernels, A: Weights) => {
    const products = kernels.device!.products()
    const out = Y()
    products.gemm(A, X(), out)
    return { products, out }
  }

  it('upload weights once and let them go with the memory they lay in', () => {
    const { link, calls } = toldLink()
    const kernels = withDevice(referenceKernels(), link, true)
    const mark = kernels.mark()
    const A = { ...weightsOf(m, n, 'F32'), data: kernels.allocateBytes(4 * m * n) }
    A.data.set(weightsOf(m, n, 'F32').data)
    const { products, out } = once(kernels, A)
    const inner = kernels.mark()
    products.gemmTransposed(A, out, X(), false)
    kernels.release(inner)
    products.gemm(A, X(), out)
    expect(calls).toEqual(['upload', 'plain', 'transposed', 'plain'])
    kernels.release(mark)
    expect(calls.at(-1)).toBe('drop')
  })

  it('NaN, Inf, subnormals and tiny matrices are not for the device', () => {
    const { link } = toldLink()
    const { device } = withDevice(referenceKernels(), link, true)
    const accepts = (values: number[]) => {
      const data = new Uint8Array(Float32Array.from(values).buffer)
      return device!.accepts(reference.statistics({ rows: 1, cols: values.length, dtype: 'F32', data, scale: 1 }))
    }
    expect(accepts([1, 2 ** -140])).toBe(true)
    expect(accepts([1, Number.NaN])).toBe(false)
    expect(accepts([1, Number.POSITIVE_INFINITY])).toBe(false)
    expect(accepts([2 ** -140, 2 ** -130])).toBe(false)
    expect(accepts([2 ** -101, -(2 ** -101)])).toBe(false)
    expect(accepts([2 ** -100])).toBe(true)
    expect(accepts([0, 0])).toBe(false)
  })

  it('auto asks the table, gpu only whether there is room', () => {
    const { link } = toldLink()
    const auto = withDevice(referenceKernels(), link, false).device!
    const asked = withDevice(referenceKernels(), link, true).device!
    expect([auto.takes(shape), asked.takes(shape)]).toEqual([false, true])
    expect(auto.takes({ ...shape, rows: 8192, cols: 8192, columns: 138 })).toBe(true)
    expect(asked.takes({ ...shape, rows: 2 ** 22, columns: 100 })).toBe(false)
    expect(asked.takes({ ...shape, rows: 2 ** 23, columns: 1 })).toBe(false)
  })

  it('a wrong result ends the matrix and the device; what is within rounding does neither', () => {
    const faults: Record<string, (out: Float32Array) => void> = {
      zeros: (out) => out.fill(0, 5 * k, 9 * k),
      negated: (out) => out.set(out.subarray(0, 64 * k).map((value) => -value)),
      'one entry': (out) => {
        out[17] = out[17]! * 1.5
      },
      NaN: (out) => {
        out[100] = Number.NaN
      },
      'half precision': (out) => {
        const bits = new Uint32Array(out.buffer)
        for (let i = 0; i < bits.length; i++) bits[i] = (bits[i]! + 0x1000) & 0xffffe000
      },
    }
    for (const [name, spoil] of Object.entries(faults)) {
      const { link } = toldLink(spoil)
      const kernels = withDevice(referenceKernels(), link, true)
      expect(() => once(kernels, weightsOf(m, n, 'F32')), name).toThrow(DeviceFault)
    }
    const { link } = toldLink((out) => {
      for (let i = 0; i < out.length; i++) out[i] = Math.fround(out[i]! * (1 + (i % 2 === 0 ? U : -U)))
    })
    expect(() => once(withDevice(referenceKernels(), link, true), weightsOf(m, n, 'F32'))).not.toThrow()
  })

  it('an alarm on equal terms, whose sums err all alike, is looked into and found to be none', () => {
    const A = { ...weightsOf(m, n, 'F32'), data: new Uint8Array(new Float32Array(m * n).fill(1).buffer) }
    const { link } = toldLink((out) => {
      // Every entry too large by 20 u of its sum: far within the bound of 200 additions, far from chance.
      for (let i = 0; i < out.length; i++) out[i] = Math.fround(out[i]! * (1 + 20 * U))
    })
    const kernels = withDevice(referenceKernels(), link, true)
    const products = kernels.device!.products()
    const ones = { ...X(), data: new Float32Array(n * k).fill(1) }
    expect(() => products.gemm(A, ones, Y())).not.toThrow()
  })

  it('a device that was caught is named, told where it was asked for, and not used again', () => {
    for (const asked of [true, false]) {
      const { link, calls } = toldLink((out) => out.fill(0))
      const { device } = withDevice(referenceKernels(), link, asked)
      const large = { ...shape, rows: 8192, cols: 8192, columns: 138 }
      expect(device!.takes(large)).toBe(true)
      device!.leave(new DeviceFault(say('device.caught', { name: 'told' as never }), true))
      expect(device!.takes(large)).toBe(false)
      expect(device!.notices()).toHaveLength(asked ? 1 : 0)
      expect(calls).toEqual([])
    }
  })

  it('one matrix too large for it leaves the device for the next', () => {
    const { link } = toldLink()
    const { device } = withDevice(referenceKernels(), link, true)
    device!.leave(new DeviceFault(say('device.no-room', { rows: m, cols: n }), false))
    expect(device!.takes(shape)).toBe(true)
  })
})

describe('the table of auto', () => {
  const card = ['discrete', 'pipe'] as const
  const square = (n: number, columns: number) => ({ rows: n, cols: n, dtype: 'BF16', columns, products: 6 }) as const

  it('takes large matrices of wide sketches, by shape alone', () => {
    expect(pays(...card, square(1024, 138))).toBe(false)
    expect(pays(...card, square(4096, 42))).toBe(false)
    expect(pays(...card, square(4096, 138))).toBe(true)
    expect(pays(...card, square(8192, 522))).toBe(true)
    expect(mayPay('pipe', square(512, 522))).toBe(false)
    for (const kind of ['integrated', 'unknown'] as const) expect(pays(kind, 'pipe', square(4096, 42))).toBe(false)
  })

  it('takes none that may be of software, and through a window only the largest', () => {
    const limits = { maxStorageBufferBindingSize: 2 ** 30, maxBufferSize: 2 ** 30 }
    const nothing = { vendor: '', architecture: '', device: '', description: '', isFallbackAdapter: false }
    const adapter = (info: Partial<typeof nothing>) =>
      describeAdapter({ info: { ...nothing, ...info }, limits }, 'Chromium 114.0.5735.106')
    expect(adapter({})).toMatchObject({ name: 'GPU', driver: 'Chromium 114.0.5735.106', kind: 'unnamed' })
    const largest = square(16384, 522)
    expect(pays(adapter({}).kind, 'port', largest)).toBe(false)
    expect(pays(adapter({ vendor: 'google', architecture: 'swiftshader' }).kind, 'port', largest)).toBe(false)
    expect(pays(adapter({ vendor: 'nvidia', isFallbackAdapter: true }).kind, 'port', largest)).toBe(false)
    expect(pays(adapter({ vendor: 'nvidia', architecture: 'ampere' }).kind, 'port', largest)).toBe(true)
    expect(pays(adapter({ vendor: 'nvidia', architecture: 'ampere' }).kind, 'port', square(4096, 138))).toBe(false)
    expect(mayPay('port', square(8192, 138))).toBe(false)
  })

  it('counts weights at their own precision', () => {
    expect(bytesPerWeight).toEqual({ F32: 4, F16: 2, BF16: 2 })
  })
})
