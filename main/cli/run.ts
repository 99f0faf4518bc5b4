/** Jobs of the command line that are runs: in the history, as those of pages are. */
import { resolve } from 'node:path'
import {
  type JobRequest,
  type ReportOf,
  type Run,
  type RunChoicesInput,
  type RunKind,
  type RunReport,
  runChoicesSchema,
} from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { createHistory } from '../history/history.ts'
import { leftAt, recordRun } from '../history/run-record.ts'
import { configFolder } from '../system/folders.ts'
import { type CommandEngine, commandLog } from './job.ts'

type ChoicesOf<K extends RunKind> = Extract<RunChoicesInput, { kind: K }>

export interface CommandRuns {
  /**
   * @param paths what it reads, by role; undefined for what it does without
   * @throws AppError as its job; of a run that can be resumed it says how much is kept
   */
  run<K extends RunKind>(
    choices: ChoicesOf<K>,
    paths: Readonly<Record<string, string | undefined>>,
    out: string,
  ): Promise<ReportOf[K]>
}

export function commandRuns(engine: CommandEngine): CommandRuns {
  const history = createHistory(configFolder(), commandLog())
  /** Several runs may read the same file. */
  const opened = new Map<string, string>()
  async function open(path: string): Promise<string> {
    const fileId = opened.get(path) ?? (await engine.open(path)).fileId
    opened.set(path, fileId)
    return fileId
  }
  return {
    async run<K extends RunKind>(
      asked: ChoicesOf<K>,
      paths: Readonly<Record<string, string | undefined>>,
      out: string,
    ) {
      const choices = runChoicesSchema.parse(asked)
      const named = Object.entries(paths).flatMap(([role, path]) => (path === undefined ? [] : [{ role, path }]))
      const sources = named.map(({ role, path }) => ({ role, path: resolve(path) }))
      const targetPath = resolve(out)
      const left = await leftAt(history, targetPath)
      const files: Record<string, string> = {}
      for (const { role, path } of named) files[role] = await open(path)
      const resumes = 'resume' in choices && choices.resume
      const replaces = resumes && left ? left.runId : null
      // The roles of its kind: those that `paths` names.
      const job = { ...choices, files, target: engine.target(out) } as unknown as Extract<JobRequest, { kind: K }>
      const record = recordRun(history, { sources, targetPath, choices, replaces })
      try {
        const report = await engine.run<K>(job, record.hear)
        await record.finish({ kind: choices.kind, report } as RunReport)
        return report
      } catch (error) {
        // A cancel is answered before all is gone that goes.
        if (error instanceof AppError && error.code === 'cancelled') await engine.end()
        await record.cutShort(error)
        throw record.run.resumable ? withWhatIsKept(error, record.run) : error
      }
    },
  }
}

/** What neither a cancel nor an engine that died says itself. */
function withWhatIsKept(error: unknown, { finishedTensors }: Run): unknown {
  if (!(error instanceof AppError)) return error
  if (error.code === 'cancelled') return new AppError(error.code, error.said, { kept: finishedTensors })
  if (error.code !== 'engine-died') return error
  return new AppError(error.code, [...error.said, say('run.finished-kept')])
}
