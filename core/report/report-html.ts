/**
 * The report to hand on: what came of a run, or what an analysis found, as one HTML file. Data in, text out: the command line and the page
 * make the same file. Charts and map are pictures inside it, in the colors of either theme.
 */
import type { AnalysisReport, CompressionReport, PlanReport, RecipeInput } from '../contract.ts'
import { floorCurve } from '../curves/error-curve.ts'
import { noiseError } from '../curves/noise-line.ts'
import { fileName } from '../messages/text.ts'
import { type ChartPicture, chartPicture } from './chart-picture.ts'
import { compressCommand } from './command.ts'
import {
  cell,
  countOf,
  figure,
  type Made,
  machineOf,
  methodOf,
  noticesOf,
  page,
  pictures,
  type ReportWords,
  recipeOf,
  rowsOfPlan,
  settings,
  sizeOf,
  tensorTable,
  thinned,
  wordsOf,
} from './content.ts'
import { pagePalette } from './palette.ts'
import { code, facts, outcome, paragraph, section, sortableTable } from './parts.ts'
import { pythonSnippet } from './python.ts'
import type { Role } from './series.ts'
import { tradeOffPicture } from './trade-off-picture.ts'

export interface RunSource extends Made {
  /** File name of what errors were weighed by. */
  readonly statistics?: string | undefined
  readonly recipe: RecipeInput
  readonly report: CompressionReport
}
export interface PlanSource extends Made {
  readonly recipe: RecipeInput
  readonly report: PlanReport
}
export interface AnalysisSource extends Made {
  readonly report: AnalysisReport
  /** Of a difference: factors of any rank are worth writing. */
  readonly isDifference?: boolean
}

export function runReportHtml(made: RunSource): string {
  const { source, statistics, recipe, report } = made
  const w = wordsOf(made)
  const compressed = report.tensors.filter(({ action }) => action === 'factorized')
  const rows = report.tensors.map((tensor) => ({ ...tensor, factorDType: tensor.factorDType ?? null }))
  const body = [
    outcome([
      sizeOf(w, 'report.size', report),
      { name: w.say('report.model-error'), value: w.numbers.error(report.relativeError, report.resolution ?? 0) },
      countOf(w, compressed.length, report.tensors.length),
    ]),
    paragraph(w.say(report.statistics ? 'report.caveat-outputs' : 'report.caveat'), 'caveat'),
    section(w.say('report.charts'), ...tradeOffIn(w, report, source), ...pictures(w, rows, source)),
    section(
      w.say('report.verification'),
      paragraph(w.say(report.verified ? 'report.verified' : 'report.not-verified'), report.verified ? 'good' : 'warn'),
      facts([
        { name: w.say('report.source'), value: source },
        { name: w.say('report.source-hash'), value: report.source },
        ...machineOf(w, report),
        { name: w.say('report.memory'), value: w.numbers.bytes(report.peakBytes) },
      ]),
    ),
    settings(w, recipe),
    section(w.say('report.load'), code(pythonSnippet({ recipe, target: report.output, files: report.files }))),
    section(
      w.say('report.again'),
      code(compressCommand({ sourcePath: source, target: report.output, statisticsPath: statistics, recipe })),
    ),
    noticesOf(w, report.notices),
    tensorTable(w, rows),
    recipeOf(w, recipe),
  ]
  return page(w, made, w.say('report.compressed', { name: fileName(report.output) }), body)
}

export function planReportHtml(made: PlanSource): string {
  const { source, recipe, report } = made
  const w = wordsOf(made)
  const rows = rowsOfPlan(report)
  const compressed = rows.filter(({ action }) => action === 'factorized')
  const body = [
    outcome([
      sizeOf(w, 'report.expected-size', report),
      { name: w.say('report.expected-error'), value: w.numbers.error(report.relativeError, report.resolution ?? 0) },
      countOf(w, compressed.length, rows.length),
    ]),
    paragraph(w.say(report.statistics ? 'report.caveat-outputs' : 'report.caveat'), 'caveat'),
    section(w.say('report.charts'), ...pictures(w, rows, source)),
    section(
      w.say('report.verification'),
      paragraph(w.say('report.nothing-written')),
      facts([{ name: w.say('report.source'), value: source }, ...machineOf(w, report)]),
    ),
    settings(w, recipe),
    noticesOf(w, report.notices),
    tensorTable(w, rows),
    recipeOf(w, recipe),
  ]
  return page(w, made, w.say('report.planned', { name: fileName(source) }), body)
}

export function analysisReportHtml(made: AnalysisSource): string {
  const { source, report, isDifference = false } = made
  const w = wordsOf(made)
  const { numbers } = w
  const [rows = 0, cols = 0] = report.matrix
  const { rank } = report
  const method = methodOf(w, report)
  const shared = [source, `${numbers.count(rows)} × ${numbers.count(cols)}`, report.dtype, method]
  const smallest = Math.min(rows, cols)
  const exact = report.method === 'exact'
  const errors = exact ? floorCurve(report.singularValues) : report.errorCurve
  const role: Role = report.method
  const last = exact ? Math.min(smallest, Math.max(2, 3 * rank)) : Math.max(2, errors.length - 1)
  const ranks = thinned(0, last)
  const marks = [{ role: 'plan' as const, x: rank, name: w.say('series.rank', { rank }), y: report.relativeError }]
  const errorChart: ChartPicture = {
    title: w.say('axis.error'),
    facts: shared,
    x: { low: 0, high: last, scale: 'linear', title: w.say('axis.rank'), tick: numbers.count },
    y: { low: 0, high: 1, scale: 'linear', title: w.say('axis.error'), tick: numbers.tickPercent },
    lines: [
      { role, name: w.role(role), points: ranks.map((at) => [at, errors[at] ?? null]) },
      { role: 'noise', name: w.role('noise'), points: ranks.map((at) => [at, noiseError(rows, cols, at)]) },
    ],
    marks,
  }
  const values = report.singularValues.filter((value) => value > 0)
  const most = values[0] ?? 1
  const least = Math.max(values.at(-1) ?? 0.1, most * 1e-16)
  const valueChart: ChartPicture = {
    title: w.say('axis.value'),
    facts: shared,
    x: { low: 1, high: Math.max(2, values.length), scale: 'log', title: w.say('axis.index'), tick: numbers.count },
    y: { low: least / 1.3, high: most * 1.3, scale: 'log', title: w.say('axis.value'), tick: numbers.value },
    lines: [
      {
        role,
        name: w.role(role),
        points: thinned(1, Math.max(2, values.length)).map((at) => [at, values[at - 1] ?? null]),
      },
    ],
    marks: [{ role: 'plan', x: rank, name: w.say('series.rank', { rank }) }],
  }
  const body = [
    outcome([
      { name: w.say('report.error-at', { rank }), value: numbers.error(report.relativeError, report.resolution) },
      ...(isDifference ? [] : [{ name: w.say('report.break-even'), value: numbers.count(report.breakEvenRank) }]),
      ...(report.noiseError === null
        ? []
        : [{ name: w.say('report.noise-at'), value: numbers.percent(report.noiseError) }]),
    ]),
    section(
      w.say('report.charts'),
      ...[errorChart, valueChart].map((chart) => figure(chartPicture(chart, pagePalette))),
    ),
    section(
      w.say('report.settings'),
      facts([
        { name: w.say('report.source'), value: source },
        { name: w.say('report.shape'), value: `${numbers.count(rows)} × ${numbers.count(cols)} ${report.dtype}` },
        { name: w.say('report.method'), value: method },
        { name: w.say('report.numerical-rank'), value: numbers.count(report.numericalRank) },
        ...machineOf(w, report),
      ]),
    ),
    noticesOf(w, report.notices),
    section(
      w.say('axis.value'),
      sortableTable(
        [
          { title: w.say('axis.index'), numeric: true },
          { title: w.say('axis.value'), numeric: true },
          { title: w.say('axis.error'), numeric: true },
        ],
        report.singularValues
          .slice(0, mostValues)
          .map((value, i) => [
            cell(i + 1, numbers.count(i + 1)),
            cell(value, numbers.value(value)),
            errors[i + 1] === undefined ? '' : cell(errors[i + 1]!, numbers.percent(errors[i + 1]!)),
          ]),
      ),
    ),
  ]
  return page(w, made, w.say('report.tensor', { name: report.tensor }), body)
}

/** Rows of singular values in a report; the chart has all of them. */
const mostValues = 512

/** None where no goal had other sizes looked at. */
function tradeOffIn(w: ReportWords, report: CompressionReport, source: string): string[] {
  const picture = tradeOffPicture(report, { ...w, source })
  return picture ? [figure(chartPicture(picture, pagePalette, { width: 800, plotHeight: 220 }))] : []
}
