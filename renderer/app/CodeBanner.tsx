/** Above everything, while a file is open that would run code: what it would run, that it was not run, and the way out. It cannot be dismissed. */
import { Button } from '@mantine/core'
import { isCode } from '../../core/messages/message.ts'
import { useFile } from '../choices/file.ts'
import { useDialog } from '../frame/Dialog.tsx'
import { WarningIcon } from '../frame/icons.tsx'
import { closeFile } from '../model/file/file-actions.ts'
import { SafeCopyDialog } from '../runs/dialogs/SafeCopyDialog.tsx'
import { useSentences, useWords } from '../words/words.ts'

export function CodeBanner() {
  const { t, numbers } = useWords()
  const sentences = useSentences()
  const report = useFile((state) => state.report)
  const saving = useDialog()
  const code = report?.notices.filter(isCode) ?? []
  if (!report || code.length === 0) return null
  return (
    <div className="code-banner" data-testid="code-banner" role="alert">
      <span className="code-banner-icon">
        <WarningIcon size={22} />
      </span>
      <div className="code-banner-text">
        <strong>{sentences(code)}</strong>
        <p>{t('code.explain', { count: report.tensors.length, number: numbers.count(report.tensors.length) })}</p>
      </div>
      <div className="code-banner-buttons">
        <Button color="gray" onClick={() => void closeFile()} size="sm" variant="subtle">
          {t('code.close')}
        </Button>
        <Button className="code-banner-save" onClick={saving.open} size="sm">
          {t('code.save')}
        </Button>
      </div>
      {saving.opened ? <SafeCopyDialog onClose={saving.close} report={report} /> : null}
    </div>
  )
}
