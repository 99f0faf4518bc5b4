/**
 * The gate: every report passes here on its way out of the engine, and none whose numbers contradict mathematics leaves it. What a job computes is checked once
 * more where it is computed, where a tensor can still be kept instead; this is the last place, for every job and every number.
 */
import type {
  AnalysisReport,
  AnswersReport,
  ComparisonReport,
  CompressionReport,
  ExtractionReport,
  JobKind,
  PairReport,
  PlanReport,
  ReportOf,
  ResizeReport,
  TryReport,
  VersusReport,
} from '../contract.ts'
import { roundingLevel } from '../curves/resolution.ts'
import { failCheck, isShare } from '../measure/check.ts'

/** null: bytes and times alone, or claims that say themselves whether they hold. */
const checks: { readonly [K in JobKind]: ((report: ReportOf[K]) => void) | null } = {
  analyze: checkAnalysis,
  compare: checkComparison,
  versus: checkVersus,
  plan: checkPlan,
  sizes: checkSizes,
  pair: checkPair,
  answers: checkAnswers,
  compress: checkCompression,
  resize: checkResize,
  extract: checkExtraction,
  apply: checkCompression,
  estimate: null,
  sample: null,
  convert: null,
  selftest: null,
  statistics: null,
  calibrate: null,
  try: checkTry,
}

/** @throws AppError `internal-check` with the numbers */
export function checkReport<K extends JobKind>({
  kind,
  report,
}: {
  readonly kind: K
  readonly report: ReportOf[K]
}): void {
  checks[kind]?.(report)
}

/** f32 factors: what any matrix may be off by. */
const level = roundingLevel('f32', 0)

function checkShare(name: string, what: string, error: number): void {
  if (!isShare(error, level)) failCheck(name, `${what} came out as ${error}`, error)
}

function checkAnalysis({
  tensor,
  errorCurve,
  singularValues,
  frobeniusNorm,
  relativeError,
  resolution,
}: AnalysisReport): void {
  if (!Number.isFinite(frobeniusNorm)) failCheck(tensor, `its norm came out as ${frobeniusNorm}`, frobeniusNorm)
  checkShare(tensor, 'the error', relativeError)
  for (const [rank, error] of errorCurve.entries()) {
    checkShare(tensor, `the error at rank ${rank}`, error)
    const before = errorCurve[rank - 1] ?? 1
    if (error > before + resolution)
      failCheck(tensor, `the error grows from rank ${rank - 1} to ${rank}, to ${error}`, error)
  }
  for (const [i, value] of singularValues.entries()) {
    const before = singularValues[i - 1] ?? Number.POSITIVE_INFINITY
    if (!(value >= 0 && value <= before && Number.isFinite(value)))
      failCheck(tensor, `singular value ${i + 1} came out as ${value}, after ${before}`, value)
  }
}

/** A sketch's error is not below the floor, nor its values above the exact ones: A restricted to a subspace (Cauchy's interlacing). */
function checkComparison({
  tensor,
  exact,
  randomized,
  floor,
  excess,
  resolution,
  singularValueError,
}: ComparisonReport): void {
  checkAnalysis(exact)
  checkAnalysis(randomized)
  checkAbove(tensor, randomized.relativeError, floor, resolution)
  if (!(excess >= 0)) failCheck(tensor, `the excess over the floor came out as ${excess}`, excess)
  checkInterlacing(tensor, exact, randomized)
  for (const error of [singularValueError.mean, singularValueError.max])
    if (!(error >= 0)) failCheck(tensor, `the error of its singular values came out as ${error}`, error)
}

function checkAbove(tensor: string, error: number, floor: number, resolution: number): void {
  if (error < floor - resolution)
    failCheck(tensor, `an error of ${error} is below ${floor}, the least that rank can have`, error)
}

function checkInterlacing(tensor: string, exact: AnalysisReport, sketch: AnalysisReport): void {
  // Sums with a bias round all values of a sketch up alike.
  const slack = exact.valueResolution + level * (exact.singularValues[0] ?? 0)
  for (const [i, value] of sketch.singularValues.entries()) {
    const most = exact.singularValues[i] ?? 0
    if (value > most + slack)
      failCheck(tensor, `singular value ${i + 1} of the sketch, ${value}, is above the exact one, ${most}`, value)
  }
}

function checkVersus({ tensor, a, b, floor, resolution }: VersusReport): void {
  const rank = Math.min(a.report.rank, b.report.rank)
  for (const side of [a, b]) {
    checkAnalysis(side.report)
    for (const error of side.errors) {
      checkShare(tensor, 'the error', error)
      if (floor !== null && side.report.rank === rank) checkAbove(tensor, error, floor, resolution)
    }
    if (side.excess !== null && !(side.excess >= 0))
      failCheck(tensor, `the excess over the floor came out as ${side.excess}`, side.excess)
  }
  const [exact, sketch] = a.report.method === 'exact' ? [a, b] : [b, a]
  if (exact.report.method === 'exact' && sketch.report.method !== 'exact')
    checkInterlacing(tensor, exact.report, sketch.report)
}

function checkPlan({ tensors, relativeError, absoluteError }: PlanReport): void {
  for (const { name, relativeError } of tensors) checkShare(name, 'the error it is expected to have', relativeError)
  checkShare('model', 'the expected error', relativeError)
  if (absoluteError !== null) checkShare('model', 'the expected absolute error', absoluteError)
}

function checkSizes({ tradeOff }: ReportOf['sizes']): void {
  for (const [bytes, error] of tradeOff) checkShare('model', `the error expected of ${bytes} bytes`, error)
}

function checkPair({ cosine, differences }: PairReport): void {
  if (!(Math.abs(cosine) <= 1)) failCheck('pair', `the cosine came out as ${cosine}`, cosine)
  for (const { name, norm } of differences)
    if (!(norm >= 0 && Number.isFinite(norm))) failCheck(name, `the norm of its difference came out as ${norm}`, norm)
}

function checkAnswers({ rows }: AnswersReport): void {
  for (const { form, relativeError, calibration, heldOut } of rows) {
    checkShare(form, 'the error', relativeError)
    for (const answer of [calibration, heldOut]) {
      for (const { name, notFinite } of answer?.outputs ?? []) checkCount(name, notFinite)
      if (answer?.error != null && !(answer.error >= 0 && Number.isFinite(answer.error)))
        failCheck(form, `the error of its outputs came out as ${answer.error}`, answer.error)
      if (answer?.agreement != null && !(answer.agreement >= 0 && answer.agreement <= 1))
        failCheck(form, `the agreement of its outputs came out as ${answer.agreement}`, answer.agreement)
    }
  }
}

function checkCount(name: string, count: number): void {
  if (!(Number.isInteger(count) && count >= 0)) failCheck(name, `${count} of its numbers are NaN or infinite`, count)
}

function checkExtraction(report: ExtractionReport): void {
  checkCompression(report)
  checkShare(report.output, 'the retained share', report.retained)
  if (!(Math.abs(report.cosine) <= 1))
    failCheck(report.output, `the cosine came out as ${report.cosine}`, report.cosine)
}

function checkCompression({ output, tensors, relativeError, absoluteError }: CompressionReport): void {
  for (const { name, relativeError } of tensors)
    if (relativeError !== null) checkShare(name, 'the error', relativeError)
  checkShare(output, 'the model error', relativeError)
  if (absoluteError !== null) checkShare(output, 'the absolute error', absoluteError)
}

function checkTry({ compressed }: TryReport): void {
  for (const { outputs } of compressed)
    for (const { name, notFinite, relativeError, cosine, classes } of outputs) {
      checkCount(name, notFinite)
      if (relativeError !== null && !(relativeError >= 0))
        failCheck(name, `its error came out as ${relativeError}`, relativeError)
      // Two sums of thousands of squares, and a product of them.
      if (cosine !== null && !(Math.abs(cosine) <= 1 + level))
        failCheck(name, `the cosine came out as ${cosine}`, cosine)
      if (classes && !(classes.sameFirst <= classes.firstAmongFive && classes.firstAmongFive <= classes.rows))
        failCheck(name, `${classes.sameFirst} of ${classes.rows} rows agree`, classes.sameFirst)
    }
}

function checkResize({ output, modules, relativeError }: ResizeReport): void {
  for (const module of modules) checkShare(module.name, 'the error', module.relativeError)
  checkShare(output, 'the error', relativeError)
}
