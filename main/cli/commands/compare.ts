/** `ghostsvd compare`: randomized beside exact on one matrix. */

import { Command } from 'commander'
import type { AnalysisReport, ComparisonReport } from '../../../core/contract.ts'
import { factorizationKeys } from '../../../core/params.ts'
import { timesOf } from '../../../core/phases.ts'
import { addParamFlags, paramsFrom } from '../flags.ts'
import { withEngine } from '../job.ts'
import { duration, percent, print, printJson, safe, table } from '../print.ts'
import { openFiles, statisticsHelp } from '../request.ts'

interface Options {
  readonly tensor: string
  readonly statistics?: string
  readonly json?: boolean
}

/** A comparison is of both methods. */
const keys = factorizationKeys.filter((key) => key !== 'method')

export function compareCommand(): Command {
  const command = new Command('compare')
    .description('run the randomized and the exact SVD on one tensor, side by side')
    .argument('<file>')
    .requiredOption('--tensor <name>', 'which tensor; `array` in an .npy file')
  return addParamFlags(command, keys)
    .option('--statistics <file|folder>', statisticsHelp)
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: Options, self: Command) => {
      const { tensor, json } = options
      const params = paramsFrom(self, keys)
      const report = await withEngine(async (engine) => {
        const files = await openFiles(engine, path, options)
        return engine.run<'compare'>({ kind: 'compare', files, tensor, params })
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
  floor,
  resolution,
  singularValueError,
  subspaceAngle,
  canonicalAngles,
  speedup,
}: ComparisonReport): void {
  print(`${safe(tensor)}  ${exact.matrix.join(' x ')} ${exact.dtype}, rank ${exact.rank}`)
  const compute = ({ phasesMs }: AnalysisReport) =>
    duration(timesOf(phasesMs).reduce((sum, [phase, ms]) => (phase === 'read' ? sum : sum + ms), 0))
  print(
    table([
      ['', 'exact', 'randomized'],
      ['relative error', percent(exact.relativeError), percent(randomized.relativeError)],
      ['time to factorize', compute(exact), compute(randomized)],
    ]),
  )
  const cost = excess === 0 ? 'none, equal to rounding' : `+${percent(excess)} error`
  print(`Extra error vs exact SVD: ${cost}. Speedup: ${speedup.toFixed(1)} x.`)
  const { rank } = canonicalAngles
  const apart =
    subspaceAngle === null
      ? `rank ${rank} parts equal singular values, so no angle between the subspaces means anything`
      : `the subspaces of the first ${rank} are up to ${((subspaceAngle * 180) / Math.PI).toFixed(1)} degrees apart`
  print(
    `Singular values are off by ${percent(singularValueError.mean)} on average, ${percent(singularValueError.max)} at most; ${apart}.`,
  )
  print(
    `The floor is ${percent(floor)}. Errors closer than ${resolution.toExponential(1)} are equal to rounding; numerical rank ${exact.numericalRank}.`,
  )
}
