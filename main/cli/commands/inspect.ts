/** `ghostsvd inspect`: what is in a file or folder, and what a compression would do with it. Reads headers only. */

import { Command } from 'commander'
import type { FileReport } from '../../../core/contract.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { dtypeWords } from '../../../core/plan/describe.ts'
import { withEngine } from '../job.ts'
import { formatBytes, print, printJson, safe, table } from '../print.ts'

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('list the tensors of a weight file or model folder, with what would be compressed and why')
    .argument('<file|folder>')
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: { json?: boolean }) => {
      const { format, safety, totalBytes, notices, tensors } = await withEngine((engine) => engine.open(path))
      if (options.json) printJson({ format, safety, totalBytes, notices, tensors })
      else printFile({ format, safety, totalBytes, notices, tensors })
    })
}

function printFile({ format, safety, totalBytes, notices, tensors }: Omit<FileReport, 'fileId' | 'name'>): void {
  const rows = tensors.map((tensor) => [
    safe(tensor.name),
    inEnglish(dtypeWords(tensor)),
    `[${tensor.shape.join(', ')}]`,
    formatBytes(tensor.byteLength),
    tensor.plan,
    inEnglish(tensor.reason),
  ])
  print(table([['tensor', 'dtype', 'shape', 'size', 'plan', 'reason'], ...rows], [3]))
  const factorized = tensors.filter(({ plan }) => plan === 'factorize').length
  const origin =
    safety === 'safe'
      ? 'a format that cannot carry code'
      : safety === 'opened-without-running'
        ? 'opened without running it'
        : 'a format that can carry code beside its weights, of which nothing was run'
  print(`\n${format}, ${origin}. ${formatBytes(totalBytes)}.`)
  print(
    `${tensors.length} tensors: ${factorized} can be compressed, ${tensors.length - factorized} are kept as they are.`,
  )
  for (const notice of notices) print(safe(inEnglish(notice)))
}
