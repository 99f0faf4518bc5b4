/** `ghostsvd compare`: randomized beside exact on one matrix. */
import { Command } from 'commander'
import type { AnalysisReport, ComparisonReport } from '../../core/contract.ts'
import { addParamFlags, factorizationParams, paramsFrom } from './flags.ts'
import { withEngine } from './job.ts'
import { milliseconds, percent, print, printJson, safe, table } from './print.ts'

/** A comparison is of both methods. */
const keys = factorizationParams.filter((key) => key !== 'method')

export function compareCommand(): Command {
  const command = new Command('compare')
    .description('run the randomized and the exact SVD on one tensor, side by side')
    .argument('<file>')
    .requiredOption('--tensor <name>', 'which tensor; `array` in an .npy file')
  return addParamFlags(command, keys)
    .option('--json', 'print one JSON object')
    .action(async (path: string, { tensor, json }: { tensor: string; json?: boolean }, self: Command) => {
      const params = paramsFrom(self, keys)
      const report = await withEngine(async (engine) => {
        const { fileId: model } = await engine.open(path)
        return engine.run<'compare'>({ kind: 'compare', files: { model }, tensor, params })
      })
      if (json) printJson(report)
      else printComparison(report)
    })
}

function printComparison({
  tensor,
  exact,
  randomized,
  excess,
  singularValueError,
  subspaceAngle,
  speedup,
}: ComparisonReport): void {
  print(`${safe(tensor)}  ${exact.matrix.join(' x ')} ${exact.dtype}, rank ${exact.rank}`)
  const compute = ({ phasesMs }: AnalysisReport) =>
    milliseconds(Object.entries(phasesMs).reduce((sum, [phase, ms]) => (phase === 'read' ? sum : sum + ms), 0))
  print(
    table([
      ['', 'exact', 'randomized'],
      ['relative error', percent(exact.relativeError), percent(randomized.relativeError)],
      ['time to factorize', compute(exact), compute(randomized)],
    ]),
  )
  print(`Cost of going fast: +${percent(excess)} error. Speedup: ${speedup.toFixed(1)} x.`)
  print(
    `Singular values are off by ${percent(singularValueError.mean)} on average, ${percent(singularValueError.max)} at most; the subspaces are up to ${((subspaceAngle * 180) / Math.PI).toFixed(1)} degrees apart.`,
  )
}
