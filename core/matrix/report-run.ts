/** What a factorization found, measured and reported. */

import type { AnalysisReport } from '../contract.ts'
import { noiseError } from '../curves/noise-line.ts'
import { errorResolution, numericalRank, valueResolution } from '../curves/resolution.ts'
import { checkError } from '../measure/check.ts'
import { truncationCurve } from '../measure/residual.ts'
import { say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { foreign } from '../messages/text.ts'
import type { FittedParams, Params } from '../params.ts'
import { breakEvenRank } from '../plan/factor-dtype.ts'
import { storedAs } from '../plan/verdict.ts'
import { defaultStyle, styles } from '../styles.ts'
import { truncate } from '../svd/factorization.ts'
import { basisOf, imagesOf } from '../svd/lift-weighted.ts'
import type { ComputableTensor, MatrixView } from '../tensor.ts'
import { type JobContext, kernelNotices } from './context.ts'
import type { Found } from './factorize-matrix.ts'
import type { LoadedMatrix } from './load.ts'
import { normNotice } from './output-norm.ts'
import type { TimedRun } from './timed-run.ts'

/** `params` are those asked for: where they did not fit the matrix, a notice says so. */
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
  const outputs = loaded.weighted && (await weightsBeside(loaded.weighted, factorization, fitted, context))
  const measureMs = performance.now() - measureStarted

  const notices: Message[] = kernelNotices(context)
  if (params.rank > fitted.rank) notices.push(say('analysis.rank-used', { rank: params.rank, used: fitted.rank }))
  else if (fitted.method === 'randomized' && params.oversample > fitted.oversample) {
    notices.push(
      say('analysis.oversample-used', { oversample: params.oversample, rank: fitted.rank, used: fitted.oversample }),
    )
  }
  if (tensor.remark !== undefined) notices.push(tensor.remark)
  // Of factors it names their dtype, which quantizes nothing.
  else if (tensor.storedAs !== undefined && tensor.storedRank === undefined)
    notices.push(say('analysis.stored-as', { encoding: foreign(tensor.storedAs) }))
  if (loaded.weighted) notices.push(normNotice())
  else if (context.outputNorm) notices.push(say('statistics.uncovered'))
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
    noiseError: loaded.weighted ? null : noiseError(rows, cols, fitted.rank),
    ...(outputs && { outputs }),
    elapsedMs: readMs + computeMs + measureMs,
    phasesMs: { read: readMs, ...phasesMs, measure: measureMs },
    ...context.kernels.info,
    ...(factorization.device !== undefined && { device: factorization.device }),
    peakBytes: context.peakBytes(),
    notices,
  }
}

/** What the same rank leaves out of the weights: ||W||^2 - ||UtW||^2. */
async function weightsBeside(
  { weighting, plain }: NonNullable<LoadedMatrix['weighted']>,
  found: Found,
  { rank }: FittedParams,
  { kernels }: JobContext,
): Promise<NonNullable<AnalysisReport['outputs']>> {
  const mark = kernels.mark()
  try {
    const basis = basisOf(kernels, truncate(found, rank), weighting.side)
    const images = await imagesOf(kernels, plain.operand, basis, weighting.side)
    const norm = plain.frobeniusNorm * plain.operand.scale
    let kept = 0
    for (let i = 0; i < images.data.length; i++) kept += images.data[i]! ** 2
    const weightError = norm === 0 ? 0 : Math.sqrt(Math.max(0, 1 - kept / norm ** 2))
    return { kind: weighting.kind, weightError }
  } finally {
    kernels.release(mark)
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
