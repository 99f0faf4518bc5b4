import { describe, expect, it } from 'vitest'
import { AppError } from '../../../../core/errors.ts'
import { openWeightFile } from '../../../../core/formats/opening/open.ts'
import { compressFile } from '../../../../core/jobs/compress.ts'
import { inEnglish, say } from '../../../../core/messages/english.ts'
import type { Params } from '../../../../core/params.ts'
import { concat } from '../../formats/corpus.ts'
import {
  attribute,
  bytes,
  declared,
  integer,
  node,
  number,
  opset,
  property,
  tensor,
} from '../../formats/onnx/onnx-model.ts'
import { compressJob, openTensors, outcomeOf, type TestTensor, testContext, weights } from '../../jobs/harness.ts'
import { memoryFolder } from '../../memory-folder.ts'

const types = { F32: 1, F16: 10 } as const
const initializer = ({ name, shape, dtype, bytes: values }: TestTensor) =>
  tensor({ name, dims: [...shape], type: types[dtype as keyof typeof types], fields: [bytes(9, values)] })
const whole = (version: number, ir: number, ...graph: Uint8Array[]) =>
  concat(number(1, ir), bytes(2, 'test'), bytes(7, concat(...graph)), opset(version), property('kept', 'as it was'))

const w = weights('w', [64, 96])
const matmul = (version = 13, ir = 8, ...more: Uint8Array[]) =>
  whole(
    version,
    ir,
    node('MatMul', ['x', 'w'], ['y']),
    bytes(2, 'main'),
    initializer(w),
    declared(11, 'x'),
    declared(12, 'y'),
    ...more,
  )

async function write(model: Uint8Array, params: Partial<Params> = {}, siblings: Record<string, Uint8Array> = {}) {
  const source = memoryFolder('in', new Map(Object.entries({ 'm.onnx': model, ...siblings })))
  const folder = memoryFolder('out')
  const report = await compressFile(
    { model: await openWeightFile({ folder: source, entry: 'm.onnx' }), target: { folder, name: 'o.onnx' } },
    compressJob({ rank: 4, ...params }, { output: 'onnx', include: ['*'] }),
    testContext(),
  )
  expect(report.bytesAfter).toBe(report.plannedBytes)
  expect(folder.files.get('o.onnx')!.byteLength).toBe(report.bytesAfter)
  const file = await openWeightFile({ folder, entry: 'o.onnx' })
  return { report, file, graph: file.graph!, written: folder.files.get('o.onnx')! }
}

/** `MatMul(x, w.lowrank_B) -> y.lowrank`. */
const nodesOf = (scope: NonNullable<Awaited<ReturnType<typeof write>>['graph']>['main']) =>
  scope.nodes.map(({ opType, inputs, outputs }) => `${opType}(${inputs.join(', ')}) -> ${outputs.join(', ')}`)
const tensorsOf = ({ file }: Awaited<ReturnType<typeof write>>) =>
  Object.fromEntries(file.tensors.map(({ name, dtype, shape }) => [name, [dtype, ...shape].join(' ')]))
const names = (values: readonly { readonly name: string }[]) => values.map(({ name }) => name)

describe('output onnx', () => {
  it('has two products in place of one, under the same names, and all else as it was', async () => {
    const done = await write(matmul(13, 8, declared(13, 'y')))
    expect(nodesOf(done.graph.main)).toEqual([
      'MatMul(x, w.lowrank_B) -> y.lowrank',
      'MatMul(y.lowrank, w.lowrank_A) -> y',
    ])
    expect(tensorsOf(done)).toEqual({ 'w.lowrank_A': 'F32 4 96', 'w.lowrank_B': 'F32 64 4' })
    expect([names(done.graph.main.inputs), names(done.graph.main.outputs), names(done.graph.main.values)]).toEqual([
      ['x'],
      ['y'],
      ['y'],
    ])
    expect(names(done.graph.properties).filter((name) => !name.startsWith('ghostsvd.'))).toEqual(['kept'])
    expect(done.graph).toMatchObject({ opset: 13, irVersion: 8 })
    expect(outcomeOf(done.report.tensors, 'w')).toMatchObject({
      action: 'factorized',
      rank: 4,
      inGraph: { parameters: { before: 64 * 96, after: 4 * (64 + 96) }, flops: { before: 12288, after: 1280 } },
    })
  })

  it('is the source itself where nothing is factorized, but for where its tensors and metadata stand', async () => {
    const done = await write(matmul(), { rank: 64 })
    expect(nodesOf(done.graph.main)).toEqual(['MatMul(x, w) -> y'])
    expect(await done.file.read(done.file.tensors[0]!)).toEqual(w.bytes)
  })

  it('can be compressed again, and names nothing twice', async () => {
    const once = await write(matmul(), { rank: 32 })
    const again = await write(once.written, { rank: 8 })
    const outputs = again.graph.main.nodes.flatMap((each) => each.outputs)
    expect(new Set(outputs).size).toBe(outputs.length)
    expect(outputs).toContain('y')
    expect(names(again.graph.properties).filter((name) => name === 'ghostsvd.recipe')).toHaveLength(1)
  })

  it('lists its tensors among the inputs where the format of that time wants it', async () => {
    const { graph } = await write(matmul(8, 3, declared(11, 'w')))
    expect(names(graph.main.inputs).toSorted()).toEqual(['w.lowrank_A', 'w.lowrank_B', 'x'])
  })

  it('widens INT8 by an axis where the operators know one, before that by a product', async () => {
    const int8 = { factorDType: 'INT8', int8Always: true } as const
    const axis = await write(matmul(13), int8)
    expect(nodesOf(axis.graph.main).slice(0, 2)).toEqual([
      'DequantizeLinear(w.lowrank_A, w.lowrank_A_scale) -> w.lowrank_A.value',
      'DequantizeLinear(w.lowrank_B, w.lowrank_B_scale) -> w.lowrank_B.value',
    ])
    expect(axis.graph.main.nodes[0]!.attributes.map(({ name, integer: value }) => [name, value])).toEqual([['axis', 0]])
    expect(axis.graph.main.nodes[1]!.attributes[0]!.integer).toBe(1)
    expect(tensorsOf(axis)).toMatchObject({ 'w.lowrank_A_scale': 'F32 4', 'w.lowrank_A': 'I8 4 96' })
    const product = await write(matmul(12), int8)
    expect(nodesOf(product.graph.main).slice(0, 2)).toEqual([
      'Cast(w.lowrank_A) -> w.lowrank_A.value',
      'Mul(w.lowrank_A.value, w.lowrank_A_scale) -> w.lowrank_A.value~2',
    ])
    expect(tensorsOf(product)).toMatchObject({ 'w.lowrank_A_scale': 'F32 4 1', 'w.lowrank_B_scale': 'F32 1 4' })
  })

  it('adds a zero to the first product of a sum whose operators want one', async () => {
    const gemm = (version: number) =>
      whole(version, 8, node('Gemm', ['x', 'w', 'c'], ['y'], integer('transB', 1)), initializer(weights('w', [96, 64])))
    expect(nodesOf((await write(gemm(11))).graph.main)).toEqual([
      'Gemm(x, w.lowrank_A) -> y.lowrank',
      'Gemm(y.lowrank, w.lowrank_B, c) -> y',
    ])
    expect(nodesOf((await write(gemm(9))).graph.main)[0]).toBe('Gemm(x, w.lowrank_A, zero.lowrank_F32) -> y.lowrank')
    // So called is what an output of ours has already, or a value of somebody's that is no zero.
    const taken = whole(
      9,
      8,
      node('Gemm', ['x', 'w', 'zero.lowrank_F32'], ['h'], integer('transB', 1)),
      node('Gemm', ['h', 'v', 'zero.lowrank_F32'], ['y'], integer('transB', 1)),
      initializer(weights('w', [96, 64])),
      initializer(weights('v', [64, 96])),
      initializer(weights('zero.lowrank_F32', [1])),
    )
    const { graph } = await write(taken)
    expect(nodesOf(graph.main)[0]).toBe('Gemm(x, w.lowrank_A, zero.lowrank_F32~2) -> h.lowrank')
    expect(graph.main.tensors.filter(({ name }) => name.startsWith('zero'))).toHaveLength(2)
  })

  it('writes a kernel as one of fewer channels and one of a point', async () => {
    const conv = node('Conv', ['x', 'k/kernel', 'b'], ['y'], attribute('strides', number(8, 2), number(8, 2)))
    const done = await write(whole(13, 8, conv, initializer(weights('k/kernel', [72, 8, 3, 64]))))
    expect(tensorsOf(done)).toEqual({ 'k/kernel.lowrank_A': 'F32 4 8 3 64', 'k/kernel.lowrank_B': 'F32 72 4 1 1' })
    expect(nodesOf(done.graph.main)).toEqual([
      'Conv(x, k/kernel.lowrank_A) -> y.lowrank',
      'Conv(y.lowrank, k/kernel.lowrank_B, b) -> y',
    ])
    expect(done.graph.main.nodes.map(({ attributes }) => names(attributes))).toEqual([['strides'], ['kernel_shape']])
  })

  it('replaces Constant nodes, of graphs in nodes too, and leaves them where they are kept', async () => {
    const constant = (name: string, from: TestTensor) =>
      node(
        'Constant',
        [],
        [name],
        attribute('value', bytes(5, initializer(from).subarray(skipHead(initializer(from))))),
      )
    const branch = (name: string) =>
      attribute(
        name,
        bytes(6, concat(constant('w', weights('t', [64, 96])), node('MatMul', ['x', 'w'], ['y']), declared(12, 'y'))),
      )
    const choice = node('If', ['c'], ['z'], branch('then_branch'), branch('else_branch'))
    const other = node('Mul', ['x', 'v'], ['u'])
    const done = await write(whole(13, 8, constant('v', weights('t', [64, 96])), other, choice))
    const inner = done.graph.main.nodes.find(({ opType }) => opType === 'If')!
    expect(inner.attributes.map(({ graphs }) => nodesOf(graphs[0]!.scope))).toEqual([
      ['MatMul(x, z.then_branch.w.lowrank_B) -> y.lowrank', 'MatMul(y.lowrank, z.then_branch.w.lowrank_A) -> y'],
      ['MatMul(x, z.else_branch.w.lowrank_B) -> y.lowrank~2', 'MatMul(y.lowrank~2, z.else_branch.w.lowrank_A) -> y'],
    ])
    expect(nodesOf(done.graph.main).slice(0, 2)).toEqual(['Constant() -> v', 'Mul(x, v) -> u'])
    expect(outcomeOf(done.report.tensors, 'v').reason).toMatch(/A node that takes no factors uses it \(Mul\)/)
  })

  it.each([
    ['an output', matmul(13, 8, declared(12, 'w')), /an output of its graph/],
    ['an input that may be replaced', matmul(13, 8, declared(11, 'w')), /an input of the model/],
    ['operators of long ago', matmul(6), /version 6 of the operators/],
    [
      'a convolution of groups',
      whole(13, 8, node('Conv', ['x', 'w'], ['y'], integer('group', 2)), initializer(weights('w', [64, 32, 3, 3]))),
      /Conv \(groups\)/,
    ],
    [
      'values that are called as ours',
      matmul(13, 8, node('Identity', ['x'], ['w.lowrank_A'])),
      /called as its factors/,
    ],
    ['no use', whole(13, 8, initializer(w)), /No node takes it/],
  ])('leaves a weight alone for %s', async (_, model, reason) => {
    const { report, graph } = await write(model)
    expect(outcomeOf(report.tensors, 'w')).toMatchObject({ action: 'kept', reason: expect.stringMatching(reason) })
    expect(graph.tensors.has('w')).toBe(true)
  })

  it('of a source beyond 2 GB is a folder with the values beside the graph, resumed and recognized like any', async () => {
    const v = weights('v', [96, 80])
    const shapes = [declared(11, 'x'), declared(12, 'z')]
    const nodes = [node('MatMul', ['x', 'w'], ['y']), node('MatMul', ['y', 'v'], ['z'])]
    const model = whole(13, 8, ...nodes, bytes(2, 'main'), initializer(w), initializer(v), ...shapes)
    const open = () => openWeightFile({ folder: memoryFolder('in', new Map([['m.onnx', model]])), entry: 'm.onnx' })
    const small = await write(model)
    // As large as it says: how large it is decides.
    const large = { ...(await open()), totalBytes: 2 ** 31 }
    const folder = memoryFolder('out')
    const context = testContext()
    let tensors = 0
    const interrupted: typeof context = {
      ...context,
      report: (event) => {
        if (event.type === 'tensor') tensors++
      },
      checkCancelled: () => {
        if (tensors === 1) throw new AppError('cancelled', say('job.cancelled'))
      },
    }
    const run = (on = context) =>
      compressFile(
        { model: large, target: { folder, name: 'o.onnx' } },
        compressJob({ rank: 4 }, { output: 'onnx', include: ['*'], resume: true }),
        on,
      )
    await expect(run(interrupted)).rejects.toThrow(/[Cc]ancel/)
    const report = await run()
    expect(report.notices.map(({ key }) => key)).toContain('run.resumed')
    expect([report.files, report.bytesAfter]).toEqual([2, report.plannedBytes])
    const inside = folder.folders.get('o.onnx')!
    expect([...inside.files.keys()].toSorted()).toEqual(['model.onnx', 'model.onnx.data'])
    const found = await openWeightFile({ folder: inside, entry: 'model.onnx' })
    expect(found.totalBytes).toBe(report.bytesAfter)
    expect(nodesOf(found.graph!.main)).toEqual(nodesOf(small.graph.main))
    for (const tensor of small.file.tensors) {
      const same = found.tensors.find(({ name }) => name === tensor.name)!
      expect(await found.read(same)).toEqual(await small.file.read(tensor))
    }
    expect((await run()).notices.map(({ key }) => key)).toContain('run.finished-before')
    for (const [name, values] of inside.files) {
      const damaged = values.slice()
      damaged[Math.floor(values.byteLength / 2)]! ^= 1
      inside.files.set(name, damaged)
      await expect(run()).rejects.toThrow(/o.onnx/)
      inside.files.set(name, values)
    }
  })

  it('is absent for weights without a graph, and for factors that a graph does not multiply', async () => {
    const target = { folder: memoryFolder('out'), name: 'o' }
    const refused = async (job: ReturnType<typeof compressJob>, file = openTensors(w)) =>
      compressFile({ model: await file, target }, job, testContext()).then(
        () => expect.unreachable(),
        (error) => inEnglish(error.said),
      )
    expect(await refused(compressJob({}, { output: 'onnx' }))).toMatch(/Only an ONNX model becomes one that runs/)
    const model = openWeightFile({ folder: memoryFolder('in', new Map([['m.onnx', matmul()]])), entry: 'm.onnx' })
    expect(await refused(compressJob({ factorLayout: 'usv' }, { output: 'onnx' }), model)).toMatch(/A and B/)
  })
})

/** Bytes of a field's tag and length. */
function skipHead(field: Uint8Array): number {
  let at = 1
  while (field[at]! >= 128) at++
  return at + 1
}
