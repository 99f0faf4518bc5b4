/** One tensor: load -> factorize -> measure -> report. Its numbers are those of PRODUCT's definitions; nothing is written. */

import { type AnalysisReport, analysisReportSchema, type JobOf } from '../contract.ts'
import type { WeightFile } from '../formats/format.ts'
import { arithmeticWith } from '../kernels/gpu/adapter.ts'
import type { GaussianKey } from '../kernels/kernels.ts'
import type { JobContext } from '../matrix/context.ts'
import { factorizable } from '../matrix/factorizable.ts'
import { deviceNamed, type Found, finishedSketch, type SketchFacts } from '../matrix/factorize-matrix.ts'
import { kernelDType, type LoadedMatrix, loadMatrix } from '../matrix/load.ts'
import { observer } from '../matrix/observer.ts'
import { reportRun } from '../matrix/report-run.ts'
import { sketchKey } from '../matrix/sketch-key.ts'
import { timedRun } from '../matrix/timed-run.ts'
import { type Certificate, certify } from '../measure/certificate.ts'
import { truncationCurve } from '../measure/residual.ts'
import { type FittedParams, fitParams } from '../params.ts'
import type { Sketch } from '../sketch-cache/codec.ts'
import { factorize } from '../svd/factorize.ts'
import { plannedArithmetic } from '../svd/on-device.ts'
import { freshKey, gaussianKey } from '../svd/random.ts'
import { type ComputableTensor, hasComputableDType, type MatrixView, matrixView, tensorNamed } from '../tensor.ts'
import type { FilesOf } from './files.ts'
import { withStatistics } from './steps/with-statistics.ts'

export async function analyzeTensor(
  { model: file, statistics }: FilesOf<'analyze'>,
  job: JobOf<'analyze'>,
  host: JobContext,
): Promise<AnalysisReport> {
  const context = await withStatistics({ model: file, statistics }, undefined, host)
  const reuse = job.reuse && !job.certify ? reuseKey(file, job, context) : null
  const key = reuse?.key ?? null
  const seen = key && (await context.sketches?.cache.get(key, { exact: false }))
  const report = seen && reportIn(seen.sketch.facts as SketchFacts)
  if (report) return report
  const { tensor, view, magnitudes } = await factorizable(file, job.tensor, context)
  const mark = context.kernels.mark()
  try {
    const started = performance.now()
    const fitted = fitParams(job.params, view.rows, view.cols)
    const loaded = await loadMatrix(file, tensor, view, 0, context, fitted, { magnitudes: magnitudes?.[0] })
    const readMs = performance.now() - started
    // The analysis of a whole model leaves sketches without a report: they are only measured.
    const finished = key && seen ? await finishedSketch(key, context) : null
    if (reuse && key && finished) {
      const found = { ...finished, ...deviceNamed(reuse.arithmetic, context.kernels) }
      const run = { fitted, found, computeMs: 0, workingBytes: 0, phasesMs: {} }
      const report = await reportRun(tensor, view, loaded, job.params, readMs, run, context)
      const measured: AnalysisReport = { ...report, reused: true }
      await context.sketches?.cache.amend(key, sketchOf(finished, measured))
      return measured
    }
    const analysis = await analyzeLoaded(tensor, view, loaded, job, readMs, context)
    const { info } = context.kernels
    // Of another class where a device failed meanwhile.
    if (reuse && reuse.arithmetic === arithmeticWith(info.arithmetic, analysis.factorization.device))
      await context.sketches?.cache.put(reuse.key, sketchOf(analysis.factorization, analysis.report))
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

function sketchOf({ spectrum, device: _, ...factorization }: Found, report: AnalysisReport): Sketch {
  const facts: SketchFacts = { spectrum: spectrum ? Array.from(spectrum) : null, report }
  return { factorization, facts }
}

/** The report kept with a sketch, perhaps by another version, whose words may be others. */
function reportIn({ report }: SketchFacts): AnalysisReport | null {
  return analysisReportSchema.safeParse(report).data ?? null
}

/** Key of the sketch this analysis makes, and the class it is to be computed in; null where there is no such tensor or nothing is kept. */
function reuseKey(file: WeightFile, job: JobOf<'analyze'>, { sketches, kernels }: JobContext) {
  const tensor = tensorNamed(file.tensors, job.tensor)
  const view = tensor && matrixView(tensor)
  if (!view || !sketches || !hasComputableDType(tensor)) return null
  const fitted = fitParams(job.params, view.rows, view.cols)
  const arithmetic = plannedArithmetic(kernels, { ...view, dtype: kernelDType(tensor.dtype) }, fitted)
  return { key: sketchKey(sketches.sourceHash, job.tensor, fitted, arithmetic), arithmetic }
}

/** Analysis of a matrix that is already in memory. `computeMs` has the time of each counted run. */
async function analyzeLoaded(
  tensor: ComputableTensor,
  view: MatrixView,
  loaded: LoadedMatrix,
  { params, repeat, estimates = false }: JobOf<'analyze'>,
  readMs: number,
  context: JobContext,
): Promise<{ report: AnalysisReport; factorization: Found; computeMs: number[]; workingBytes: number }> {
  // An adaptive run ends at the rank its goal takes; each starts from what was asked for.
  const fitted = fitParams(params, view.rows, view.cols)
  let run = await timedRun(tensor, loaded, fitted, context, estimates)
  const computeMs: number[] = repeat > 0 ? [] : [run.computeMs]
  // The first of several warms up: code is compiled, pages are mapped.
  for (let counted = 0; counted < repeat; counted++) {
    run = await timedRun(tensor, loaded, fitted, context, false)
    computeMs.push(run.computeMs)
  }
  const report = await reportRun(tensor, view, loaded, params, readMs, run, context)
  return { report, factorization: run.found, computeMs, workingBytes: run.workingBytes }
}
