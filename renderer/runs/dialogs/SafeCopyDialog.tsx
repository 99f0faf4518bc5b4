/** Where the safe copy goes, how far it is, and that it is there. */
import { Button, Loader } from '@mantine/core'
import { useEffect } from 'react'
import { shareOf } from '../../../core/client/job-view.ts'
import type { FileReport } from '../../../core/contract.ts'
import { useAttempt } from '../../frame/attempt.ts'
import { Dialog } from '../../frame/Dialog.tsx'
import { ErrorBox } from '../../frame/ErrorBox.tsx'
import { CheckIcon } from '../../frame/icons.tsx'
import {
  cancelSafeCopy,
  forgetSafeCopy,
  openSafeCopy,
  saveSafeCopy,
  useSafeCopy,
} from '../../model/looking/safe-copy.ts'
import { useWork } from '../../model/looking/work.ts'
import { stemOf } from '../../model/running/recipes.ts'
import { useWords } from '../../words/words.ts'
import { TargetFields, useTarget } from './target.tsx'

interface SafeCopyDialogProps {
  readonly report: FileReport
  readonly onClose: () => void
}

export function SafeCopyDialog({ report, onClose }: SafeCopyDialogProps) {
  const { t, numbers } = useWords()
  const target = useTarget(() => `${stemOf(report.name)}.safe.safetensors`)
  const { saved, fault } = useSafeCopy()
  const running = useWork((state) => state.copy)
  const { error, busy, dismiss, attempt } = useAttempt()
  // Each opening of the dialog is about a copy of its own.
  useEffect(() => forgetSafeCopy, [])
  const save = () =>
    attempt(async () => {
      const chosen = await target.choose()
      if (chosen) saveSafeCopy(chosen, target.desktop)
    })
  const share = running && shareOf(running.view)
  const wrong = error ?? fault
  return (
    <Dialog onClose={onClose} size="lg" title={t('code.saveTitle', { name: report.name })}>
      <p className="dimmed dialog-lead">{t('code.saveLead')}</p>
      {saved ? (
        <output className="run-ending" data-testid="safe-copy">
          <span className="run-check">
            <CheckIcon />
          </span>
          <span>{t('code.saved', { name: saved.name })}</span>
        </output>
      ) : (
        <>
          <TargetFields label={t('compress.name')} target={target} />
          {running ? (
            <output className="job-status">
              <Loader size={14} />
              {t('code.saving')}
              {share === null ? null : ` · ${numbers.tickPercent(Math.floor(share * 100) / 100)}`}
            </output>
          ) : null}
        </>
      )}
      {wrong ? <ErrorBox error={wrong} onClose={error ? dismiss : forgetSafeCopy} /> : null}
      <div className="dialog-buttons">
        <Button
          color="gray"
          onClick={() => {
            if (running) cancelSafeCopy()
            onClose()
          }}
          variant="subtle"
        >
          {t(saved ? 'app.close' : 'app.cancel')}
        </Button>
        {saved ? (
          <Button
            onClick={() => {
              onClose()
              void openSafeCopy(saved)
            }}
          >
            {t('code.open')}
          </Button>
        ) : (
          <Button disabled={busy || running !== null || !target.ready} onClick={save}>
            {t('code.write')}
          </Button>
        )}
      </div>
    </Dialog>
  )
}
