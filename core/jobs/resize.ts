/**
 * An adapter at other ranks or in another form: read -> spectrum of each module from its factors -> ranks -> factors, rounded and measured ->
 * the file, read back as an adapter. LoRA modules never become a matrix (svd/product.ts); LoHa and LoKr do, one at a time.
 */
import { type Adapter, type AdapterModule, matrixOf } from '../adapters/adapter.ts'
import type { Factors } from '../adapters/factors.ts'
import { type ModuleLayout, moduleEntries } from '../adapters/forms.ts'
import { type ModelFacts, modelFacts } from '../adapters/model-facts.ts'
import { namesOf, placeTensor } from '../adapters/names.ts'
import { readAdapter } from '../adapters/read.ts'
import { CONFIGURATION } from '../adapters/scales.ts'
import { type TargetModule, translate } from '../adapters/translate.ts'
import type { JobOf, ResizedModule, ResizeReport } from '../contract.ts'
import { AppError } from '../errors.ts'
import { decodeFloat32 } from '../formats/dtype.ts'
import type { WeightFile } from '../formats/format.ts'
import { openWeightFile } from '../formats/opening/open.ts'
import { type ByteSource, pickedAlone } from '../io.ts'
import type { JobContext } from '../matrix/context.ts'
import { sumOfSquares } from '../matrix/scan.ts'
import { squaresOf } from '../matrix/spectra.ts'
import { failCheck } from '../measure/check.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { quoted } from '../messages/text.ts'
import type { Params } from '../params.ts'
import { alignedOrder, alignmentOf } from '../plan/entries.ts'
import { hasGoal } from '../plan/goal.ts'
import { type AdapterForm, adapterStyles } from '../styles.ts'
import { type ProductSvd, squaredGap, squaredNorm } from '../svd/product.ts'
import type { ComputableDType, TensorInfo } from '../tensor.ts'
import {
  adapterConfiguration,
  adapterMetadata,
  adapterPlace,
  encodeFactor,
  moduleBytes,
  outlines,
} from '../write/adapter-file.ts'
import { copyValues } from '../write/compress-tensor.ts'
import { refuseToReplace, whileHolding } from '../write/compression.ts'
import { encodingOf } from '../write/encodings/registry.ts'
import type { FilesOf } from './files.ts'
import { type Analyzed, type Choosing, chooseRanks, valuesAbove0 } from './steps/adapter-ranks.ts'
import { effectiveFactors, moduleSvd } from './steps/adapter-spectra.ts'

type ResizeJob = JobOf<'resize'>

/** Factors of all modules that are held while ranks are chosen; larger adapters are read twice. */
const HELD_BYTES = 512 << 20

/** @throws AppError `bad-request`, `bad-file`, `would-overwrite`, `cannot-write`, `cancelled` */
export async function resizeAdapter(
  { adapter: file, base, target }: FilesOf<'resize'>,
  job: ResizeJob,
  context: JobContext,
): Promise<ResizeReport> {
  const started = performance.now()
  refuse(job)
  await refuseToReplace(target, job.force)
  const adapter = await readAdapter(file)
  const form = job.form ?? adapter.form
  const facts = await modelFacts(base)
  const { modules, family, notices } = translate(adapter, { form: job.form, ...facts })
  if (modules.length === 0) throw new AppError('bad-request', [...notices, say('adapter.empty')])
  const norms = base ? await baseNorms(base, form, family, context) : new Map<string, number>()
  const resizing: Resizing = { adapter, modules, norms, job, form, context, facts }
  const found = await analyze(resizing)
  const choosing: Choosing = {
    ...resizing,
    totalBytes: file.totalBytes,
    layout: (module, rank) => layoutOf(resizing, module, rank),
    predict: (ranks) => predicted(resizing, ranks),
  }
  const ranks = chooseRanks(choosing, found)
  return whileHolding(target, () => write(resizing, found, ranks, target, [...adapter.notices, ...notices], started))
}

function refuse({ params, rule }: ResizeJob): void {
  if (params.factorDType === 'INT8') throw new AppError('bad-request', say('adapter.int8'))
  if (rule && hasGoal(params)) throw new AppError('bad-request', say('extract.rules'))
  const goals = [params.goalSize, params.goalError, params.goalEnergy].filter((goal) => goal > 0)
  if (goals.length > 1) throw new AppError('bad-request', say('request.one-goal'))
}

/** What stays the same over the job. */
interface Resizing {
  readonly adapter: Adapter
  readonly modules: readonly TargetModule[]
  /** ||W||_F by the name of the module in the form that is written. */
  readonly norms: ReadonlyMap<string, number>
  readonly job: ResizeJob
  readonly form: AdapterForm
  readonly context: JobContext
  readonly facts: ModelFacts
}

/** ||W||_F of every tensor of the base that the table knows, by the names its module has in the form. */
async function baseNorms(
  base: WeightFile,
  form: AdapterForm,
  family: ReturnType<typeof translate>['family'],
  context: JobContext,
): Promise<Map<string, number>> {
  const norms = new Map<string, number>()
  if (!family) return norms
  for (const tensor of base.tensors) {
    const placed = tensor.shape.length >= 2 ? placeTensor(family, tensor.name) : null
    const names = placed && namesOf(placed, form)
    if (names?.length !== 1 || placed?.share.of !== 1) continue
    norms.set(names[0]!.name, Math.sqrt(await squaresOf(tensor, context, () => sumOfSquares(base, tensor, context))))
  }
  return norms
}

/** Held where there is space for all. */
interface Held extends Analyzed {
  readonly svd: ProductSvd | null
}

async function analyze(resizing: Resizing): Promise<Held[]> {
  const { modules, adapter, context } = resizing
  const hold = 2 * adapter.file.totalBytes <= HELD_BYTES
  const found: Held[] = []
  for (const [i, module] of modules.entries()) {
    context.checkCancelled()
    context.report({ type: 'progress', phase: 'analyze', tensor: module.name, done: i, total: modules.length })
    const { svd, squares, rankBefore } = await moduleSvd(adapter.file, module, resizing.job.params, context)
    found.push({ s: svd.s, squares, rankBefore, svd: hold ? svd : null })
  }
  return found
}

function layoutOf(
  { job }: Pick<Resizing, 'job'>,
  { name, shape, transposed, sources }: TargetModule,
  rank: number,
): ModuleLayout {
  return { name, shape, transposed, rank, dtype: dtypeOf(sources[0]!, job.params) }
}

/** 8-bit floats have no digits for factors, and nobody reads adapters in f64. */
function dtypeOf({ tensors }: AdapterModule, { factorDType }: Params): ComputableDType {
  if (factorDType !== 'keep') return factorDType as ComputableDType
  const { dtype } = tensors.values().next().value!
  if (dtype === 'F64') return 'F32'
  return dtype === 'F8_E4M3' || dtype === 'F8_E5M2' ? 'BF16' : dtype
}

/** Everything of the file but its values. */
interface FilePlan {
  readonly layouts: readonly ModuleLayout[]
  /** In the order of the file: modules by index, and tensors that are copied. */
  readonly order: readonly ({ readonly module: number } | { readonly copied: TensorInfo })[]
  readonly metadata: ReadonlyMap<string, string>
  readonly notices: readonly Message[]
}

function planOf(resizing: Resizing, ranks: readonly number[]): FilePlan {
  const { adapter, modules, job, form, facts } = resizing
  const largest = ranks.reduce((most, rank) => Math.max(most, rank), 0)
  const layouts = modules.map((module, i) => layoutOf(resizing, module, job.oneRank ? largest : ranks[i]!))
  const same = form === adapter.form
  const magnitudes = [...adapter.magnitudes.values()]
  const copied = same ? [...adapter.others, ...magnitudes] : []
  const placed = [
    ...layouts.map((layout, module) => ({ module, alignment: alignmentOf(moduleEntries(form, layout)) })),
    ...copied.map((tensor) => ({ copied: tensor, alignment: alignmentOf([tensor]) })),
  ].map((item, place) => ({ ...item, place }))
  const own = adapterMetadata(form, writtenOf(layouts), facts.architecture ?? architectureOf(adapter))
  const kept =
    form === 'gguf'
      ? []
      : [...adapter.file.metadata].filter(([key]) => !/^(ghostsvd|general|adapter|split)\./.test(key))
  return {
    layouts,
    order: alignedOrder(placed),
    metadata: new Map([...(adapter.form === 'gguf' ? [] : kept), ...own]),
    notices: same
      ? copied.length > magnitudes.length
        ? [say('adapter.others-kept', { count: adapter.others.length })]
        : []
      : lost(adapter),
  }
}

function architectureOf({ form, file }: Adapter): string | null {
  return form === 'gguf' ? (file.metadata.get('general.architecture') ?? null) : null
}

function lost({ others, magnitudes }: Adapter): Message[] {
  return [
    ...(others.length > 0
      ? [say('adapter.others-left', { count: others.length, some: others.slice(0, 3).map(({ name }) => quoted(name)) })]
      : []),
    ...(magnitudes.size > 0 ? [say('adapter.dora-lost', { count: magnitudes.size })] : []),
  ]
}

function writtenOf(layouts: readonly ModuleLayout[]) {
  return layouts.map(({ name, rank, transposed }) => ({ path: name, rank, transposed }))
}

function entriesOf({ form }: Resizing, { order, layouts }: FilePlan) {
  return order.flatMap((item) =>
    'copied' in item ? [item.copied] : outlines(moduleEntries(form, layouts[item.module]!)),
  )
}

function predicted(resizing: Resizing, ranks: readonly number[]): number {
  const plan = planOf(resizing, ranks)
  return encodingOf(adapterStyles[resizing.form]).plannedBytes(entriesOf(resizing, plan), plan.metadata)
}

async function write(
  resizing: Resizing,
  found: readonly Held[],
  ranks: readonly number[],
  target: FilesOf<'resize'>['target'],
  notices: readonly Message[],
  started: number,
): Promise<ResizeReport> {
  const { adapter, modules, form, context } = resizing
  const plan = planOf(resizing, ranks)
  const entries = entriesOf(resizing, plan)
  const encoding = encodingOf(adapterStyles[form])
  const byteLength = encoding.plannedBytes(entries, plan.metadata)
  const configuration = adapterConfiguration(form, writtenOf(plan.layouts), await earlierConfiguration(adapter, form))
  const place = await adapterPlace(form, target.folder, target.name, byteLength)
  try {
    const output = await encoding.create(place.folder, place.name, entries, plan.metadata, context.crc32)
    const resized = new Array<ResizedModule>(modules.length)
    try {
      let done = 0
      for (const item of plan.order) {
        context.checkCancelled()
        if ('copied' in item) {
          await copyValues(adapter.file, item.copied, output, context)
          continue
        }
        const { name } = modules[item.module]!
        context.report({ type: 'progress', phase: 'compress', tensor: name, done: done++, total: modules.length })
        const { report, pieces } = await resizedModule(
          resizing,
          item.module,
          found[item.module]!,
          ranks[item.module]!,
          plan.layouts[item.module]!,
        )
        const writer = output.begin(outlines(moduleEntries(form, plan.layouts[item.module]!)))
        for (const [i, bytes] of pieces.entries()) await writer.write(i, bytes)
        await writer.done()
        resized[item.module] = report
      }
      await verify(await output.complete(plan.metadata), form, plan.layouts)
      await output.close()
    } catch (error) {
      await output.abort()
      throw error
    }
    let bytesAfter = byteLength
    if (configuration) {
      const bytes = new TextEncoder().encode(`${JSON.stringify(configuration.json, null, 2)}\n`)
      const sink = await place.folder.create(configuration.name, bytes.byteLength)
      await sink.write(bytes)
      await sink.close()
      bytesAfter += bytes.byteLength
    }
    await place.finish()
    return {
      output: target.name,
      formBefore: adapter.form,
      form,
      files: configuration ? 2 : 1,
      bytesBefore: adapter.file.totalBytes,
      bytesAfter,
      modules: resized,
      relativeError: over(resized),
      verified: true,
      notices: [...notices, ...plan.notices, ...(context.kernelNotice ? [context.kernelNotice] : [])],
      elapsedMs: performance.now() - started,
      ...context.kernels.info,
    }
  } catch (error) {
    await place.abort()
    throw error
  }
}

/** sqrt(sum (norm e)^2 / sum norm^2) */
function over(modules: readonly ResizedModule[]): number {
  const largest = modules.reduce((most, { norm }) => Math.max(most, norm), 0)
  if (largest === 0) return 0
  const sum = (of: (module: ResizedModule) => number) =>
    modules.reduce((total, module) => total + (of(module) / largest) ** 2, 0)
  return Math.sqrt(sum(({ norm, relativeError }) => norm * relativeError) / sum(({ norm }) => norm))
}

/** The factors of a module as they are written, and what they miss. */
async function resizedModule(
  resizing: Resizing,
  index: number,
  { squares, s, rankBefore, svd: held }: Held,
  rank: number,
  layout: ModuleLayout,
) {
  const { adapter, modules, job, form, norms, context } = resizing
  const module = modules[index]!
  const whole = await effectiveFactors(adapter.file, module)
  const keep = job.keepRanks && whole !== null
  const svd = keep ? null : (held ?? (await moduleSvd(adapter.file, module, resizing.job.params, context)).svd)
  const zero = s[0] === 0
  const exact = keep ? whole : zero ? nothing(layout) : svd!.best(Math.min(rank, s.length))
  const padded = paddedTo(exact, layout.rank)
  const { name, dtype } = layout
  const A = encodeFactor(name, dtype, padded.A)
  const B = encodeFactor(name, dtype, padded.B)
  const stored = { ...padded, A: decodeFloat32(dtype, A), B: decodeFloat32(dtype, B) }
  const missed = squares === 0 ? 0 : await missedSquares(resizing, whole, stored, svd, squares)
  const relativeError = squares === 0 ? 0 : Math.sqrt(Math.max(0, missed) / squares)
  if (!(relativeError <= 1 + 1e-3)) failCheck(name, `the error came out as ${relativeError}`, relativeError)
  const norm = Math.sqrt(squares)
  const base = norms.get(name)
  const report: ResizedModule = {
    name,
    matrix: [padded.rows, padded.cols],
    rankBefore,
    rank: layout.rank,
    scale: module.sources[0]!.scale,
    norm,
    toBase: base === undefined || base === 0 ? null : norm / base,
    relativeError: Math.min(1, relativeError),
    singularValues: Array.from(s.subarray(0, 512)),
  }
  return { report, pieces: moduleBytes(moduleEntries(form, layout), layout, { A, B }) }
}

/** ||D - stored||_F^2: of factors by their Gram matrices; of a matrix from the triplets that were found of it and what they leave. */
async function missedSquares(
  { context: { kernels } }: Resizing,
  whole: Factors | null,
  stored: Factors,
  svd: ProductSvd | null,
  squares: number,
): Promise<number> {
  if (whole) return squaredGap(kernels, whole, stored)
  const best = svd!.best(valuesAbove0(svd!.s))
  return squaredGap(kernels, best, stored) + Math.max(0, squares - squaredNorm(kernels, best))
}

/** A module that adds nothing, at rank 1: loaders that expect it find it. */
function nothing({ shape }: ModuleLayout): Factors {
  const { rows, cols } = matrixOf({ shape })
  return { rows, cols, rank: 1, B: new Float32Array(rows), A: new Float32Array(cols) }
}

function paddedTo(factors: Factors, rank: number): Factors {
  const { rows, cols, B, A } = factors
  if (factors.rank === rank) return factors
  const wide = new Float32Array(rows * rank)
  for (let i = 0; i < rows; i++) wide.set(B.subarray(i * factors.rank, (i + 1) * factors.rank), i * rank)
  const tall = new Float32Array(rank * cols)
  tall.set(A)
  return { rows, cols, rank, B: wide, A: tall }
}

async function earlierConfiguration({ form, file }: Adapter, to: AdapterForm): Promise<Record<string, unknown> | null> {
  if (form !== 'peft' || to !== 'peft') return null
  const bytes = await file.beside?.(CONFIGURATION, 8_000_000)
  return bytes ? (JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>) : null
}

/** The file as a loader sees it: each module is there with its rank, and its scale is 1. */
async function verify(source: ByteSource, form: AdapterForm, layouts: readonly ModuleLayout[]): Promise<void> {
  const { modules } = await readAdapter(await openWeightFile(pickedAlone(source)))
  const found = new Map(modules.map((module) => [module.name, module]))
  for (const { name, rank } of layouts) {
    const module = found.get(name)
    if (module?.rank !== rank || module.scale !== 1)
      failCheck(name, `it was read back with rank ${module?.rank} and scale ${module?.scale} (${form})`, rank)
  }
}
