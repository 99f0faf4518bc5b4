/** `ghostsvd sample`: a transformer-shaped model with known singular values, made on the spot. */
import { Command, Option } from 'commander'
import { wholeNumber } from '../flags.ts'
import { withEngine } from '../job.ts'
import { formatBytes, print, printJson } from '../print.ts'

interface Options {
  readonly layers: number
  readonly hidden: number
  readonly dtype: 'F32' | 'BF16'
  readonly seed: number
  readonly force?: boolean
  readonly json?: boolean
}

export function sampleCommand(): Command {
  return new Command('sample')
    .description('make a small transformer-shaped model whose singular values are known')
    .argument('<out.safetensors>')
    .option('--layers <number>', 'transformer blocks', wholeNumber(1, 1024), 4)
    .option('--hidden <number>', 'width', wholeNumber(8, 65536), 256)
    .addOption(new Option('--dtype <dtype>', 'of the weights').choices(['F32', 'BF16']).default('F32'))
    .option('--seed <number>', 'another seed, another model', wholeNumber(0, Number.MAX_SAFE_INTEGER), 1)
    .option('--force', 'replace an existing file')
    .option('--json', 'print one JSON object')
    .action(async (path: string, { layers, hidden, dtype, seed, force = false, json }: Options) => {
      const report = await withEngine((engine) =>
        engine.run<'sample'>({ kind: 'sample', target: engine.target(path), layers, hidden, dtype, seed, force }),
      )
      if (json) printJson(report)
      else print(`Wrote ${report.output}: ${report.tensors} tensors, ${formatBytes(report.bytes)}.`)
    })
}
