/** `ghostsvd history`: the outcome of earlier runs, of the command line and of pages. */

import { Command } from 'commander'
import { errorOfRun, type Run } from '../../../core/contract.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { createHistory, type HistoryEntry } from '../../history/history.ts'
import { configFolder } from '../../system/folders.ts'
import { commandLog } from '../job.ts'
import { formatBytes, percent, print, printJson, safe, table } from '../print.ts'

export function historyCommand(): Command {
  return new Command('history')
    .description('list earlier runs, newest first: what was written, and which can be resumed')
    .option('--json', 'print one JSON object')
    .action(async ({ json }: { json?: boolean }) => {
      const entries = await createHistory(configFolder(), commandLog()).list()
      if (json)
        printJson({
          runs: entries.map(({ run, ...paths }) => ({
            ...run,
            error: run.error && withSentences(run.error),
            ...paths,
          })),
        })
      else if (entries.length === 0) print('No run yet.')
      else printHistory(entries)
    })
}

function printHistory(entries: readonly HistoryEntry[]): void {
  const rows = entries.map(({ run, targetPath }) => [
    when(run.startedAt),
    run.choices.kind,
    run.state,
    safe(run.sourceName),
    safe(targetPath),
    outcome(run),
  ])
  print(table([['started', 'job', '', 'source', 'output', ''], ...rows]))
  if (entries.some(({ run }) => run.resumable))
    print('\nThe same command with --resume continues after its finished tensors.')
}

function outcome({ state, choices, result, resumable, finishedTensors, error, progress }: Run): string {
  if (result)
    return `${formatBytes(result.bytesBefore)} -> ${formatBytes(result.bytesAfter)}, error ${percent(errorOfRun(choices.kind, result))}`
  if (state === 'running' || state === 'paused')
    return progress && progress.total > 0 ? percent(progress.done / progress.total) : ''
  // What a run has finished before it failed its own sentence says; an engine that died said nothing.
  const silent = error === null || error.code === 'engine-died'
  const left = resumable && silent ? [`${finishedTensors} tensors are finished and kept.`] : []
  return [...(error ? [safe(inEnglish(error.said))] : []), ...left].join(' ')
}

/** As machines get it. */
function withSentences({ said, ...error }: NonNullable<Run['error']>) {
  return { ...error, message: inEnglish(said) }
}

/** Local time, to the minute. */
function when(ms: number): string {
  const date = new Date(ms)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-')
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`
}
