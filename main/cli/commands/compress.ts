/** `ghostsvd compress`: a whole file, written, read back and measured. */

import { basename } from 'node:path'
import { Command } from 'commander'
import type { AnswersReport, CompressionReport } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import { inEnglish, say } from '../../../core/messages/english.ts'
import type { Params } from '../../../core/params.ts'
import { forecastOf } from '../../../core/plan/forecast.ts'
import { hasGoal } from '../../../core/plan/goal.ts'
import { type Part, parsePart } from '../../../core/plan/parts.ts'
import { runReportHtml } from '../../../core/report/report-html.ts'
import { type StyleId, styles } from '../../../core/styles.ts'
import { type AnswerOptions, addAnswerFlags, askAnswers, chosenRow, formWords, refuseOutput } from '../answer-goal.ts'
import { withEngine } from '../job.ts'
import {
  absolute,
  beside,
  computedBy,
  count,
  duration,
  errorHeader,
  formatBytes,
  percent,
  print,
  printJson,
  safe,
  table,
} from '../print.ts'
import { refuseRecords, writeAll, writeHtml, writeRecipe, writeReport } from '../records.ts'
import { addRequestFlags, type RequestOptions, replayable, requestFrom } from '../request.ts'
import { commandRuns } from '../run.ts'

interface Options extends RequestOptions, AnswerOptions {
  readonly out: string
  readonly force?: boolean
  readonly resume?: boolean
  readonly part?: string
  readonly saveRecipe?: string
  readonly report?: string
  readonly reportHtml?: string
  readonly json?: boolean
}

export function compressCommand(): Command {
  const command = new Command('compress')
    .description('factorize every matrix that gains from it, write the result, read it back and measure it')
    .argument('<file|folder>')
    .requiredOption('--out <file>', 'where to write; never the source')
  return addAnswerFlags(addRequestFlags(command))
    .option('--resume', 'continue what an unfinished run left, and keep finished tensors after Ctrl+C or a crash')
    .option('--part <i/n>', 'write one part of a run that several machines share (3/8); merge joins them')
    .option('--save-recipe <file>', 'write the recipe of this run, which replays to the same bytes')
    .option('--report <file>', 'write the report of this run, as JSON or (name.csv) as a table')
    .option('--report-html <file>', 'write a report to hand on: one HTML file with tables, charts and the recipe')
    .option('--force', 'replace an existing output, recipe or report')
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: Options, self: Command) => {
      const asked = await requestFrom(self, options)
      const { force = false, resume = false } = options
      const part = options.part === undefined ? null : parsePart(options.part)
      const byAnswers = options.goalAnswer !== undefined
      if (byAnswers) refuseBesideAnswerGoal(asked, self, part)
      else refuseWithoutAnswerGoal(self)
      const records = await refuseRecords({ ...options, sourcePath: path, target: options.out })
      if (byAnswers) await refuseOutput(options.out, path, force || resume)
      const { report, recipe, answers } = await withEngine(async (engine) => {
        const answers = byAnswers ? await askAnswers(engine, path, asked, options, 0) : null
        const recipe = answers ? { output: 'onnx' as const, ...chosenRow(answers).choices } : asked
        const report = await commandRuns(engine).run<'compress'>(
          { kind: 'compress', ...recipe, force, resume, part },
          { model: path, ...(options.statistics !== undefined && { statistics: options.statistics }) },
          options.out,
        )
        return { report, recipe, answers }
      })
      // First, and none of the records for want of another: a file that came into the way of one meanwhile is not to cost the rest.
      if (options.json) printJson({ ...report, ...(answers && { answers }) })
      else {
        printCompression(report, styles[recipe.output].isGraph)
        if (answers) printChosen(answers)
      }
      const used = replayable(recipe, report)
      const { saveRecipe, report: table, reportHtml } = options
      const made = { language: 'en', time: Date.now(), source: basename(path) } as const
      const statistics = options.statistics === undefined ? undefined : basename(options.statistics)
      await writeAll([
        async () => saveRecipe !== undefined && (await writeRecipe(saveRecipe, used, records)),
        async () => table !== undefined && (await writeReport(table, used, report, records)),
        async () =>
          reportHtml !== undefined &&
          (await writeHtml(reportHtml, runReportHtml({ ...made, statistics, recipe: used, report }), records)),
      ])
    })
}

/** The goal on answers looks for size and ranks itself, in a model that runs. */
function refuseBesideAnswerGoal({ params }: { readonly params: Params }, self: Command, part: Part | null): void {
  if (self.getOptionValueSource('output') === 'cli' && !styles[self.getOptionValue('output') as StyleId].isGraph)
    throw new AppError('bad-request', say('request.answer-goal-output'))
  if (hasGoal(params) || part !== null) throw new AppError('bad-request', say('request.answer-goal-alone'))
}

/** Inputs without a goal on what comes of them would be left aside in silence. */
function refuseWithoutAnswerGoal(self: Command): void {
  const flags = ['inputs', 'heldOut', 'judgedBy', 'samples', 'size', 'modelThreads'] as const
  if (flags.some((flag) => self.getOptionValueSource(flag) === 'cli'))
    throw new AppError('bad-request', say('request.answer-goal-needed'))
}

function printChosen(answers: AnswersReport): void {
  const { form, allocation, heldOut } = chosenRow(answers)
  const how = [formWords[form], ...(allocation === null ? [] : [allocation])].join(', ')
  const held = [
    ...(heldOut.error === null ? [] : [`output error ${percent(heldOut.error)}`]),
    ...(heldOut.agreement === null ? [] : [`same class ${percent(heldOut.agreement)}`]),
  ]
  print(
    `\nChosen by its answers of ${answers.models} models that were run: ${how}. On ${answers.heldOut} samples held out: ${held.join(', ')}.`,
  )
  for (const notice of answers.notices) print(inEnglish(notice))
}

function printCompression(report: CompressionReport, runs: boolean): void {
  const weighted = report.statistics !== undefined
  const rows = report.tensors.map(
    ({ name, action, rank, factorDType, relativeError, weightError, bytesBefore, bytesAfter, reason }) => [
      safe(name),
      action,
      rank === null ? '' : String(rank),
      factorDType ?? '',
      action === 'factorized' || factorDType !== undefined ? percent(relativeError ?? 0) : '',
      ...(weighted ? [weightError === undefined ? '' : percent(weightError)] : []),
      formatBytes(bytesBefore),
      formatBytes(bytesAfter),
      action === 'kept' ? safe(inEnglish(reason)) : '',
    ],
  )
  print(table([errorHeader(weighted, 'before', 'after', ''), ...rows], weighted ? [2, 4, 5, 6, 7] : [2, 4, 5, 6]))
  const costs = report.tensors.flatMap(({ inGraph }) => (inGraph ? [inGraph] : []))
  const factorized = report.tensors.filter(({ action }) => action === 'factorized').length
  print(
    `\n${factorized} of ${report.tensors.length} tensors factorized in ${duration(report.elapsedMs)} (${computedBy(report)}).`,
  )
  if (costs.length > 0) {
    const sum = (of: (each: (typeof costs)[number]) => number) => costs.reduce((total, each) => total + of(each), 0)
    const flops = [sum(({ flops }) => flops.before), sum(({ flops }) => flops.after)].map(count)
    print(`In the graph: ${flops[0]} -> ${flops[1]} operations for a row of inputs of each factorized weight.`)
  }
  print(
    `${formatBytes(report.bytesBefore)} -> ${formatBytes(report.bytesAfter)}, model error ${percent(report.relativeError)}${absolute(report.absoluteError)}${beside(report.statistics)}.`,
  )
  if (report.verified) print(`Saved and checked: ${safe(report.output)} was read back as it was written.`)
  for (const notice of report.notices) print(inEnglish(notice))
  const names = report.tensors.map(({ name }) => name)
  const share = report.bytesAfter / Math.max(1, report.bytesBefore)
  const forecast = forecastOf({ names, share, weighted, runs })
  if (forecast) print(inEnglish(forecast))
  print(inEnglish(say(weighted ? 'report.caveat-outputs' : 'report.caveat')))
}
