/** What report pages are made of, whatever they report: sizes, tables of tensors, pictures, in the words of a language. */
import type { AnalysisReport, CompressionReport, PlanReport, RecipeInput } from '../contract.ts'
import { recipeFile } from '../contract.ts'
import { type Key, say } from '../messages/english.ts'
import { type Language, sentencesIn } from '../messages/languages.ts'
import type { Message } from '../messages/message.ts'
import { type Numbers, numbersIn } from '../messages/numbers.ts'
import { foreign } from '../messages/text.ts'
import { modelMap } from '../model-map.ts'
import { version } from '../version.ts'
import { niceTop } from './axis.ts'
import { type ChartPicture, chartPicture, type PictureLine } from './chart-picture.ts'
import { changedFlags } from './command.ts'
import { type CellLook, mapPicture } from './map-picture.ts'
import { fittedScale, stepOf } from './map-scale.ts'
import { reportPage } from './page.ts'
import { pagePalette } from './palette.ts'
import { type Cell, code, type Fact, facts, paragraph, section, sortableTable } from './parts.ts'
import { lookOf, type Role } from './series.ts'

export interface Made {
  readonly language: Language
  /** Milliseconds since 1970. */
  readonly time: number
  /** File name of the source. */
  readonly source: string
}

export interface ReportWords {
  readonly say: <K extends Key>(...said: Parameters<typeof say<K>>) => string
  readonly text: (said: Message | readonly Message[]) => string
  readonly role: (role: Role) => string
  readonly numbers: Numbers
}

export function wordsOf({ language }: Made): ReportWords {
  const text = sentencesIn(language)
  return {
    say: (...said) => text(say(...said)),
    text,
    role: (role) => text(say(lookOf(role).name as 'series.noise')),
    numbers: numbersIn(language),
  }
}

export function page(w: ReportWords, { language, time }: Made, title: string, body: readonly string[]): string {
  const subtitle = w.say('report.by', { version, time: w.numbers.moment(time) })
  return reportPage({ language, title, subtitle, body: body.join('\n') })
}

export const figure = (picture: string) => `<figure>${picture}</figure>`
export const cell = (value: number, text: string): Cell => ({ value, text })

interface Sizes {
  readonly bytesBefore: number
  readonly bytesAfter: number
}

export function sizeOf(
  w: ReportWords,
  key: 'report.size' | 'report.expected-size',
  { bytesBefore, bytesAfter }: Sizes,
): Fact {
  const share = w.numbers.percent(bytesAfter / Math.max(1, bytesBefore))
  const value = `${w.numbers.bytes(bytesBefore)} → ${w.numbers.bytes(bytesAfter)}`
  return { name: w.say(key), value, note: w.say('report.share', { share }) }
}

export function countOf(
  w: ReportWords,
  compressed: number,
  count: number,
  key: 'report.matrices' | 'report.in-adapter' = 'report.matrices',
): Fact {
  return {
    name: w.say(key),
    value: w.numbers.count(compressed),
    note: w.say('report.of-tensors', { count }),
  }
}

export function machineOf(
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

export function methodOf(w: ReportWords, { method, rank, oversample, nIter: passes, seed }: AnalysisReport): string {
  return method === 'exact' ? w.say('report.exact') : w.say('report.randomized', { rank, oversample, passes, seed })
}

export function settings(w: ReportWords, recipe: RecipeInput): string {
  const flags = changedFlags(recipe)
  return section(
    w.say('report.settings'),
    facts([{ name: w.say('report.flags'), value: flags.length > 0 ? flags.join(' ') : w.say('report.no-flags') }]),
  )
}

export function recipeOf(w: ReportWords, recipe: RecipeInput): string {
  return section(w.say('report.recipe'), paragraph(w.say('report.recipe-help'), 'dim'), code(recipeFile(recipe)))
}

export function noticesOf(w: ReportWords, notices: readonly Message[]): string {
  return section(w.say('report.notices'), ...notices.map((notice) => paragraph(w.text(notice))))
}

/** What a run did, or would do, with a tensor. */
export interface Row {
  readonly name: string
  readonly action: 'factorized' | 'kept'
  readonly rank: number | null
  readonly factorDType: string | null
  readonly relativeError: number | null
  readonly resolution?: number | undefined
  /** Where `relativeError` is of outputs. */
  readonly weightError?: number | undefined
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly reason: Message
}

export function rowsOfPlan({ tensors }: Pick<PlanReport, 'tensors'>): Row[] {
  return tensors.map(({ action, ...tensor }) => ({
    ...tensor,
    action: action === 'factorize' ? ('factorized' as const) : ('kept' as const),
  }))
}

export function tensorTable(w: ReportWords, rows: readonly Row[]): string {
  const { numbers } = w
  const weighted = rows.some(({ weightError }) => weightError !== undefined)
  const columns = [
    { title: w.say('report.tensor-name') },
    { title: w.say('report.rank'), numeric: true },
    { title: w.say(weighted ? 'report.output-error' : 'report.error'), numeric: true },
    ...(weighted ? [{ title: w.say('report.weight-error'), numeric: true }] : []),
    { title: w.say('report.dtype') },
    { title: w.say('report.before'), numeric: true },
    { title: w.say('report.after'), numeric: true },
    { title: w.say('report.reason') },
  ]
  const cells = rows.map((row) => [
    row.name,
    row.rank === null ? cell(-1, w.say('report.kept')) : cell(row.rank, numbers.count(row.rank)),
    errorCell(w, row),
    ...(weighted ? [weightCell(w, row)] : []),
    row.factorDType ?? '',
    cell(row.bytesBefore, numbers.bytes(row.bytesBefore)),
    cell(row.bytesAfter, numbers.bytes(row.bytesAfter)),
    row.action === 'kept' ? w.text(row.reason) : '',
  ])
  const hint = paragraph(w.say('report.sort'), 'dim hint')
  return section(w.say('report.tensors'), hint, sortableTable(columns, cells))
}

/** A kept weight that is written in INT8 has an error too. */
export function errorCell({ numbers }: ReportWords, { action, factorDType, relativeError, resolution }: Row): Cell {
  return (action === 'kept' && factorDType === null) || relativeError === null
    ? cell(-1, '–')
    : cell(relativeError, numbers.error(relativeError, resolution ?? 0))
}

function weightCell({ numbers }: ReportWords, { weightError }: Row): Cell {
  return weightError === undefined ? cell(-1, '–') : cell(weightError, numbers.percent(weightError))
}

/** A map of all matrices and their errors sorted; none where nothing was compressed. */
export function pictures(w: ReportWords, rows: readonly Row[], source: string): string[] {
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
export function thinned(first: number, last: number): number[] {
  const found = new Set<number>()
  for (let i = 0; i < mostPoints; i++) {
    const share = i / (mostPoints - 1)
    found.add(Math.round(first + (last - first) * share))
    found.add(Math.round(first - 1 + (last - first + 1) ** share))
  }
  return [...found].filter((at) => at >= first && at <= last).sort((a, b) => a - b)
}
