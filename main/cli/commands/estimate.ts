/** `ghostsvd estimate`: time, memory and size of a run before it, for one machine or for several. */

import { Command } from 'commander'
import type { EstimateReport } from '../../../core/contract.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { wholeNumber } from '../flags.ts'
import { withEngine } from '../job.ts'
import { computedBy, countdown, formatBytes, print, printJson, table } from '../print.ts'
import { addRequestFlags, openFiles, type RequestOptions, requestFrom } from '../request.ts'

interface Options extends RequestOptions {
  readonly parts: number
  readonly json?: boolean
}

export function estimateCommand(): Command {
  const command = new Command('estimate')
    .description(
      'say what compress with the same flags would take: size (exactly once plan has read the weights), time from a short sample, memory',
    )
    .argument('<file|folder>')
    .option('--parts <number>', 'machines that share the run', wholeNumber(1, 9999), 1)
  return addRequestFlags(command)
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: Options, self: Command) => {
      const request = await requestFrom(self, options)
      const report = await withEngine(async (engine) => {
        const files = await openFiles(engine, path, options)
        return engine.run<'estimate'>({ kind: 'estimate', files, ...request, parts: options.parts })
      })
      if (options.json) printJson(report)
      else printEstimate(report)
    })
}

function printEstimate(report: EstimateReport): void {
  const { sizeIsExact } = report
  const exactly = sizeIsExact ? ` (${report.bytesAfter} bytes exactly)` : ''
  const size = (bytes: number) => `${sizeIsExact ? '' : 'about '}${formatBytes(bytes)}`
  print(
    table([
      ['size', `${formatBytes(report.bytesBefore)} -> ${size(report.bytesAfter)}${exactly}`],
      [
        'tensors',
        `${report.factorized} of ${report.tensors} factorized, ${(report.weights / 1e6).toFixed(1)} million weights`,
      ],
      ['time', `about ${countdown(1000 * report.seconds)} (${computedBy(report)})`],
      ['memory', `about ${formatBytes(report.memoryBytes)}`],
    ]),
  )
  if (report.parts.length > 1) {
    const rows = report.parts.map(({ part, tensors, bytesAfter, seconds }) => [
      part,
      String(tensors),
      size(bytesAfter),
      countdown(1000 * seconds),
    ])
    print(`\n${table([['part', 'tensors', 'size', 'time'], ...rows], [1, 2, 3])}`)
  }
  for (const notice of report.notices) print(inEnglish(notice))
}
