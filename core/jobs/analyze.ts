/** One tensor: load -> factorize -> measure -> report. Its numbers are those of PRODUCT's definitions; nothing is written. */

import { type AnalysisReport, analysisReportSchema, type JobOf } from '../contract.ts'
import { errorCurve } from '../curves/error-curve.ts'
import { noiseError } from '../curves/noise-line.ts'
import { errorResolution, numericalRank, valueResolution } from '../curves/resolution.ts'
import { AppError } from '../errors.ts'
import type { WeightFile } from '../formats/format.ts'
import type { GaussianKey } from '../kernels/kernels.ts'
import type { JobContext } from '../matrix/context.ts'
import { type Found, finishedSketch, type SketchFacts } from '../matrix/factorize-matrix.ts'
import { type LoadedMatrix, loadMatrix } from '../matrix/load.ts'
import { observer } from '../matrix/observer.ts'
import { hasNonFinite, scanValues } from '../matrix/scan.ts'
import { sketchKey } from '../matrix/sketch-key.ts'
import { type Certificate, certify } from '../measure/certificate.ts'
import { checkError } from '../measure/check.ts'
import { truncationCurve } from '../measure/residual.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { foreign, quoted } from '../messages/text.ts'
import { allowedError, type FittedParams, fitParams, type Params } from '../params.ts'
import type { PhaseTimes, TimedPhase } from '../phases.ts'
import { breakEvenRank } from '../plan/factor-dtype.ts'
import { storedAs } from '../plan/verdict.ts'
import type { Sketch } from '../sketch-cache/codec.ts'
import { defaultStyle, styles } from '../styles.ts'
import { truncate } from '../svd/factorization.ts'
import { factorize } from '../svd/factorize.ts'
import { freshKey, gaussianKey } from '../svd/random.ts'
import { type ComputableTensor, hasComputableDType, type MatrixView, matrixView } from '../tensor.ts'
import type { FilesOf } from './files.ts'

export async function analyzeTensor(
  { model: file }: FilesOf<'analyze'>,
  job: JobOf<'analyze'>,
  context: JobContext,
): Promise<AnalysisReport> {
  const key = job.reuse && !job.certify ? reuseKey(file, job, context) : null
  const seen = key && (await context.sketches?.cache.get(key, { exact: false }))
  const report = seen && reportIn(seen.sketch.facts as SketchFacts)
  if (report) return report
  const { tensor, view } = await factorizable(file, job.tensor, context)
  const mark = context.kernels.mark()
  try {
    const started = performance.now()
    const fitted = fitParams(job.params, view.rows, view.cols)
    const loaded = await loadMatrix(file, tensor, view, 0, context, fitted)
    const readMs = performance.now() - started
    // The analysis of a whole model leaves sketches without a report: they are only measured.
    const finished = key && seen ? await finishedSketch(key, context) : null
    if (key && finished) {
      const run = { fitted, found: finished, computeMs: 0, workingBytes: 0, phasesMs: {} }
      const report = await reportRun(tensor, view, loaded, job.params, readMs, run, context)
      const measured: AnalysisReport = { ...report, reused: true }
      await context.sketches?.cache.amend(key, sketchOf(finished, measured))
      return measured
    }
    const analysis = await analyzeLoaded(tensor, view, loaded, job.params, readMs, job.repeat, context)
    if (key) await context.sketches?.cache.put(key, sketchOf(analysis.factorization, analysis.report))
    const timed = job.repeat > 0 ? { ...analysis.report, computeMs: analysis.computeMs } : analysis.report
    if (!job.certify) return timed
    const { relativeError } = timed
    const gaussian = gaussianKey(context.sha256, fitted.seed, tensor.name)
    const { frobeniusNorm } = loaded
    const about = { frobeniusNorm, relativeError, key: gaussian }
    const certificate = await certify(context.kernels, loaded.operand, analysis.factorization, about)
    if (fitted.method === 'exact') return { ...timed, certificate }
    const other = await secondOpinion(loaded, { ...fitted, rank: timed.rank }, gaussian, context)
    const floor = narrower(certificate.floor, other.floor)
    return { ...timed, certificate: { ...certificate, floor } }
  } finally {
    context.kernels.release(mark)
  }
}

/** A sketch of other random directions converges at least so far: what it certifies holds whatever the first one was. */
const SECOND_N_ITER = 4

/** The certificate of a second, independent sketch of the same rank. */
async function secondOpinion(
  { operand, frobeniusNorm }: LoadedMatrix,
  fitted: FittedParams,
  gaussian: GaussianKey,
  context: JobContext,
): Promise<Certificate> {
  const { kernels } = context
  const key = freshKey(gaussian, 100)
  const nIter = Math.max(SECOND_N_ITER, fitted.nIter)
  const params = fitParams({ ...fitted, algorithm: 'subspace', nIter }, operand.rows, operand.cols)
  const found = await factorize(kernels, operand, params, key, observer(context, {}, frobeniusNorm, false))
  const { squared } = await truncationCurve(kernels, operand, found, frobeniusNorm)
  return certify(kernels, operand, found, { frobeniusNorm, relativeError: Math.sqrt(squared[found.rank]!), key })
}

/** Both hold, so the floor lies in both. */
function narrower(a: Certificate['floor'], b: Certificate['floor']): Certificate['floor'] {
  return { low: Math.max(a.low, b.low), high: Math.min(a.high, b.high) }
}

function sketchOf({ spectrum, ...factorization }: Found, report: AnalysisReport): Sketch {
  const facts: SketchFacts = { spectrum: spectrum ? Array.from(spectrum) : null, report }
  return { factorization, facts }
}

/** The report kept with a sketch, perhaps by another version, whose words may be others. */
function reportIn({ report }: SketchFacts): AnalysisReport | null {
  return analysisReportSchema.safeParse(report).data ?? null
}

/** Key of the sketch this analysis makes; null where there is no such tensor or nothing is kept. */
function reuseKey(file: WeightFile, job: JobOf<'analyze'>, { sketches, kernels }: JobContext) {
  const tensor = file.tensors.find(({ name }) => name === job.tensor)
  const view = tensor && matrixView(tensor)
  if (!view || !sketches) return null
  return sketchKey(sketches.sourceHash, job.tensor, fitParams(job.params, view.rows, view.cols), kernels.info)
}

/**
 * The tensor as something to factorize.
 * @throws AppError `bad-request` for a name the file lacks or a tensor that is no matrix, `unsupported` for its dtype or NaN and Inf
 */
export async function factorizable(
  file: WeightFile,
  name: string,
  context: JobContext,
): Promise<{ tensor: ComputableTensor; view: MatrixView }> {
  const tensor = file.tensors.find((candidate) => candidate.name === name)
  if (!tensor) {
    throw new AppError('bad-request', noTensor(file, name))
  }
  if (tensor.unfit !== undefined)
    throw new AppError('unsupported', say('tensor.unfit', { name: foreign(name), why: tensor.unfit }))
  const view = matrixView(tensor)
  if (!view) throw new AppError('bad-request', say('tensor.no-matrix', { name: foreign(name), shape: tensor.shape }))
  if (!hasComputableDType(tensor))
    throw new AppError('unsupported', say('tensor.dtype', { name: foreign(name), dtype: foreign(tensor.dtype) }))
  const found = await scanValues(file, tensor, context)
  if (hasNonFinite(found))
    throw new AppError(
      'unsupported',
      say('tensor.non-finite', { name: foreign(name), nan: found.nanCount, inf: found.infCount }),
    )
  return { tensor, view }
}

export function noTensor({ tensors }: WeightFile, name: string): Message {
  const some = tensors.slice(0, 3).map((each) => foreign(each.name))
  return say('tensor.unknown', { name: quoted(name), count: tensors.length, some })
}

/** Analysis of a matrix that is already in memory: also one side of a comparison. `computeMs` has the time of each counted run. */
export async function analyzeLoaded(
  tensor: ComputableTensor,
  view: MatrixView,
  loaded: LoadedMatrix,
  params: Params,
  readMs: number,
  repeat: number,
  context: JobContext,
): Promise<{ report: AnalysisReport; factorization: Found; computeMs: number[]; workingBytes: number }> {
  // An adaptive run ends at the rank its goal takes; each starts from what was asked for.
  const fitted = fitParams(params, view.rows, view.cols)
  let run = await timedRun(tensor, loaded, fitted, context, true)
  const computeMs: number[] = repeat > 0 ? [] : [run.computeMs]
  // The first of several warms up: code is compiled, pages are mapped.
  for (let counted = 0; counted < repeat; counted++) {
    run = await timedRun(tensor, loaded, fitted, context, false)
    computeMs.push(run.computeMs)
  }
  const report = await reportRun(tensor, view, loaded, params, readMs, run, context)
  return { report, factorization: run.found, computeMs, workingBytes: run.workingBytes }
}

/** One factorization of a matrix in memory. */
export interface TimedRun {
  readonly fitted: FittedParams
  readonly found: Found
  readonly computeMs: number
  /** Beyond the matrix itself. */
  readonly workingBytes: number
  readonly phasesMs: PhaseTimes
}

export async function timedRun(
  tensor: ComputableTensor,
  { operand, frobeniusNorm }: LoadedMatrix,
  fitted: FittedParams,
  context: JobContext,
  showEstimates: boolean,
): Promise<TimedRun> {
  const phasesMs: Partial<Record<TimedPhase, number>> = {}
  const key = gaussianKey(context.sha256, fitted.seed, tensor.name)
  const watch = observer(context, phasesMs, frobeniusNorm, showEstimates)
  const { memory } = context.kernels
  memory.restartPeak()
  const before = memory.usedBytes
  const started = performance.now()
  const whole = await factorize(context.kernels, operand, fitted, key, watch)
  const computeMs = performance.now() - started
  const found = fitted.algorithm === 'adaptive' && !whole.spectrum ? withinGoal(whole, frobeniusNorm, fitted) : whole
  return {
    fitted: { ...fitted, rank: found.rank },
    found,
    computeMs,
    workingBytes: memory.peakBytes - before,
    phasesMs,
  }
}

/** The least rank that reaches the error goal an adaptive sketch was made for; all of it where none does. */
function withinGoal(found: Found, frobeniusNorm: number, params: Params): Found {
  const goal = allowedError(params)
  if (goal === null) return found
  const rank = errorCurve(frobeniusNorm, found.s).findIndex((error) => error <= goal)
  return rank < 1 ? found : truncate(found, rank)
}

/** What a factorization found, measured. `params` are those asked for: where they did not fit the matrix, a notice says so. */
export async function reportRun(
  tensor: ComputableTensor,
  view: MatrixView,
  loaded: LoadedMatrix,
  params: Params,
  readMs: number,
  { fitted, found: factorization, computeMs, phasesMs }: TimedRun,
  context: JobContext,
): Promise<AnalysisReport> {
  const { rows, cols } = view
  const measureStarted = performance.now()
  const measured = await measure(tensor.name, loaded, factorization, fitted, context)
  const measureMs = performance.now() - measureStarted

  const notices: Message[] = context.kernelNotice ? [context.kernelNotice] : []
  if (params.rank > fitted.rank) notices.push(say('analysis.rank-used', { rank: params.rank, used: fitted.rank }))
  else if (fitted.method === 'randomized' && params.oversample > fitted.oversample) {
    notices.push(
      say('analysis.oversample-used', { oversample: params.oversample, rank: fitted.rank, used: fitted.oversample }),
    )
  }
  if (tensor.remark !== undefined) notices.push(tensor.remark)
  else if (tensor.storedAs !== undefined)
    notices.push(say('analysis.stored-as', { encoding: foreign(tensor.storedAs) }))
  if (view.count > 1) notices.push(say('analysis.first-of-stack', { count: view.count }))
  return {
    tensor: tensor.name,
    matrix: [rows, cols],
    dtype: tensor.dtype,
    method: fitted.method,
    chosen: fitted.chosen,
    algorithm: fitted.method === 'exact' ? 'exact' : fitted.algorithm,
    rank: fitted.rank,
    oversample: fitted.oversample,
    nIter: fitted.nIter,
    seed: fitted.seed,
    singularValues: Array.from(factorization.spectrum ?? factorization.s),
    frobeniusNorm: loaded.frobeniusNorm,
    ...measured,
    breakEvenRank: breakEvenRank(tensor, view, storedAs(tensor.dtype, fitted, styles[defaultStyle])),
    noiseError: noiseError(rows, cols, fitted.rank),
    elapsedMs: readMs + computeMs + measureMs,
    phasesMs: { read: readMs, ...phasesMs, measure: measureMs },
    ...context.kernels.info,
    peakBytes: context.peakBytes(),
    notices,
  }
}

type Measured = Pick<
  AnalysisReport,
  'relativeError' | 'errorSource' | 'errorCurve' | 'resolution' | 'valueResolution' | 'numericalRank'
>

/** The error at every rank up to the one asked for, and how far all numbers can be trusted. */
async function measure(
  name: string,
  { operand, frobeniusNorm }: LoadedMatrix,
  factorization: Found,
  fitted: FittedParams,
  context: JobContext,
): Promise<Measured> {
  const smallest = Math.min(operand.rows, operand.cols)
  const { spectrum, s } = factorization
  const { squared, errorSource } = await truncationCurve(context.kernels, operand, factorization, frobeniusNorm)
  const errors = Array.from(squared.subarray(0, fitted.rank + 1), Math.sqrt)
  const relativeError = errors.at(-1)!
  const precision = factorization.U instanceof Float64Array ? 'f64' : 'f32'
  const floor = spectrum ? relativeError : null
  checkError({ tensor: name, relativeError, floor, frobeniusNorm, smallest, precision })
  const route = fitted.method === 'exact' ? fitted.exactRoute : 'sketch'
  const valueLimit = valueResolution(route, smallest) * (s[0] ?? 0)
  return {
    relativeError,
    resolution: errorResolution(relativeError, errorSource, precision, smallest),
    valueResolution: valueLimit,
    numericalRank: numericalRank(spectrum ?? s, valueLimit),
    errorSource: errorSource === 'measured' ? 'measured' : 'spectrum',
    errorCurve: errors,
  }
}
