/** Ending a run that has finished something: the run goes on until there is an answer. One that ends before it says so; nothing is pressed that was not there. */
import { Button } from '@mantine/core'
import { useAttempt } from '../frame/attempt.ts'
import { Dialog } from '../frame/Dialog.tsx'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { cancelRun } from '../model/running/run-actions.ts'
import { isActive, type RunView } from '../model/running/runs.ts'
import { useWords } from '../words/words.ts'

interface CancelQuestionProps {
  readonly run: RunView
  readonly onClose: () => void
}

export function CancelQuestion({ run, onClose }: CancelQuestionProps) {
  const { t, numbers } = useWords()
  const { error, busy, dismiss, attempt } = useAttempt()
  const { runId, target: name, finishedTensors: count } = run
  const over = !busy && !isActive(run)
  const cancel = (keep: boolean) =>
    attempt(async () => {
      await cancelRun(runId, keep)
      onClose()
    })
  return (
    <Dialog
      onClose={onClose}
      title={over ? t('runs.overTitle') : t('runs.keepTitle', { count, number: numbers.count(count) })}
    >
      <p className="dimmed">
        {over ? t('runs.overText', { name, state: t(`history.states.${run.state}`) }) : t('runs.keepText', { name })}
      </p>
      {error ? <ErrorBox error={error} onClose={dismiss} /> : null}
      <div className="dialog-buttons">
        {over ? null : (
          <>
            <Button disabled={busy} onClick={onClose} variant="subtle">
              {t('runs.goOn')}
            </Button>
            <Button color="red" disabled={busy} onClick={() => cancel(false)} variant="light">
              {t('runs.discard')}
            </Button>
          </>
        )}
        {/* The same button, so that it keeps the focus. */}
        <Button data-autofocus disabled={busy} onClick={over ? onClose : () => cancel(true)}>
          {t(over ? 'app.close' : 'runs.keep')}
        </Button>
      </div>
    </Dialog>
  )
}
