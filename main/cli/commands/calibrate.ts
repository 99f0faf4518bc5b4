/** `ghostsvd calibrate`: statistics of what flows into the layers of a model, from running it. */
import { resolve } from 'node:path'
import { Command } from 'commander'
import { calibrate } from '../../answers/calibrate.ts'
import { weightPaths } from '../../engine/driver/opened-files.ts'
import { untilSignal } from '../job.ts'
import { duration, formatBytes, print, printJson, safe } from '../print.ts'
import { writeNew } from '../records.ts'
import { addSampleFlags, type SampleOptions, samplesOf } from '../sample-flags.ts'

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
      const { out, threads, force = false } = options
      // Values beside the model are read too.
      const sources = (await Promise.all([path, ...options.inputs].map((each) => weightPaths(resolve(each))))).flat()
      const write = (bytes: Uint8Array) => writeNew(out, bytes, { overwrite: force, sources })
      // What stands in the way is found before anything runs.
      await writeNew(out, null, { overwrite: force, sources })
      const report = await untilSignal((signal) =>
        calibrate(path, { ...samplesOf(options), out, threads, signal, write }),
      )
      if (options.json) printJson(report)
      else {
        const { output, byteLength, covered, uncovered, samples, inputs, fewestVectors, elapsedMs } = report
        print(
          `Wrote ${output}: statistics of ${covered} weights, ${formatBytes(byteLength)}, in ${duration(elapsedMs)}.`,
        )
        const drawn = inputs === 'drawn' ? ' They were drawn at random: real ones say more.' : ''
        print(`Inputs: ${samples}; at least ${fewestVectors} vectors for each weight.${drawn}`)
        if (uncovered.length > 0)
          print(
            `${uncovered.length} weights have none, since what flows into them cannot be seen from outside (bodies of Loop and Scan, functions): ${safe(uncovered.slice(0, 3).join(', '))}${uncovered.length > 3 ? ', ...' : ''}`,
          )
      }
    })
}
