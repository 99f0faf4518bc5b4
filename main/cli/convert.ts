/** `ghostsvd convert`: the same values in a safetensors or .npy file. */

import { Command } from 'commander'
import { inEnglish } from '../../core/messages/english.ts'
import { formatBytes } from '../system/format-bytes.ts'
import { withEngine } from './job.ts'
import { print, printJson, safe } from './print.ts'

interface Options {
  readonly out: string
  readonly tensor?: string
  readonly force?: boolean
  readonly json?: boolean
}

export function convertCommand(): Command {
  return new Command('convert')
    .description('write the tensors of any file that can be read as .safetensors, or one of them as .npy')
    .argument('<file|folder>')
    .requiredOption('--out <file>', 'ends in .safetensors or .npy')
    .option('--tensor <name>', 'only this tensor')
    .option('--force', 'replace an existing output')
    .option('--json', 'print one JSON object')
    .action(async (path: string, { out, tensor, force = false, json }: Options) => {
      const { notices, report } = await withEngine(async (engine) => {
        const { fileId: model, notices } = await engine.open(path)
        const target = engine.target(out)
        return {
          notices,
          report: await engine.run<'convert'>({
            kind: 'convert',
            files: { model },
            target,
            tensor: tensor ?? null,
            force,
          }),
        }
      })
      if (json) return printJson(report)
      for (const notice of notices) print(safe(inEnglish(notice)))
      print(
        `Wrote ${safe(report.output)}: ${report.tensors} tensors, ${formatBytes(report.bytesAfter)}, read back as written.`,
      )
    })
}
