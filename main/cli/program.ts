/**
 * The command line as a whole: the commands, and how each way to end becomes an exit status.
 *
 *   0 success    1 failed, one sentence on stderr    2 wrong usage    130 cancelled by Ctrl+C (143 by a kill)
 *
 * Under `--json` a command that was understood prints exactly one object on stdout: its report, or `{code, message}`.
 */

import { Command, CommanderError } from 'commander'
import { AppError, toErrorReport } from '../../core/errors.ts'
import { inEnglish, say } from '../../core/messages/english.ts'
import { version } from '../../core/version.ts'
import { writeFault } from '../files/file-errors.ts'
import { statusOf } from '../system/signals.ts'
import { analyzeCommand } from './commands/analyze.ts'
import { answersCommand } from './commands/answers.ts'
import { applyCommand } from './commands/apply.ts'
import { benchCommand } from './commands/bench.ts'
import { calibrateCommand } from './commands/calibrate.ts'
import { compareCommand } from './commands/compare.ts'
import { compressCommand } from './commands/compress.ts'
import { convertCommand } from './commands/convert.ts'
import { estimateCommand } from './commands/estimate.ts'
import { extractCommand } from './commands/extract.ts'
import { historyCommand } from './commands/history.ts'
import { inspectCommand } from './commands/inspect.ts'
import { mergeCommand } from './commands/merge.ts'
import { planCommand } from './commands/plan.ts'
import { resizeCommand } from './commands/resize.ts'
import { sampleCommand } from './commands/sample.ts'
import { selfTestCommand } from './commands/selftest.ts'
import { serveCommand } from './commands/serve.ts'
import { tryCommand } from './commands/try.ts'
import { expandHome } from './expand.ts'
import { endedBySignal } from './job.ts'
import { printJson } from './print.ts'

const commands = [
  inspectCommand,
  analyzeCommand,
  compareCommand,
  compressCommand,
  convertCommand,
  tryCommand,
  calibrateCommand,
  answersCommand,
  extractCommand,
  resizeCommand,
  applyCommand,
  planCommand,
  estimateCommand,
  historyCommand,
  mergeCommand,
  sampleCommand,
  selfTestCommand,
  benchCommand,
  serveCommand,
]

/** Whether a program that is a window too was called as a command line. */
export function isCommand(word: string | undefined): boolean {
  return (
    ['help', '--help', '-h', '--version', '-V'].includes(word ?? '') ||
    commands.some((command) => command().name() === word)
  )
}

export async function commandLine(argv: readonly string[]): Promise<number> {
  watchStreams()
  try {
    assertCurrentFolder()
    await program().parseAsync(argv.map((word) => expandHome(word)))
    return 0
  } catch (error) {
    // Commander has printed its message already. Its own status for wrong usage is 1.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof AppError && error.code === 'cancelled') {
      const { kept } = error.details
      process.stderr.write(
        kept === undefined
          ? 'Cancelled. Nothing half-written was left behind.\n'
          : `Cancelled. ${kept} finished tensors were kept: --resume continues after them.\n`,
      )
      return statusOf(endedBySignal() ?? 'SIGTERM')
    }
    return report(error, argv.includes('--json'))
  }
}

/** Every relative path begins there, and so does every process that a command starts. @throws AppError `not-found` */
function assertCurrentFolder(): void {
  try {
    process.cwd()
  } catch {
    throw new AppError('not-found', say('files.current-folder-gone'))
  }
}

/** What cannot be printed is said once, in a sentence, and makes the command one that failed: its files are whole all the same. */
function watchStreams(): void {
  let told = false
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `ghostsvd inspect | head`: a closed reader is no fault.
    if (told || error.code === 'EPIPE') return
    told = true
    process.stderr.write(`${inEnglish(toErrorReport(writeFault(error, 'stdout', say('print.lost'))).said)}\n`)
    // It comes before the status of the command itself or after it.
    process.once('exit', () => {
      process.exitCode ||= 1
    })
  })
  // There is nowhere left to say it.
  process.stderr.on('error', () => {})
}

function program(): Command {
  const root = new Command('ghostsvd')
    .description(
      'Low-rank compression of neural-network weights: randomized SVD beside the exact SVD, measured and verified.',
    )
    .version(version)
    .exitOverride()
    .showHelpAfterError('(ghostsvd COMMAND --help shows what it takes)')
  for (const command of commands) {
    root.addCommand(command().copyInheritedSettings(root))
  }
  return root
}

function report(error: unknown, json: boolean): number {
  const { code, said } = toErrorReport(error)
  const message = inEnglish(said)
  if (json) printJson({ code, message })
  process.stderr.write(`${message}\n`)
  if (code === 'bug' && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`)
  return 1
}
