/** The goal on answers, with models that run: candidates are written, run by onnxruntime, and what is chosen is written again by its choices. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnswersReport, Job } from '../../../core/contract.ts'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { compareAnswers } from '../../../core/jobs/answers.ts'
import { compressFile } from '../../../core/jobs/compress.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { modelRunner } from '../../../main/answers/runner.ts'
import { pickSource } from '../../../main/files/files.ts'
import { concat } from '../../core/formats/corpus.ts'
import { bytes, node, number, opset, slot, tensor } from '../../core/formats/onnx/onnx-model.ts'
import { compressJob, type TestTensor, testContext, weights } from '../../core/jobs/harness.ts'
import { memoryFolder } from '../../core/memory-folder.ts'

const initializer = ({ name, shape, bytes: values }: TestTensor) =>
  tensor({ name, dims: [...shape], fields: [bytes(9, values)] })
const nodes = [node('MatMul', ['x', 'v'], ['h']), node('Relu', ['h'], ['r']), node('MatMul', ['r', 'w'], ['y'])]
const shaped = [bytes(2, 'main'), slot(11, 'x', ['n', 64]), slot(12, 'y', ['n', 80])]
const graph = concat(...nodes, ...[weights('v', [64, 96]), weights('w', [96, 80])].map(initializer), ...shaped)
const model = concat(number(1, 8), bytes(7, graph), opset(13))
/** The same with classes. */
const classes = concat(
  number(1, 8),
  bytes(
    7,
    concat(
      ...[...nodes, node('Softmax', ['y'], ['p'])],
      ...[weights('v', [64, 96]), weights('w', [96, 80])].map(initializer),
      ...[bytes(2, 'main'), slot(11, 'x', ['n', 64]), slot(12, 'p', ['n', 80])],
    ),
  ),
  opset(13),
)
/** The same with one number of it for an answer, made by this node. */
const oneOf = (last: Uint8Array) =>
  concat(
    number(1, 8),
    bytes(
      7,
      concat(
        ...[...nodes, last],
        ...[weights('v', [64, 96]), weights('w', [96, 80])].map(initializer),
        ...[bytes(2, 'main'), slot(11, 'x', ['n', 64]), slot(12, 'z', ['a', 'b'])],
      ),
    ),
    opset(13),
  )

const folders: string[] = []
afterAll(() => Promise.all(folders.map((each) => rm(each, { recursive: true }))))

async function ask(
  params: Partial<Params>,
  rest: Partial<Extract<Job, { kind: 'answers' }>> = {},
  cancelled = () => {},
  of = model,
) {
  const folder = await mkdtemp(join(tmpdir(), 'ghostsvd-goal-'))
  folders.push(folder)
  const path = join(folder, 'm.onnx')
  await writeFile(path, of)
  const noted: string[] = []
  const { models, close } = modelRunner({
    given: new Map([['model', { path, within: null, assertAsOpened: async () => {} }]]),
    checkCancelled: cancelled,
    notePartial: async ({ path: at }, exists) => {
      noted.push(`${exists} ${at}`)
      // Whoever finds it after all processes were killed can tell that it is nobody's.
      if (exists) expect(existsSync(join(at, 'owner.json'))).toBe(true)
    },
  })
  const file = await openWeightFile(await pickSource(path, 'file'))
  const job = {
    ...{ kind: 'answers', files: { model: 'f', inputs: [], heldOut: [] }, output: 'onnx', include: [], exclude: [] },
    ...{ params: { ...defaultParams, ...params }, goal: null, judgedBy: null, samples: 9, seed: 1, sizes: { n: 4 } },
    ...{ rounds: 1, threads: 1, ...rest },
  } as Extract<Job, { kind: 'answers' }>
  try {
    const files = { model: file, inputs: [], heldOut: [], models } as unknown as Parameters<typeof compareAnswers>[0]
    return { report: await compareAnswers(files, job, testContext()), file, noted }
  } finally {
    await close()
    await file.close()
  }
}
const keysOf = ({ notices }: AnswersReport) => notices.map(({ key }) => key)

describe('the goal on answers', () => {
  let found: Awaited<ReturnType<typeof ask>>
  beforeAll(async () => {
    found = await ask({ goalSize: 0.6 })
  }, 180_000)

  it('takes the nearest of the candidates at a size, beside INT8 alone and both together', () => {
    const { report, noted } = found
    const { rows, chosen } = report
    expect([report.calibration, report.heldOut, report.inputs]).toEqual([6, 3, 'drawn'])
    expect(rows.slice(0, 2).map(({ form }) => form)).toEqual(['original', 'int8'])
    expect(rows.at(-1)!.form).toBe('low-rank-int8')
    const low = rows.filter(({ form }) => form === 'low-rank')
    expect(low.length).toBeGreaterThan(1)
    const size = rows[0]!.bytes
    for (const row of low) expect(row.bytes).toBeLessThanOrEqual(0.6 * size)
    expect(rows[1]!.bytes).toBeLessThan(0.35 * size)
    expect(rows[0]!.heldOut.error).toBe(0)
    // Only what a softmax gives is known to be classes.
    expect(report.chosenBy).toBe('error')
    // Two matrices at three ranks each, and every row but the original: written once, to be looked at and to be judged.
    expect(report.models).toBe(6 + rows.length - 1)
    const nearest = Math.min(...low.map(({ calibration }) => calibration!.error!))
    expect(rows[chosen!]!.calibration!.error).toBe(nearest)
    expect(rows[chosen!]!.latencyRatio!.median).toBeGreaterThan(0)
    expect(keysOf(report)).toEqual(expect.arrayContaining(['answers.drawn', 'answers.no-statistics']))
    // Nothing is left, and who would remove it was told before.
    expect(noted.map((each) => each.split(' ')[0])).toEqual(['true', 'false'])
  })

  it('chooses nothing where every form answers with NaN that the original does not have', async () => {
    const values = [weights('v', [64, 96]), weights('w', [96, 80])].map(initializer)
    const logged = concat(...nodes, node('Log', ['y'], ['z']), ...values, bytes(2, 'main'))
    const slots = [slot(11, 'x', ['n', 64]), slot(12, 'z', ['n', 80])]
    const of = concat(number(1, 8), bytes(7, concat(logged, ...slots)), opset(13))
    const { report } = await ask({ goalSize: 0.6 }, { rounds: 0 }, undefined, of)
    expect(report.rows.filter(({ form }) => form === 'low-rank').length).toBeGreaterThan(1)
    expect(report.chosen).toBeNull()
    expect(keysOf(report)).toContain('answers.forms-not-finite')
  }, 60_000)

  it('says choices that compress writes the same file from', async () => {
    const { report } = found
    for (const form of ['int8', 'low-rank', 'low-rank-int8'] as const) {
      const row = report.rows.findLast((each) => each.form === form)!
      const folder = memoryFolder('out')
      const source = memoryFolder('in', new Map([['m.onnx', model]]))
      const file = await openWeightFile({ folder: source, entry: 'm.onnx' })
      const { params, pins, ...rules } = row.choices!
      const job = compressJob(params, { output: 'onnx', ...rules, ...(pins && { pins }) })
      const written = await compressFile({ model: file, target: { folder, name: 'o.onnx' } }, job, testContext())
      expect([written.bytesAfter, written.relativeError]).toEqual([row.bytes, row.relativeError])
    }
  })

  it('finds the smallest model that keeps the answers within a goal', async () => {
    const { report } = await ask({}, { goal: { kind: 'error', most: 0.03 }, samples: 2, rounds: 0 })
    const row = report.rows[report.chosen!]!
    expect(row.calibration!.error).toBeLessThanOrEqual(0.03)
    for (const other of report.rows.filter(({ meetsGoal }) => meetsGoal))
      expect(other.bytes).toBeGreaterThanOrEqual(row.bytes)
    expect(keysOf(report)).toContain('answers.same-samples')
  }, 180_000)

  it('of classes are the nearest that keep most of them, and are measured before the softmax too', async () => {
    const { report } = await ask({ goalSize: 0.6 }, { samples: 6, rounds: 0, sizes: { n: 40 } }, () => {}, classes)
    const low = report.rows.filter(({ form }) => form === 'low-rank')
    const agreement = (row: (typeof low)[number]) => row.calibration!.agreement!
    expect(report.chosenBy).toBe('agreement')
    expect(agreement(report.rows[report.chosen!]!)).toBe(Math.max(...low.map(agreement)))
    expect(report.rows[0]!.heldOut.outputs.map(({ name }) => name)).toEqual(['p'])
    expect(report.models).toBe(6 + report.rows.length - 1)
  }, 60_000)

  it('ends with its cancel while a model runs', async () => {
    let asked = 0
    const cancel = () => {
      if (++asked > 40) throw new Error('cancelled')
    }
    await expect(ask({ goalSize: 0.6 }, {}, cancel)).rejects.toThrow(/cancelled/)
  })

  it('refuses an output that the model does not have', async () => {
    await expect(ask({}, { judgedBy: 'z' })).rejects.toThrow(/no output called "z"/)
  })

  // Every form would meet the goal, and the smallest be taken.
  it('refuses to keep classes where no output has any, and to tell zeros apart', async () => {
    const mean = oneOf(node('ReduceMean', ['y'], ['z']))
    const zeros = oneOf(node('Sub', ['y', 'y'], ['z']))
    const keep = { goal: { kind: 'agreement', least: 0.98 }, samples: 3, rounds: 0 } as const
    await expect(ask({}, keep, () => {}, mean)).rejects.toThrow(/No output that is looked at has classes/)
    const near = { ...keep, goal: { kind: 'error', most: 0.05 } } as const
    await expect(ask({}, near, () => {}, zeros)).rejects.toThrow(/nothing but zeros/)
  })
})
