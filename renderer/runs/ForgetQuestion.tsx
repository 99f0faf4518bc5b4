/** Striking a run from the list that has finished tensors waiting: they would be lost. */
import { Button } from '@mantine/core'
import type { Run } from '../../core/contract.ts'
import { useAttempt } from '../frame/attempt.ts'
import { Dialog } from '../frame/Dialog.tsx'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { forgetRun } from '../model/running/run-actions.ts'
import { useWords } from '../words/words.ts'

interface ForgetQuestionProps {
  readonly run: Run
  readonly onClose: () => void
}

export function ForgetQuestion({ run, onClose }: ForgetQuestionProps) {
  const { t, numbers } = useWords()
  const { error, busy, dismiss, attempt } = useAttempt()
  const { runId, target: name, finishedTensors: count } = run
  return (
    <Dialog onClose={onClose} title={t('runs.forgetTitle', { count, number: numbers.count(count) })}>
      <p className="dimmed">{t('runs.forgetText', { name })}</p>
      {error ? <ErrorBox error={error} onClose={dismiss} /> : null}
      <div className="dialog-buttons">
        <Button disabled={busy} onClick={onClose} variant="subtle">
          {t('app.cancel')}
        </Button>
        <Button
          color="red"
          disabled={busy}
          onClick={() =>
            attempt(async () => {
              await forgetRun(runId)
              onClose()
            })
          }
        >
          {t('runs.discard')}
        </Button>
      </div>
    </Dialog>
  )
}
