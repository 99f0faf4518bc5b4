/** Puts a text on the clipboard and says so for a moment. */
import { Button } from '@mantine/core'
import { useTimeout } from '@mantine/hooks'
import { useState } from 'react'
import { copyText } from '../frame/download.ts'
import { useWords } from '../words/words.ts'

interface CopyButtonProps {
  readonly label: string
  readonly text: () => string
}

export function CopyButton({ label, text }: CopyButtonProps) {
  const { t } = useWords()
  const [copied, setCopied] = useState(false)
  const { start } = useTimeout(() => setCopied(false), 2000)
  return (
    <Button
      aria-live="polite"
      onClick={() => {
        copyText(text())
        setCopied(true)
        start()
      }}
      size="compact-sm"
      variant="subtle"
    >
      {copied ? t('runs.copied') : label}
    </Button>
  )
}
