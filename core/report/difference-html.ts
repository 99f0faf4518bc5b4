/** The plan of an adapter to hand on: what lies between two models, or what an adapter adds, and what would be kept of it. */
import type { DifferenceReport, PairReport, PlanReport } from '../contract.ts'
import { fileName } from '../messages/text.ts'
import {
  cell,
  countOf,
  errorCell,
  type Made,
  machineOf,
  noticesOf,
  page,
  pictures,
  type ReportWords,
  type Row,
  rowsOfPlan,
  sizeOf,
  wordsOf,
} from './content.ts'
import { code, facts, outcome, paragraph, section, sortableTable } from './parts.ts'

export interface DifferencePlanSource extends Made {
  readonly report: PlanReport
  readonly difference: DifferenceReport
  /** What one pass over two models has found; null for an adapter, and before it is known. */
  readonly pair: PairReport | null
  /** The command line that would write it. */
  readonly command: string
}

export function differencePlanHtml(made: DifferencePlanSource): string {
  const { source, report, difference, pair, command } = made
  const w = wordsOf(made)
  const { numbers } = w
  const ofPair = difference.of === 'pair'
  const rows = rowsOfPlan(report)
  const inAdapter = rows.filter(({ action }) => action === 'factorized')
  const size = ofPair
    ? { name: w.say('report.adapter-size'), value: numbers.bytes(report.bytesAfter) }
    : sizeOf(w, 'report.expected-size', report)
  const verdict = pair
    ? [
        paragraph(w.text(pair.verdict)),
        facts([
          { name: w.say('report.cosine'), value: numbers.value(pair.cosine) },
          { name: w.say('report.apart'), value: numbers.percent(pair.differenceShare) },
        ]),
        ...pair.notices.map((notice) => paragraph(w.text(notice))),
      ]
    : []
  const body = [
    outcome([
      size,
      {
        name: w.say('report.expected-missed'),
        value: numbers.error(report.relativeError, report.resolution ?? 0),
        note: '‖D − B A‖ / ‖D‖',
      },
      countOf(w, inAdapter.length, rows.length, 'report.in-adapter'),
    ]),
    section(w.say('report.verdict'), ...verdict),
    section(w.say('report.charts'), ...pictures(w, rows, source)),
    section(
      w.say('report.verification'),
      paragraph(w.say('report.nothing-written')),
      facts([
        { name: w.say('report.source'), value: difference.names.join(' → ') },
        { name: w.say('report.form'), value: difference.form },
        ...(difference.family === null ? [] : [{ name: w.say('report.family'), value: difference.family }]),
        ...machineOf(w, report),
      ]),
    ),
    section(w.say('report.command'), code(command)),
    noticesOf(w, report.notices),
    moduleTable(w, rows, pair),
  ]
  const title = ofPair
    ? w.say('report.pair-planned', { base: fileName(difference.names[0] ?? ''), tuned: fileName(source) })
    : w.say('report.planned', { name: fileName(source) })
  return page(w, made, title, body)
}

function moduleTable(w: ReportWords, rows: readonly Row[], pair: PairReport | null): string {
  const { numbers } = w
  const shares = new Map(pair?.differences.map(({ name, share }) => [name, share]))
  const columns = [
    { title: w.say('report.tensor-name') },
    ...(pair ? [{ title: '‖D‖ / ‖W‖', numeric: true }] : []),
    { title: w.say('report.rank'), numeric: true },
    { title: w.say('report.error'), numeric: true },
    { title: w.say('report.dtype') },
    { title: w.say('report.after'), numeric: true },
    { title: w.say('report.reason') },
  ]
  const cells = rows.map((row) => {
    const share = shares.get(row.name)
    const { name, rank, factorDType, bytesAfter, action, reason } = row
    return [
      name,
      ...(pair ? [share === undefined ? cell(-1, '–') : cell(share, numbers.percent(share))] : []),
      rank === null ? cell(-1, w.say('report.left-out')) : cell(rank, numbers.count(rank)),
      errorCell(w, row),
      factorDType ?? '',
      cell(bytesAfter, numbers.bytes(bytesAfter)),
      action === 'kept' ? w.text(reason) : '',
    ]
  })
  return section(w.say('report.modules'), paragraph(w.say('report.sort'), 'dim hint'), sortableTable(columns, cells))
}
