/**
 * An adapter at other ranks or in another form: read -> spectrum of each module from its factors -> ranks -> factors, rounded and measured ->
 * the file, read back as an adapter. LoRA modules never become a matrix (svd/product.ts); LoHa and LoKr do, one at a time.
 */
import { matrixOf } from '../adapters/adapter.ts'
import { adapterModel } from '../adapters/difference-model.ts'
import { effectiveFactors } from '../adapters/effective.ts'
import type { Factors } from '../adapters/factors.ts'
import { type ModuleLayout, moduleEntries } from '../adapters/forms.ts'
import { readAdapter } from '../adapters/read.ts'
import type { JobOf, ResizedModule, ResizeReport } from '../contract.ts'
import { errorOver } from '../curves/model-error.ts'
import { decodeFloat32 } from '../formats/dtype.ts'
import { openWeightFile } from '../formats/opening/open.ts'
import { type ByteSource, type OutputFolder, pickedAlone } from '../io.ts'
import { type JobContext, kernelNotices } from '../matrix/context.ts'
import { failCheck } from '../measure/check.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { type AdapterForm, adapterStyles } from '../styles.ts'
import { squaredGap, squaredNorm } from '../svd/product.ts'
import { adapterPlace, encodeFactor, moduleBytes, outlines } from '../write/adapter-file.ts'
import { copyValues } from '../write/compress-tensor.ts'
import { refuseToReplace, whileHolding } from '../write/compression.ts'
import { encodingOf } from '../write/encodings/registry.ts'
import type { WeightsOutput } from '../write/encodings/weights-output.ts'
import type { FilesOf } from './files.ts'
import { valuesAbove0 } from './steps/adapter-ranks.ts'
import { type ModuleSvd, moduleSvd } from './steps/adapter-spectra.ts'
import {
  type AnalyzedModule,
  analyzeModules,
  baseNorms,
  chosenModules,
  configurationFile,
  entriesOf,
  type FilePlan,
  planOf,
  type Resizing,
  ranksOf,
  refuseResize,
} from './steps/resize-plan.ts'

type ResizeJob = JobOf<'resize'>

/** @throws AppError `bad-request`, `bad-file`, `would-overwrite`, `cannot-write`, `cancelled` */
export async function resizeAdapter(
  { adapter: file, base, target }: FilesOf<'resize'>,
  job: ResizeJob,
  context: JobContext,
): Promise<ResizeReport> {
  const started = performance.now()
  refuseResize(job)
  await refuseToReplace(target, job.force)
  const { difference: model } = await adapterModel(file, job.form, base)
  const { adapter, form, family, facts } = model
  const modules = chosenModules(model, job)
  const norms = base ? await baseNorms(base, form, family, context) : new Map<string, number>()
  const resizing: Resizing = { adapter, modules, norms, job, form, context, facts }
  const found = await analyzeModules(resizing)
  const ranks = ranksOf(resizing, found)
  const left = model.targets.length - modules.length
  const written = await whileHolding(target, () => write(resizing, found, ranks, target))
  return {
    output: target.name,
    formBefore: adapter.form,
    form,
    files: written.files,
    bytesBefore: adapter.file.totalBytes,
    bytesAfter: written.bytes,
    modules: written.modules,
    relativeError: errorOver(
      written.modules.map(({ norm }) => norm),
      written.modules.map(({ relativeError }) => relativeError),
    ),
    verified: true,
    notices: [
      ...model.notices,
      ...(left > 0 ? [say('adapter.deselected', { count: left })] : []),
      ...written.notices,
      ...kernelNotices(context),
    ],
    elapsedMs: performance.now() - started,
    ...context.kernels.info,
  }
}

interface Written {
  readonly files: number
  /** Of all files. */
  readonly bytes: number
  readonly modules: ResizedModule[]
  readonly notices: readonly Message[]
}

/** Writes the adapter, with its configuration where loaders want one, and reads it back. Whatever fails leaves nothing behind. */
async function write(
  resizing: Resizing,
  found: readonly AnalyzedModule[],
  ranks: readonly number[],
  target: FilesOf<'resize'>['target'],
): Promise<Written> {
  const { form, context } = resizing
  const plan = planOf(resizing, ranks)
  const entries = entriesOf(resizing, plan)
  const encoding = encodingOf(adapterStyles[form], null)
  const byteLength = encoding.plannedBytes(entries, plan.metadata)
  const configuration = await configurationFile(resizing, plan.layouts)
  const place = await adapterPlace(form, target.folder, target.name, byteLength)
  try {
    const output = await encoding.create(place.folder, place.name, entries, plan.metadata, context.crc32)
    let modules: ResizedModule[]
    try {
      modules = await writeModules(resizing, found, ranks, plan, output)
      await verify(await output.complete(plan.metadata), form, plan.layouts)
      await output.close()
    } catch (error) {
      await output.abort()
      throw error
    }
    if (configuration) await writeWhole(place.folder, configuration.name, configuration.bytes)
    await place.finish()
    return {
      files: configuration ? 2 : 1,
      bytes: byteLength + (configuration?.bytes.byteLength ?? 0),
      modules,
      notices: plan.notices,
    }
  } catch (error) {
    await place.abort()
    throw error
  }
}

/** In the order of the file; what comes back is in that of the modules. */
async function writeModules(
  resizing: Resizing,
  found: readonly AnalyzedModule[],
  ranks: readonly number[],
  { order, layouts }: FilePlan,
  output: WeightsOutput,
): Promise<ResizedModule[]> {
  const { adapter, modules, form, context } = resizing
  const resized = new Array<ResizedModule>(modules.length)
  let done = 0
  for (const item of order) {
    context.checkCancelled()
    if ('copied' in item) {
      await copyValues(adapter.file, item.copied, output, context)
      continue
    }
    const { module: at } = item
    const { name } = modules[at]!
    const layout = layouts[at]!
    context.report({ type: 'progress', phase: 'compress', tensor: name, done: done++, total: modules.length })
    const { report, pieces } = await resizedModule(resizing, at, found[at]!, ranks[at]!, layout)
    const writer = output.begin(outlines(moduleEntries(form, layout)))
    for (const [i, bytes] of pieces.entries()) await writer.write(i, bytes)
    await writer.done()
    resized[at] = report
  }
  return resized
}

async function writeWhole(folder: OutputFolder, name: string, bytes: Uint8Array): Promise<void> {
  const sink = await folder.create(name, bytes.byteLength)
  await sink.write(bytes)
  await sink.close()
}

/** The factors of a module as they are written, and what they miss. */
async function resizedModule(
  resizing: Resizing,
  index: number,
  { squares, s, rankBefore, svd: held }: AnalyzedModule,
  rank: number,
  layout: ModuleLayout,
) {
  const { adapter, modules, job, form, norms, context } = resizing
  const module = modules[index]!
  const whole = await effectiveFactors(adapter.file, module)
  const keep = job.keepRanks && whole !== null
  const svd = keep ? null : (held ?? (await moduleSvd(adapter.file, module, resizing.job.params, context, whole)))
  const zero = s[0] === 0
  const exact = keep ? whole : zero ? nothing(layout) : svd!.best(Math.min(rank, s.length), whole)
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
  svd: ModuleSvd | null,
  squares: number,
): Promise<number> {
  if (whole) return squaredGap(kernels, whole, stored)
  const best = svd!.best(valuesAbove0(svd!.s), null)
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
