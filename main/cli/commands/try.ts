/** `ghostsvd try`: a model and compressed forms of it, run on the same inputs. */
import { Command } from 'commander'
import type { TryReport } from '../../../core/contract.ts'
import { inEnglish, say } from '../../../core/messages/english.ts'
import { fileName, quoted } from '../../../core/messages/text.ts'
import { wholeNumber } from '../flags.ts'
import { withEngine } from '../job.ts'
import { formatBytes, percent, print, printJson, safe, table } from '../print.ts'
import { addSampleFlags, openAll, type SampleOptions, samplesOf } from '../sample-flags.ts'

interface Options extends SampleOptions {
  readonly rounds: number
  readonly json?: boolean
}

export function tryCommand(): Command {
  const command = new Command('try')
    .description(
      'run a model and its compressed forms on the same inputs: how far the outputs are apart, time and memory of each',
    )
    .argument('<model.onnx>')
    .argument('<compressed.onnx...>')
  return addSampleFlags(command, 3)
    .option('--rounds <number>', 'timed runs of each sample', wholeNumber(1, 10_000), 5)
    .option('--json', 'print one JSON object')
    .action(async (original: string, compressed: string[], options: Options) => {
      const { rounds } = options
      const report = await withEngine(async (engine) => {
        const model = (await engine.open(original)).fileId
        const files = {
          model,
          compressed: await openAll(engine, compressed),
          inputs: await openAll(engine, options.inputs),
        }
        return engine.run<'try'>({ kind: 'try', files, ...samplesOf(options), rounds })
      })
      if (options.json) printJson(report)
      else printTry(report)
    })
}

function printTry({ original, compressed, ...how }: TryReport): void {
  for (const { name, outputs } of compressed) {
    const rows = outputs.map(({ name, dims, notFinite, relativeError, largestError, cosine, classes }) => [
      safe(name),
      `[${dims.join(', ')}]`,
      notFinite > 0 ? 'NaN or Inf' : relativeError === null ? '' : percent(relativeError),
      largestError === null ? '' : percent(largestError),
      cosine === null ? '' : cosine.toFixed(6),
      classes ? percent(classes.sameFirst / classes.rows) : '',
      classes ? percent(classes.firstAmongFive / classes.rows) : '',
    ])
    const head = [`outputs of ${safe(name)}`, 'shape', 'error', 'largest', 'cosine', 'same class', 'among five']
    print(`${table([head, ...rows], [2, 3, 4, 5, 6])}\n`)
    for (const { name: output, notFinite: count } of outputs)
      if (count > 0)
        print(`${inEnglish(say('answers.not-finite', { name: fileName(name), output: quoted(output), count }))}\n`)
  }
  const models = [{ ...original, latencyRatio: null }, ...compressed].map(
    ({ name, byteLength, latencyMs, latencyRatio, peakBytes }) => [
      safe(name),
      formatBytes(byteLength),
      `${ms(latencyMs.median)} (${ms(latencyMs.low)} to ${ms(latencyMs.high)})`,
      latencyRatio ? `${ratio(latencyRatio.median)} (${ratio(latencyRatio.low)} to ${ratio(latencyRatio.high)})` : '',
      formatBytes(peakBytes),
    ],
  )
  print(table([['model', 'file', 'one run', 'of the original', 'memory'], ...models], [1, 2, 3, 4]))
  const inputs = how.inputs === 'given' ? 'given' : 'drawn at random, which says little of real ones'
  print(`\n${how.runs} runs of each in turn, threads: ${how.threads}. Inputs: ${how.samples}, ${inputs}.`)
}

const ratio = (value: number) => value.toFixed(2)

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`
}
