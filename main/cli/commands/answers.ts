/** `ghostsvd answers`: which compression of a model that runs keeps its answers, and with --out the one that does. */
import { basename } from 'node:path'
import { Command } from 'commander'
import { type Answer, type AnswerRow, type AnswersReport, hadAnswerGoal } from '../../../core/contract.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { type AnswerOptions, addAnswerFlags, askAnswers, chosenRow, formWords, refuseOutput } from '../answer-goal.ts'
import { wholeNumber } from '../flags.ts'
import { withEngine } from '../job.ts'
import { duration, formatBytes, percent, print, printJson, safe, table } from '../print.ts'
import { addRecipeFlags, type RequestOptions, requestFrom } from '../request.ts'
import { commandRuns } from '../run.ts'

interface Options extends Omit<RequestOptions, 'output'>, AnswerOptions {
  readonly rounds: number
  readonly out?: string
  readonly force?: boolean
  readonly json?: boolean
}

export function answersCommand(): Command {
  const command = new Command('answers')
    .description(
      'try ways of compressing a model that runs (onnx) beside the original: INT8, low rank, both; bytes, answers and time of each',
    )
    .argument('<model.onnx>')
  addAnswerFlags(command).option('--rounds <number>', 'timed runs of each held-out sample', wholeNumber(0, 10_000), 3)
  return addRecipeFlags(command)
    .option('--out <file.onnx>', 'write the one that is chosen')
    .option('--force', 'replace an existing output')
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: Options, self: Command) => {
      const request = await requestFrom(self, { ...options, output: 'onnx' })
      const { rounds, out, force = false } = options
      if (out !== undefined) await refuseOutput(out, path, force)
      const { report, written } = await withEngine(async (engine) => {
        const report = await askAnswers(engine, path, request, options, rounds)
        if (out === undefined) return { report, written: null }
        const written = await commandRuns(engine).run<'compress'>(
          { kind: 'compress', output: 'onnx', ...chosenRow(report).choices, force, resume: false, part: null },
          { model: path, statistics: options.statistics },
          out,
        )
        return { report, written }
      })
      if (options.json) printJson({ ...report, ...(written && { written }) })
      else {
        printAnswers(report)
        if (written && out !== undefined)
          print(`Wrote ${safe(basename(out))}: ${formatBytes(written.bytesAfter)}, read back as it was written.`)
      }
    })
}

function printAnswers(report: AnswersReport): void {
  const hasClasses = report.rows.some(({ heldOut }) => heldOut.agreement !== null)
  const answer = ({ notFinite, error, agreement }: Answer) => [
    notFinite > 0 ? 'NaN or Inf' : error === null ? '' : percent(error),
    ...(hasClasses ? [agreement === null ? '' : percent(agreement)] : []),
  ]
  const cells = (row: AnswerRow, index: number) => [
    index === report.chosen ? '>' : '',
    formWords[row.form],
    row.allocation ?? '',
    formatBytes(row.bytes),
    percent(row.share),
    ...(row.calibration
      ? answer(row.calibration)
      : answer({ notFinite: 0, error: null, agreement: null, outputs: [] })),
    ...answer(row.heldOut),
    row.latencyRatio
      ? `${row.latencyRatio.median.toFixed(2)} (${row.latencyRatio.low.toFixed(2)} to ${row.latencyRatio.high.toFixed(2)})`
      : '',
    row.flops ? (row.flops.after / row.flops.before).toFixed(2) : '',
  ]
  const same = hasClasses ? ['same class'] : []
  const header = ['', '', 'ranks', 'file', 'share', 'error', ...same, 'held out', ...same, 'time', 'operations']
  print(table([header, ...report.rows.map(cells)], [...header.keys()].slice(3)))
  print(
    `\n${report.models} models run on ${report.calibration} samples that decide and ${report.heldOut} held out, in ${duration(report.elapsedMs)}. ${marked(report)}Operations: of the factorized weights.`,
  )
  for (const notice of report.notices) print(inEnglish(notice))
}

/** What the mark before a row stands for. */
function marked(report: AnswersReport): string {
  if (report.chosen === null) return ''
  if (hadAnswerGoal(report)) return '> is the smallest form that meets the goal. '
  const nearest = report.chosenBy === 'agreement' ? 'keeps the most classes' : 'has the least error'
  return `> is the low-rank form of this size that ${nearest}. `
}
