/**
 * Whole runs against their bare products: a model is compressed from file to checked file as any run is, in turns with the products that
 * its sketches cannot do without, of the same shapes, on kernels of the same kind. A run can reach the speed of its products and not more.
 */

import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Job } from '../../core/contract.ts'
import { productsOf } from '../../core/cost.ts'
import type { WeightFile } from '../../core/formats/format.ts'
import { openWeightFile } from '../../core/formats/opening/open.ts'
import { writeSample } from '../../core/jobs/sample.ts'
import type { Kernels, Matrix } from '../../core/kernels/kernels.ts'
import type { JobContext } from '../../core/matrix/context.ts'
import { loadMatrix } from '../../core/matrix/load.ts'
import type { Params } from '../../core/params.ts'
import { type FactorizedTensor, isFactorized, planByNames } from '../../core/plan/plan.ts'
import type { Operand } from '../../core/svd/operand.ts'
import { elementCount, oncePerStorage } from '../../core/tensor.ts'
import { outputStyle } from '../../core/write/styles/registry.ts'
import { pickSource } from '../files/files.ts'
import { outputFolder } from '../files/outputs.ts'
import { median } from './median.ts'

type CompressRequest = Extract<Job, { kind: 'compress' }>

export interface ModelOptions {
  /** A file or folder of weights; null: a sample is made. */
  readonly model: string | null
  /** Where the sample and the outputs go; its maker removes it. */
  readonly folder: string
  readonly ranks: readonly number[]
  readonly repeat: number
  /** Of both sides, but for the rank and the method, which is `randomized`. */
  readonly params: Params
  /** Opens the model and answers how to run it; `target` of a request is a path, its file has none. */
  open(path: string): Promise<(request: CompressRequest) => Promise<unknown>>
  /** Called before each line of work. */
  say(text: string): void
}

export interface ModelTiming {
  readonly rank: number
  /** Entries of the matrices that are factorized. */
  readonly weights: number
  /** Median milliseconds from the first byte read to the checked file. */
  readonly runMs: number
  /** Median milliseconds of the bare products of the same matrices. */
  readonly productsMs: number
  /** Median over the turns of productsMs / runMs: 1 would be a run that does nothing else. */
  readonly shareOfProductSpeed: number
}

/** What the sample has: two blocks of 67 million weights, 271 MB. */
const sample = { layers: 2, hidden: 2048, dtype: 'BF16', seed: 1 } as const

export async function benchModel(kernels: Kernels, options: ModelOptions): Promise<ModelTiming[]> {
  const context = quietContext(kernels)
  const path = options.model ?? (await makeSample(options, context))
  const run = await options.open(path)
  const file = await openWeightFile(await pickSource(path, (await stat(path)).isDirectory() ? 'folder' : 'file'))
  try {
    const timings: ModelTiming[] = []
    for (const rank of options.ranks) timings.push(await timeModel(file, rank, run, context, options))
    return timings
  } finally {
    await file.close()
  }
}

async function makeSample({ folder, say }: ModelOptions, context: JobContext): Promise<string> {
  say('making a sample')
  const name = 'sample.safetensors'
  const target = { folder: outputFolder(folder, { overwrite: true, sources: [] }), name }
  await writeSample({ target }, { kind: 'sample', files: {}, target: '', force: true, ...sample }, context)
  return join(folder, name)
}

async function timeModel(
  file: WeightFile,
  rank: number,
  run: (request: CompressRequest) => Promise<unknown>,
  context: JobContext,
  { folder, repeat, params, say }: ModelOptions,
): Promise<ModelTiming> {
  // Nothing found in one turn may help the next.
  const job = compressJob(
    { ...params, method: 'randomized', rank, projectionTiers: false },
    join(folder, 'out.safetensors'),
  )
  const matrices = oncePerStorage(planByNames(file, job, outputStyle(job.output)).filter(isFactorized))
  const weights = matrices.reduce((sum, { info }) => sum + elementCount(info.shape), 0)
  const mark = context.kernels.mark()
  const products = await bareProducts(file, matrices, context)
  const turns: { readonly runMs: number; readonly productsMs: number }[] = []
  for (let turn = 0; turn <= repeat; turn++) {
    say(`rank ${rank}: turn ${turn} of ${repeat}`)
    const runMs = await clocked(() => run(job))
    let productsMs = 0
    for (const multiply of products) productsMs += await multiply()
    if (turn > 0) turns.push({ runMs, productsMs })
  }
  context.kernels.release(mark)
  return {
    rank,
    weights,
    runMs: median(turns.map((turn) => turn.runMs)),
    productsMs: median(turns.map((turn) => turn.productsMs)),
    shareOfProductSpeed: median(turns.map((turn) => turn.productsMs / turn.runMs)),
  }
}

/**
 * For each tensor what takes the time of its sketch's products, as many and with as many columns, and answers milliseconds. The weights
 * are those of the first tensor of its shape, in the kernels' memory until the caller's mark.
 */
async function bareProducts(
  file: WeightFile,
  matrices: readonly FactorizedTensor[],
  context: JobContext,
): Promise<(() => Promise<number>)[]> {
  const { kernels } = context
  const prepared = new Map<string, { readonly operand: Operand; readonly X: Matrix; readonly Y: Matrix }>()
  const products: (() => Promise<number>)[] = []
  for (const { info, view, sketch } of matrices) {
    const { rows, cols, count } = view
    const { columns } = sketch
    const shape = `${info.dtype} ${rows} x ${cols}`
    const { operand, X, Y } = prepared.get(shape) ?? {
      operand: (await loadMatrix(file, info, view, 0, context, sketch)).operand,
      X: { rows: cols, cols: columns, data: kernels.allocateFloat32(cols * columns) },
      Y: { rows, cols: columns, data: kernels.allocateFloat32(rows * columns) },
    }
    prepared.set(shape, { operand, X, Y })
    const pairs = (count * productsOf(sketch)) / 2
    products.push(async () => {
      kernels.gaussian([1, 1], X)
      return clocked(async () => {
        for (let pair = 0; pair < pairs; pair++) {
          await operand.multiply(X, Y)
          await operand.multiplyTransposed(Y, X)
        }
      })
    })
  }
  return products
}

async function clocked(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

function compressJob(params: Params, target: string): CompressRequest {
  const rules = { include: [], exclude: [] }
  const whole = { force: true, resume: false, part: null } as const
  return { kind: 'compress', files: { model: '' }, target, output: 'factors', params, ...rules, ...whole }
}

/** For what is done in this process: a job without listeners. */
function quietContext(kernels: Kernels): JobContext {
  return {
    kernels,
    report: () => {},
    checkCancelled: () => {},
    peakBytes: () => process.resourceUsage().maxRSS * 1024,
    sha256: () => {
      const hash = createHash('sha256')
      return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() }
    },
    crc32,
  }
}
