/** How a run ended, in one line: saved and checked, failed with its sentence, cancelled, or cut short and able to go on. */
import { ActionIcon } from '@mantine/core'
import { useAttempt } from '../frame/attempt.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { CheckIcon, CloseIcon, WarningIcon } from '../frame/icons.tsx'
import { outcomeOfRun } from '../model/figures/outcome.ts'
import { type RunView, runsReducers } from '../model/running/runs.ts'
import { OutcomeLine } from '../outcome/OutcomeFigures.tsx'
import { useErrorTitle, useSentences, useWords } from '../words/words.ts'
import { RunActions } from './RunActions.tsx'
import { useKeptWords } from './run-words.ts'

export function EndedRun({ run }: { readonly run: RunView }) {
  const { t } = useWords()
  const { error, busy, dismiss, attempt } = useAttempt()
  const { result, runId } = run
  return (
    <div className="run" data-run={run.state} data-testid="run" data-verified={result?.verified}>
      <div className="run-line">
        <Ending run={run} />
        <RunActions attempt={attempt} busy={busy} run={run} />
        <ActionIcon
          aria-label={t('run.dismiss')}
          color="gray"
          onClick={() => runsReducers.dismiss(runId)}
          variant="subtle"
        >
          <CloseIcon size={16} />
        </ActionIcon>
      </div>
      {error ? <ErrorBox error={error} onClose={dismiss} /> : null}
    </div>
  )
}

/** Read out when it comes: a run ends while one looks at something else. */
function Ending({ run }: { readonly run: RunView }) {
  const { t, numbers } = useWords()
  const titleOf = useErrorTitle()
  const sentences = useSentences()
  const keptWords = useKeptWords()
  const { result, error, target: name } = run
  if (result) {
    return (
      <output className="run-ending">
        <span className="run-check">
          <CheckIcon />
        </span>
        <span className="run-result" data-relative-error={result.relativeError} data-testid="run-result">
          <strong className="nowrap">{t(result.verified ? 'run.saved' : 'run.savedUnchecked')}</strong>
          <OutcomeLine outcome={outcomeOfRun(result, run.choices.kind)} />
        </span>
        <span className="run-output dimmed ellipsis small">
          {[
            result.output,
            ...(result.files > 1 ? [t('run.files', { count: result.files })] : []),
            numbers.duration(result.elapsedMs),
          ].join(' · ')}
        </span>
      </output>
    )
  }
  const kept = keptWords(run)
  if (run.state === 'cancelled') {
    return (
      <output className="run-ending">
        <span>
          {t('run.cancelled', { name })} {kept}
        </span>
      </output>
    )
  }
  return (
    <div className="run-ending" data-code={error?.code} role="alert">
      <span className="run-warning">
        <WarningIcon />
      </span>
      <span className="run-sentence">
        <strong>{error ? t('runs.failed', { name, title: titleOf(error) }) : t('runs.interrupted', { name })}</strong>
        {t('app.gap')}
        {error && sentences(error.said)}
        {t('app.gap')}
        {kept}
      </span>
    </div>
  )
}
