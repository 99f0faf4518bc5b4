/** `ghostsvd estimate`: time, memory and size of a run before it, for one machine or for several. */
import { Command, Option } from 'commander'
import type { EstimateReport } from '../../core/contract.ts'
import { outputStyles } from '../../core/params.ts'
import { formatBytes } from '../format-bytes.ts'
import { addParamFlags, allParams, collect, paramsFrom, wholeNumber } from './flags.ts'
import { withEngine } from './job.ts'
import { print, printJson, table } from './print.ts'

interface Options {
  readonly output: (typeof outputStyles)[number]
  readonly include: string[]
  readonly exclude: string[]
  readonly parts: number
  readonly json?: boolean
}

export function estimateCommand(): Command {
  const command = new Command('estimate')
    .description(
      'say what a compression would take: size (exactly once plan has read the weights), time from a short sample, memory',
    )
    .argument('<file|folder>')
    .addOption(new Option('--output <style>', 'what would be written').choices(outputStyles).default('factors'))
    .option('--parts <number>', 'machines that share the run', wholeNumber(1, 9999), 1)
    .option('--include <glob>', 'as for compress; repeatable', collect, [])
    .option('--exclude <glob>', 'as for compress; repeatable', collect, [])
  return addParamFlags(command, allParams)
    .option('--json', 'print one JSON object')
    .action(async (path: string, { output, include, exclude, parts, json }: Options, self: Command) => {
      const params = paramsFrom(self, allParams)
      const report = await withEngine(async (engine) => {
        const { fileId } = await engine.open(path)
        return engine.run<'estimate'>({ kind: 'estimate', fileId, output, params, include, exclude, parts })
      })
      if (json) printJson(report)
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
      ['time', `about ${duration(report.seconds)} (${report.kernel}, ${report.threads} threads)`],
      ['memory', `about ${formatBytes(report.memoryBytes)}`],
    ]),
  )
  if (report.parts.length > 1) {
    const rows = report.parts.map(({ part, tensors, bytesAfter, seconds }) => [
      part,
      String(tensors),
      size(bytesAfter),
      duration(seconds),
    ])
    print(`\n${table([['part', 'tensors', 'size', 'time'], ...rows], [1, 2, 3])}`)
  }
  for (const notice of report.notices) print(notice)
}

function duration(seconds: number): string {
  if (seconds < 90) return `${seconds.toPrecision(2)} s`
  return seconds < 5400 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3600).toFixed(1)} h`
}
