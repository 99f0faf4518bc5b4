/** `ghostsvd answers`: which compression of a model that runs keeps its answers, and with --out the one that does. */
import { basename } from 'node:path'
import { Command } from 'commander'
import type { Answer, AnswerGoal, AnswerRow, AnswersReport } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import { inEnglish, say } from '../../../core/messages/english.ts'
import { addParamFlags, allParams, collect, shareIn, wholeNumber } from '../flags.ts'
import { withEngine } from '../job.ts'
import { duration, formatBytes, percent, print, printJson, safe, table } from '../print.ts'
import { openFiles, pinOf, type RequestOptions, requestFrom, statisticsHelp } from '../request.ts'
import { commandRuns } from '../run.ts'
import { sizeOf } from '../sample-flags.ts'
import { wrongUsage } from '../usage.ts'

interface Options extends Omit<RequestOptions, 'output'> {
  readonly inputs: string[]
  readonly heldOut: string[]
  readonly goalAnswer?: AnswerGoal
  readonly judgedBy?: string
  readonly samples: number
  readonly size: Record<string, number>
  readonly rounds: number
  readonly modelThreads: number
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
    .option(
      '--inputs <file>',
      'samples that decide: .npz with an array for each input (x.0, x.1, ...: several); repeatable',
      collect,
      [],
    )
    .option('--held-out <file>', 'samples that judge; without any, every third of the others; repeatable', collect, [])
    .option(
      '--goal-answer <goal>',
      'smallest model whose outputs are off by at most 5%, or same:98% of whose rows keep their class',
      goalOf,
    )
    .option('--judged-by <output>', 'the output that is looked at; all of them, and the worst counts')
    .option('--samples <number>', 'how many to draw where none are given', wholeNumber(1, 10_000), 24)
    .option(
      '--size <name=number>',
      'of a dimension that the model leaves open, by its name or as input.axis; repeatable',
      sizeOf,
      {},
    )
    .option('--rounds <number>', 'timed runs of each held-out sample', wholeNumber(0, 10_000), 3)
    .option('--model-threads <number>', 'that onnxruntime computes with', wholeNumber(1, 1024), 1)
  return addParamFlags(command, allParams)
    .option('--include <glob>', 'factorize only matching tensors, also those kept by default; repeatable', collect, [])
    .option('--exclude <glob>', 'keep matching tensors as they are; repeatable', collect, [])
    .option('--pin <glob=rank>', 'rank of matching tensors, whatever the goal; repeatable', pinOf, [])
    .option('--statistics <file|folder>', statisticsHelp)
    .option('--recipe <file>', 'take goals, parameters and rules from a recipe; flags beside it have the last word')
    .option('--out <file.onnx>', 'write the one that is chosen')
    .option('--force', 'replace an existing output')
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: Options, self: Command) => {
      const request = { ...(await requestFrom(self, { ...options, output: 'onnx' })), output: 'onnx' } as const
      const { samples, size: sizes, rounds, modelThreads: threads, out, force = false } = options
      const { report, written } = await withEngine(async (engine) => {
        const ids = async (paths: readonly string[]) => {
          const found: string[] = []
          for (const each of paths) found.push((await engine.open(each)).fileId)
          return found
        }
        const files = {
          ...(await openFiles(engine, path, options)),
          inputs: await ids(options.inputs),
          heldOut: await ids(options.heldOut),
        }
        const asked = { goal: options.goalAnswer ?? null, judgedBy: options.judgedBy ?? null }
        const report = await engine.run<'answers'>({
          ...{ kind: 'answers', files, ...request, ...asked, samples, sizes, rounds, threads },
          seed: request.params.seed,
        })
        const row = report.chosen === null ? null : report.rows[report.chosen]!
        if (out === undefined) return { report, written: null }
        if (!row?.choices) throw new AppError('bad-request', say('answers.goal-missed'))
        const written = await commandRuns(engine).run<'compress'>(
          { kind: 'compress', output: 'onnx', ...row.choices, force, resume: false, part: null },
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

/** `5%` of error, or `same:98%` of the rows. */
function goalOf(text: string): AnswerGoal {
  const [, same, share] = /^(same:)?(.+)$/.exec(text) ?? []
  const value = shareIn(share ?? '')
  if (value === 0) throw wrongUsage(say('request.answer-goal'))
  return same ? { kind: 'agreement', least: value } : { kind: 'error', most: value }
}

const words = { original: 'original', int8: 'INT8', 'low-rank': 'low rank', 'low-rank-int8': 'low rank, INT8' } as const

function printAnswers(report: AnswersReport): void {
  const hasClasses = report.rows.some(({ heldOut }) => heldOut.agreement !== null)
  const answer = ({ error, agreement }: Answer) => [
    error === null ? '' : percent(error),
    ...(hasClasses ? [agreement === null ? '' : percent(agreement)] : []),
  ]
  const cells = (row: AnswerRow, index: number) => [
    index === report.chosen ? '>' : '',
    words[row.form],
    row.allocation ?? '',
    formatBytes(row.bytes),
    percent(row.share),
    ...(row.calibration ? answer(row.calibration) : answer({ error: null, agreement: null, outputs: [] })),
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
    `\n${report.models} models run on ${report.calibration} samples that decide and ${report.heldOut} held out, in ${duration(report.elapsedMs)}. Operations: of the factorized weights.`,
  )
  for (const notice of report.notices) print(inEnglish(notice))
}
