import { describe, expect, it } from 'vitest'
import { recipeText } from '../../../../core/contract.ts'
import { openWeightFile } from '../../../../core/formats/opening/open.ts'
import { compressFile } from '../../../../core/jobs/compress.ts'
import { planCompression } from '../../../../core/jobs/plan.ts'
import { inEnglish } from '../../../../core/messages/english.ts'
import { defaultParams, type Params } from '../../../../core/params.ts'
import { concat } from '../../formats/corpus.ts'
import { attribute, bytes, declared, integer, node, number, opset, tensor } from '../../formats/onnx/onnx-model.ts'
import { compressJob, openTensors, outcomeOf, type TestTensor, testContext, weights } from '../../jobs/harness.ts'
import { memoryFolder } from '../../memory-folder.ts'

const initializer = ({ name, shape, bytes: values }: TestTensor) =>
  tensor({ name, dims: [...shape], fields: [bytes(9, values)] })
const whole = (version: number, ...graph: Uint8Array[]) =>
  concat(number(1, 8), bytes(7, concat(bytes(2, 'main'), ...graph)), opset(version))
const w = weights('w', [64, 96])
const grouped = weights('k', [72, 1, 3, 3])
const table = weights('t', [64, 64])
/** A product, a convolution of groups, and a table that a sum takes: the last stays. */
const model = (version = 13) =>
  whole(
    version,
    node('MatMul', ['x', 'w'], ['h']),
    node('Conv', ['c', 'k'], ['d'], integer('group', 72)),
    node('Add', ['h', 't'], ['y']),
    ...[w, grouped, table].map(initializer),
    declared(12, 'y'),
  )
const opened = (bytes: Uint8Array) =>
  openWeightFile({ folder: memoryFolder('in', new Map([['m.onnx', bytes]])), entry: 'm.onnx' })

async function write(
  source: Uint8Array,
  params: Partial<Params> = {},
  rest: { include?: string[]; exclude?: string[] } = {},
) {
  const folder = memoryFolder('out')
  const job = compressJob({ denseDType: 'INT8', ...params }, { output: 'onnx', include: ['(none)'], ...rest })
  const report = await compressFile(
    { model: await opened(source), target: { folder, name: 'o.onnx' } },
    job,
    testContext(),
  )
  const file = await openWeightFile({ folder, entry: 'o.onnx' })
  return { report, file, job, folder, graph: file.graph! }
}
type Scope = Awaited<ReturnType<typeof write>>['graph']['main']
const nodesOf = (scope: Scope) =>
  scope.nodes.map(({ opType, inputs, outputs }) => `${opType}(${inputs.join(', ')}) -> ${outputs.join(', ')}`)

describe('weights that are kept in INT8', () => {
  it('are codes and a scale for each output, widened under the name that nodes know', async () => {
    const { report, file, graph } = await write(model())
    expect(nodesOf(graph.main).slice(0, 2).toSorted()).toEqual([
      'DequantizeLinear(k.int8, k.int8_scale) -> k',
      'DequantizeLinear(w.int8, w.int8_scale) -> w',
    ])
    expect(
      Object.fromEntries(file.tensors.map(({ name, dtype, shape }) => [name, `${dtype} ${shape.join(' ')}`])),
    ).toEqual({
      'w.int8_scale': 'F32 96',
      'w.int8': 'I8 64 96',
      'k.int8_scale': 'F32 72',
      'k.int8': 'I8 72 1 3 3',
      t: 'F32 64 64',
    })
    // What was written is what is reported, and was planned to the byte.
    const read = async (name: string) => file.read(file.tensors.find((each) => each.name === name)!)
    const codes = new Int8Array((await read('w.int8')).buffer)
    const scales = new Float32Array((await read('w.int8_scale')).slice().buffer)
    const values = new Float32Array(w.bytes.slice().buffer)
    let [lost, all] = [0, 0]
    for (const [i, value] of values.entries()) {
      const scale = scales[i % 96]!
      expect(Math.abs(value - codes[i]! * scale)).toBeLessThanOrEqual(0.5001 * scale)
      lost += (value - codes[i]! * scale) ** 2
      all += value ** 2
    }
    expect(outcomeOf(report.tensors, 'w')).toMatchObject({
      action: 'kept',
      factorDType: 'INT8',
      bytesAfter: 64 * 96 + 4 * 96,
    })
    expect(outcomeOf(report.tensors, 'w').relativeError).toBeCloseTo(Math.sqrt(lost / all), 10)
    expect(outcomeOf(report.tensors, 'w').reason).toMatch(/INT8, one scale for each of its 96 outputs/)
    expect(outcomeOf(report.tensors, 't')).toMatchObject({ relativeError: 0, bytesAfter: table.bytes.byteLength })
    expect(report.bytesAfter).toBe(report.plannedBytes)
    expect(report.relativeError).toBeGreaterThan(0)
  })

  it('are planned as they are written, factorized ones beside them', async () => {
    const rest = { output: 'onnx', include: ['w'], exclude: [], pins: undefined } as const
    for (const params of [
      { rank: 8 },
      { goalSize: 0.5, maxRank: 30 },
      { goalError: 0.05, goalScope: 'model' },
    ] as const) {
      const asked = { ...defaultParams, denseDType: 'INT8', ...params } as const
      const job = { ...compressJob({}, {}), kind: 'plan', ...rest, params: asked, knownCurves: true } as never
      const plan = await planCompression({ model: await opened(model()) } as never, job, testContext())
      const { report } = await write(model(), asked, { include: ['w'] })
      expect(plan.bytesAfter).toBe(report.bytesAfter)
      for (const planned of plan.tensors) {
        const { action, factorDType, relativeError } = outcomeOf(report.tensors, planned.name)
        expect([planned.action === 'keep', planned.factorDType]).toEqual([action === 'kept', factorDType ?? null])
        expect(planned.relativeError).toBeCloseTo(relativeError!, 4)
      }
    }
  })

  it('are those of recurrent layers too whose gates nodes put in order, and no table that goes elsewhere as well', async () => {
    const gates = (...rest: Uint8Array[]) =>
      whole(
        13,
        node('Slice', ['w', 'from', 'to'], ['w1']),
        node('Slice', ['w', 'to', 'end'], ['w2']),
        node('Concat', ['w2', 'w1'], ['wc'], integer('axis', 0)),
        node('Unsqueeze', ['wc', 'zero'], ['wu']),
        node('LSTM', ['x', 'wu', 'r'], ['y'], integer('hidden_size', 16)),
        ...[weights('w', [64, 96]), weights('r', [1, 64, 16])].map(initializer),
        ...rest,
        declared(12, 'y'),
      )
    const { report, graph } = await write(gates())
    expect(nodesOf(graph.main)).toContain('DequantizeLinear(w.int8, w.int8_scale) -> w')
    expect(outcomeOf(report.tensors, 'w')).toMatchObject({ factorDType: 'INT8', bytesAfter: 64 * 96 + 4 * 64 })
    for (const other of [node('Add', ['wc', 'x'], ['z']), declared(12, 'wu')]) {
      const { report } = await write(gates(other))
      expect(outcomeOf(report.tensors, 'w')).toMatchObject({ relativeError: 0, bytesAfter: 64 * 96 * 4 })
      expect(outcomeOf(report.tensors, 'r')).toMatchObject({ factorDType: 'INT8' })
    }
  })

  it('are too coarse for an error goal below what they alone come to', async () => {
    const asked = write(model(), { goalError: 1e-4, goalScope: 'model' }, { include: ['w'] })
    await expect(asked).rejects.toThrow(/in INT8 alone/)
  })

  it('are widened by a product before operators know an axis, and within a branch by what stands outside', async () => {
    expect(nodesOf((await write(model(12))).graph.main).slice(0, 2)).toEqual([
      'Cast(w.int8) -> w.int8.value',
      'Mul(w.int8.value, w.int8_scale) -> w',
    ])
    const constant = (name: string) => {
      const field = initializer(weights('v', [64, 96]))
      let at = 1
      while (field[at]! >= 128) at++
      return node('Constant', [], [name], attribute('value', bytes(5, field.subarray(at + 1))))
    }
    const branch = (name: string) =>
      attribute(name, bytes(6, concat(constant('w'), node('MatMul', ['x', 'w'], ['y']), declared(12, 'y'))))
    const choice = node('If', ['c'], ['z'], branch('then_branch'), branch('else_branch'))
    const { graph } = await write(whole(13, choice))
    expect(nodesOf(graph.main).slice(0, 2)).toEqual([
      'DequantizeLinear(z.then_branch.w.int8, z.then_branch.w.int8_scale) -> z.then_branch.w.int8.value',
      'DequantizeLinear(z.else_branch.w.int8, z.else_branch.w.int8_scale) -> z.else_branch.w.int8.value',
    ])
    const inner = graph.main.nodes.find(({ opType }) => opType === 'If')!
    expect(inner.attributes.map(({ graphs }) => nodesOf(graphs[0]!.scope))).toEqual([
      ['Identity(z.then_branch.w.int8.value) -> w', 'MatMul(x, w) -> y'],
      ['Identity(z.else_branch.w.int8.value) -> w', 'MatMul(x, w) -> y'],
    ])
  })

  it('stay as they are where a rule says so, and where there is NaN', async () => {
    const { report } = await write(model(), {}, { include: [], exclude: ['w'] })
    expect(outcomeOf(report.tensors, 'w')).toMatchObject({ action: 'kept', relativeError: 0 })
    const broken = { ...grouped, bytes: new Uint8Array(grouped.bytes.byteLength).fill(0xff) }
    const nan = whole(13, node('Conv', ['c', 'k'], ['d'], integer('group', 72)), initializer(broken))
    const done = await write(nan)
    expect(outcomeOf(done.report.tensors, 'k')).toMatchObject({
      reason: expect.stringMatching(/NaN/),
      relativeError: 0,
    })
    expect(done.report.bytesAfter).toBe(done.report.plannedBytes)
  })

  it('of a finished run are told from what it kept as it was', async () => {
    const { folder, job } = await write(model())
    const again = await compressFile(
      { model: await opened(model()), target: { folder, name: 'o.onnx' } },
      { ...job, resume: true },
      testContext(),
    )
    expect(inEnglish(again.notices[0]!)).toMatch(/finished/)
    expect(outcomeOf(again.tensors, 'w')).toMatchObject({ action: 'kept', factorDType: 'INT8' })
    expect(outcomeOf(again.tensors, 'w').relativeError).toBeGreaterThan(0)
  })

  it('have no place in outputs that nothing runs, and in recipes only where they are asked for', async () => {
    const target = { folder: memoryFolder('out'), name: 'o' }
    const refused = compressFile(
      { model: await openTensors(w), target },
      compressJob({ denseDType: 'INT8' }),
      testContext(),
    )
    await expect(refused).rejects.toThrow(/only the output onnx/)
    const text = (params: Partial<Params>) =>
      recipeText({ output: 'onnx', params: { ...defaultParams, ...params }, include: [], exclude: [] })
    expect(text({})).not.toContain('denseDType')
    expect(text({ denseDType: 'INT8' })).toContain('"denseDType":"INT8"')
  })
})
