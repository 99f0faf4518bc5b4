/** `ghostsvd try`: a model and its compressed form, run on the same inputs. */
import { Command } from 'commander'
import type { TryReport } from '../../../core/contract/answers.ts'
import { tryModels } from '../../answers/try.ts'
import { wholeNumber } from '../flags.ts'
import { untilSignal } from '../job.ts'
import { formatBytes, percent, print, printJson, safe, table } from '../print.ts'
import { addSampleFlags, type SampleOptions, samplesOf } from '../sample-flags.ts'

interface Options extends SampleOptions {
  readonly rounds: number
  readonly json?: boolean
}

export function tryCommand(): Command {
  const command = new Command('try')
    .description(
      'run a model and its compressed form on the same inputs: how far the outputs are apart, time and memory of both',
    )
    .argument('<model.onnx>')
    .argument('<compressed.onnx>')
  return addSampleFlags(command, 3)
    .option('--rounds <number>', 'timed runs of each sample', wholeNumber(1, 10_000), 5)
    .option('--json', 'print one JSON object')
    .action(async (original: string, compressed: string, options: Options) => {
      const { rounds, threads } = options
      const report = await untilSignal((signal) =>
        tryModels(original, compressed, { ...samplesOf(options), rounds, threads, signal }),
      )
      if (options.json) printJson(report)
      else printTry(report)
    })
}

function printTry(report: TryReport): void {
  const rows = report.outputs.map(({ name, dims, relativeError, largestError, cosine, classes }) => [
    safe(name),
    `[${dims.join(', ')}]`,
    relativeError === null ? '' : percent(relativeError),
    largestError === null ? '' : percent(largestError),
    cosine === null ? '' : cosine.toFixed(6),
    classes ? percent(classes.sameFirst / classes.rows) : '',
    classes ? percent(classes.firstAmongFive / classes.rows) : '',
  ])
  print(
    table([['output', 'shape', 'error', 'largest', 'cosine', 'same class', 'among five'], ...rows], [2, 3, 4, 5, 6]),
  )
  const models = [report.original, report.compressed].map(({ name, byteLength, latencyMs, peakBytes }) => [
    safe(name),
    formatBytes(byteLength),
    `${ms(latencyMs.median)} (${ms(latencyMs.low)} to ${ms(latencyMs.high)})`,
    formatBytes(peakBytes),
  ])
  print(`\n${table([['model', 'file', 'one run', 'memory'], ...models], [1, 2, 3])}`)
  const { median, low, high } = report.latencyRatio
  const inputs = report.inputs === 'given' ? 'given' : 'drawn at random, which says little of real ones'
  print(
    `\nTime: ${median.toFixed(2)} of the original's (${low.toFixed(2)} to ${high.toFixed(2)}), ${report.runs} runs of each in turn, threads: ${report.threads}. Inputs: ${report.samples}, ${inputs}.`,
  )
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`
}
