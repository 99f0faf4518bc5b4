/** `ghostsvd plan`: what `compress` with the same flags would do to each tensor, exact in bytes; nothing is written. */

import { basename } from 'node:path'
import { Command } from 'commander'
import type { PlanReport } from '../../../core/contract.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { forecastOf } from '../../../core/plan/forecast.ts'
import { planReportHtml } from '../../../core/report/report-html.ts'
import { styles } from '../../../core/styles.ts'
import { withEngine } from '../job.ts'
import {
  absolute,
  beside,
  computedBy,
  duration,
  errorHeader,
  formatBytes,
  increase,
  percent,
  print,
  printJson,
  safe,
  table,
} from '../print.ts'
import { refuseRecords, writeHtml } from '../records.ts'
import { addRequestFlags, openFiles, type RequestOptions, replayable, requestFrom } from '../request.ts'

interface Options extends RequestOptions {
  readonly reportHtml?: string
  readonly force?: boolean
  readonly json?: boolean
}

export function planCommand(): Command {
  const command = new Command('plan')
    .description('say what compress would do: rank, expected error and bytes of each tensor, and the size to the byte')
    .argument('<file|folder>')
  return addRequestFlags(command)
    .option('--report-html <file>', 'write a report to hand on: one HTML file with tables, charts and the recipe')
    .option('--force', 'replace an existing report')
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: Options, self: Command) => {
      const request = await requestFrom(self, options)
      const records = await refuseRecords({ ...options, sourcePath: path })
      const report = await withEngine(async (engine) => {
        const files = await openFiles(engine, path, options)
        return engine.run<'plan'>({ kind: 'plan', files, ...request })
      })
      if (options.json) printJson(report)
      else printPlan(report, request.params.factorDType === 'INT8', styles[request.output].isGraph)
      if (options.reportHtml !== undefined) {
        const made = { language: 'en', time: Date.now(), source: basename(path) } as const
        const html = planReportHtml({ ...made, recipe: replayable(request, report), report })
        await writeHtml(options.reportHtml, html, records)
      }
    })
}

function printPlan(report: PlanReport, int8: boolean, runs: boolean): void {
  const weighted = report.statistics !== undefined
  const header = errorHeader(weighted, ...(int8 ? ['INT8 adds'] : []), 'before', 'after', '')
  const rows = report.tensors.map((tensor) => [
    safe(tensor.name),
    tensor.action,
    tensor.rank === null ? '' : String(tensor.rank),
    tensor.factorDType ?? '',
    tensor.factorDType !== null ? percent(tensor.relativeError) : '',
    ...(weighted ? [tensor.weightError === undefined ? '' : percent(tensor.weightError)] : []),
    ...(int8 ? [tensor.int8Increase === null ? '' : increase(tensor.int8Increase)] : []),
    formatBytes(tensor.bytesBefore),
    formatBytes(tensor.bytesAfter),
    tensor.action === 'keep' ? safe(inEnglish(tensor.reason)) : '',
  ])
  print(
    table(
      [header, ...rows],
      [...header.keys()].filter((i) => i === 2 || (i > 3 && i < header.length - 1)),
    ),
  )
  const factorized = report.tensors.filter(({ action }) => action === 'factorize').length
  print(`\n${factorized} of ${report.tensors.length} tensors would be factorized.`)
  print(
    `${formatBytes(report.bytesBefore)} -> ${formatBytes(report.bytesAfter)} (${report.bytesAfter} bytes exactly), expected model error ${percent(report.relativeError)}${absolute(report.absoluteError)}${beside(report.statistics)}${report.errorIsLeast ? ' or a little more: a run at a given rank makes narrower sketches than this analysis' : ''}.`,
  )
  print(
    `${report.analyzed === 0 ? 'All matrices had been analyzed before' : `${report.analyzed} matrices analyzed`}: ${duration(report.elapsedMs)} (${computedBy(report)}).`,
  )
  for (const notice of report.notices) print(inEnglish(notice))
  const names = report.tensors.map(({ name }) => name)
  const share = report.bytesAfter / Math.max(1, report.bytesBefore)
  const forecast = forecastOf({ names, share, weighted, runs })
  if (forecast) print(inEnglish(forecast))
}
