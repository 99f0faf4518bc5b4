/** The page's language for components: translated texts, numbers, and what the engine and the host say. */
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { ErrorReport } from '../../core/errors.ts'
import { sentencesIn } from '../../core/messages/languages.ts'
import type { Message } from '../../core/messages/message.ts'
import { numbersIn } from '../../core/messages/numbers.ts'

export function useWords() {
  const { t, i18n } = useTranslation()
  const numbers = useMemo(() => numbersIn(i18n.language), [i18n.language])
  return { t, numbers, language: i18n.language }
}

/** Messages in the page's language. */
export function useSentences(): (said: Message | readonly Message[]) => string {
  const { i18n } = useTranslation()
  return useMemo(() => sentencesIn(i18n.language === 'zh-CN' ? 'zh-CN' : 'en'), [i18n.language])
}

/** What stands in the middle of a line elsewhere, at the beginning of one. */
export const atStart = (words: string): string => words.charAt(0).toLocaleUpperCase() + words.slice(1)

/** What went wrong, for people: what its origin said of it, under a title in the page's language. */
export function useErrorTitle(): (error: ErrorReport) => string {
  const { t } = useTranslation()
  return (error) => t(`errors.${error.code}`)
}
