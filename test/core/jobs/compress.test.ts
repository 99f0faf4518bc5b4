import { describe, expect, it } from 'vitest'
import { AppError } from '../../../core/errors.ts'
import { decodeFloat64 } from '../../../core/formats/dtype.ts'
import type { WeightFile } from '../../../core/formats/format.ts'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { compressFile } from '../../../core/jobs/compress.ts'
import { referenceKernels } from '../../../core/kernels/reference.ts'
import { loadMatrix } from '../../../core/matrix/load.ts'
import type { Params } from '../../../core/params.ts'
import { isComputable, type TensorInfo } from '../../../core/tensor.ts'
import { fixedWidth } from '../../../core/write/metadata.ts'
import { memoryFolder } from '../memory-folder.ts'
import { someWords } from '../messages/words.ts'
import {
  compressJob,
  fileBytes,
  openTensors,
  outcomeOf,
  plain,
  type TestTensor,
  testContext,
  weights,
} from './harness.ts'

async function compressed(
  tensors: TestTensor[],
  params: Partial<Params> = {},
  rest: Parameters<typeof compressJob>[1] = {},
) {
  const file = await openTensors(...tensors)
  const folder = memoryFolder('out')
  const context = testContext()
  const report = await compressFile(
    { model: file, target: { folder, name: 'out.safetensors' } },
    compressJob(params, rest),
    context,
  )
  const output = await openWeightFile({ folder, entry: 'out.safetensors' })
  const of = (name: string) => outcomeOf(report.tensors, name)
  return { report, output, bytes: folder.files.get('out.safetensors')!, folder, of, context }
}

it('reports a slower kernel', async () => {
  const kernelNotice = someWords('No fused multiply-add here.')
  for (const [notice, notices] of [
    [kernelNotice, [kernelNotice]],
    [null, []],
  ] as const) {
    const context = testContext({ kernelNotice: notice })
    const target = { folder: memoryFolder('out'), name: 'out.safetensors' }
    const report = await compressFile(
      { model: await openTensors(weights('w', [100, 80])), target },
      compressJob({}),
      context,
    )
    expect(report.notices).toEqual(notices)
  }
})

it('says before it computes anything that factors would take the name of another tensor, and what to do', async () => {
  const tensors = [weights('w', [100, 80]), plain('w.lowrank_A', 'F32', [2], new Uint8Array(8))]
  await expect(compressed(tensors)).rejects.toMatchObject({
    code: 'bad-request',
    message: expect.stringMatching(/^The factors of "w" would be written as "w.lowrank_A", .* Exclude "w" to keep it/),
  })
  expect((await compressed(tensors, {}, { exclude: ['w'] })).of('w').action).toBe('kept')
  expect((await compressed(tensors, { factorLayout: 'usv' })).of('w').action).toBe('factorized')
})

it('says before it computes anything what no reader would open, or would find empty', async () => {
  const early = async (tensors: TestTensor[], rest: Parameters<typeof compressJob>[1], code: string, words: RegExp) => {
    const [file, folder, context] = [await openTensors(...tensors), memoryFolder('out'), testContext()]
    const target = { folder, name: 'out' }
    const refused = compressFile({ model: file, target }, compressJob({ rank: 4 }, rest), context)
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(words) })
    expect(context.events.filter(({ type }) => type === 'tensor')).toEqual([])
    expect([...folder.files.keys()]).toEqual([])
  }
  const long = [weights('n'.repeat(15_998), [80, 64])]
  await early(long, { output: 'npz' }, 'over-limit', /at most 16000 characters in a name/)
  await early(long, { include: ['*'] }, 'over-limit', /at most 16000 characters in a name/)
  await early([weights('w', [8, 8])], { output: 'aguf' }, 'bad-request', /no matrix would be factorized/)
})

function tensorOf(file: WeightFile, name: string): TensorInfo {
  const tensor = file.tensors.find((each) => each.name === name)
  if (!tensor) throw new Error(`no tensor ${name} among ${file.tensors.map((each) => each.name).join(', ')}`)
  return tensor
}

async function valuesOf(file: WeightFile, name: string): Promise<{ shape: readonly number[]; values: Float64Array }> {
  const tensor = tensorOf(file, name)
  if (!isComputable(tensor.dtype)) throw new Error(`${name} is ${tensor.dtype}`)
  return { shape: tensor.shape, values: decodeFloat64(tensor.dtype, await file.read(tensor)) }
}

/** B A in f64, of matrix `index` of a stack. */
function product(
  B: { shape: readonly number[]; values: Float64Array },
  A: { shape: readonly number[]; values: Float64Array },
  index = 0,
): Float64Array {
  const [rows = 0, rank = 0] = B.shape.slice(-2)
  const cols = A.shape.at(-1)!
  const W = new Float64Array(rows * cols)
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < rank; k++)
      for (let j = 0; j < cols; j++)
        W[i * cols + j]! += B.values[(index * rows + i) * rank + k]! * A.values[(index * rank + k) * cols + j]!
  return W
}

function relativeError(W: Float64Array, What: Float64Array): number {
  let lost = 0
  let whole = 0
  for (let i = 0; i < W.length; i++) {
    lost += (W[i]! - What[i]!) ** 2
    whole += W[i]! ** 2
  }
  return Math.sqrt(lost / whole)
}

describe('compressFile, factors', () => {
  const up = weights('layers.0.up', [96, 128])
  const conv = weights('conv.weight', [64, 32, 3])
  const norm = weights('norm.weight', [128])
  const ids = plain('ids', 'I64', [3], new Uint8Array(24).fill(7))
  const odd = plain('flags', 'BOOL', [3], Uint8Array.of(1, 0, 1))

  it('reports the true error of what is in the file, and keeps the rest byte for byte', async () => {
    const { report, output, of } = await compressed([odd, up, norm, conv, ids])
    expect(report.verified).toBe(true)
    for (const [source, flat] of [
      [up, 128],
      [conv, 96],
    ] as const) {
      const A = await valuesOf(output, `${source.name}.lowrank_A`)
      const B = await valuesOf(output, `${source.name}.lowrank_B`)
      expect(A.shape).toEqual([8, flat])
      expect(B.shape).toEqual([source.shape[0], 8])
      const truth = relativeError(decodeFloat64('F32', source.bytes), product(B, A))
      const outcome = of(source.name)
      expect(outcome).toMatchObject({ action: 'factorized', rank: 8, bytesBefore: source.bytes.byteLength })
      // Products of 8 f32 terms against f64: their rounding is far below the error itself.
      expect(Math.abs(outcome.relativeError! - truth)).toBeLessThan(8 * 2 ** -24)
    }
    for (const kept of [norm, ids, odd]) {
      expect(await output.read(tensorOf(output, kept.name))).toEqual(kept.bytes)
      expect(of(kept.name)).toMatchObject({ action: 'kept', relativeError: 0, bytesAfter: kept.bytes.byteLength })
    }
    const entries = [96 * 128, 64 * 96]
    const errors = [of(up.name).relativeError!, of(conv.name).relativeError!]
    const model = Math.sqrt(entries.reduce((sum, n, i) => sum + n * errors[i]! ** 2, 0) / (entries[0]! + entries[1]!))
    expect(report.relativeError).toBeCloseTo(model, 12)
    expect(output.metadata.get('ghostsvd.error')).toBe(fixedWidth(model))
    expect(output.metadata.get('format')).toBe('ghostsvd-factors')
  })

  it('writes as many bytes as it announced, the same ones each time, whatever the error', async () => {
    const announced: number[] = []
    const file = await openTensors(up, norm, conv)
    const outputs: Uint8Array[] = []
    for (const scale of [1, 1]) {
      const folder = memoryFolder('out')
      const create = folder.create
      folder.create = (name, byteLength) => {
        if (name === 'o') announced.push(byteLength * scale)
        return create(name, byteLength)
      }
      const report = await compressFile({ model: file, target: { folder, name: 'o' } }, compressJob(), testContext())
      outputs.push(folder.files.get('o')!)
      expect(report.bytesAfter).toBe(announced.at(-1))
      expect(folder.files.get('o')!.byteLength).toBe(announced.at(-1))
    }
    expect(outputs[0]).toEqual(outputs[1])
  })

  it('aligns every tensor to its element size', async () => {
    const { bytes } = await compressed([odd, up, plain('bytes', 'U8', [5], new Uint8Array(5)), norm, ids])
    const headerLength = Number(new DataView(bytes.buffer).getBigUint64(0, true))
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength)))
    const sizes: Record<string, number> = { F32: 4, I64: 8, BOOL: 1, U8: 1 }
    for (const [name, entry] of Object.entries<{ dtype: string; data_offsets: number[] }>(header)) {
      if (name !== '__metadata__')
        expect((8 + headerLength + entry.data_offsets[0]!) % sizes[entry.dtype]!, name).toBe(0)
    }
  })

  it('follows dtype, layout and stacks', async () => {
    const experts = weights('mlp.experts.up', [3, 64, 96], 'BF16')
    const { output, of } = await compressed([experts])
    expect(tensorOf(output, 'mlp.experts.up.lowrank_A')).toMatchObject({ dtype: 'BF16', shape: [3, 8, 96] })
    expect(tensorOf(output, 'mlp.experts.up.lowrank_B')).toMatchObject({ dtype: 'BF16', shape: [3, 64, 8] })
    const A = await valuesOf(output, 'mlp.experts.up.lowrank_A')
    const B = await valuesOf(output, 'mlp.experts.up.lowrank_B')
    const W = decodeFloat64('BF16', experts.bytes)
    const rebuilt = Float64Array.from([0, 1, 2].flatMap((index) => Array.from(product(B, A, index))))
    expect(of('mlp.experts.up').relativeError).toBeCloseTo(relativeError(W, rebuilt), 5)

    const usv = await compressed([up], { factorLayout: 'usv', factorDType: 'F16' })
    expect(tensorOf(usv.output, 'layers.0.up.U')).toMatchObject({ dtype: 'F16', shape: [96, 8] })
    expect(tensorOf(usv.output, 'layers.0.up.S')).toMatchObject({ dtype: 'F32', shape: [8] })
    expect(tensorOf(usv.output, 'layers.0.up.Vt')).toMatchObject({ dtype: 'F16', shape: [8, 128] })
  })

  it('computes with every float dtype, and with magnitudes that f32 products could not hold', async () => {
    const { report, of } = await compressed([
      weights('f64.huge', [64, 64], 'F64', 1e300),
      weights('f64.tiny', [64, 64], 'F64', 1e-300),
      weights('f32.huge', [64, 64], 'F32', 1e30),
      weights('f32.tiny', [64, 64], 'F32', 1e-30),
      weights('bf16', [64, 64], 'BF16'),
      weights('f16', [64, 64], 'F16'),
      weights('e4m3', [64, 64], 'F8_E4M3'),
      weights('e5m2', [64, 64], 'F8_E5M2'),
    ])
    expect(report.tensors.map(({ action }) => action)).toEqual(new Array(8).fill('factorized'))
    const plainError = of('f32.huge').relativeError!
    expect(plainError).toBeGreaterThan(0.05)
    for (const name of ['f64.huge', 'f64.tiny', 'f32.tiny', 'f16'])
      expect(Math.abs(of(name).relativeError! - plainError), name).toBeLessThan(0.1 * plainError)
  })

  it('keeps tensors with NaN or Inf and says how many', async () => {
    const sick = weights('layers.3.mlp.up_proj', [64, 64])
    const values = new Float32Array(sick.bytes.buffer)
    for (let i = 0; i < 12; i++) values[i * 70] = Number.POSITIVE_INFINITY
    const nan = weights('half', [64, 64], 'BF16')
    new Uint16Array(nan.bytes.buffer)[5] = 0x7fc1
    const { of, output } = await compressed([sick, nan])
    expect(of('layers.3.mlp.up_proj')).toMatchObject({
      action: 'kept',
      reason: 'layers.3.mlp.up_proj has 12 Inf values. It was kept unchanged.',
    })
    expect(of('half').reason).toBe('half has 1 NaN value. It was kept unchanged.')
    expect(await output.read(tensorOf(output, 'half'))).toEqual(nan.bytes)
  })

  it('keeps a tensor whose factors do not fit the dtype, with the reason, and goes on', async () => {
    const { of, output, report } = await compressed([weights('big', [64, 64], 'F32', 1e12), up], { factorDType: 'F16' })
    expect(of('big').action).toBe('kept')
    expect(of('big').reason).toMatch(/do not fit F16.*It was kept unchanged/)
    expect(of(up.name).action).toBe('factorized')
    expect(output.totalBytes).toBe(report.bytesAfter)
  })

  it('takes names that are not names elsewhere', async () => {
    const { of } = await compressed([weights('__proto__', [64, 64]), weights('constructor', [64, 64])])
    expect(of('__proto__').action).toBe('factorized')
    expect(of('constructor').action).toBe('factorized')
  })

  it('has error 0 on zeros', async () => {
    const zeros = plain('zeros', 'F32', [64, 64], new Uint8Array(4 * 64 * 64))
    const { of } = await compressed([zeros])
    expect(of('zeros')).toMatchObject({ action: 'factorized', relativeError: 0 })
  })
})

describe('compressFile, dense', () => {
  it('gives back the same names, dtypes and shapes, with the error of what was written', async () => {
    const source = [weights('a', [64, 96], 'BF16'), weights('b', [5])]
    const { output, of, report } = await compressed(source, {}, { output: 'dense' })
    expect(output.tensors.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ['a', 'BF16', [64, 96]],
      ['b', 'F32', [5]],
    ])
    const truth = relativeError(decodeFloat64('BF16', source[0]!.bytes), (await valuesOf(output, 'a')).values)
    // Both sides are the same f64 sums over the same bytes.
    expect(Math.abs(of('a').relativeError! - truth)).toBeLessThan(64 * 96 * 2 ** -53)
    expect(report.bytesAfter).toBe(output.totalBytes)
  })
})

describe('compressFile, its target', () => {
  it('refuses an existing file without force, and leaves nothing behind when it is stopped', async () => {
    const file = await openTensors(weights('a', [64, 64]))
    const folder = memoryFolder('out')
    folder.files.set('o', fileBytes([]))
    const target = { folder, name: 'o' }
    await expect(compressFile({ model: file, target }, compressJob(), testContext())).rejects.toMatchObject({
      code: 'would-overwrite',
    })
    await compressFile({ model: file, target }, compressJob({}, { force: true }), testContext())

    let checks = 0
    const stopping = testContext({
      checkCancelled: () => {
        if (++checks > 4) throw new AppError('cancelled', someWords('Cancelled.'))
      },
    })
    await expect(
      compressFile({ model: file, target: { folder, name: 'p' } }, compressJob(), stopping),
    ).rejects.toMatchObject({
      code: 'cancelled',
    })
    expect([...folder.files.keys(), ...folder.partials.keys()]).toEqual(['o'])
  })
})

describe('fixedWidth', () => {
  it('is twelve characters for every error', () => {
    for (const value of [0, 1, 0.4709501234, 1e-9, 3.5e-17, 0.99999999])
      expect(fixedWidth(value)).toMatch(/^\d\.\d{6}e[+-]\d\d$/)
    expect(fixedWidth(0.1234567)).toBe('1.234567e-01')
  })
})

describe('a memory limit', () => {
  it.each(['randomized', 'exact'] as const)('below the size of a matrix changes no byte, with %s', async (method) => {
    const tensors = [weights('wide', [64, 160]), weights('tall', [160, 64]), weights('f64', [96, 96], 'F64')]
    const free = await compressed(tensors, { method })
    const tight = await compressed(tensors, { method, memoryLimit: 8000 })
    expect(tight.bytes).toEqual(free.bytes)
    expect(tight.report.tensors.every(({ action }) => action === 'factorized')).toBe(true)
  })

  it('of the machine takes its place: half of it for weights, more goes through in panels', async () => {
    const kernels = referenceKernels()
    const scarce = { ...kernels, memory: { ...kernels.memory, limitBytes: 160_000 } }
    const asked: [number, number][] = []
    const load = async (rows: number, memoryLimit: number) => {
      asked.length = 0
      const file = await openTensors(weights('w', [rows, 250]))
      const watched: WeightFile = {
        ...file,
        read: (tensor, start, end) => {
          asked.push([start!, end!])
          return file.read(tensor, start, end)
        },
      }
      const [tensor] = file.tensors
      const view = { kind: 'linear', count: 1, rows, cols: 250 } as const
      const context = testContext({ kernels: scarce })
      const { operand } = await loadMatrix(watched, { ...tensor!, dtype: 'F32' }, view, 0, context, {
        memoryLimit,
        method: 'randomized',
      })
      asked.length = 0
      await operand.gram('cols', new Float64Array(250 ** 2))
      return asked.length
    }
    // 80 rows of 1000 bytes are half of it.
    expect(await load(80, 0)).toBe(0)
    expect(await load(81, 0)).toBeGreaterThan(0)
    expect(await load(81, 1e9)).toBeGreaterThan(0)
    expect(await load(80, 79_999)).toBeGreaterThan(0)
  })
})
