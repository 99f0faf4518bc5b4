/** `ghostsvd selftest`: what randomized SVD gains on this machine, and whether the numbers here can be trusted. */

import { Command } from 'commander'
import type { SelfTestReport } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import { inEnglish, say } from '../../../core/messages/english.ts'
import { addParamFlags, paramsFrom } from '../flags.ts'
import { withEngine } from '../job.ts'
import { computedBy, duration, formatBytes, percent, print, printJson, table } from '../print.ts'

const keys = ['oversample', 'nIter', 'seed', 'device', 'threads', 'kernel'] as const

export function selfTestCommand(): Command {
  const command = new Command('selftest')
    .description('randomized beside exact SVD on this machine: time, memory, error, and whether mathematics holds')
    .option('--full', 'up to 4096 x 4096, which takes a minute')
    .option('--json', 'print one JSON object')
  return addParamFlags(command, keys).action(
    async ({ full = false, json }: { full?: boolean; json?: boolean }, self: Command) => {
      const params = paramsFrom(self, keys)
      const report = await withEngine((engine) => engine.run<'selftest'>({ kind: 'selftest', full, params }))
      if (json) printJson(report)
      else printReport(report)
      if (!report.passed) throw new AppError('internal-check', say('selftest.failed'))
    },
  )
}

function printReport(report: SelfTestReport): void {
  const { rows, checks, arithmetic, notices } = report
  print(`${computedBy(report)}, ${arithmetic} multiply-add; matrices of standard normals, F32\n`)
  const head = [
    'size',
    'rank',
    'exact',
    'randomized',
    'speedup',
    'memory',
    'memory',
    'error',
    'error',
    'theory',
    'sv error',
    'max',
  ]
  const second = ['', '', '', '', '', 'exact', 'rand.', 'exact', 'rand.', 'exact', 'mean', '']
  const body = rows.map((row) => [
    String(row.size),
    String(row.rank),
    duration(row.exactMs),
    duration(row.randomizedMs),
    `${row.speedup.toFixed(1)} x`,
    formatBytes(row.exactBytes),
    formatBytes(row.randomizedBytes),
    percent(row.exactError),
    percent(row.randomizedError),
    percent(row.noiseError),
    percent(row.singularValueError.mean),
    percent(row.singularValueError.max),
  ])
  print(
    table(
      [head, second, ...body],
      head.map((_, column) => column),
    ),
  )
  print('')
  for (const notice of notices) print(inEnglish(notice))
  for (const { claim, passed } of checks) print(`${passed ? 'holds ' : 'FAILED'}  ${inEnglish(claim)}`)
}
