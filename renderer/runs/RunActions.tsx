/** What can be done with a run that ended, wherever it is shown. */
import { Button } from '@mantine/core'
import type { useAttempt } from '../frame/attempt.ts'
import { useSession } from '../frame/session.ts'
import { isTryable } from '../model/answering/try.ts'
import { tryRun } from '../model/answering/try-actions.ts'
import { resumeRun, showInFolder } from '../model/running/run-actions.ts'
import { type RunView, runsReducers } from '../model/running/runs.ts'
import { useWords } from '../words/words.ts'
import { RunMenu } from './RunMenu.tsx'

interface RunActionsProps extends Pick<ReturnType<typeof useAttempt>, 'attempt' | 'busy'> {
  readonly run: RunView
}

export function RunActions({ run, attempt, busy }: RunActionsProps) {
  const { t } = useWords()
  const hasFileManager = useSession(({ host }) => host?.kind === 'electron')
  const { result, runId, resumable } = run
  return (
    <>
      {resumable ? (
        <Button disabled={busy} onClick={() => attempt(() => resumeRun(runId))} size="compact-sm">
          {t('runs.resume')}
        </Button>
      ) : null}
      {result && hasFileManager ? (
        <Button onClick={() => attempt(() => showInFolder(runId))} size="compact-sm" variant="default">
          {t('run.show')}
        </Button>
      ) : null}
      {isTryable(run) ? (
        <Button disabled={busy} onClick={() => attempt(() => tryRun(run))} size="compact-sm">
          {t('try.it')}
        </Button>
      ) : null}
      {result ? (
        <Button onClick={() => runsReducers.ask('details', runId)} size="compact-sm" variant="default">
          {t('run.details')}
        </Button>
      ) : null}
      <RunMenu attempt={attempt} run={run} />
    </>
  )
}
