/** `ghostsvd extract`: the difference of two models as an adapter. */

import { Command, Option } from 'commander'
import type { ExtractionReport } from '../../../core/contract.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { paramEntries } from '../../../core/param-entries.ts'
import { factorizationKeys, rankKeys } from '../../../core/params.ts'
import { parsePart } from '../../../core/plan/parts.ts'
import type { Pin } from '../../../core/rules.ts'
import type { AdapterForm } from '../../../core/styles.ts'
import { addRuleFlags, formOption, type RuleOptions, ruleFrom } from '../adapter-flags.ts'
import { addParamFlags, collect, paramsFrom, wholeNumber } from '../flags.ts'
import { withEngine } from '../job.ts'
import { computedBy, duration, formatBytes, percent, print, printJson, safe, table } from '../print.ts'
import { pinOf, statisticsHelp } from '../request.ts'
import { commandRuns } from '../run.ts'

interface Options extends RuleOptions {
  readonly out: string
  readonly to: AdapterForm
  readonly convRank?: number
  readonly whole: 'list' | 'skip' | 'save'
  readonly oneRank?: boolean
  readonly include: string[]
  readonly exclude: string[]
  readonly pin: Pin[]
  readonly force?: boolean
  readonly resume?: boolean
  readonly part?: string
  readonly statistics?: string
  readonly json?: boolean
}

const keys = [...new Set([...rankKeys, ...factorizationKeys, 'projectionTiers' as const])]

export function extractCommand(): Command {
  const command = new Command('extract')
    .description('write what a fine-tuned model adds to its base as an adapter (LoRA), and say whether it is one')
    .argument('<base>', 'a file or folder, quantized (GGUF, F8) too')
    .argument('<tuned>', 'a file or folder')
    .requiredOption('--out <file|folder>', 'where to write; a folder for PEFT')
    .addOption(formOption('--to', 'for which loaders').makeOptionMandatory())
  return addParamFlags(addRuleFlags(command), keys)
    .option(
      '--conv-rank <number>',
      'also convolutions that see more than one point, at this rank',
      wholeNumber(paramEntries.rank.min, paramEntries.rank.max),
    )
    .addOption(
      new Option('--whole <how>', 'differences of what is no matrix: list, skip, or save (ComfyUI, PEFT)')
        .choices(['list', 'skip', 'save'])
        .default('list'),
    )
    .option('--one-rank', 'pad all modules to the rank, for loaders that know one for all (vLLM)')
    .option('--include <glob>', 'only matching tensors, also those left out by default; repeatable', collect, [])
    .option('--exclude <glob>', 'not the matching tensors; repeatable', collect, [])
    .option('--pin <glob=rank>', 'rank of matching tensors, whatever the goal; repeatable', pinOf, [])
    .option('--statistics <file|folder>', statisticsHelp)
    .option('--resume', 'continue what an unfinished run left, and keep finished tensors after Ctrl+C or a crash')
    .option('--part <i/n>', 'write one part of a run that several machines share (3/8); merge joins them')
    .option('--force', 'replace an existing output')
    .option('--json', 'print one JSON object')
    .action(async (basePath: string, tunedPath: string, options: Options, self: Command) => {
      const { out, to: form, convRank = null, whole, include, exclude, pin: pins } = options
      const { oneRank = false, force = false, resume = false } = options
      const part = options.part === undefined ? null : parsePart(options.part)
      const params = paramsFrom(self, keys)
      const rule = ruleFrom(options)
      const choices = { form, params, convRank, whole, oneRank, rule, include, exclude, pins, force, resume, part }
      const paths = { base: basePath, tuned: tunedPath, statistics: options.statistics }
      const report = await withEngine((engine) =>
        commandRuns(engine).run<'extract'>({ kind: 'extract', ...choices }, paths, out),
      )
      if (options.json) printJson(report)
      else printExtraction(report)
    })
}

function printExtraction(report: ExtractionReport): void {
  const differences = new Map(report.differences.map((each) => [each.name, each]))
  const rows = report.tensors.flatMap(({ name, action, rank, relativeError, bytesAfter, reason }) => {
    const difference = differences.get(name)
    // What is one-dimensional is counted below.
    if (action === 'kept' && (!difference || difference.module === null) && difference?.share === 0) return []
    return [
      [
        safe(name),
        difference ? percent(difference.share) : '',
        rank === null ? '' : String(rank),
        action === 'factorized' ? percent(relativeError ?? 0) : '',
        action === 'factorized' ? percent(1 - (relativeError ?? 0) ** 2) : '',
        formatBytes(bytesAfter),
        action === 'kept' ? safe(inEnglish(reason)) : '',
      ],
    ]
  })
  print(table([['tensor', 'differs', 'rank', 'error', 'retained', 'size', ''], ...rows], [1, 2, 3, 4, 5]))
  const factorized = report.tensors.filter(({ action }) => action === 'factorized').length
  print('')
  for (const said of report.verdict) print(inEnglish(said))
  const ofWeights = report.statistics?.weightError
  if (report.statistics)
    print(
      `Errors are those of outputs; the retained share of a module is of them, that of the adapter of the weights${ofWeights == null ? '' : ` (error ${percent(ofWeights)})`}.`,
    )
  print(
    `They differ by ${percent(report.differenceShare)} of the tuned model's norm; the adapter holds ${percent(report.retained)} of the difference (squared norm).`,
  )
  print(
    `${factorized} modules, ${report.form}, ${formatBytes(report.bytesAfter)}, ${duration(report.elapsedMs)} (${computedBy(report)}).`,
  )
  if (report.verified)
    print(`Saved and checked: ${safe(report.output)} was read back, and base + adapter held against the tuned model.`)
  for (const notice of report.notices) print(safe(inEnglish(notice)))
}
