/** Ending a run that has finished something: the run goes on until there is an answer. */
import { Button, Modal } from '@mantine/core'
import { useAttempt } from '../frame/attempt.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { cancelRun } from '../model/running/run-actions.ts'
import type { RunView } from '../model/running/runs.ts'
import { useWords } from '../words/words.ts'

interface CancelQuestionProps {
  readonly run: RunView
  readonly onClose: () => void
}

export function CancelQuestion({ run, onClose }: CancelQuestionProps) {
  const { t, numbers } = useWords()
  const { error, busy, dismiss, attempt } = useAttempt()
  const { runId, target: name, finishedTensors: count } = run
  const cancel = (keep: boolean) =>
    attempt(async () => {
      await cancelRun(runId, keep)
      onClose()
    })
  return (
    <Modal
      closeButtonProps={{ 'aria-label': t('app.close') }}
      onClose={onClose}
      opened
      title={t('runs.keepTitle', { count, number: numbers.count(count) })}
    >
      <p className="dimmed">{t('runs.keepText', { name })}</p>
      {error ? <ErrorBox error={error} onClose={dismiss} /> : null}
      <div className="dialog-buttons">
        <Button disabled={busy} onClick={onClose} variant="subtle">
          {t('runs.goOn')}
        </Button>
        <Button color="red" disabled={busy} onClick={() => cancel(false)} variant="light">
          {t('runs.discard')}
        </Button>
        <Button data-autofocus disabled={busy} onClick={() => cancel(true)}>
          {t('runs.keep')}
        </Button>
      </div>
    </Modal>
  )
}
