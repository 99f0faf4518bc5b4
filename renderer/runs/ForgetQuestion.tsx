/** Striking a run from the list that has finished tensors waiting: they would be lost. */
import { Button, Modal } from '@mantine/core'
import type { Run } from '../../core/contract.ts'
import { forgetRun } from '../model/run-actions.ts'
import { useWords } from '../words/words.ts'

interface ForgetQuestionProps {
  readonly run: Run
  readonly attempt: (act: () => unknown) => void
  readonly onClose: () => void
}

export function ForgetQuestion({ run, attempt, onClose }: ForgetQuestionProps) {
  const { t, numbers } = useWords()
  const { runId, target: name, finishedTensors: count } = run
  return (
    <Modal
      closeButtonProps={{ 'aria-label': t('app.close') }}
      onClose={onClose}
      opened
      title={t('runs.forgetTitle', { count, number: numbers.count(count) })}
    >
      <p className="dimmed">{t('runs.forgetText', { name })}</p>
      <div className="dialog-buttons">
        <Button onClick={onClose} variant="subtle">
          {t('app.cancel')}
        </Button>
        <Button
          color="red"
          onClick={() => {
            onClose()
            attempt(() => forgetRun(runId))
          }}
        >
          {t('runs.discard')}
        </Button>
      </div>
    </Modal>
  )
}
