/**
 * The report to hand on: what came of a run, or what an analysis found, as one HTML file. Data in, text out: the command line and the page
 * make the same file. Charts and map are pictures inside it, in the colors of either theme.
 */
import type { AnalysisReport, CompressionReport, PlanReport, RecipeInput } from '../contract.ts'
import { recipeFile } from '../contract.ts'
import { floorCurve } from '../curves/error-curve.ts'
import { noiseError } from '../curves/noise-line.ts'
import { type Key, say } from '../messages/english.ts'
import { type Language, sentencesIn } from '../messages/languages.ts'
import type { Message } from '../messages/message.ts'
import { type Numbers, numbersIn } from '../messages/numbers.ts'
import { fileName, foreign } from '../messages/text.ts'
import { modelMap } from '../model-map.ts'
import { version } from '../version.ts'
import { niceTop } from './axis.ts'
import { type ChartPicture, chartPicture, type PictureLine } from './chart-picture.ts'
import { changedFlags, compressCommand } from './command.ts'
import { type CellLook, mapPicture } from './map-picture.ts'
import { fittedScale, stepOf } from './map-scale.ts'
import { reportPage } from './page.ts'
import { pagePalette } from './palette.ts'
import { type Cell, code, type Fact, facts, outcome, paragraph, section, sortableTable } from './parts.ts'
import { pythonSnippet } from './python.ts'
import { lookOf, type Role } from './series.ts'
import { tradeOffPicture } from './trade-off-picture.ts'

interface Made {
  readonly language: Language
  /** Milliseconds since 1970. */
  readonly time: number
  /** File name of the source. */
  readonly source: string
}
export interface RunSource extends Made {
  readonly recipe: RecipeInput
  readonly report: CompressionReport
}
export interface PlanSource extends Made {
  readonly recipe: RecipeInput
  readonly report: PlanReport
}
export interface AnalysisSource extends Made {
  readonly report: AnalysisReport
}

export function runReportHtml(made: RunSource): string {
  const { source, recipe, report } = made
  const w = wordsOf(made)
  const compressed = report.tensors.filter(({ action }) => action === 'factorized')
  const rows = report.tensors.map((tensor) => ({ ...tensor, factorDType: tensor.factorDType ?? null }))
  const body = [
    outcome([
      sizeOf(w, 'report.size', report),
      { name: w.say('report.model-error'), value: w.numbers.error(report.relativeError, report.resolution ?? 0) },
      countOf(w, compressed.length, report.tensors.length),
    ]),
    paragraph(w.say('report.caveat'), 'caveat'),
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
    section(w.say('report.again'), code(compressCommand({ sourcePath: source, target: report.output, recipe }))),
    noticesOf(w, report.notices),
    tensorTable(w, rows),
    recipeOf(w, recipe),
  ]
  return page(w, made, w.say('report.compressed', { name: fileName(report.output) }), body)
}

export function planReportHtml(made: PlanSource): string {
  const { source, recipe, report } = made
  const w = wordsOf(made)
  const rows = report.tensors.map(({ action, ...tensor }) => ({
    ...tensor,
    action: action === 'factorize' ? ('factorized' as const) : ('kept' as const),
  }))
  const compressed = rows.filter(({ action }) => action === 'factorized')
  const body = [
    outcome([
      sizeOf(w, 'report.expected-size', report),
      { name: w.say('report.expected-error'), value: w.numbers.error(report.relativeError, report.resolution ?? 0) },
      countOf(w, compressed.length, rows.length),
    ]),
    paragraph(w.say('report.caveat'), 'caveat'),
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
  const { source, report } = made
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
      { name: w.say('report.break-even'), value: numbers.count(report.breakEvenRank) },
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

interface ReportWords {
  readonly say: <K extends Key>(...said: Parameters<typeof say<K>>) => string
  readonly text: (said: Message | readonly Message[]) => string
  readonly role: (role: Role) => string
  readonly numbers: Numbers
}

function wordsOf({ language }: Made): ReportWords {
  const text = sentencesIn(language)
  return {
    say: (...said) => text(say(...said)),
    text,
    role: (role) => text(say(lookOf(role).name as 'series.noise')),
    numbers: numbersIn(language),
  }
}

function page(w: ReportWords, { language, time }: Made, title: string, body: readonly string[]): string {
  const subtitle = w.say('report.by', { version, time: w.numbers.moment(time) })
  return reportPage({ language, title, subtitle, body: body.join('\n') })
}

const figure = (picture: string) => `<figure>${picture}</figure>`
const cell = (value: number, text: string): Cell => ({ value, text })

interface Sizes {
  readonly bytesBefore: number
  readonly bytesAfter: number
}

function sizeOf(w: ReportWords, key: 'report.size' | 'report.expected-size', { bytesBefore, bytesAfter }: Sizes): Fact {
  const share = w.numbers.percent(bytesAfter / Math.max(1, bytesBefore))
  const value = `${w.numbers.bytes(bytesBefore)} → ${w.numbers.bytes(bytesAfter)}`
  return { name: w.say(key), value, note: w.say('report.share', { share }) }
}

function countOf(w: ReportWords, compressed: number, count: number): Fact {
  return {
    name: w.say('report.matrices'),
    value: w.numbers.count(compressed),
    note: w.say('report.of-tensors', { count }),
  }
}

function machineOf(
  w: ReportWords,
  report: Pick<CompressionReport, 'kernel' | 'arithmetic' | 'threads' | 'device' | 'elapsedMs'>,
): Fact[] {
  const { kernel, arithmetic, threads, device, elapsedMs } = report
  return [
    { name: w.say('report.arithmetic'), value: w.say('report.machine', { kernel, arithmetic, threads }) },
    ...(device === undefined
      ? []
      : [{ name: w.say('report.device'), value: w.say('report.device-bytes', { device: foreign(device) }) }]),
    { name: w.say('report.time'), value: w.numbers.duration(elapsedMs) },
  ]
}

function methodOf(w: ReportWords, { method, rank, oversample, nIter: passes, seed }: AnalysisReport): string {
  return method === 'exact' ? w.say('report.exact') : w.say('report.randomized', { rank, oversample, passes, seed })
}

function settings(w: ReportWords, recipe: RecipeInput): string {
  const flags = changedFlags(recipe)
  return section(
    w.say('report.settings'),
    facts([{ name: w.say('report.flags'), value: flags.length > 0 ? flags.join(' ') : w.say('report.no-flags') }]),
  )
}

function recipeOf(w: ReportWords, recipe: RecipeInput): string {
  return section(w.say('report.recipe'), paragraph(w.say('report.recipe-help'), 'dim'), code(recipeFile(recipe)))
}

function noticesOf(w: ReportWords, notices: readonly Message[]): string {
  return section(w.say('report.notices'), ...notices.map((notice) => paragraph(w.text(notice))))
}

/** What a run did, or would do, with a tensor. */
interface Row {
  readonly name: string
  readonly action: 'factorized' | 'kept'
  readonly rank: number | null
  readonly factorDType: string | null
  readonly relativeError: number | null
  readonly resolution?: number | undefined
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly reason: Message
}

function tensorTable(w: ReportWords, rows: readonly Row[]): string {
  const { numbers } = w
  const columns = [
    { title: w.say('report.tensor-name') },
    { title: w.say('report.rank'), numeric: true },
    { title: w.say('report.error'), numeric: true },
    { title: w.say('report.dtype') },
    { title: w.say('report.before'), numeric: true },
    { title: w.say('report.after'), numeric: true },
    { title: w.say('report.reason') },
  ]
  const errorCell = ({ action, relativeError, resolution }: Row) =>
    action === 'kept' || relativeError === null
      ? cell(-1, '–')
      : cell(relativeError, numbers.error(relativeError, resolution ?? 0))
  const cells = rows.map((row) => [
    row.name,
    row.rank === null ? cell(-1, w.say('report.kept')) : cell(row.rank, numbers.count(row.rank)),
    errorCell(row),
    row.factorDType ?? '',
    cell(row.bytesBefore, numbers.bytes(row.bytesBefore)),
    cell(row.bytesAfter, numbers.bytes(row.bytesAfter)),
    row.action === 'kept' ? w.text(row.reason) : '',
  ])
  const hint = paragraph(w.say('report.sort'), 'dim hint')
  return section(w.say('report.tensors'), hint, sortableTable(columns, cells))
}

/** None where no goal had other sizes looked at. */
function tradeOffIn(w: ReportWords, report: CompressionReport, source: string): string[] {
  const picture = tradeOffPicture(report, { ...w, source })
  return picture ? [figure(chartPicture(picture, pagePalette, { width: 800, plotHeight: 220 }))] : []
}

/** A map of all matrices and their errors sorted; none where nothing was compressed. */
function pictures(w: ReportWords, rows: readonly Row[], source: string): string[] {
  const { numbers } = w
  const errors = rows.flatMap(({ action, relativeError }) =>
    action === 'factorized' && relativeError !== null ? [relativeError] : [],
  )
  if (errors.length === 0) return []
  const scale = fittedScale(errors)
  const named = new Map(rows.map((row) => [row.name, row]))
  // What is kept as a vector has no place in a map of matrices.
  const matrices = rows.filter(({ action, reason }) => action === 'factorized' || reason.key !== 'plan.one-dimensional')
  const lookOfRow = ({ action, relativeError }: Row): CellLook =>
    action === 'kept' || relativeError === null ? 'kept' : stepOf(relativeError, scale)
  const map = mapPicture(
    {
      title: w.say('report.map'),
      facts: [source],
      map: modelMap(matrices),
      cellOf: ({ name }) => {
        const row = named.get(name)!
        const look = lookOfRow(row)
        const text = look === 'kept' ? '' : numbers.tickPercent(Number(row.relativeError!.toPrecision(2)))
        return { look, text }
      },
      low: numbers.tickPercent(scale.low),
      high: numbers.tickPercent(scale.high),
      kept: w.say('report.kept'),
    },
    pagePalette,
  )
  const sorted = errors.toSorted((a, b) => b - a)
  const line: PictureLine = {
    role: 'randomized',
    name: w.say('report.error'),
    points: thinned(1, sorted.length).map((at) => [at, sorted[at - 1]!]),
  }
  const chart: ChartPicture = {
    title: w.say('report.errors'),
    facts: [source],
    x: {
      low: 1,
      high: Math.max(2, sorted.length),
      scale: 'linear',
      title: w.say('axis.matrices'),
      tick: numbers.count,
    },
    y: { low: 0, high: niceTop(sorted[0]!), scale: 'linear', title: w.say('axis.error'), tick: numbers.tickPercent },
    lines: [line],
    marks: [],
  }
  return [figure(map), figure(chartPicture(chart, pagePalette, { width: 800, plotHeight: 220 }))]
}

/** At most so many points of a line: a report is read, not measured. */
const mostPoints = 300

/** Whole numbers from first to last, dense where a logarithm is. */
function thinned(first: number, last: number): number[] {
  const found = new Set<number>()
  for (let i = 0; i < mostPoints; i++) {
    const share = i / (mostPoints - 1)
    found.add(Math.round(first + (last - first) * share))
    found.add(Math.round(first - 1 + (last - first + 1) ** share))
  }
  return [...found].filter((at) => at >= first && at <= last).sort((a, b) => a - b)
}
