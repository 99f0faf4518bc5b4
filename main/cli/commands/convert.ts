/** `ghostsvd convert`: the same values in a safetensors or .npy file, or an adapter in another form. */

import { Command } from 'commander'
import { inEnglish } from '../../../core/messages/english.ts'
import { defaultParams } from '../../../core/params.ts'
import type { AdapterForm } from '../../../core/styles.ts'
import { formOption } from '../adapter-flags.ts'
import { withEngine } from '../job.ts'
import { formatBytes, print, printJson, safe } from '../print.ts'
import { printResized, resizeAll } from './resize.ts'

interface Options {
  readonly out: string
  readonly tensor?: string
  readonly to?: AdapterForm
  readonly relativeTo?: string
  readonly force?: boolean
  readonly json?: boolean
}

export function convertCommand(): Command {
  return new Command('convert')
    .description(
      'write the tensors of any file that can be read as .safetensors, one of them as .npy, or an adapter in another form',
    )
    .argument('<file|folder>')
    .requiredOption('--out <file>', 'ends in .safetensors or .npy; of an adapter as its form wants')
    .option('--tensor <name>', 'only this tensor')
    .addOption(formOption('--to', 'an adapter, or a folder of them, in this form, every rank as it is'))
    .option('--relative-to <base>', 'the model of the adapter: GGUF needs it for its heads and architecture')
    .option('--force', 'replace an existing output')
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: Options) => {
      const { out, tensor, to, relativeTo, force = false, json } = options
      if (to !== undefined) {
        const ranks = {
          params: defaultParams,
          rule: null,
          keepRanks: true,
          include: [],
          exclude: [],
          pins: [],
          oneRank: false,
        }
        const resized = await withEngine((engine) =>
          resizeAll(engine, path, out, relativeTo, { form: to, ...ranks, force }),
        )
        return printResized(resized, json)
      }
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
