/**
 * What a resize does to each module before anything is written: its spectrum, its rank, its place in the file. The same for the run that writes, and for a
 * screen that asks what it would come to.
 */

import type { Adapter, AdapterModule } from '../../adapters/adapter.ts'
import type { AdapterModel } from '../../adapters/difference-model.ts'
import { type ModuleLayout, moduleEntries } from '../../adapters/forms.ts'
import type { ModelFacts } from '../../adapters/model-facts.ts'
import { namesOf, placeTensor } from '../../adapters/names.ts'
import { CONFIGURATION, parseObject } from '../../adapters/scales.ts'
import type { TargetModule } from '../../adapters/translate.ts'
import { AppError } from '../../errors.ts'
import type { WeightFile } from '../../formats/format.ts'
import type { JobContext } from '../../matrix/context.ts'
import { sumOfSquares } from '../../matrix/scan.ts'
import { squaresOf } from '../../matrix/spectra.ts'
import { say } from '../../messages/english.ts'
import type { Message } from '../../messages/message.ts'
import { quoted } from '../../messages/text.ts'
import type { Params } from '../../params.ts'
import { alignedOrder, alignmentOf } from '../../plan/entries.ts'
import { refusalOfAdapter } from '../../plan/refusal.ts'
import { judgeBy } from '../../rules.ts'
import { type AdapterForm, adapterStyles } from '../../styles.ts'
import type { ComputableDType, TensorInfo } from '../../tensor.ts'
import { adapterConfiguration, adapterMetadata, outlines } from '../../write/adapter-file.ts'
import { encodingOf } from '../../write/encodings/registry.ts'
import { type Analyzed, type Choosing, chooseRanks, type ResizeChoices } from './adapter-ranks.ts'
import { type ModuleSvd, moduleSvd } from './adapter-spectra.ts'

/** What is held of modules while ranks are chosen: 680 of rank 128. The rest is decomposed again. */
const HELD_BYTES = 256 << 20

/** What stays the same over the job. */
export interface Resizing {
  readonly adapter: Adapter
  readonly modules: readonly TargetModule[]
  /** ||W||_F by the name of the module in the form that is written. */
  readonly norms: ReadonlyMap<string, number>
  readonly job: ResizeChoices
  readonly form: AdapterForm
  readonly context: JobContext
  readonly facts: ModelFacts
}

/** ||W||_F of every tensor of the base that the table knows, by the names its module has in the form. */
export async function baseNorms(
  base: WeightFile,
  form: AdapterForm,
  family: AdapterModel['family'],
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

export interface AnalyzedModule extends Analyzed {
  /** null where there was no space to hold it: it is computed again. */
  readonly svd: ModuleSvd | null
}

export async function analyzeModules(resizing: Resizing): Promise<AnalyzedModule[]> {
  const { modules, adapter, context } = resizing
  const found: AnalyzedModule[] = []
  let space = HELD_BYTES
  for (const [i, module] of modules.entries()) {
    context.checkCancelled()
    context.report({ type: 'progress', phase: 'analyze', tensor: module.name, done: i, total: modules.length })
    const svd = await moduleSvd(adapter.file, module, resizing.job.params, context)
    const { s, squares, rankBefore, heldBytes } = svd
    space -= heldBytes
    found.push({ s, squares, rankBefore, svd: space >= 0 ? svd : null })
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
export interface FilePlan {
  readonly layouts: readonly ModuleLayout[]
  /** In the order of the file: modules by index, and tensors that are copied. */
  readonly order: readonly ({ readonly module: number } | { readonly copied: TensorInfo })[]
  readonly metadata: ReadonlyMap<string, string>
  readonly notices: readonly Message[]
}

export function planOf(resizing: Resizing, ranks: readonly number[]): FilePlan {
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
      : noticesOfLoss(adapter),
  }
}

function architectureOf({ form, file }: Adapter): string | null {
  return form === 'gguf' ? (file.metadata.get('general.architecture') ?? null) : null
}

function noticesOfLoss({ others, magnitudes }: Adapter): Message[] {
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

export function entriesOf({ form }: Resizing, { order, layouts }: FilePlan) {
  return order.flatMap((item) =>
    'copied' in item ? [item.copied] : outlines(moduleEntries(form, layouts[item.module]!)),
  )
}

export function plannedBytes(resizing: Resizing, ranks: readonly number[]): number {
  const plan = planOf(resizing, ranks)
  return encodingOf(adapterStyles[resizing.form], null).plannedBytes(entriesOf(resizing, plan), plan.metadata)
}

/** Modules that the rules leave in. @throws AppError `bad-request` where none is left */
export function chosenModules({ targets, notices }: AdapterModel, rules: ResizeChoices): TargetModule[] {
  const judge = judgeBy(rules)
  const chosen = targets.filter(({ name }) => judge(name).says !== 'out')
  if (chosen.length === 0) throw new AppError('bad-request', [...notices, say('adapter.empty')])
  return chosen
}

export function ranksOf(resizing: Resizing, found: readonly Analyzed[]): number[] {
  const choosing: Choosing = {
    ...resizing,
    totalBytes: resizing.adapter.file.totalBytes,
    layout: (module, rank) => layoutOf(resizing, module, rank),
    predict: (ranks) => plannedBytes(resizing, ranks),
  }
  return chooseRanks(choosing, found)
}

export function refuseResize({ params, rule }: Pick<ResizeChoices, 'params' | 'rule'>): void {
  const refusal = refusalOfAdapter(params, { form: null, oneRank: false, rule, ofPair: false })
  if (refusal) throw refusal
  const goals = [params.goalSize, params.goalError, params.goalEnergy].filter((goal) => goal > 0)
  if (goals.length > 1) throw new AppError('bad-request', say('request.one-goal'))
}

/** The configuration beside the weights as it is written; null where loaders of the form want none. */
export async function configurationFile(
  { adapter, form }: Pick<Resizing, 'adapter' | 'form'>,
  layouts: readonly ModuleLayout[],
): Promise<{ readonly name: string; readonly bytes: Uint8Array } | null> {
  const configuration = adapterConfiguration(form, writtenOf(layouts), await earlierConfiguration(adapter, form))
  if (!configuration) return null
  const { name, json } = configuration
  return { name, bytes: new TextEncoder().encode(`${JSON.stringify(json, null, 2)}\n`) }
}

/** What a PEFT folder says beside its ranks; null where there is none, or it is not wanted. */
async function earlierConfiguration(
  { form, file }: Adapter,
  to: AdapterForm,
): Promise<Readonly<Record<string, unknown>> | null> {
  if (form !== 'peft' || to !== 'peft') return null
  const bytes = await file.beside?.(CONFIGURATION, 8_000_000)
  return bytes ? parseObject(new TextDecoder().decode(bytes), CONFIGURATION) : null
}
