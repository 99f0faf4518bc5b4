import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { tappedModel } from '../../../core/answers/tapped.ts'
import {
  type CalibrationReport,
  filesByRole,
  type JobRequest,
  type JobResult,
  jobSchema,
  type TryReport,
} from '../../../core/contract.ts'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { runJob } from '../../../core/jobs/registry.ts'
import { modelRunner } from '../../../main/answers/runner.ts'
import { runModel } from '../../../main/answers/runtime-process.ts'
import { pickSource } from '../../../main/files/files.ts'
import { outputFolder } from '../../../main/files/outputs.ts'
import { concat } from '../../core/formats/corpus.ts'
import { attribute, bytes, external, node, number, opset, slot, tensor } from '../../core/formats/onnx/onnx-model.ts'
import { fileBytes, type TestTensor, testContext, weights } from '../../core/jobs/harness.ts'

const folders: string[] = []
afterAll(() => Promise.all(folders.map((each) => rm(each, { recursive: true, maxRetries: 10 }))))
async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'ghostsvd-answers-'))
  folders.push(made)
  return made
}
const initializer = (name: string, { shape, bytes: values }: TestTensor) =>
  tensor({ name, dims: [...shape], fields: [bytes(9, values)] })
const whole = (...graph: Uint8Array[]) => concat(number(1, 8), bytes(7, concat(bytes(2, 'main'), ...graph)), opset(13))
const linear = (from = weights('w', [64, 80])) =>
  whole(node('MatMul', ['x', 'w'], ['y']), initializer('w', from), slot(11, 'x', ['n', 64]), slot(12, 'y', ['n', 80]))

const asItIs = (path: string) => ({ path, within: null, assertAsOpened: async () => {} })

/** Runs a job whose files are paths, as a driver does. */
async function ran(request: JobRequest, out?: string): Promise<JobResult['report']> {
  const job = jobSchema.parse(request)
  const paths = new Map(filesByRole(job.files))
  const files = await Promise.all(
    [...paths].map(async ([role, path]) => [role, await openWeightFile(await pickSource(path, 'file'))] as const),
  )
  const runner = modelRunner({
    given: new Map([...paths].map(([role, path]) => [role, asItIs(path)])),
    checkCancelled: () => {},
    notePartial: async () => {},
  })
  try {
    const folder = out === undefined ? null : outputFolder(dirname(out), { overwrite: false, sources: [] })
    const target = folder && { folder, name: basename(out!) }
    const opened = Object.fromEntries(files)
    return (await runJob(job, { opened, target, models: runner.models }, testContext())).report
  } finally {
    await runner.close()
    for (const [, file] of files) await file.close()
  }
}
const bytesOf = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0))
const choice = { samples: 2, sizes: { n: 3 }, rounds: 1 }
const tried = async (model: string, compressed: readonly string[], inputs: readonly string[] = []) =>
  (await ran({
    kind: 'try',
    files: { model, compressed: [...compressed], inputs: [...inputs] },
    ...choice,
  })) as TryReport
const calibrated = async (model: string, sizes: Record<string, number>) => {
  const out = join(await folder(), 'stats.safetensors')
  const files = { model, inputs: [] }
  const report = await ran({ kind: 'calibrate', files, target: '', samples: 2, sizes }, out)
  return { out, report: report as CalibrationReport }
}

async function written(model: Uint8Array, name = 'm.onnx'): Promise<string> {
  const path = join(await folder(), name)
  await writeFile(path, model)
  return path
}
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable(),
    (error: Error & { code?: string }) => ({ code: error.code, message: error.message }),
  )

describe('models side by side', () => {
  it('are the same where they are the same, and each as far apart as its weights', async () => {
    const [one, other] = [await written(linear()), await written(linear(weights('ww', [64, 80])), 'c.onnx')]
    const report = await tried(one, [one, other])
    expect(report).toMatchObject({ samples: 2, runs: 2, inputs: 'drawn', original: { name: 'm.onnx' } })
    const [same, different] = report.compressed
    expect(same!.outputs).toMatchObject([
      { name: 'y', dims: [3, 80], relativeError: 0, classes: { rows: 6, sameFirst: 6, firstAmongFive: 6 } },
    ])
    expect(different).toMatchObject({ name: 'c.onnx' })
    expect(different!.outputs[0]!.relativeError).toBeGreaterThan(0)
    expect(report.original.latencyMs.median).toBeGreaterThan(0)
    expect(report.original.peakBytes).toBeGreaterThan(1e6)
  })

  it('have no error where one answers with NaN or Inf, and say of how many numbers', async () => {
    const huge = weights('w', [64, 80])
    const values = new Float32Array(huge.bytes.slice().buffer).fill(3e38)
    const broken = await written(linear({ ...huge, bytes: new Uint8Array(values.buffer) }), 'c.onnx')
    const report = await tried(await written(linear()), [broken])
    const [output] = report.compressed[0]!.outputs
    expect(output!.notFinite).toBeGreaterThan(0)
    expect(output).toMatchObject({ relativeError: null, largestError: null, cosine: null })
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  })

  it('give values of their graphs away, also with weights beside them', async () => {
    const beside = weights('w', [64, 80])
    const path = await written(
      whole(
        ...[node('MatMul', ['x', 'w'], ['h']), node('Softmax', ['h'], ['y'])],
        tensor({ name: 'w', dims: [64, 80], fields: external({ location: 'w.bin' }) }),
        ...[slot(11, 'x', ['n', 64]), slot(12, 'y', ['n', 80])],
      ),
    )
    await writeFile(join(dirname(path), 'w.bin'), beside.bytes)
    const model = await runModel('m.onnx', path, { reveal: ['h'] })
    const feeds = { x: { type: 'float32', dims: [2, 64], bytes: new Uint8Array(512).fill(1) } } as const
    const { outputs } = await model.run(feeds)
    model.end()
    expect(Object.keys(outputs)).toEqual(['y', 'h'])
    expect(outputs.h!.dims).toEqual([2, 80])
  })

  it('read neither values nor inputs of which there are more than a model is handed', async () => {
    const inputs = join(await folder(), 'x.npy')
    const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${2 ** 27}, 64), }`
    const lead = concat(bytesOf('\x93NUMPY\x01\x00'), Uint8Array.of(118, 0), bytesOf(`${header.padEnd(117)}\n`))
    await writeFile(inputs, lead)
    await truncate(inputs, lead.byteLength + 2 ** 35)
    const model = await written(linear())
    expect(await refusal(tried(model, [model], [inputs]))).toMatchObject({ code: 'over-limit' })
    const wide = tensor({ name: 'w', dims: [64, 2 ** 27], fields: external({ location: 'w.bin' }) })
    const shapes = [slot(11, 'x', [1, 64]), slot(12, 'y', [1, 2 ** 27])]
    const path = await written(whole(node('MatMul', ['x', 'w'], ['y']), wide, ...shapes))
    await writeFile(join(dirname(path), 'w.bin'), '')
    await truncate(join(dirname(path), 'w.bin'), 2 ** 35)
    expect(await refusal(calibrated(path, {}))).toMatchObject({ code: 'over-limit' })
  })

  it('take arrays of the user, and say what does not fit', async () => {
    const model = await written(linear())
    const npy = (shape: string, count: number) => {
      const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`.padEnd(117)
      return concat(
        Uint8Array.of(0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, 118, 0),
        new TextEncoder().encode(`${header}\n`),
        new Uint8Array(Float32Array.from({ length: count }, (_, i) => Math.sin(i)).buffer),
      )
    }
    const given = await written(npy('2, 64', 128), 'x.npy')
    expect(await tried(model, [model], [given])).toMatchObject({ inputs: 'given', samples: 1 })
    const wrong = await written(npy('2, 63', 126), 'x.npy')
    expect((await refusal(tried(model, [model], [wrong]))).message).toMatch(
      /The input "x": expected "float32 \[n, 64\]", got "F32 \[2, 63\]"/,
    )
  })

  it('are refused with a sentence: by the runtime, for other inputs, for what is no model', async () => {
    const good = await written(linear())
    const unknown = await written(
      whole(
        node('Nonsense', ['x', 'w'], ['y']),
        initializer('w', weights('w', [8, 8])),
        slot(11, 'x', [1]),
        slot(12, 'y', [1]),
      ),
      'bad.onnx',
    )
    expect(await refusal(tried(good, [unknown]))).toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/^onnxruntime refuses bad\.onnx: .*Nonsense/),
    })
    const outside = tensor({
      name: 'w',
      dims: [64, 80],
      fields: external({ location: '../x', offset: '0', length: '1' }),
    })
    const leads = await written(
      whole(node('MatMul', ['x', 'w'], ['y']), outside, slot(11, 'x', [1, 64]), slot(12, 'y', [1, 80])),
    )
    expect((await refusal(runModel('m.onnx', leads))).message).not.toContain(tmpdir())
    expect((await refusal(tried(good, ['/dev/zero']))).message).toMatch(/zero is not a regular file/)
    const other = await written(
      whole(
        node('MatMul', ['a', 'w'], ['y']),
        initializer('w', weights('w', [64, 80])),
        slot(11, 'a', ['n', 64]),
        slot(12, 'y', ['n', 80]),
      ),
    )
    expect((await refusal(tried(good, [other]))).message).toMatch(/not the same model/)
    const file = await written(fileBytes([weights('w', [8, 8])]), 'a.safetensors')
    expect((await refusal(tried(good, [file]))).message).toMatch(/has weights and no graph/)
  })

  it('that give more than a channel between processes takes are refused, and end no program', async () => {
    const [n, most] = [300_000_000, 2 ** 30]
    const count = tensor({
      name: 's',
      dims: [1],
      type: 7,
      fields: [bytes(9, new Uint8Array(BigInt64Array.of(BigInt(n)).buffer))],
    })
    const long = whole(node('ConstantOfShape', ['s'], ['y']), count, slot(11, 'x', [1]), slot(12, 'y', ['n']))
    const model = await runModel('long.onnx', long)
    const feeds = { x: { type: 'float32' as const, dims: [1], bytes: new Uint8Array(4) } }
    expect(await refusal(model.run(feeds))).toMatchObject({
      code: 'over-limit',
      message: 'The outputs of long.onnx have 1.20 GB; at most 1.07 GB are compared. Try smaller inputs.',
    })
    const large = { type: 'float32' as const, dims: [most], bytes: { byteLength: most + 1 } as Uint8Array }
    expect((await refusal(model.run({ x: large }))).message).toMatch(/^The inputs for long\.onnx have/)
    model.end()
    const heavy = { byteLength: 2 ** 31 } as Uint8Array
    expect((await refusal(runModel('heavy.onnx', heavy))).message).toMatch(/^heavy\.onnx has 2\.15 GB/)
  })

  it('that need more memory than there is say so, and the next one runs', async () => {
    const shape = tensor({
      name: 's',
      dims: [1],
      type: 7,
      fields: [bytes(9, new Uint8Array(BigInt64Array.of(15n * 2n ** 40n).buffer))],
    })
    const huge = whole(
      node('ConstantOfShape', ['s'], ['t']),
      node('Add', ['t', 'x'], ['y']),
      shape,
      slot(11, 'x', [1]),
      slot(12, 'y', ['n']),
    )
    const path = await written(huge, 'huge.onnx')
    expect((await refusal(tried(path, [path]))).message).toMatch(/^huge\.onnx needs more memory/)
    const good = await written(linear())
    expect((await tried(good, [good])).samples).toBe(2)
  })
})

describe('a process that runs a model', () => {
  it('leaves nothing in the folders of the user, and reports to nobody', async () => {
    const [path, place] = [await written(linear()), await folder()]
    const before = { TMPDIR: process.env.TMPDIR, XDG_CACHE_HOME: process.env.XDG_CACHE_HOME, HOME: process.env.HOME }
    Object.assign(process.env, { TMPDIR: place, XDG_CACHE_HOME: place, HOME: place })
    try {
      ;(await runModel('m.onnx', path)).end()
      // The database of onnxruntime's telemetry, the id of the machine, and the log of its client.
      expect(await readdir(place)).toEqual([])
    } finally {
      for (const [name, value] of Object.entries(before))
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
    }
  })

  it('that is killed says so of every run, and leaves others alone', async () => {
    const [model, other] = await Promise.all([runModel('m.onnx', linear()), runModel('other.onnx', linear())])
    const feeds = { x: { type: 'float32' as const, dims: [1, 64], bytes: new Uint8Array(256) } }
    expect((await model.run(feeds)).outputs.y!.dims).toEqual([1, 80])
    const running = refusal(model.run(feeds).then(() => model.run(feeds)))
    model.end()
    expect(await running).toMatchObject({
      code: 'engine-died',
      message: expect.stringMatching(/The process that ran m\.onnx ended\..*SIGKILL/),
    })
    expect((await refusal(model.run(feeds))).code).toBe('engine-died')
    expect((await other.run(feeds)).outputs.y!.dims).toEqual([1, 80])
    other.end()
  })

  it("ends with its program's cancel", async () => {
    const abort = new AbortController()
    const model = await runModel('m.onnx', linear(), { signal: abort.signal })
    abort.abort()
    expect((await refusal(model.run({}))).code).toBe('cancelled')
  })

  it('is not begun for what was cancelled before', async () => {
    expect((await refusal(runModel('m.onnx', linear(), { signal: AbortSignal.abort() }))).code).toBe('cancelled')
  })

  it.runIf(process.platform === 'linux')(
    'ends with a program that was killed, also one that loops for ever',
    async () => {
      const body = concat(
        bytes(2, 'body'),
        node('Identity', ['go'], ['on']),
        node('Identity', ['s'], ['n']),
        slot(11, 'i', [], 7),
        slot(11, 'go', [], 9),
        slot(11, 's', [1]),
        slot(12, 'on', [], 9),
        slot(12, 'n', [1]),
      )
      const endless = whole(
        node('Loop', ['', 't', 'x'], ['y'], attribute('body', bytes(6, body), number(20, 5))),
        tensor({ name: 't', dims: [], type: 9, fields: [bytes(9, Uint8Array.of(1))] }),
        slot(11, 'x', [1]),
        slot(12, 'y', [1]),
      )
      const entry = pathToFileURL(resolve('main/answers/runtime-process.ts')).href
      const program = `const { runModel } = await import(${JSON.stringify(entry)})
      const model = await runModel('m', ${JSON.stringify(await written(endless))})
      model.run({ x: { type: 'float32', dims: [1], bytes: new Uint8Array(4) } })
      setTimeout(() => console.log('computes'), 500)`
      const path = await written(new TextEncoder().encode(program), 'parent.mjs')
      const parent = spawn(process.execPath, [path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(parent.stdout!, 'data')
      const children = (await readFile(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8')).trim().split(' ')
      expect(children).toHaveLength(1)
      // It is the first to go where memory is short.
      expect(await readFile(`/proc/${children[0]}/oom_score_adj`, 'utf8')).toBe('1000\n')
      parent.kill('SIGKILL')
      await expect.poll(() => existsSync(`/proc/${children[0]}`), { timeout: 10_000, interval: 100 }).toBe(false)
    },
  )

  it('without onnxruntime-node says what to install', async () => {
    // As built, beside a package of that name with nothing in it: a folder above the temporary one may have a real one.
    const built = resolve('out/main')
    const place = await folder()
    for (const name of await readdir(built)) if (name.endsWith('.js')) await cp(join(built, name), join(place, name))
    await writeFile(join(place, 'package.json'), '{"type":"module"}')
    await mkdir(join(place, 'node_modules/onnxruntime-node'), { recursive: true })
    const entry = pathToFileURL(join(place, 'runtime.js'))
    expect((await refusal(runModel('m.onnx', linear(), { entry }))).message).toMatch(
      /npm install onnxruntime-node@1\.30\.0/,
    )
  })
})

describe('calibration', () => {
  const sumsOf = async (model: Uint8Array, sizes: Record<string, number>) => {
    const { out, report } = await calibrated(await written(model), sizes)
    const file = await openWeightFile(await pickSource(out, 'file'))
    const values = new Map<string, Float32Array>()
    for (const each of file.tensors) values.set(each.name, new Float32Array((await file.read(each)).slice().buffer))
    await file.close()
    return { report, values }
  }

  it('sums what flows into a product, also where that is the input of the model', async () => {
    const two = whole(
      node('MatMul', ['x', 'w'], ['h']),
      node('MatMul', ['h', 'v'], ['y']),
      initializer('w', weights('w', [8, 12])),
      initializer('v', weights('v', [12, 9])),
      slot(11, 'x', ['n', 8]),
      slot(12, 'y', ['n', 9]),
    )
    const { report, values } = await sumsOf(two, { n: 5 })
    expect(report).toMatchObject({ covered: 2, uncovered: [], samples: 2, fewestVectors: 10, inputs: 'drawn' })
    expect(values.get('w.count')).toEqual(Float32Array.of(10))
    // With H the sum of x xt, that of (x W)(x W)t is Wt H W.
    const [H, G] = [values.get('w.gram')!, values.get('v.gram')!]
    const W = new Float32Array(weights('w', [8, 12]).bytes.slice().buffer)
    let [error, norm] = [0, 0]
    for (let a = 0; a < 12; a++)
      for (let b = 0; b < 12; b++) {
        let sum = 0
        for (let i = 0; i < 8; i++) for (let j = 0; j < 8; j++) sum += W[i * 12 + a]! * H[i * 8 + j]! * W[j * 12 + b]!
        error += (sum - G[a * 12 + b]!) ** 2
        norm += sum ** 2
      }
    // F32 in the runtime and in the file.
    expect(Math.sqrt(error / norm)).toBeLessThan(8 * 12 * 2 ** -24)
  })

  it('leaves out what NaN or infinite numbers flow into', async () => {
    const huge = weights('w', [8, 8])
    const values = new Uint8Array(new Float32Array(64).fill(3e38).buffer)
    const two = (first: TestTensor) =>
      whole(
        node('MatMul', ['x', 'w'], ['h']),
        node('MatMul', ['h', 'v'], ['y']),
        initializer('w', first),
        initializer('v', weights('v', [8, 9])),
        slot(11, 'x', ['n', 8]),
        slot(12, 'y', ['n', 9]),
      )
    const { report } = await sumsOf(two({ ...huge, bytes: values }), { n: 5 })
    expect(report).toMatchObject({ covered: 1, notFinite: ['v'] })
  })

  it('leaves out what nothing but zeros flow into, and has none where that is so of all', async () => {
    const silent = (...front: Uint8Array[]) =>
      whole(
        ...front,
        node('MatMul', ['z', 'v'], ['y']),
        initializer('v', weights('v', [8, 9])),
        slot(11, 'x', ['n', 8]),
        slot(12, 'y', ['n', 9]),
      )
    const product = [node('MatMul', ['x', 'w'], ['h']), node('Sub', ['h', 'h'], ['z'])]
    const { report, values } = await sumsOf(silent(...product, initializer('w', weights('w', [8, 8]))), { n: 5 })
    expect(report).toMatchObject({ covered: 1, notFinite: [], allZero: ['v'] })
    expect([...values.keys()]).toEqual(['w.gram', 'w.count'])
    const all = await written(silent(node('Sub', ['x', 'x'], ['z'])))
    expect((await refusal(calibrated(all, { n: 5 }))).message).toMatch(/nothing but zeros flows/)
  })

  it('has one entry for a weight that meets two values, and none for one that meets them from both sides', async () => {
    const tied = whole(
      node('MatMul', ['x', 'w'], ['h']),
      node('MatMul', ['x', 'v'], ['u']),
      node('MatMul', ['h', 'w'], ['q']),
      node('MatMul', ['x', 'z'], ['p']),
      node('Gemm', ['p', 'z'], ['o'], attribute('transB', number(3, 1), number(20, 2))),
      node('Sum', ['q', 'u', 'o'], ['y']),
      ...['w', 'v', 'z'].map((name) => initializer(name, weights(name, [8, 8]))),
      slot(11, 'x', ['n', 8]),
      slot(12, 'y', ['n', 8]),
    )
    const { report, values } = await sumsOf(tied, { n: 5 })
    expect(report).toMatchObject({ covered: 2, uncovered: ['z'] })
    expect([...values.keys()].sort()).toEqual(['v.count', 'v.gram', 'w.count', 'w.gram'])
    expect([values.get('w.count'), values.get('v.count')]).toEqual([Float32Array.of(20), Float32Array.of(10)])
  })

  it('looks into no If of a thousand branches, each of which would have to give what all others do', async () => {
    const graphs = Array.from({ length: 1000 }, (_, i) =>
      bytes(
        11,
        concat(
          bytes(2, `g${i}`),
          node('Relu', ['x'], ['r']),
          node('MatMul', ['r', `w${i}`], [`y${i}`]),
          initializer(`w${i}`, weights('w', [8, 6])),
          slot(12, `y${i}`, ['n', 6]),
        ),
      ),
    )
    const model = whole(
      node('If', ['c'], ['y'], attribute('branches', ...graphs, number(20, 10))),
      slot(11, 'x', ['n', 8]),
      slot(11, 'c', [], 9),
      slot(12, 'y', ['n', 6]),
    )
    const file = await openWeightFile(await pickSource(await written(model), 'file'))
    const tapped = await tappedModel(file)
    await file.close()
    expect([tapped!.taps.length, tapped!.uncovered.length]).toEqual([0, 1000])
  })

  it('looks into both branches of an If, and counts what a Loop hides', async () => {
    const product = (name: string) =>
      concat(
        bytes(2, name),
        node('Relu', ['x'], ['r']),
        node('MatMul', ['r', `w ${name}`], [`y ${name}`]),
        initializer(`w ${name}`, weights('w', [8, 6])),
        slot(12, `y ${name}`, ['n', 6]),
      )
    const choose = whole(
      node(
        'If',
        ['c'],
        ['y'],
        attribute('then_branch', bytes(6, product('then')), number(20, 5)),
        attribute('else_branch', bytes(6, product('else')), number(20, 5)),
      ),
      slot(11, 'x', ['n', 8]),
      slot(11, 'c', [], 9),
      slot(12, 'y', ['n', 6]),
    )
    const { report, values } = await sumsOf(choose, { n: 4 })
    // What is drawn is true: the other branch is never seen.
    expect(report).toMatchObject({ covered: 1, uncovered: [] })
    expect([...values.keys()]).toEqual(['y.then_branch.w then.gram', 'y.then_branch.w then.count'])
    const body = concat(
      bytes(2, 'body'),
      node('MatMul', ['s', 'w'], ['n']),
      node('Identity', ['go'], ['on']),
      slot(11, 'i', [], 7),
      slot(11, 'go', [], 9),
      slot(11, 's', [3, 8]),
      slot(12, 'on', [], 9),
      slot(12, 'n', [3, 8]),
    )
    const loop = whole(
      node('MatMul', ['x', 'v'], ['z']),
      node('Loop', ['m', '', 'z'], ['y'], attribute('body', bytes(6, body), number(20, 5))),
      tensor({ name: 'm', dims: [], type: 7, fields: [bytes(9, new Uint8Array(BigInt64Array.of(2n).buffer))] }),
      initializer('w', weights('w', [8, 8])),
      initializer('v', weights('v', [8, 8])),
      slot(11, 'x', [3, 8]),
      slot(12, 'y', [3, 8]),
    )
    expect((await sumsOf(loop, {})).report).toMatchObject({ covered: 1, uncovered: ['w'] })
  })

  it('has nothing to do in a file of weights', async () => {
    const path = await written(fileBytes([weights('w', [8, 8])]), 'a.safetensors')
    expect((await refusal(calibrated(path, {}))).message).toMatch(/has weights and no graph/)
  })
})
