/** `ghostsvd apply`: an adapter merged into its model. */
import { Command } from 'commander'
import { inEnglish } from '../../../core/messages/english.ts'
import { numberWithin } from '../flags.ts'
import { withEngine } from '../job.ts'
import { duration, formatBytes, print, printJson, safe } from '../print.ts'
import { commandRuns } from '../run.ts'

interface Options {
  readonly out: string
  readonly scale: number
  readonly force?: boolean
  readonly resume?: boolean
  readonly json?: boolean
}

export function applyCommand(): Command {
  return new Command('apply')
    .description(
      'merge an adapter into the model it belongs to: same names, dtypes and shards (BF16 where it is quantized)',
    )
    .argument('<base>')
    .argument('<adapter>')
    .requiredOption('--out <file|folder>', 'where to write; never the base')
    .option('--scale <number>', 'how much of the adapter', (text) => numberWithin(text, -1000, 1000, false), 1)
    .option('--resume', 'continue what an unfinished run left, and keep finished tensors after Ctrl+C or a crash')
    .option('--force', 'replace an existing output')
    .option('--json', 'print one JSON object')
    .action(async (basePath: string, adapterPath: string, options: Options) => {
      const { out, scale, force = false, resume = false, json } = options
      const report = await withEngine((engine) =>
        commandRuns(engine).run<'apply'>(
          { kind: 'apply', scale, force, resume },
          { base: basePath, adapter: adapterPath },
          out,
        ),
      )
      if (json) return printJson(report)
      print(
        `Saved and checked: ${safe(report.output)}, ${report.changed} of ${report.tensors.length} tensors changed, ${formatBytes(report.bytesAfter)}, ${duration(report.elapsedMs)}.`,
      )
      for (const notice of report.notices) print(safe(inEnglish(notice)))
    })
}
