/** What went wrong, where it went wrong: a title, and what its origin said of it, in the page's language. */
import { Alert } from '@mantine/core'
import type { ReactNode } from 'react'
import type { ErrorReport } from '../../core/errors.ts'
import { isCode } from '../../core/messages/message.ts'
import { useErrorTitle, useSentences, useWords } from '../words/words.ts'
import { WarningIcon } from './icons.tsx'

interface ErrorBoxProps {
  readonly error: ErrorReport
  readonly onClose?: () => void
  /** What can be done about it. */
  readonly children?: ReactNode
}

export function ErrorBox({ error, onClose, children }: ErrorBoxProps) {
  const { t } = useWords()
  const title = useErrorTitle()
  const sentences = useSentences()
  return (
    <Alert
      closeButtonLabel={t('app.close')}
      color="red"
      data-code={error.code}
      icon={<WarningIcon />}
      role="alert"
      title={error.said.some(isCode) ? t('errors.code') : title(error)}
      variant="light"
      {...(onClose ? { withCloseButton: true, onClose } : {})}
    >
      {sentences(error.said)}
      {children ? <div className="error-actions">{children}</div> : null}
    </Alert>
  )
}
