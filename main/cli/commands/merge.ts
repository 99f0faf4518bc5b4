/** `ghostsvd merge`: the parts of a run (compress --part I/N) put together. Only bytes are copied, so no engine is started for it. */

import { basename, dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { Command } from 'commander'
import { AppError } from '../../../core/errors.ts'
import type { WeightFile } from '../../../core/formats/format.ts'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { say } from '../../../core/messages/english.ts'
import { mergeParts } from '../../../core/write/parts/merge.ts'
import { assertFileName } from '../../files/file-name.ts'
import { pickSource } from '../../files/files.ts'
import { outputFolder } from '../../files/outputs.ts'
import { expandPattern } from '../expand.ts'
import { withoutEngine } from '../job.ts'
import { formatBytes, percent, print, printJson, safe } from '../print.ts'

export function mergeCommand(): Command {
  return new Command('merge')
    .description('join the parts that compress --part wrote: the same bytes as one run')
    .argument('<part...>', 'every part of one run, in any order')
    .requiredOption('--out <file>', 'where to write')
    .option('--force', 'replace an existing output')
    .option('--json', 'print one JSON object')
    .action(async (given: string[], { out, force = false, json }: { out: string; force?: boolean; json?: boolean }) => {
      const paths = (await Promise.all(given.map((path) => expandPattern(path)))).flat()
      assertFileName(basename(out))
      const report = await withoutEngine(async (signal, note) => {
        const folder = outputFolder(dirname(out), { overwrite: force, sources: paths, onPartial: note, onLock: note })
        const parts: WeightFile[] = []
        try {
          for (const path of paths) parts.push(await openWeightFile(await pickSource(path, 'file')))
          return await mergeParts(
            { parts, target: { folder, name: basename(out) } },
            { force },
            {
              checkCancelled: () => {
                if (signal.aborted) throw new AppError('cancelled', say('merge.cancelled'))
              },
              crc32,
            },
          )
        } finally {
          for (const part of parts) await part.close()
        }
      })
      if (json) printJson(report)
      else
        print(
          `Wrote ${safe(report.output)}: ${report.tensors} tensors from ${report.parts} parts, ${formatBytes(report.bytes)}, model error ${percent(report.relativeError)}.`,
        )
    })
}
