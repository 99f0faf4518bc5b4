/**
 * A run before it runs: analyze every matrix that some rank makes smaller -> plan as the run will -> weigh every file. What was analyzed
 * stays known, so another goal, rank or rule is then a matter of milliseconds and reads no weights.
 */

import { isDifferenceFile, pairOf, withUnfit } from '../adapters/difference-model.ts'
import type { JobOf, PlannedTensor, PlanReport } from '../contract.ts'
import { modelError, modelResolution } from '../curves/model-error.ts'
import { errorResolution } from '../curves/resolution.ts'
import { AppError } from '../errors.ts'
import type { WeightFile } from '../formats/format.ts'
import { type JobContext, kernelNotices } from '../matrix/context.ts'
import { type ScanTensor, withKnownScans } from '../matrix/known.ts'
import { oneAhead } from '../matrix/read-ahead.ts'
import { scanValues } from '../matrix/scan.ts'
import { knownSpectrum, reportSpectrum, tensorSpectrum } from '../matrix/spectra.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { foreign } from '../messages/text.ts'
import { planSketch } from '../plan/analysis-rank.ts'
import { candidateOf, copiedErrorAt, int8Increase, refusalAt, type TensorSpectrum } from '../plan/candidate.ts'
import { outputEntries } from '../plan/entries.ts'
import { hasGoal } from '../plan/goal.ts'
import { layOut } from '../plan/output-files.ts'
import { wholeRun } from '../plan/parts.ts'
import {
  analysisDecides,
  type Choices,
  type FactorizedTensor,
  isFactorized,
  keepAsIs,
  planByNames,
  type TensorPlan,
  unsettled,
} from '../plan/plan.ts'
import { refusalOfAdapter } from '../plan/refusal.ts'
import { reasonKept, reasonOfScale, storedAs } from '../plan/verdict.ts'
import { SketchCache } from '../sketch-cache/sketch-cache.ts'
import { type Style, styleIds, writtenDType } from '../styles.ts'
import { bytesInFile, elementCount, hasComputableDType, oncePerStorage, storageName, tensorBytes } from '../tensor.ts'
import { type Compression, plannedCompression } from '../write/compression.ts'
import { denseInt8Error, isDenseInt8 } from '../write/dense-int8.ts'
import { predictedOutput } from '../write/predicted-output.ts'
import { adapterStyle } from '../write/styles/adapter.ts'
import { styleFor } from '../write/styles/registry.ts'
import type { OutputStyle } from '../write/styles/style.ts'
import type { FilesOf } from './files.ts'
import { nothingIn } from './steps/nothing.ts'
import { ofThisCut, pairFacts } from './steps/pair-facts.ts'
import { ownParams, unfitFor } from './steps/pair-pieces.ts'
import { planResize } from './steps/planned-resize.ts'
import { absoluteErrorOf, planRun, refuse, weighingOf, withFiniteValues } from './steps/planned-run.ts'
import { pinnedByRule } from './steps/ruled-ranks.ts'
import { statisticsNotices, statisticsReport, withStatistics } from './steps/with-statistics.ts'

type PlanJob = JobOf<'plan'>

/** @throws AppError `bad-request` for goals that contradict each other or cannot be met, `cancelled` */
export async function planCompression(
  { model, statistics }: FilesOf<'plan'>,
  asked: PlanJob,
  host: JobContext,
): Promise<PlanReport> {
  if (isDifferenceFile(model) && model.difference.of === 'adapter') return planResize(model.difference, asked, host)
  const started = performance.now()
  // Where nothing is to be kept, what is found out lasts as long as this job.
  const sketches = host.sketches ?? { cache: new SketchCache({ hotTensors: 0, warmTensors: 0 }, null), sourceHash: '' }
  const given: JobContext = { ...host, sketches }
  const before = sketches.cache.counters.stored
  const { file, job, style, context: bare } = await inItsStyle(model, asked, given)
  const context = await withStatistics({ model: file, statistics }, asked.statistics, bare)
  const analyses = planByNames(file, job, style).flatMap((plan) => analysisOf(plan, job.params, style) ?? [])
  // Each curve is said once.
  const report: JobContext['report'] = (event) => event.type !== 'spectrum' && host.report(event)
  const compression = plannedCompression(file, style, wholeRun, { ...context, report })
  refuse(compression, job)
  const spectra = await analyzeAll(file, analyses, job.knownCurves, context)
  const { plans: planned, candidates } = await planRun(compression, job)
  const predictions = new Map<string, Prediction>()
  for (const plan of planned.filter(isFactorized)) {
    const own = analysisDecides(job.params) ? await knownSpectrum(plan, context) : undefined
    const spectrum = own ?? spectra.get(storageName(plan.info))
    if (spectrum) predictions.set(plan.info.name, predict(compression, plan, spectrum, job))
  }
  for (const plan of planned.filter(isDenseInt8))
    predictions.set(plan.info.name, { ...unrefused, ...(await denseInt8Error(file, plan, context)) })
  // What the run would refuse to write it keeps.
  const plans = planned.map((plan) => {
    const refusal = predictions.get(plan.info.name)?.refusal
    return refusal ? keepAsIs(plan, refusal) : plan
  })
  for (const [name, { refusal }] of predictions) if (refusal) predictions.delete(name)
  const errors = oncePerStorage(plans)
    .filter(({ view }) => view)
    .map(({ info }) => ({
      entries: elementCount(info.shape),
      error: predictions.get(info.name)?.relativeError ?? 0,
      resolution: predictions.get(info.name)?.resolution ?? 0,
    }))
  const tensors = plans.flatMap((plan) => plannedTensors(compression, plan, predictions.get(plan.info.name)))
  return {
    bytesBefore: file.totalBytes,
    bytesAfter: predictedOutput(compression, layOut(file, plans, style, 'output')),
    relativeError: modelError(errors),
    resolution: modelResolution(errors),
    absoluteError: await absoluteErrorOf(file, plans, predictions, context),
    errorIsLeast: plans.some((plan) => isFactorized(plan) && ownSketch(plan, job.params)),
    ...statisticsReport(context, plans, tensors),
    tensors,
    analyzed: sketches.cache.counters.stored - before,
    elapsedMs: performance.now() - started,
    notices: [
      ...file.notices,
      ...nothingIn(compression, job, plans, candidates, spectra),
      ...statisticsNotices(context),
      ...(style.notices?.(plans.filter(isFactorized)) ?? []),
      ...kernelNotices(host),
    ],
    ...context.kernels.info,
  }
}

/** The tensor as it is analyzed: for its goal, or so that any goal may follow. Also where only the rank asked for is too large. */
function analysisOf(plan: TensorPlan, params: PlanJob['params'], style: Style): FactorizedTensor | null {
  if (plan.action === 'factorize') {
    // A rank of its own may lie beyond the one for all.
    const reach = { ...params, rank: Math.max(params.rank, plan.params.rank) }
    return hasGoal(params) ? plan : { ...plan, sketch: planSketch(plan.info, plan.view, reach) }
  }
  const { info, view, place, grows } = plan
  if (!grows || !view || !hasComputableDType(info)) return null
  const sketch = planSketch(info, view, params)
  const { dtype, layout } = storedAs(info.dtype, params, style)
  const planned = { info, view, place, reason: unsettled, params: sketch, sketch }
  return { action: 'factorize', ...planned, factorDType: dtype, factorLayout: layout }
}

/** Whether the run sketches the matrix itself, narrower than the analysis did. */
function ownSketch({ info, view, sketch }: FactorizedTensor, params: PlanJob['params']): boolean {
  return !analysisDecides(params) && sketch.method === 'randomized' && sketch.rank < planSketch(info, view, params).rank
}

/** By storage. What is known is said first, so that a picture of the model does not wait for what is not. */
async function analyzeAll(
  file: WeightFile,
  analyses: readonly FactorizedTensor[],
  sayKnown: boolean,
  context: JobContext,
): Promise<ReadonlyMap<string, TensorSpectrum>> {
  const spectra = new Map<string, TensorSpectrum>()
  const found = await Promise.all(analyses.map((plan) => knownSpectrum(plan, context)))
  for (const [i, plan] of analyses.entries()) {
    const spectrum = found[i]
    if (!spectrum) continue
    spectra.set(storageName(plan.info), spectrum)
    if (sayKnown) reportSpectrum(plan, spectrum, context)
  }
  const analyze = async (scan: ScanTensor) => {
    const total = analyses.reduce((sum, { info }) => sum + info.byteLength, 0)
    // What is known is done already: the share goes on where it stood.
    let done = analyses.reduce((sum, plan, i) => sum + (found[i] ? plan.info.byteLength : 0), 0)
    for await (const plan of oneAhead(analyses, (next) => withFiniteValues(next, scan))) {
      context.checkCancelled()
      context.report({ type: 'progress', phase: 'analyze', tensor: plan.info.name, done, total })
      const name = storageName(plan.info)
      const wasKnown = spectra.has(name)
      if (!wasKnown && isFactorized(plan)) spectra.set(name, await tensorSpectrum(file, plan, context))
      if (!wasKnown) done += plan.info.byteLength
    }
  }
  await withKnownScans(context, (tensor) => scanValues(file, tensor, context), analyze)
  return spectra
}

interface Styled {
  readonly file: WeightFile
  readonly job: Choices & Pick<PlanJob, 'knownCurves'>
  readonly style: OutputStyle
  readonly context: JobContext
}

/** What is planned: a model as it is; of two models the differences that an adapter can hold, in its dtype. */
async function inItsStyle(model: WeightFile, job: PlanJob, context: JobContext): Promise<Styled> {
  const style = styleIds.find((id) => id === job.output)
  if (isDifferenceFile(model) !== (style === undefined))
    throw new AppError('bad-request', say('request.output-of-other', { output: foreign(job.output) }))
  if (style !== undefined) return { file: model, job, style: await styleFor(style, model), context }
  const pair = pairOf(model)
  const { form, modules, architecture, dtype } = pair.difference
  if (form !== job.output) throw new AppError('bad-request', say('extract.other-form', { form }))
  const { convRank = null, oneRank = false, rule = null } = job.adapter ?? {}
  const refusal = refusalOfAdapter(job.params, { form, oneRank, rule, ofPair: true })
  if (refusal) throw refusal
  const own = ofThisCut(context, pair)
  const compared = await pairFacts(pair, own)
  const file = withUnfit(pair, (each) => unfitFor(each, compared.get(each.name)))
  const names = { modules, architecture, whole: new Map(), saved: [], oneRank: oneRank ? job.params.rank : null }
  const adapter = adapterStyle(form, { ...names, takesConvolutions: convRank !== null })
  const choices = { ...job, params: ownParams(job.params, { dtype }), convRank: convRank ?? undefined }
  return {
    file,
    job: rule ? await pinnedByRule(file, choices, adapter, rule, own) : choices,
    style: adapter,
    context: own,
  }
}

/** Of what is kept in INT8: the run writes it. */
const unrefused = { refusal: null, int8Increase: null }

interface Prediction {
  readonly relativeError: number
  readonly resolution: number
  readonly frobeniusNorm: number
  /** Of the weights themselves, before anything is rounded, where the others are of outputs. */
  readonly weightError?: number | null | undefined
  /** Why the run would not write it. */
  readonly refusal: Message | null
  readonly int8Increase: number | null
}

function predict(
  compression: Compression,
  plan: FactorizedTensor,
  spectrum: TensorSpectrum,
  { params }: Pick<PlanJob, 'params'>,
): Prediction {
  const { rank } = plan.params
  const candidate = candidateOf(plan, 1, spectrum, params, weighingOf(compression))
  // A dense copy is multiplied out of what the factors hold, and rounded to its own dtype.
  const rounded = compression.style.multipliesOut ? copiedErrorAt(candidate, rank) : 0
  const relativeError = Math.sqrt(candidate.squaredErrors[rank]! + rounded)
  return {
    relativeError,
    resolution: resolutionOf(plan, relativeError),
    frobeniusNorm: spectrum.frobeniusNorm,
    weightError: spectrum.weights ? Math.sqrt(spectrum.weights[rank]!) : null,
    refusal: refusalAt(candidate, rank, rounded),
    int8Increase: params.factorDType === 'INT8' ? int8Increase(spectrum, rank) : null,
  }
}

/** Of an error that an analysis expects: of a sketch by the difference of squares, of an exact SVD by the sum of its tail. */
function resolutionOf({ info, view, sketch }: FactorizedTensor, error: number): number {
  const precision = info.dtype === 'F64' && sketch.method === 'exact' && sketch.exactRoute === 'jacobi' ? 'f64' : 'f32'
  const source = sketch.method === 'exact' ? 'exact' : 'spectrum'
  return errorResolution(error, source, precision, Math.min(view.rows, view.cols))
}

function plannedTensors({ style }: Compression, plan: TensorPlan, prediction: Prediction | undefined): PlannedTensor[] {
  const { info, scale, reason } = plan
  const weigh = (name: string) => (entry: { readonly name: string }) => entry.name === name
  const entries = outputEntries(plan, style)
  const bytesOf = (some: typeof entries) =>
    some.reduce((sum, { dtype, shape }) => sum + tensorBytes(writtenDType(style, dtype), shape), 0)
  const factorized = isFactorized(plan)
  const scaleEntries = factorized || !scale ? [] : entries.filter(weigh(scale.name))
  const planned: PlannedTensor = {
    name: info.name,
    action: plan.action,
    reason: factorized ? reason : reasonKept(style, reason),
    rank: factorized ? plan.params.rank : null,
    factorDType: factorized ? plan.factorDType : isDenseInt8(plan) ? 'INT8' : null,
    relativeError: prediction?.relativeError ?? 0,
    ...(prediction && { resolution: prediction.resolution }),
    ...(prediction?.weightError != null && { weightError: prediction.weightError }),
    int8Increase: prediction?.int8Increase ?? null,
    bytesBefore: bytesInFile(info),
    bytesAfter: bytesOf(entries) - bytesOf(scaleEntries),
  }
  if (!scale) return [planned]
  const ofScale: PlannedTensor = {
    name: scale.name,
    action: 'keep',
    reason: reasonOfScale(info.name, plan.action),
    rank: null,
    factorDType: null,
    relativeError: 0,
    int8Increase: null,
    bytesBefore: bytesInFile(scale),
    bytesAfter: bytesOf(scaleEntries),
  }
  return [planned, ofScale]
}
