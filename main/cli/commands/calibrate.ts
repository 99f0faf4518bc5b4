/** `ghostsvd calibrate`: statistics of what flows into the layers of a model, from running it. */
import { Command } from 'commander'
import { withEngine } from '../job.ts'
import { duration, formatBytes, print, printJson, safe } from '../print.ts'
import { addSampleFlags, openAll, type SampleOptions, samplesOf } from '../sample-flags.ts'

interface Options extends SampleOptions {
  readonly out: string
  readonly force?: boolean
  readonly json?: boolean
}

export function calibrateCommand(): Command {
  const command = new Command('calibrate')
    .description('run a model and sum what flows into its layers: the statistics that --statistics takes')
    .argument('<model.onnx>')
    .requiredOption('--out <statistics.safetensors>', 'where to write them')
  return addSampleFlags(command, 16)
    .option('--force', 'replace an existing file')
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: Options) => {
      const { out, force = false } = options
      const report = await withEngine(async (engine) => {
        const model = (await engine.open(path)).fileId
        const files = { model, inputs: await openAll(engine, options.inputs) }
        return engine.run<'calibrate'>({
          kind: 'calibrate',
          files,
          target: engine.target(out),
          force,
          ...samplesOf(options),
        })
      })
      if (options.json) return printJson(report)
      const { output, byteLength, covered, uncovered, notFinite, allZero, samples, inputs, fewestVectors, elapsedMs } =
        report
      print(`Wrote ${output}: statistics of ${covered} weights, ${formatBytes(byteLength)}, in ${duration(elapsedMs)}.`)
      const drawn = inputs === 'drawn' ? ' They were drawn at random: real ones say more.' : ''
      print(`Inputs: ${samples}; at least ${fewestVectors} vectors for each weight.${drawn}`)
      if (uncovered.length > 0)
        print(
          `${uncovered.length} weights have none, since what flows into them cannot be seen from outside (bodies of Loop and Scan, functions): ${safe(uncovered.slice(0, 3).join(', '))}${uncovered.length > 3 ? ', ...' : ''}`,
        )
      if (notFinite.length > 0)
        print(
          `${notFinite.length} weights have none, since NaN, infinite or far too large numbers flowed into them: ${safe(notFinite.slice(0, 3).join(', '))}${notFinite.length > 3 ? ', ...' : ''}`,
        )
      if (allZero.length > 0)
        print(
          `${allZero.length} weights have none, since nothing but zeros flowed into them: ${safe(allZero.slice(0, 3).join(', '))}${allZero.length > 3 ? ', ...' : ''}`,
        )
    })
}
