/** `ghostsvd analyze`: one tensor factorized and measured; nothing is written. */

import { basename } from 'node:path'
import { Command } from 'commander'
import type { AnalysisReport } from '../../../core/contract.ts'
import { knownRank } from '../../../core/curves/resolution.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { factorizationKeys } from '../../../core/params.ts'
import { analysisReportHtml } from '../../../core/report/report-html.ts'
import { addParamFlags, paramsFrom, wholeNumber } from '../flags.ts'
import { withEngine } from '../job.ts'
import { computedBy, duration, formatBytes, percent, phases, print, printJson, safe, table } from '../print.ts'
import { refuseRecords, writeHtml } from '../records.ts'
import { openFiles, statisticsHelp } from '../request.ts'

interface Options {
  readonly tensor: string
  readonly repeat: number
  readonly certify?: boolean
  readonly statistics?: string
  readonly reportHtml?: string
  readonly force?: boolean
  readonly json?: boolean
}

/** An error goal is for an adaptive sketch. */
const keys = [...factorizationKeys, 'goalError'] as const

export function analyzeCommand(): Command {
  const command = new Command('analyze')
    .description('factorize one tensor and measure it: singular values, error at every rank, time by phase')
    .argument('<file>')
    .requiredOption('--tensor <name>', 'which tensor; `array` in an .npy file')
  return addParamFlags(command, keys)
    .option('--repeat <number>', 'time this many factorizations after one that is discarded', wholeNumber(0, 1000), 0)
    .option(
      '--certify',
      'prove what can be proved without the exact SVD: intervals, a bracket of the floor, the spectral error',
    )
    .option('--statistics <file|folder>', statisticsHelp)
    .option('--report-html <file>', 'write a report to hand on: one HTML file with charts and singular values')
    .option('--force', 'replace an existing report')
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: Options, self: Command) => {
      const { tensor, repeat, certify = false, json, reportHtml } = options
      const params = paramsFrom(self, keys)
      const drawn = process.stderr.isTTY // by the progress line
      const records = await refuseRecords({
        reportHtml,
        force: options.force,
        sourcePath: path,
        statistics: options.statistics,
      })
      const report = await withEngine(async (engine) => {
        const files = await openFiles(engine, path, options)
        return engine.run<'analyze'>({ kind: 'analyze', files, tensor, params, repeat, certify, estimates: drawn })
      })
      if (json) printJson(report)
      else printAnalysis(report)
      if (reportHtml !== undefined) {
        const made = { language: 'en', time: Date.now(), source: basename(path) } as const
        await writeHtml(reportHtml, analysisReportHtml({ ...made, report }), records)
      }
    })
}

function printAnalysis(report: AnalysisReport): void {
  print(`${safe(report.tensor)}  ${report.matrix.join(' x ')} ${report.dtype}`)
  print(
    table([
      ['method', `${methodOf(report)}${reasons[report.chosen]}`],
      [
        'relative error',
        `${percent(report.relativeError)} at rank ${report.rank}, ${report.errorSource === 'measured' ? 'measured' : 'from the spectrum'}`,
      ],
      [
        'resolution',
        `errors to ${report.resolution.toExponential(1)}, singular values to ${report.valueResolution.toExponential(1)}`,
      ],
      ['numerical rank', numericalRankOf(report)],
      ...(report.noiseError === null ? [] : [['like random noise', percent(report.noiseError)]]),
      ...(report.outputs
        ? [
            [
              'weight error',
              `${percent(report.outputs.weightError)}: all errors above are those of outputs (${report.outputs.kind === 'diagonal' ? 'mean squares' : 'second moments'} of the inputs, regularized)`,
            ],
          ]
        : []),
      ...certificateRows(report),
      ['break-even rank', String(report.breakEvenRank)],
      ['Frobenius norm', report.frobeniusNorm.toPrecision(7)],
      ['singular values', `${singularValues(report.singularValues)}`],
      ['time', `${duration(report.elapsedMs)}: ${phases(report.phasesMs)}`],
      ...(report.computeMs ? [['repeated', report.computeMs.map(duration).join(', ')]] : []),
      ['computed by', `${computedBy(report)}, ${report.arithmetic} multiply-add`],
      ['peak memory', formatBytes(report.peakBytes)],
    ]),
  )
  for (const notice of report.notices) print(inEnglish(notice))
}

const reasons = {
  asked: '',
  moment: '; auto: the exact SVD takes but a moment here',
  exactCheaper: '; auto: a sketch would cost as much',
  sketchCheaper: '; auto: cheaper than the exact SVD',
} as const

function certificateRows({ certificate, singularValues: s }: AnalysisReport): string[][] {
  if (!certificate) return []
  const { radii, floor, spectralError } = certificate
  const worst = radii.reduce((most, radius, i) => Math.max(most, s[i]! > 0 ? radius / s[i]! : 0), 0)
  return [
    ['the floor', `between ${percent(floor.low)} and ${percent(floor.high)}, for certain`],
    ['singular values', `each within ${percent(worst)} of one of the matrix`],
    ['spectral error', `${spectralError.found.toPrecision(4)}, at most ${spectralError.atMost.toPrecision(4)}`],
  ]
}

function numericalRankOf(report: AnalysisReport): string {
  const { rank, orMore } = knownRank(report)
  return orMore ? `${rank} or more` : String(rank)
}

function methodOf({ method, algorithm, oversample, nIter, seed }: AnalysisReport): string {
  return method === 'exact'
    ? 'exact'
    : `randomized (${algorithm}), oversampling ${oversample}, ${nIter} power iterations, seed ${seed}`
}

function singularValues(values: readonly number[]): string {
  const shown = values.slice(0, 5).map((value) => value.toPrecision(6))
  return `${shown.join(', ')}${values.length > 5 ? `, ... (${values.length})` : ''}`
}
