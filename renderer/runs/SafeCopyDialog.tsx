/** Where the safe copy goes, how far it is, and that it is there. */
import { Button, Loader, Modal, TextInput } from '@mantine/core'
import { useEffect, useState } from 'react'
import { shareOf } from '../../core/client/job-view.ts'
import type { FileReport } from '../../core/contract.ts'
import { useAttempt } from '../frame/attempt.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { CheckIcon } from '../frame/icons.tsx'
import { useSession } from '../frame/session.ts'
import { stemOf } from '../model/recipes.ts'
import { createTarget, lastOutputFolder, pickTarget } from '../model/run-actions.ts'
import { cancelSafeCopy, forgetSafeCopy, openSafeCopy, saveSafeCopy, useSafeCopy } from '../model/safe-copy.ts'
import { useWork } from '../model/work.ts'
import { useWords } from '../words/words.ts'
import { FolderEntries, FolderTrail } from './FolderBrowser.tsx'
import { useFolders } from './folders.ts'

interface SafeCopyDialogProps {
  readonly report: FileReport
  readonly onClose: () => void
}

export function SafeCopyDialog({ report, onClose }: SafeCopyDialogProps) {
  const { t, numbers } = useWords()
  const desktop = useSession((state) => state.host?.kind === 'electron')
  const [name, setName] = useState(`${stemOf(report.name)}.safe.safetensors`)
  const folders = useFolders(lastOutputFolder)
  const folder = folders.trail.at(-1)
  const { saved, fault } = useSafeCopy()
  const running = useWork((state) => state.copy)
  const { error, busy, dismiss, attempt } = useAttempt()
  // Each opening of the dialog is about a copy of its own.
  useEffect(() => forgetSafeCopy, [])
  const save = () =>
    attempt(async () => {
      const target = desktop ? await pickTarget(name) : folder ? await createTarget(folder, name) : null
      // The system's own dialog asks before it names a file that exists.
      if (target) saveSafeCopy(target, desktop)
    })
  const share = running && shareOf(running.view)
  const wrong = error ?? fault
  return (
    <Modal
      closeButtonProps={{ 'aria-label': t('app.close') }}
      onClose={onClose}
      opened
      size="lg"
      title={t('code.saveTitle', { name: report.name })}
    >
      <p className="dimmed">{t('code.saveLead')}</p>
      {saved ? (
        <output className="run-ending" data-testid="safe-copy">
          <span className="run-check">
            <CheckIcon />
          </span>
          <span>{t('code.saved', { name: saved.name })}</span>
        </output>
      ) : (
        <>
          {desktop ? null : (
            <div className="target">
              <FolderTrail folders={folders} />
              <FolderEntries folders={folders} />
              <TextInput
                label={t('compress.name')}
                onChange={(event) => setName(event.currentTarget.value)}
                spellCheck={false}
                value={name}
              />
            </div>
          )}
          {running ? (
            <output className="job-status">
              <Loader size={14} />
              {t('code.saving')}
              {share === null ? null : ` · ${numbers.percent(Math.floor(share * 100) / 100)}`}
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
          <Button disabled={busy || running !== null || (!desktop && (!folder || name.trim() === ''))} onClick={save}>
            {t('code.write')}
          </Button>
        )}
      </div>
    </Modal>
  )
}
